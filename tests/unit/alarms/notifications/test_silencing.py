"""Silences: what they match, and which are refused."""

import pytest

from app.alarms.notifications.backoff import FIRST_MS, LONGEST_MS, wait_ms
from app.alarms.notifications.silencing import Silences, check_silence
from app.errors import InvalidParameter
from app.storage import SilenceMatcher, SilenceRow
from tests.fixtures.alerts import START_MS, alert


def silence(*matchers: SilenceMatcher, ends_ms: int = START_MS + 10) -> Silences:
    return Silences([SilenceRow(1, matchers, START_MS, ends_ms, "", "ada", START_MS)])


@pytest.mark.parametrize(
    ("matchers", "holds"),
    [
        ([("TableName", "=", "orders")], True),
        ([("TableName", "=", "order")], False),
        ([("TableName", "!=", "carts")], True),
        ([("TableName", "=~", "or.*")], True),
        ([("TableName", "=~", "rder")], False),
        ([("TableName", "!~", "or.*")], False),
        ([("alarm", "=", "DynamoDBReadThrottled"), ("severity", "=", "warning")], True),
        ([("alertname", "=", "DynamoDBReadThrottled")], True),
        ([("alarm", "=", "DynamoDBReadThrottled"), ("severity", "=", "critical")], False),
        ([("team", "=", ""), ("alarm", "=~", ".+")], True),
    ],
)
def test_all_matchers_must_hold(matchers: list[SilenceMatcher], holds: bool) -> None:
    assert silence(*matchers).hold(alert(), START_MS) is holds


def test_a_silence_holds_from_its_start_to_before_its_end() -> None:
    made = silence(("TableName", "=", "orders"))
    times = (START_MS - 1, START_MS, START_MS + 9, START_MS + 10)
    assert [made.hold(alert(), at_ms) for at_ms in times] == [False, True, True, False]


@pytest.mark.parametrize(
    ("matchers", "starts", "ends", "reason"),
    [
        ([], 0, 10, "needs one matcher"),
        ([("TableName", "=~", ".*")], 0, 10, "every matcher matches the empty value"),
        ([("TableName", "!=", "x")], 0, 10, "every matcher matches the empty value"),
        ([("TableName", "=~", "(")], 0, 10, "not a regular expression"),
        ([("TableName", "==", "x")], 0, 10, "is not one of"),
        ([("Table Name", "=", "x")], 0, 10, "not the name of a label"),
        ([("TableName", "=", "x" * 2000)], 0, 10, "more than 1000 characters"),
        ([("TableName", "=", "x")] * 21, 0, 10, "at most 20"),
        ([("TableName", "=", "x")], 10, 10, "ends after it starts"),
        ([("TableName", "=", "x")], -20, -10, "in the future"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    matchers: list[SilenceMatcher], starts: int, ends: int, reason: str
) -> None:
    with pytest.raises(InvalidParameter, match=reason):
        check_silence(matchers, START_MS + starts, START_MS + ends, START_MS)


def test_a_silence_that_may_be_is_not_refused() -> None:
    matchers = [("TableName", "=~", "or.*"), ("severity", "!=", "critical")]
    check_silence(matchers, START_MS, START_MS + 1, START_MS)


def test_waits_double_up_to_ten_minutes_and_differ_by_notification() -> None:
    waits = [wait_ms("key", attempt) for attempt in range(1, 40)]
    for attempt, wait in enumerate(waits, 1):
        usual = min(FIRST_MS * 2 ** (attempt - 1), LONGEST_MS)
        assert 0.75 * usual <= wait <= 1.25 * usual
    assert wait_ms("key", 3) == waits[2]
    assert len({wait_ms(f"key {number}", 3) for number in range(20)}) > 10
    assert wait_ms("key", 1, retry_after_seconds=3_600) == 3_600_000
    assert wait_ms("key", 20, retry_after_seconds=1) == waits[19]
