"""Episodes of throttling: throttled periods that lie close together.

Throttle metrics have points only where something was throttled. Periods with less than
``QUIET_MS`` between them are one episode, so that a minute in which clients backed off does not cut
it in two.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import median

import numpy as np

from app.arrays import FloatArray, IntArray
from app.summation import exact_sum

QUIET_MS = 5 * 60_000
"""So long without a throttled request ends an episode; the shipped alarms recover by the same."""

SUSTAINED_MS = 10 * 60_000
"""Throttled for so long is more than a burst: the burst reserve of 300 seconds is long spent."""

REGULAR = 0.2
"""The distances of regular episodes differ from their median by this share of it at most."""

_FEWEST_REGULAR = 3


class Pattern(StrEnum):
    """How throttling goes on over time; of a hot partition where in the table it happens."""

    SINGLE_BURST = "single_burst"
    RECURRING_BURST = "recurring_burst"
    SUSTAINED = "sustained"
    HOT_PARTITION = "hot_partition"


@dataclass(frozen=True, slots=True)
class Episode:
    """From the start of its first throttled period to the end of its last, in milliseconds.

    ``throttled_ms`` is the length of the throttled periods alone, ``events`` how many events they
    had; the most were in the period that begins at ``peak_ms``.
    """

    start_ms: int
    end_ms: int
    throttled_ms: int
    events: float
    peak_ms: int
    peak_events: float


def episodes(starts_ms: IntArray, period_ms: IntArray, events: FloatArray) -> list[Episode]:
    """Episodes of periods in the order of time; those with 0 events or NaN do not count."""
    rows = np.flatnonzero(events > 0)
    if not len(rows):
        return []
    starts, ends, counts = starts_ms[rows], (starts_ms + period_ms)[rows], events[rows]
    cuts = np.flatnonzero(starts[1:] - ends[:-1] >= QUIET_MS) + 1
    found = []
    for begin, end in pairwise([0, *cuts.tolist(), len(rows)]):
        peak = begin + int(np.argmax(counts[begin:end]))
        found.append(
            Episode(
                int(starts[begin]),
                int(ends[end - 1]),
                int(period_ms[rows[begin:end]].sum()),
                exact_sum(counts[begin:end]),
                int(starts[peak]),
                float(counts[peak]),
            )
        )
    return found


def pattern_of(found: list[Episode]) -> Pattern:
    """The pattern in time of at least one episode."""
    if any(each.throttled_ms >= SUSTAINED_MS for each in found):
        return Pattern.SUSTAINED
    return Pattern.SINGLE_BURST if len(found) == 1 else Pattern.RECURRING_BURST


def interval_ms(found: list[Episode]) -> int | None:
    """The median time from the start of an episode to the next one's, where these are regular.

    None for fewer than three episodes, or when a distance is further than ``REGULAR`` from it.
    """
    if len(found) < _FEWEST_REGULAR:
        return None
    distances = [later.start_ms - earlier.start_ms for earlier, later in pairwise(found)]
    middle = median(distances)
    if any(abs(each - middle) > REGULAR * middle for each in distances):
        return None
    return round(middle)
