"""Tests of alarm rules in YAML: what passes, what differs, and what cannot be read."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.alarms.testing import AlarmCaseFileResult, run_alarm_cases
from app.cli import application
from app.errors import AlarmRuleError
from tests.unit.alarms.rule_files import write

RULES = """\
alarms:
  - name: Throttled
    metric: {namespace: AWS/DynamoDB, name: ReadThrottleEvents, statistic: Sum}
    for_each: [TableName]
    comparison: ">="
    threshold: 4
    missing_data: notBreaching
    message: "{TableName}: {value}"
    overrides:
      - match: {TableName: big}
        severity: critical
  - name: Slow
    metric: {namespace: AWS/DynamoDB, name: SuccessfulRequestLatency, statistic: p99}
    for_each: [TableName]
    comparison: ">"
    threshold: 100
  - name: Jump
    expression: |
      sum by (account, region) (increase(aws_dynamodb_UserErrors_sum[5m]))
        - (sum by (account, region) (increase(aws_dynamodb_UserErrors_sum[5m] offset 1d)))
    comparison: ">"
    threshold: 1000
    missing_data: notBreaching
  - name: Sum
    expression: sum by (account, region) (sum_over_time(aws_dynamodb_UserErrors_sum[5m]))
    comparison: ">"
    threshold: 10
    period: 5m
    missing_data: notBreaching
  - name: Undecodable
    quarantined: records
    comparison: ">="
    threshold: 3
    missing_data: notBreaching
"""
CASES = """\
defaults:
  start: 2026-01-31T12:00:00Z
  series: {account: 1, region: eu, namespace: AWS/DynamoDB, metric: ReadThrottleEvents}
  entity: {account: 1, region: eu}
tests:
  - name: a table
    series:
      - {dimensions: {TableName: t}, values: "0 5x1 _ 1"}
      - {dimensions: {TableName: big}, values: "4"}
      - {dimensions: {TableName: calm}, values: "0x4"}
    until: 10m
    expect:
      - {alarm: Throttled, entity: {TableName: t}, transitions: "1m OK, 2m ALARM, 4m OK"}
      - alarm: Throttled
        entity: {TableName: big}
        transitions:
          - {at: 1m, state: ALARM, severity: critical, message: "big: 4", value: 4}
          - {at: 2026-01-31T12:02:00Z, state: OK, message: "big: no data"}
"""


def run(directory: Path, cases: str, rules: str = RULES) -> AlarmCaseFileResult:
    write(directory, rules)
    return run_alarm_cases(write(directory, cases, "x.test.yaml"))


def differences(directory: Path, cases: str) -> list[str]:
    (result,) = run(directory, cases).cases
    return list(result.differences)


def test_transitions_that_are_all_expected(tmp_path: Path) -> None:
    result = run(tmp_path, CASES)
    assert [case.differences for case in result.cases] == [()]
    assert result.fired == {"Throttled"}
    assert result.alarms >= {"Throttled", "Jump"}


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("4m OK", "5m OK", "at 4m (2026-01-31T12:04Z): expected nothing, got OK: Within the"),
        ("4m OK", "5m OK", "at 5m (2026-01-31T12:05Z): expected OK (line 13), got nothing"),
        (", 4m OK", "", "at 4m (2026-01-31T12:04Z): expected nothing, got OK: Within the thresh"),
        ("2m ALARM", "2m OK", "at 2m (2026-01-31T12:02Z): expected OK (line 13), got ALARM: Thr"),
        ("severity: critical", "severity: info", "expected info (line 17), got critical"),
        ('"big: 4"', '"big: 5"', "expected the message 'big: 5' (line 17), got 'big: 4'"),
        ("value: 4}", "value: 5}", "expected the value 5.0 (line 17), got 4.0"),
        ("TableName: calm", "TableName: c}, count: 1, sum: 5, extras: {p99: 1", ""),
        ("0x4", "0x3 9", "{TableName: calm, account: 1, region: eu}: expected no alarm, got ALARM"),
        ("alarm: Throttled, ", "alarm: Throtled, ", "there is no alarm 'Throtled'; similar: Thro"),
    ],
)
def test_what_differs_is_told(tmp_path: Path, old: str, new: str, difference: str) -> None:
    changed = CASES.replace(old, new, 1)
    assert changed != CASES
    if not difference:
        with pytest.raises(AlarmRuleError, match="either values or count"):
            run(tmp_path, changed)
        return
    assert any(difference in each for each in differences(tmp_path, changed))


def test_an_alarm_that_must_be_quiet(tmp_path: Path) -> None:
    quiet = CASES[: CASES.index("    expect")] + "    quiet: [Throttled]\n"
    told = differences(tmp_path, quiet)
    assert len(told) == 2
    assert all("expected no alarm, got ALARM" in each for each in told)
    assert differences(tmp_path, quiet.replace("5x1", "0x1").replace('"4"', '"3"')) == []


def test_extra_statistics_and_their_absence(tmp_path: Path) -> None:
    cases = """
