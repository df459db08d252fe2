"""How a stream delivers: how often, how much, and when nothing came; pure."""

from itertools import pairwise
from statistics import median
from typing import NamedTuple

from app.streams.counts import WINDOW_MINUTES, WINDOW_MS, StreamCounts

MINUTE_MS = 60_000
INTERVALS_OF_SILENCE = 3
"""A silence longer than so many usual intervals is one."""
_ARRIVALS_TO_KNOW = 4


class Gap(NamedTuple):
    """From when to when no points came, in whole minutes since the epoch in milliseconds."""

    start_ms: int
    end_ms: int


def usual_interval_ms(counts: StreamCounts) -> int | None:
    """The median time between minutes in which points came; None before there were some."""
    found = intervals(counts)
    return None if found is None else int(median(found) * MINUTE_MS)


def intervals(counts: StreamCounts) -> list[int] | None:
    """Minutes from each minute in which points came to the next; None before there were some."""
    minutes = _arrivals(counts)
    if len(minutes) < _ARRIVALS_TO_KNOW:
        return None
    return [later - earlier for earlier, later in pairwise(minutes)]


def gaps(counts: StreamCounts) -> list[Gap]:
    """Silences of more than three usual intervals between deliveries, the last ones first.

    Points may have come later: a gap of deliveries is one of the data only if nobody sent it again.
    """
    usual = usual_interval_ms(counts)
    if usual is None:
        return []
    longest = INTERVALS_OF_SILENCE * usual
    return [
        Gap((earlier + 1) * MINUTE_MS, later * MINUTE_MS)
        for earlier, later in reversed(list(pairwise(_arrivals(counts))))
        if (later - earlier) * MINUTE_MS > longest
    ]


def points_per_minute(counts: StreamCounts, now_ms: int) -> float:
    """Of the last 10 to 20 minutes, or since the stream was first seen if that is less."""
    from_ms = now_ms // WINDOW_MS * WINDOW_MS - WINDOW_MS
    points = sum(window.points for start, window in counts.windows.items() if start >= from_ms)
    minutes = (now_ms - max(from_ms, counts.first_seen_ms)) / MINUTE_MS
    return points / max(minutes, 1.0)


def _arrivals(counts: StreamCounts) -> list[int]:
    """The minutes in which points came, since the epoch."""
    return [
        start_ms // MINUTE_MS + bit
        for start_ms, window in sorted(counts.windows.items())
        for bit in range(WINDOW_MINUTES)
        if window.active >> bit & 1
    ]
