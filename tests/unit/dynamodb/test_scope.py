"""The time that questions are about, on the command line too."""

import pytest

from app.clock import LAST_MS
from app.commands.dynamodb.options import scope_of_options
from app.dynamodb.scope import scope_of
from app.errors import InvalidParameter

NOW_MS = 1_769_864_430_500
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
# The minute in which it is now, and the next.
THIS_MS = 1_769_864_400_000
NEXT_MS = THIS_MS + MINUTE_MS


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "expected"),
    [
        (None, None, (THIS_MS - HOUR_MS, NEXT_MS)),
        (THIS_MS - 7_000, None, (THIS_MS - MINUTE_MS, NEXT_MS)),
        (None, THIS_MS - 7_000, (THIS_MS - HOUR_MS - MINUTE_MS, THIS_MS)),
        (THIS_MS, NEXT_MS, (THIS_MS, NEXT_MS)),
        (NEXT_MS + HOUR_MS, None, (NEXT_MS + HOUR_MS, NEXT_MS + 2 * HOUR_MS)),
        (None, MINUTE_MS, (0, MINUTE_MS)),
        (0, LAST_MS, (0, LAST_MS)),
    ],
)
def test_a_range_is_whole_minutes_and_an_hour_by_default(
    start_ms: int | None, end_ms: int | None, expected: tuple[int, int]
) -> None:
    scope = scope_of(NOW_MS, start_ms=start_ms, end_ms=end_ms)
    assert (scope.start_ms, scope.end_ms) == expected


def test_the_end_is_after_the_start() -> None:
    with pytest.raises(InvalidParameter, match="after the start"):
        scope_of(NOW_MS, start_ms=THIS_MS, end_ms=THIS_MS)


def of_options(**times: str) -> tuple[int, int]:
    given = {"since": None, "start": None, "end": None, **times}
    scope = scope_of_options(account=None, region=None, table=None, **given)
    return scope.start_ms, scope.end_ms


def test_since_is_before_the_end() -> None:
    end = "2026-01-31T13:00:00Z"
    assert of_options(since="90m", end=end) == (THIS_MS - 90 * MINUTE_MS, THIS_MS)
    assert of_options(since="1d12h", end=end) == (THIS_MS - 36 * HOUR_MS, THIS_MS)
    start_ms, end_ms = of_options(since="2h")
    assert end_ms - start_ms in {2 * HOUR_MS, 2 * HOUR_MS + MINUTE_MS}


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ({"since": "yesterday"}, "30m, 12h or 7d"),
        ({"since": "0s"}, "longer than nothing"),
        ({"since": "1h", "start": "2026-01-31"}, "not both"),
        ({"start": "2026-01-31", "end": "2026-01-30"}, "after the start"),
        ({"end": "soon"}, "--end"),
    ],
)
def test_times_that_make_no_sense_are_refused(times: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidParameter, match=said):
        of_options(**times)
