"""States and transitions of a rule's entities, each under its own settings."""

from pathlib import Path

import numpy as np
from structlog.testing import capture_logs

from app.alarms.entity_states import EntityStates
from app.alarms.judging import LEFT_OUT, judge
from app.alarms.states import AlarmState
from tests.unit.alarms.rule_files import rule_of

MINUTE = 60_000
RULE = """\
alarms:
  - name: Throttled
    metric: {namespace: N, name: M, statistic: Sum}
    for_each: [TableName]
    exclude: {TableName: "*-test"}
    comparison: ">="
    threshold: 4
    missing_data: notBreaching
    overrides:
      - match: {TableName: orders}
        threshold: 100
        evaluation_periods: 2
        datapoints_to_alarm: 1
"""
ENTITIES = [(("TableName", name),) for name in ("a", "a-test", "orders")]
NAN = np.nan


def test_every_entity_is_judged_by_its_own_settings(tmp_path: Path) -> None:
    rule = rule_of(tmp_path, RULE)
    values = np.array([[9, 1, 9, NAN], [9, 9, 9, 9], [9, 9, 150, NAN]], np.float64)
    initial = np.array([0, 1, 0], np.int8)
    times = np.arange(1, 5) * MINUTE
    states, transitions = judge(rule, ENTITIES, times, values, initial, first=1)
    assert states.tolist() == [[0, 1, 0], [2, 2, 2], [0, 1, 1]]
    found = [(t.row, t.at_ms // MINUTE, t.before.name, t.after.name) for t in transitions]
    assert found == [
        (1, 2, "ALARM", "INSUFFICIENT_DATA"),
        (0, 3, "OK", "ALARM"),
        (2, 3, "OK", "ALARM"),
        (0, 4, "ALARM", "OK"),
    ]
    assert transitions[0].reason == LEFT_OUT
    assert transitions[2].datapoints == ((2 * MINUTE, 9.0), (3 * MINUTE, 150.0))
    assert transitions[2].value == 150.0
    assert "threshold (100)" in transitions[2].reason
    assert transitions[3].datapoints == ((4 * MINUTE, None),)
    assert transitions[3].value is None


def test_the_message_has_labels_and_numbers(tmp_path: Path) -> None:
    text = RULE.replace(
        "    overrides:",
        "    message: '{{{alarm}}} {TableName} {region} {value}/{threshold} {severity} {state}'\n"
        "    overrides:",
    )
    rule = rule_of(tmp_path, text)
    orders = ENTITIES[2]
    assert rule.render(orders, 150.5, AlarmState.ALARM) == (
        "{Throttled} orders - 150.5/100 warning ALARM"
    )
    assert rule.render(ENTITIES[0], None, AlarmState.INSUFFICIENT_DATA) == (
        "{Throttled} a - no data/4 warning INSUFFICIENT_DATA"
    )


def test_nothing_to_judge(tmp_path: Path) -> None:
    rule = rule_of(tmp_path, RULE)
    nothing = np.empty((0, 3))
    states, transitions = judge(rule, [], np.arange(3), nothing, np.empty(0, np.int8), first=1)
    assert (states.shape, transitions) == ((0, 2), [])


def test_an_entity_that_cannot_be_kept_is_left_out_aloud(tmp_path: Path) -> None:
    of = EntityStates(rule_of(tmp_path, RULE))
    with capture_logs() as logs:
        of.rows_of([(("TableName", "a" * 1_980),), (("TableName", "a" * 1_990),)])
    assert [of.condition(row) is None for row in (0, 1)] == [False, True]
    (log,) = logs
    assert (log["rule"], log["most_bytes"]) == ("Throttled", 2_000)
    assert "too long" in log["event"]
