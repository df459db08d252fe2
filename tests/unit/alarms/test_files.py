"""Files of alarm rules: what they hold, and every error at its place."""

import re
from pathlib import Path

import pytest

from app.alarms.conditions import Comparison, Condition, MissingData
from app.alarms.files import alarm_rule_paths, load_alarm_rules, read_alarm_files
from app.alarms.rules import ExpressionSource, MetricSource, QuarantineSource, Severity
from app.errors import AlarmRuleError
from tests.unit.alarms.rule_files import THROTTLED, rule_of, write

EXPRESSION = """\
alarms:
  - name: Utilisation
    expression: |
      100 * sum by (account, region, TableName) (ConsumedReadCapacityUnits_sum)
        / on (account, region, TableName) max by (account, region, TableName) (Provisioned * 60)
    for_each: [TableName]
    comparison: ">"
    threshold: 70
"""


def test_all_of_a_rule(tmp_path: Path) -> None:
    rule = rule_of(tmp_path, THROTTLED)
    assert rule.name == "ReadThrottled"
    assert rule.severity is Severity.WARNING
    assert rule.source == MetricSource("AWS/DynamoDB", "ReadThrottleEvents", "Sum", ())
    assert rule.for_each == ("TableName",)
    assert rule.condition == Condition(
        comparison=Comparison.GREATER_OR_EQUAL,
        threshold=4.0,
        recovery_threshold=2.0,
        period_ms=60_000,
        evaluation_periods=3,
        datapoints_to_alarm=2,
        missing_data=MissingData.IGNORE,
        stale_after_ms=3_600_000,
    )
    assert rule.condition.warm_up == 59
    assert rule.labels == (("team", "storage"),)
    assert rule.channels == ("ops",)
    assert [override.line for override in rule.overrides] == [24, 27]
    assert rule.place == "x.yaml:2"
    assert rule.enabled


def test_what_is_left_out_has_defaults(tmp_path: Path) -> None:
    rule = rule_of(tmp_path, EXPRESSION)
    assert isinstance(rule.source, ExpressionSource)
    assert rule.severity is Severity.WARNING
    condition = rule.condition
    assert (condition.period_ms, condition.evaluation_periods) == (60_000, 1)
    assert (condition.datapoints_to_alarm, condition.missing_data) == (1, MissingData.MISSING)
    assert (condition.recovery_threshold, condition.stale_periods) == (None, 1)
    assert rule.message.text == "{alarm} of {TableName} is {state}: {value}, threshold {threshold}"


def test_ignoring_is_for_an_hour_unless_the_rule_says_otherwise(tmp_path: Path) -> None:
    rule = rule_of(tmp_path, THROTTLED.replace("    stale_after: 1h\n", ""))
    assert rule.condition.stale_periods == 60
    rule = rule_of(tmp_path, THROTTLED.replace("stale_after: 1h", "stale_after: 2m"))
    assert rule.condition.stale_periods == 2


def test_counting_the_quarantine(tmp_path: Path) -> None:
    text = "alarms: [{name: Q, quarantined: records, comparison: '>', threshold: 0}]"
    assert rule_of(tmp_path, text).source == QuarantineSource("records")


def test_entities_left_out_and_overridden(tmp_path: Path) -> None:
    rule = rule_of(tmp_path, THROTTLED)
    base = {"account": "1", "region": "eu"}
    assert rule.for_entity(tuple({**base, "TableName": "a-test"}.items())) is None
    plain = rule.for_entity(tuple({**base, "TableName": "stock"}.items()))
    assert plain is not None
    assert (plain.condition, plain.severity) == (rule.condition, Severity.WARNING)
    orders = rule.for_entity(tuple({**base, "TableName": "orders"}.items()))
    assert orders is not None
    assert orders.condition.threshold == 100.0
    assert orders.severity is Severity.WARNING, "the first override counts, and no other"
    prices = rule.for_entity(tuple({**base, "TableName": "prices"}.items()))
    assert prices is not None
    assert (prices.condition.threshold, prices.severity) == (4.0, Severity.CRITICAL)


