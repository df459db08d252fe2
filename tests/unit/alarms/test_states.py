"""What states follow, in rows that read like CloudWatch's own table of missing data.

``X`` breaches, ``o`` does not, ``~`` breaches only in ALARM (between the two thresholds), ``-`` is
missing; of the states O is OK, A is ALARM and I is INSUFFICIENT_DATA.
"""

import numpy as np
import pytest

from app.alarms.conditions import Comparison, Condition, MissingData
from app.alarms.reasons import transition_reason
from app.alarms.states import AlarmState, evaluate_states

MINUTE = 60_000
VALUES = {"X": 10.0, "~": 5.0, "o": 0.0, "-": np.nan}
LETTERS = "OAI"


def condition(policy: str, needed: int, periods: int, stale_after: int | None = None) -> Condition:
    return Condition(
        comparison=Comparison.GREATER_OR_EQUAL,
        threshold=8.0,
        recovery_threshold=4.0,
        period_ms=MINUTE,
        evaluation_periods=periods,
        datapoints_to_alarm=needed,
        missing_data=MissingData(policy),
        stale_after_ms=None if stale_after is None else stale_after * MINUTE,
    )


def states(given: Condition, datapoints: str, before: str = "I") -> str:
    values = np.array([[VALUES[sign] for sign in datapoints]])
    found = evaluate_states(given, values, np.array([LETTERS.index(before)], np.int8), 0)
    return "".join(LETTERS[code] for code in found[0])


@pytest.mark.parametrize(
    ("policy", "needed", "periods", "datapoints", "expected"),
    [
        # One of one: the plain threshold.
        ("notBreaching", 1, 1, "-oX-Xo", "IOAOAO"),
        ("breaching", 1, 1, "-oX-o", "IOAAO"),
        ("missing", 1, 1, "-oX-o", "IOAIO"),
        ("ignore", 1, 1, "-oX-o-", "IOAAOO"),
        # Three of three: a missing datapoint is no recovery, and two are no alarm.
        ("missing", 3, 3, "oXXX-X", "OOOAAA"),
        ("missing", 3, 3, "oXX-Xo", "OOOOOO"),
        ("ignore", 3, 3, "oXXX--X", "OOOAAAA"),
        ("notBreaching", 3, 3, "oXXX-", "OOOAO"),
        ("breaching", 3, 3, "oX-X", "OOOA"),
        # All missing.
        ("missing", 3, 3, "o---", "OOOI"),
        ("missing", 3, 3, "XXX---", "IIAAAI"),
        # Two of three.
        ("missing", 2, 3, "oXoXo", "OOOAO"),
        ("ignore", 2, 3, "oX-", "OOO"),
        # The first datapoint of an entity; what is before it is not held against it.
        ("breaching", 2, 3, "--o", "III"),
        ("breaching", 2, 3, "--oo", "IIIO"),
        ("breaching", 2, 3, "--XX", "IIIA"),
        ("notBreaching", 2, 3, "--X", "IIO"),
        # Hysteresis.
        ("missing", 1, 1, "o~X~~o~", "OOAAAOO"),
    ],
)
def test_states(policy: str, needed: int, periods: int, datapoints: str, expected: str) -> None:
    assert states(condition(policy, needed, periods), datapoints) == expected


def test_a_rule_says_how_long_silence_may_last() -> None:
    assert states(condition("ignore", 1, 1, 3), "X----o", "O") == "AAAIIO"
    assert states(condition("missing", 1, 3, 2), "X----", "O") == "AAIII"
    assert states(condition("missing", 1, 1, 3), "X----", "O") == "AAAII"
    assert states(condition("ignore", 1, 1), "X" + 60 * "-", "O") == 60 * "A" + "I"
    assert states(condition("ignore", 1, 1, 3), "o-----", "O") == "OOOOOO"


def reason(given: Condition, datapoints: str, before: AlarmState, after: AlarmState) -> str:
    times = np.arange(1, len(datapoints) + 1) * MINUTE
    values = np.array([VALUES[sign] for sign in datapoints])
    return transition_reason(given, before, after, times, values)


def test_reasons_name_the_datapoints() -> None:
    ok, alarm, insufficient = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA
    given = condition("missing", 2, 3)
    assert reason(given, "oX-X", ok, alarm) == (
        "Threshold crossed: 2 of the last 3 datapoints [10 (1970-01-01T00:04Z),"
        " 10 (1970-01-01T00:02Z)] were greater than or equal to the threshold (8),"
        " 1 missing left out; 2 of 3 needed"
    )
    assert reason(given, "X~o", alarm, ok) == (
        "Within the threshold: 2 of the last 3 datapoints were greater than or equal to the"
        " recovery threshold (4), of [0 (1970-01-01T00:03Z), 5 (1970-01-01T00:02Z),"
        " 10 (1970-01-01T00:01Z)]; 2 of 3 would be an alarm"
    )
    assert reason(given, "--o", insufficient, ok) == (
        "Within the threshold: none of the last 3 datapoints were greater than or equal to the"
        " threshold (8), of [0 (1970-01-01T00:03Z)], 2 missing left out; 2 of 3 would be an alarm"
    )
    assert reason(given, "X---", alarm, insufficient) == ("Insufficient data: no datapoint for 3m")


def test_reasons_of_single_datapoints_and_of_many() -> None:
    ok, alarm, insufficient = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA
    given = condition("ignore", 1, 1, 90)
    assert reason(given, "-", alarm, insufficient) == "Insufficient data: no datapoint for 1h30m"
    assert reason(given, "X", ok, alarm) == (
        "Threshold crossed: the datapoint [10 (1970-01-01T00:01Z)] was greater than or equal to"
        " the threshold (8); 1 of 1 needed"
    )
    given = condition("breaching", 1, 1)
    assert reason(given, "-", ok, alarm) == (
        "Threshold crossed: no datapoint was greater than or equal to the threshold (8), 1 missing"
        " counted as breaching; 1 of 1 needed"
    )
    given = condition("notBreaching", 1, 7)
    assert reason(given, "XXXXXXX", ok, alarm) == (
        "Threshold crossed: 7 of the last 7 datapoints [10 (1970-01-01T00:07Z),"
        " 10 (1970-01-01T00:06Z), 10 (1970-01-01T00:05Z), 10 (1970-01-01T00:04Z),"
        " 10 (1970-01-01T00:03Z), and 2 more] were greater than or equal to the threshold (8);"
        " 1 of 7 needed"
    )
