"""The time range of a page from the texts of its URL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clock import MILLISECONDS_PER_MINUTE, ManualClock
from app.errors import InvalidParameter
from app.web.time_range import PRESETS, page_range

NOON_MS = 1_780_315_200_000
HOUR_MS = 3_600_000


def at_noon() -> ManualClock:
    return ManualClock(NOON_MS)


def test_without_texts_it_is_the_last_three_hours() -> None:
    found = page_range(at_noon(), None, None)
    assert (found.start_ms, found.end_ms) == (NOON_MS - 3 * HOUR_MS, NOON_MS)
    assert found.live
    assert found.parameters == {}
    assert found.label == "3 hours"


@pytest.mark.parametrize(
    ("text", "before_ms"),
    [
        ("now-15m", 15 * 60_000),
        ("now-12h", 12 * HOUR_MS),
        ("now-7d", 168 * HOUR_MS),
        ("now-1w", 168 * HOUR_MS),
    ],
)
def test_a_moment_before_now(text: str, before_ms: int) -> None:
    assert page_range(at_noon(), text, None).start_ms == NOON_MS - before_ms


def test_fixed_moments_are_not_live_and_are_carried_on_as_they_were_given() -> None:
    found = page_range(at_noon(), "2026-06-01T10:00:00Z", "2026-06-01T11:00:30Z")
    assert found.end_ms - found.start_ms == HOUR_MS + MILLISECONDS_PER_MINUTE
    assert not found.live
    assert found.parameters == {"from": "2026-06-01T10:00:00Z", "to": "2026-06-01T11:00:30Z"}


@pytest.mark.parametrize("text", ["now-3", "now+1h", "nowhere", "now-3y", "yesterday"])
def test_what_is_no_time_is_told_with_the_parameter(text: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        page_range(at_noon(), text, None)
    assert caught.value.parameter == "from"


def test_the_end_comes_after_the_start() -> None:
    with pytest.raises(InvalidParameter, match="after the start"):
        page_range(at_noon(), "now-1h", "now-2h")


@given(st.sampled_from([start for start, _ in PRESETS]), st.integers(0, 59_999))
def test_ranges_are_whole_minutes_around_what_was_asked(start: str, past_ms: int) -> None:
    found = page_range(ManualClock(NOON_MS + past_ms), start, "now")
    assert found.start_ms % MILLISECONDS_PER_MINUTE == found.end_ms % MILLISECONDS_PER_MINUTE == 0
    assert found.end_ms - MILLISECONDS_PER_MINUTE < NOON_MS + past_ms <= found.end_ms


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("now-24h", "now", "1 day"),
        ("now-6h", "now", "6 hours"),
        ("now-1w", "now", "1 week"),
        ("now-6h", "now-1h", None),
        (str(NOON_MS - HOUR_MS), "now", None),
    ],
)
def test_a_range_that_ends_now_has_words(start: str, end: str, words: str | None) -> None:
    assert page_range(at_noon(), start, end).label == words
