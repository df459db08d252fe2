"""Data time from the order in which minutes come, and what silence does to it."""

import pytest

from app.alarms.watermark import Delays, Silence, delay_minutes, progressed, watermark_ms
from app.storage import AlarmProgress

MINUTE_MS = 60_000
NOW_MS = 1_000 * MINUTE_MS
DELAYS = Delays(shortest=1, longest=10)


def after(minutes: list[int], delays: Delays = DELAYS) -> AlarmProgress:
    found = progressed(None, minutes, delays, NOW_MS)
    assert found is not None
    return found


def watermark_minute(minutes: list[int], delays: Delays = DELAYS) -> int:
    return watermark_ms(after(minutes, delays), delays) // MINUTE_MS


@pytest.mark.parametrize(
    ("minutes", "watermark"),
    [
        ([100], 100),
        ([100, 101, 102], 102),
        # The same minute again is no disorder, the one before it is one minute.
        ([100, 101, 102, 102], 102),
        ([100, 101, 102, 101], 101),
        ([100, 101, 102, 103, 100], 100),
        # After an hour of data time it is forgotten.
        ([100, 101, 100, 160], 159),
        ([100, 101, 100, 161], 161),
        # What no delay may wait for is none of its business.
        ([100, 120, 110], 120),
        ([100, 120, 111], 111),
        # The future says nothing.
        ([100, 5_000, 101], 101),
    ],
)
def test_the_delay_follows_the_disorder(minutes: list[int], watermark: int) -> None:
    assert watermark_minute(minutes) == watermark


def test_disorder_is_what_is_known_whatever_the_number_of_rounds() -> None:
    minutes = [100, 101, 99, 103, 102, 104]
    step: AlarmProgress | None = None
    for minute in minutes:
        step = progressed(step, [minute], DELAYS, NOW_MS)
    whole = after(minutes)
    assert step is not None
    assert (step.newest_minute, step.disorder) == (whole.newest_minute, whole.disorder)


def test_the_shortest_delay_and_the_frontier_hold() -> None:
    assert watermark_minute([100, 105], Delays(shortest=4)) == 102
    progress = AlarmProgress(200 * MINUTE_MS, 105, {})
    assert watermark_ms(progress, DELAYS) == 200 * MINUTE_MS
    assert delay_minutes(progress, DELAYS) == 1


def test_without_minutes_nothing_is_known() -> None:
    assert progressed(None, [], DELAYS, NOW_MS) is None
    assert progressed(None, [5_000], DELAYS, NOW_MS) is None


def test_silence_goes_on_from_where_it_stood_and_not_beyond_the_clock() -> None:
    silence = Silence(0.0)
    delays = Delays(shortest=2, silence_ms=5 * MINUTE_MS)
    standing_ms = 900 * MINUTE_MS

    def minute(seconds: float, now_ms: int = NOW_MS) -> int:
        reached = silence.watermark_ms(standing_ms, delays, now_seconds=seconds, now_ms=now_ms)
        return reached // MINUTE_MS

    assert [minute(seconds) for seconds in (0, 299, 300, 359, 360, 480)] == [
        900,
        900,
        900,
        900,
        901,
        903,
    ]
    assert minute(360_000) == 998
    silence.heard(360_000.0)
    assert minute(360_100) == 900
