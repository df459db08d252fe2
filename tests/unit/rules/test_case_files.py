"""Test files of rules: what passes, what fails and how it is told, what cannot be read."""

import math
import re
from pathlib import Path

import pytest

from app.catalog import load_statistic_catalog
from app.errors import RuleError
from app.rules import load_rule_directory
from app.rules.cases import find_case_files
from app.rules.testing import CaseFileResult, run_case_file

BASE = "amazonaws_com_AWS_DynamoDB_"
LATENCY = "SuccessfulRequestLatency"
RULES = """
metricPrefix: p
filter: "{ tags -> tags.cloud_account_id || tags.host }"
expPrefix: "tag({tags -> tags.svc = tags.cloud_account_id ?: tags.host})"
metricsRules:
  - name: consumed
    exp: C_sum.sum(['TableName', 'cloud_region', 'svc']).endpoint(['svc'], ['TableName'], Layer.L)
  - name: by_operation
    exp: L_p99.max(['svc', 'Operation']).service(['svc'], Layer.L)
  - name: third
    exp: C_sum.sum(['svc']).service(['svc'], Layer.L) / 3
  - name: smallest
    exp: C_min.min(['svc']).service(['svc'], Layer.L)
  - name: largest
    exp: C_max.max(['svc']).service(['svc'], Layer.L)
  - name: load
    exp: load.sum(['svc']).service(['svc'], Layer.L)
""".replace(" C_", f" {BASE}ConsumedReadCapacityUnits_").replace(" L_", f" {BASE}{LATENCY}_")
CASES = """defaults:
  points: {account: 1, region: r, namespace: AWS/DynamoDB, time: 2026-01-31T12:00:00Z,
    dimensions: {TableName: t}}
  values: {service: 1, region: r, endpoint: t}
tests:
  - name: a table
    points:
      - {metric: ConsumedReadCapacityUnits, count: 4, sum: 10, min: 1, max: 7}
    values:
      - {metric: p_consumed, value: 10}
"""

TABLE = "{endpoint: t, region: r, service: 1}"
NOON = "at 2026-01-31T12:00Z"


def run(tmp_path: Path, cases: str, rules: str = RULES) -> CaseFileResult:
    (tmp_path / "x.yaml").write_text(rules)
    path = tmp_path / "x.test.yaml"
    path.write_text(cases)
    return run_case_file(path, load_statistic_catalog())


def differences(tmp_path: Path, cases: str) -> list[str]:
    result = run(tmp_path, cases)
    return [difference for case in result.cases for difference in case.differences]


def test_a_test_passes(tmp_path: Path) -> None:
    result = run(tmp_path, CASES)
    assert [case.differences for case in result.cases] == [()]
    assert result.failed == 0
    assert result.covered == {"p_consumed"}
    assert result.metrics >= {"p_consumed", "p_load"}


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("value: 10", "value: 11", "expected 11.0 (line 10), got 10.0"),
        ("value: 10", "value: 10.000000000000002", "expected 10.000000000000002 (line 10)"),
        (
            "{metric: p_consumed, value: 10}",
            "{metric: p_consumed, endpoint: u, value: 10}",
            f"p_consumed {TABLE} {NOON}: expected nothing, got 10.0",
        ),
        (
            "{metric: p_consumed, value: 10}",
            "{metric: p_consumed, labels: {a: b}, value: 10}",
            f"p_consumed {TABLE} {{a: b}} {NOON}: expected 10.0 (line 10), got nothing",
        ),
        ("value: 10}", "value: 10, time: 2026-01-31T12:01:00Z}", "12:01Z: expected 10.0 (line 10)"),
        ("p_consumed,", "p_consumd,", "p_consumd is not a metric of x.yaml"),
        (
            "    values:\n      - {metric: p_consumed, value: 10}\n",
            "    only: [p_consumed]\n",
            "expected nothing, got 10.0",
        ),
        ("metric: ConsumedRead", "metric: ConsumedWrite", "expected 10.0 (line 10), got nothing"),
    ],
)
def test_every_kind_of_difference_is_told(
    tmp_path: Path, old: str, new: str, difference: str
) -> None:
    changed = CASES.replace(old, new)
    assert changed != CASES
    found = differences(tmp_path, changed)
    assert any(difference in text for text in found), found


def test_a_value_too_many_fails(tmp_path: Path) -> None:
    more = CASES.replace(
        "    values:",
        "      - {metric: ConsumedReadCapacityUnits, region: q, value: 1}\n    values:",
    )
    assert differences(tmp_path, more) == [
        f"p_consumed {TABLE.replace('r,', 'q,')} {NOON}: expected nothing, got 1.0"
    ]