def test_an_included_entity_matches_all_labels(tmp_path: Path) -> None:
    patterns = "include: {TableName: ['prod-*', orders], region: 'eu-*'}"
    rule = rule_of(tmp_path, THROTTLED.replace('exclude: {TableName: ["*-test"]}', patterns))
    names = [("prod-a", "eu-1"), ("orders", "eu-1"), ("orders", "us-1"), ("Prod-a", "eu-1")]
    included = [
        rule.for_entity((("TableName", table), ("region", region))) is not None
        for table, region in names
    ]
    assert included == [True, True, False, False]


def test_an_excluded_entity_matches_all_labels(tmp_path: Path) -> None:
    patterns = "exclude: {TableName: ['*-test'], region: 'eu-*'}"
    rule = rule_of(tmp_path, THROTTLED.replace('exclude: {TableName: ["*-test"]}', patterns))
    assert rule.for_entity((("TableName", "a-test"), ("region", "eu-1"))) is None
    assert rule.for_entity((("TableName", "a-test"), ("region", "us-1"))) is not None


def test_a_rule_is_switched_off_for_some_or_for_all_but_some(tmp_path: Path) -> None:
    off = THROTTLED.replace("        threshold: 100\n        recovery_threshold: 50", "%s")
    rule = rule_of(tmp_path, off % "        enabled: false")
    assert rule.for_entity((("TableName", "orders"),)) is None
    assert rule.for_entity((("TableName", "stock"),)) is not None
    rule = rule_of(
        tmp_path,
        (off % "        enabled: true")
        .replace("threshold: 4", "threshold: 4\n    enabled: no")
        .replace("enabled: no", "enabled: false"),
    )
    assert rule.for_entity((("TableName", "orders"),)) is not None
    assert rule.for_entity((("TableName", "stock"),)) is None
    assert rule.for_entity((("TableName", "prices"),)) is None


def test_overridden_periods_take_a_default_of_datapoints_along(tmp_path: Path) -> None:
    text = THROTTLED.replace("    datapoints_to_alarm: 2\n", "").replace(
        "        threshold: 100\n        recovery_threshold: 50", "        evaluation_periods: 5"
    )
    orders = rule_of(tmp_path, text).for_entity((("TableName", "orders"),))
    assert orders is not None
    assert orders.condition.datapoints_to_alarm == 5


def test_a_digest_stands_for_what_decides_on_states(tmp_path: Path) -> None:
    rule = rule_of(tmp_path, THROTTLED)
    for old, new in [("minute", "period"), ("[ops]", "[chat]"), ("warning", "info")]:
        assert rule_of(tmp_path, THROTTLED.replace(old, new)).digest == rule.digest, old
    for old, new in [("threshold: 4", "threshold: 5"), ("*-test", "*-tests"), ("1h", "2h")]:
        assert rule_of(tmp_path, THROTTLED.replace(old, new)).digest != rule.digest, old
    before = load_alarm_rules(tmp_path).digest
    write(tmp_path, THROTTLED.replace("[ops]", "[chat]"))
    assert load_alarm_rules(tmp_path).digest != before


def test_tests_and_hidden_files_are_no_rules(tmp_path: Path) -> None:
    write(tmp_path, THROTTLED)
    write(tmp_path, "not a rule", "x.test.yaml")
    write(tmp_path / ".git", "not a rule")
    write(tmp_path / "more", EXPRESSION, "y.yml")
    assert [rule.place for rule in load_alarm_rules(tmp_path).rules] == ["more/y.yml:2", "x.yaml:2"]