tests:
  - name: p99 comes and goes
    start: 2026-01-31T12:00:00Z
    series:
      - account: 1
        namespace: AWS/DynamoDB
        metric: SuccessfulRequestLatency
        dimensions: {TableName: t}
        count: "10x4"
        sum: "100x4"
        extras: {p99: "50 150 _ 150 50"}
    expect:
      - {alarm: Slow, entity: {TableName: t, account: 1},
         transitions: "1m OK, 2m ALARM, 3m INSUFFICIENT_DATA, 4m ALARM, 5m OK"}
"""
    assert differences(tmp_path, cases) == []


def test_the_day_before_and_coarse_periods(tmp_path: Path) -> None:
    cases = """
defaults:
  series: {account: 1, region: eu, namespace: AWS/DynamoDB, metric: UserErrors}
  entity: {account: 1, region: eu}
  start: 2026-01-31T12:01:00Z
tests:
  - name: every five minutes
    series: [{values: "1 20 1 1", every: 5m}]
    expect: [{alarm: Sum, transitions: "4m OK, 9m ALARM, 14m OK"}]
  - name: as the day before
    series:
      - {start: -1d, values: "500x30"}
      - {values: "500x30"}
    quiet: [Jump]
"""
    result = run(tmp_path, cases)
    assert [case.differences for case in result.cases] == [(), ()]


def test_records_that_cannot_be_decoded(tmp_path: Path) -> None:
    cases = """
tests:
  - name: four in a minute
    start: 2026-01-31T12:00:00Z
    quarantined: [{account: "1", region: eu-west-1, values: "1 4"}]
    until: 5m
    expect:
      - alarm: Undecodable
        entity: {account: "1", region: eu-west-1}
        transitions: "1m OK, 2m ALARM, 3m OK"
"""
    assert differences(tmp_path, cases.replace('"1"', '"111122223333"')) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("tests:", "test:", 5, "unknown key 'test'"),
        (CASES, "rules: [x.yaml]", 1, "tests, a list of tests, is missing"),
        ("  - name: a table\n    series", "  - series", 6, "name is missing"),
        ("  start: 2026-01-31T12:00:00Z\n", "", 5, "start, the time of the first value, is miss"),
        ("12:00:00Z\n", "12:00:30Z\n", 2, "start is a whole minute"),
        ("until: 10m", "until: 0m", 11, "the test ends before its first datapoint"),
        ("until: 10m", "until: soon", 11, "a duration after the start such as 5m, or a time"),
        ("metric: Read", "metrik: Read", 3, "unknown key 'metrik'"),
        (", metric: ReadThrottleEvents", "", 8, "metric is missing"),
        ("0 5x1 _ 1", "0 5x1 ? 1", 8, "'?' is no point"),
        ("0 5x1 _ 1", "0 stale 1", 8, "stale is for tests of queries"),
        ("0 5x1 _ 1", "0 NaN", 8, "CloudWatch has no value nan"),
        ('values: "4"', 'count: "1"', 9, "sum is missing"),
        ('values: "4"', 'count: "1", sum: "1 2"', 9, "as many values: count has 1, sum has 2"),
        ('values: "4"', 'values: "4", every: 30s', 9, "a multiple of 1m is expected"),
        ("1m OK, 2m ALARM", "2m ALARM, 1m OK", 13, "in the order of their times"),
        ("1m OK", "1m FINE", 13, "'FINE' is none of OK, ALARM, INSUFFICIENT_DATA"),
        ("1m OK", "OK", 13, "'OK' is not a time and a state such as 4m ALARM"),
        ("at: 1m, ", "", 17, "at is missing"),
        ("TableName: big}\n        tr", "TableName: t}\n        tr", 6, "expected twice"),
        (CASES[CASES.index("    expect") :], "", 6, "the test names no alarm"),
    ],
)
def test_a_faulty_test_file_says_what_and_where(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    changed = CASES.replace(old, new, 1)
    assert changed != CASES
    with pytest.raises(AlarmRuleError, match=re.escape(message)) as caught:
        run(tmp_path, changed)
    assert caught.value.line == line
    assert "x.test.yaml" in caught.value.file


def test_a_point_that_a_server_would_set_aside(tmp_path: Path) -> None:
    unit = CASES.replace('values: "4"', f'unit: {"x" * 5000}, values: "4"')
    with pytest.raises(AlarmRuleError) as caught:
        run(tmp_path, unit)
    assert caught.value.line == 9


def test_the_command_tells_files_and_differences(tmp_path: Path) -> None:
    run(tmp_path, CASES)
    passed = CliRunner().invoke(application, ["alarms", "test", str(tmp_path)])
    assert passed.exit_code == 0
    path = tmp_path / "x.test.yaml"
    assert passed.output == f"{path}: passed, 1 test\n1 passed, 0 failed\n"
    write(tmp_path, CASES.replace("4m OK", "5m OK"), "x.test.yaml")
    failed = CliRunner().invoke(application, ["alarms", "test", str(tmp_path / "x.yaml")])
    assert failed.exit_code == 1
    first, name, *told, summary = failed.output.splitlines()
    assert first == f"{path}: FAILED, 1 of 1 test"
    assert name == f"  a table ({path}:6)"
    assert len(told) == 2
    assert summary == "0 passed, 1 failed"