def test_metrics_that_are_not_named_may_have_any_value(tmp_path: Path) -> None:
    values = CASES.replace(
        "p_consumed, value: 10", "p_smallest, endpoint: '', region: '', value: 1"
    )
    assert differences(tmp_path, values) == []


def test_numbers_are_compared_to_the_last_bit_unless_said_otherwise(tmp_path: Path) -> None:
    third = CASES.replace("p_consumed, value: 10", "p_third, endpoint: '', region: '', value: V")
    assert differences(tmp_path, third.replace("V", repr(10 / 3))) == []
    off = third.replace("V", repr(math.nextafter(10 / 3, 4)))
    assert len(differences(tmp_path, off)) == 1
    assert differences(tmp_path, off.replace("    points:", "    approx: 1e-12\n    points:")) == []
    worse = third.replace("V", "3.34").replace("    points:", "    approx: 1e-12\n    points:")
    assert len(differences(tmp_path, worse)) == 1


@pytest.mark.parametrize(
    ("statistics", "smallest", "largest"),
    [("value: 5", 5, 5), ("count: 4, sum: 10", 2.5, 2.5), ("count: 4, sum: 10, max: 9", 2.5, 9)],
)
def test_statistics_that_are_left_out(
    tmp_path: Path, statistics: str, smallest: float, largest: float
) -> None:
    cases = CASES.replace("count: 4, sum: 10, min: 1, max: 7", statistics)
    values = "      - {metric: p_%s, endpoint: '', region: '', value: %s}\n"
    head = cases.partition("      - {metric: p_consumed")[0]
    assert (
        differences(
            tmp_path, head + values % ("smallest", smallest) + values % ("largest", largest)
        )
        == []
    )


def test_extra_statistics_and_labels(tmp_path: Path) -> None:
    cases = """
defaults:
  points: {account: 1, namespace: AWS/DynamoDB, time: 2026-01-31T12:00:00Z,
    metric: SuccessfulRequestLatency, dimensions: {Operation: Query}, count: 1, sum: 2}
tests:
  - name: two tables
    points:
      - {dimensions: {TableName: t}, extras: {p99: 1.5}}
      - {dimensions: {TableName: u}, extras: {p99: 2.5}}
    values:
      - {metric: p_by_operation, service: 1, labels: {Operation: Query}, value: 2.5}
"""
    assert differences(tmp_path, cases) == []


@pytest.mark.parametrize("kind", ["gauge", "sum_delta", "sum_cumulative"])
def test_points_of_other_sources(tmp_path: Path, kind: str) -> None:
    cases = f"""
defaults:
  points: {{kind: {kind}, time: 2026-01-31T12:00:00Z, account: ignored, resource: {{host: h}}}}
tests:
  - name: two series
    points:
      - {{metric: load, labels: {{cpu: 0}}, value: 1.5}}
      - {{metric: load, labels: {{cpu: 1}}, value: 2}}
    values:
      - {{metric: p_load, service: h, value: 3.5}}
"""
    assert differences(tmp_path, cases) == []