def test_a_name_is_given_once_over_all_files(tmp_path: Path) -> None:
    write(tmp_path, THROTTLED, "a.yaml")
    write(tmp_path, "# the second\n" + THROTTLED, "b.yaml")
    with pytest.raises(AlarmRuleError, match=re.escape("is also defined at a.yaml:2")) as caught:
        load_alarm_rules(tmp_path)
    assert (caught.value.file, caught.value.line) == ("b.yaml", 3)


def test_a_missing_directory(tmp_path: Path) -> None:
    with pytest.raises(AlarmRuleError, match=r"directory of alarm rules .* does not exist"):
        load_alarm_rules(tmp_path / "none")


def test_all_errors_of_all_files_are_told(tmp_path: Path) -> None:
    write(tmp_path, THROTTLED.replace("severity: warning", "severity: bad\n    colour: red"))
    write(tmp_path, EXPRESSION + "  - name: 1\n    threshold: x\n", "y.yaml")
    found = read_alarm_files(alarm_rule_paths(tmp_path))
    told = [(error.file, error.line, error.reason.split(";")[0][:40]) for error in found.errors]
    assert told == [
        ("x.yaml", 4, "'bad' is none of info, warning, critical"),
        ("x.yaml", 5, "unknown key 'colour'"),
        ("y.yaml", 9, "metric, expression or quarantined is mi"[:40] + "s"),
        ("y.yaml", 9, "comparison is missing"),
        ("y.yaml", 9, "'1' is not a name of an alarm: a letter,"),
        ("y.yaml", 10, "a number is expected"),
    ]
    assert [rule.name for rule in found.rules.rules] == ["Utilisation"]


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        (THROTTLED, "", "1:1", "a mapping with the keys alarms is expected"),
        (THROTTLED, "alarms: 1", "1:9", "a list is expected"),
        (THROTTLED, "alarm: []", "1:1", "unknown key 'alarm'; similar: alarms"),
        (THROTTLED, "alarms: [", "1:10", "not valid YAML"),
        ("- name: ReadThrottled", "- name: Read Throttled", "2:11", "is not a name of an alarm"),
        (
            "    threshold: 4",
            "    treshold: 4",
            "13:5",
            "unknown key 'treshold'; similar: threshold",
        ),
        ("    threshold: 4", "    threshold: many", "13:16", "a number is expected"),
        ("    threshold: 4", "    threshold: .inf", "13:16", "a finite number is expected"),
        ('">="', '"=>"', "12:17", "'=>' is none of >, >=, <, <="),
        ("period: 1m", "period: 90s", "15:13", "a multiple of 1m is expected, from 1m to 1d"),
        ("period: 1m", "period: 2d", "15:13", "a multiple of 1m is expected, from 1m to 1d"),
        ("period: 1m", "period: 60", "15:13", "'60' is not a duration such as 1m"),
        ("period: 1m", "period: soon", "15:13", "'soon' is not a duration such as 1m"),
        ("_periods: 3", "_periods: 0", "16:25", "a whole number from 1 to 1440 is expected"),
        ("_to_alarm: 2", "_to_alarm: 4", "17:26", "4 datapoints to alarm of 3 evaluation periods"),
        ("ignore", "notbreaching", "18:19", "similar: notBreaching"),
        ("stale_after: 1h", "stale_after: 30s", "19:18", "a multiple of 1m is expected"),
        ("period: 1m", "period: 2h", "19:18", "stale_after is shorter than the period"),
        (
            "ignore",
            "breaching",
            "19:18",
            "stale_after has no effect where missing data is breaching",
        ),
        (
            "threshold: 2",
            "threshold: 5",
            "14:25",
            "the recovery threshold 5 is above the threshold 4",
        ),
        ('">="', '"<"', "14:25", "the recovery threshold 2 is below the threshold 4"),
        ("statistic: Sum", "statistic: sum", "9:18", "'sum' is not a statistic"),
        ("statistic: Sum", "statistic: Sum\n      unit: s", "10:7", "unknown key 'unit'"),
        ("[TableName]", "[region]", "10:16", "region always tells entities apart; leave it out"),
        ("[TableName]", "[TableName, TableName]", "10:27", "'TableName' is given twice"),
        (
            "{TableName: [",
            "{Tablename: [",
            "11:15",
            "unknown label 'Tablename'; similar: TableName",
        ),
        ('["*-test"]', '["[a"]', "11:28", "the [ of the pattern '[a' is not closed"),
        ('["*-test"]', "[]", "11:26", "a list of patterns is empty"),
        ("{team:", "{region:", "20:14", "region is a label that an alert has already"),
        ("{team:", "{my-team:", "20:14", "'my-team' is not a label"),
        ('"{TableName}', '"{Tablename}', "21:15", "unknown placeholder 'Tablename'; similar: "),
        ("{value} in", "{value!r} in", "21:28", "a placeholder is a name in braces"),
        ("{value} in", "{value:.1f} in", "21:28", "what follows a colon is the text around"),
        ("{value} in", "{TableName: of} in", "21:28", "with {} for the value"),
        ("{value} in", "{TableName:{}{}} in", "21:28", "with {} for the value"),
        ("{value} in", "{Nowhere: of {}} in", "21:28", "Nowhere"),
        ("{value} in", "{value in", "21:15", "expected '}' before end of string"),
        ("{TableName: orders}", "{Table: orders}", "24:17", "unknown label 'Table'"),
        ("{TableName: orders}", "{}", "24:16", "match names no label"),
        ("threshold: 100", "treshold: 100", "25:9", "unknown key 'treshold'"),
        ("        recovery_threshold: 50\n", "", "25:20", "give one to this threshold too"),
        ("threshold: 50", "threshold: 500", "26:29", "500 is above the threshold 100"),
        ("severity: critical", "evaluation_periods: 1", "28:29", "2 datapoints to alarm of 1"),
        ("        severity: critical\n", "", "27:9", "the override changes nothing"),
        ("critical", "fatal", "28:19", "'fatal' is none of info, warning, critical"),
        ("[ops]", "[ops, ops]", "22:21", "the channel 'ops' is given twice"),
    ],
)
def test_an_error_says_what_and_where(
    tmp_path: Path, old: str, new: str, place: str, message: str
) -> None:
    changed = THROTTLED.replace(old, new, 1)
    assert changed != THROTTLED
    write(tmp_path, changed)
    with pytest.raises(AlarmRuleError, match=re.escape(message)) as caught:
        load_alarm_rules(tmp_path)
    assert f"{caught.value.line}:{caught.value.column}" == place, caught.value
    assert caught.value.file == "x.yaml"


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("Provisioned * 60", "Provisioned * ", "5:94", "not PromQL: "),
        ("100 * sum", "100 * smu", "4:17", "not PromQL: "),
        (
            EXPRESSION[EXPRESSION.index("100") : EXPRESSION.index("    for")],
            "x[5m]\n",
            "3:17",
            "the expression is a matrix",
        ),
        (
            EXPRESSION[EXPRESSION.index("100") : EXPRESSION.index("    for")],
            "sum by (TableName) (x offset -5m)\n",
            "3:17",
            "looks at data after its time",
        ),
        (
            "for_each: [TableName]",
            "for_each: [Table]",
            "6:15",
            "labels of the expression are TableName",
        ),
        ("expression: |", "quarantined: records\n    expression: |", "3:18", "not both"),
        ("threshold: 70", "threshold: 70\n    message: '{Table}'", "9:15", "unknown placeholder"),
    ],
)
def test_an_error_of_an_expression_says_what_and_where(
    tmp_path: Path, old: str, new: str, place: str, message: str
) -> None:
    write(tmp_path, EXPRESSION.replace(old, new, 1))
    with pytest.raises(AlarmRuleError, match=re.escape(message)) as caught:
        load_alarm_rules(tmp_path)
    assert f"{caught.value.line}:{caught.value.column}" == place, caught.value