@pytest.mark.parametrize("kind", ["histogram_delta", "histogram_cumulative"])
def test_histograms_are_decoded(tmp_path: Path, kind: str) -> None:
    rules = RULES.replace("exp: load.sum", "exp: load_count.sum")
    cases = f"""
tests:
  - name: a histogram
    points:
      - {{kind: {kind}, metric: load, resource: {{host: h}}, time: 2026-01-31T12:00:00Z,
         count: 3, sum: 1.5, buckets: {{0.5: 2, 1: 1, .inf: 0}}}}
    values:
      - {{metric: p_load, service: h, value: 3}}
"""
    result = run(tmp_path, cases, rules)
    assert [case.differences for case in result.cases] == [()]


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("tests:", "test:", 5, "unknown key 'test'"),
        (CASES, "a: [", 1, "not valid YAML"),
        (CASES, "", 1, "a mapping with the keys rules, defaults, tests is expected"),
        (CASES, "- a", 1, "a mapping with the keys rules, defaults, tests is expected"),
        (CASES, "rules: [x.yaml]", 1, "tests, a list of tests, is missing"),
        ("  - name: a table\n    points", "  - points", 6, "name is missing"),
        ("  values: {service", "  value: {service", 4, "unknown key 'value'"),
        ("count: 4,", "cuont: 4,", 8, "unknown key 'cuont'"),
        ("count: 4,", "count: four,", 8, "a number is expected"),
        ("count: 4,", "count: true,", 8, "a number is expected"),
        ("count: 4,", "", 8, "count is missing"),
        ("count: 4,", "count: 4, count: 4,", 8, "count is given twice"),
        ("count: 4,", "count: 4, value: 1,", 8, "either value or count"),
        ("count: 4,", "count: .inf,", 8, "a finite number is expected"),
        ("count: 4,", "count: .nan,", 8, "a number is expected"),
        ("metric: Consumed", "kind: gauges, metric: Consumed", 8, "no kind 'gauges'"),
        ("2026-01-31T12:00:00Z", "yesterday", 2, "a time such as 2026-01-31T12:00:00Z is"),
        ("2026-01-31T12:00:00Z", "1970-01-01T00:00:00Z", 8, "missing or absurd"),
        ("time: 2026-01-31T12:00:00Z,", "", 8, "time is missing"),
        (", value: 10}", "}", 10, "value is missing"),
        ("metric: p_consumed, ", "", 10, "metric is missing"),
        ("service: 1", "servce: 1", 4, "unknown key 'servce'"),
        ("dimensions: {TableName: t}", "dimensions: [TableName]", 3, "a mapping is expected"),
        ("    values:", "    approx: 2\n    values:", 9, "approx is a relative tolerance"),
        ("    values:\n      - {metric: p_consumed, value: 10}\n", "", 6, "names no metric"),
    ],
)
def test_a_faulty_test_file_says_what_and_where(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    changed = CASES.replace(old, new)
    assert changed != CASES
    with pytest.raises(RuleError, match=re.escape(message)) as caught:
        run(tmp_path, changed)
    assert caught.value.line == line
    assert "x.test.yaml" in caught.value.file


def test_a_value_and_a_point_are_given_once(tmp_path: Path) -> None:
    value = "      - {metric: p_consumed, value: 10}\n"
    with pytest.raises(RuleError, match="p_consumed is given twice"):
        run(tmp_path, CASES + value)
    point = "      - {metric: ConsumedReadCapacityUnits, value: 1}\n"
    with pytest.raises(RuleError, match="another point of this time") as caught:
        run(tmp_path, CASES.replace("    values:", f"{point}    values:"))
    assert caught.value.line == 9


def test_values_of_points_of_several_minutes_need_a_time(tmp_path: Path) -> None:
    point = "      - {metric: ConsumedReadCapacityUnits, value: 1, time: 2026-01-31T12:01:00Z}\n"
    with pytest.raises(RuleError, match="the points are not of one minute"):
        run(tmp_path, CASES.replace("    values:", f"{point}    values:"))


@pytest.mark.parametrize(
    "buckets", ["{0.5: 2}", "{1: 1, 0.5: 2, .inf: 0}", "{}", "{a: 1, .inf: 0}", "[1]"]
)
def test_buckets_end_at_infinity(tmp_path: Path, buckets: str) -> None:
    point = "{kind: histogram_delta, metric: m, count: 3, sum: 1, buckets: %s}" % buckets  # noqa: UP031
    cases = CASES.replace(
        "{metric: ConsumedReadCapacityUnits, count: 4, sum: 10, min: 1, max: 7}", point
    )
    with pytest.raises(RuleError, match=r"upper bound|number is expected|mapping is expected"):
        run(tmp_path, cases)


def test_the_rules_under_test_are_those_beside_or_those_named(tmp_path: Path) -> None:
    named = "rules: [x.yaml]\n" + CASES
    assert run(tmp_path, named).failed == 0
    with pytest.raises(RuleError, match=r"other\.yaml: the file cannot be read"):
        run(tmp_path, "rules: [other.yaml]\n" + CASES)
    with pytest.raises(RuleError, match=r"x\.yaml:1:1: metricsRules"):
        run(tmp_path, CASES, "metricPrefix: p")


def test_a_rule_that_fails_is_a_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr("app.mal.emission.Emission.evaluate", fail)
    found = differences(tmp_path, CASES)
    assert any("p_consumed failed at 2026-01-31T12:00Z" in text for text in found)


def test_test_files_are_found_and_are_no_rule_files(tmp_path: Path) -> None:
    run(tmp_path, CASES)
    path = tmp_path / "x.test.yaml"
    for place in (tmp_path, path, tmp_path / "x.yaml"):
        assert find_case_files(place) == [path]
    assert [file.path for file in load_rule_directory(tmp_path)] == ["x.yaml"]
