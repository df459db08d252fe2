"""Counts the points of a range for ``stream_cost``, all of them or those of some hours."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from app.arrays import IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.dynamodb.stream_cost import Counted, CountedSeries
from app.errors import InvalidParameter
from app.storage import (
    Connection,
    Tier,
    count_points,
    hours_with_points,
    read_identities,
    statistics_of_minutes,
)

DEFAULT_MS = 24 * Tier.HOUR.length_ms
"""The length of a range without a start."""
MOST_HOURS = 24
"""Hours that are counted of a range; a longer one is sampled."""
# Extra statistics are set by metric and seldom change.
_HOURS_OF_EXTRAS = 3
# The fractional part of the golden ratio: its multiples never settle on one hour of the day.
_GOLDEN = 0.6180339887498949


def counted_range(now_ms: int, start_ms: int | None, end_ms: int | None) -> tuple[int, int]:
    """The times that were asked for: without an end to now, without a start from a day before it.

    Raises ``InvalidParameter``.
    """
    end_ms = now_ms if end_ms is None else end_ms
    start_ms = max(0, end_ms - DEFAULT_MS) if start_ms is None else start_ms
    if end_ms <= start_ms:
        raise InvalidParameter("end", "the end must be after the start")
    return start_ms, end_ms


def count_series(
    connection: Connection, start_ms: int, end_ms: int, *, most_hours: int = MOST_HOURS
) -> tuple[Counted, list[CountedSeries]]:
    """The series of CloudWatch with points in a range widened to whole hours of UTC.

    What is told of the range begins and ends with points. No value is read but, of three hours,
    which extra statistics there are.
    """
    hour_ms = Tier.HOUR.length_ms
    first, last = start_ms // hour_ms * Tier.HOUR, -(-end_ms // hour_ms) * Tier.HOUR
    minutes = hours_with_points(connection, first, last)
    every = [*minutes]
    hours = sample(every, most_hours)
    if every:
        first, last = every[0], every[-1] + Tier.HOUR
    counts = _Counts()
    for hour in hours:
        counts.add(*count_points(connection, hour, hour + Tier.HOUR))
    extras = _extras(connection, sample(hours, _HOURS_OF_EXTRAS))
    ids = np.flatnonzero(counts.counts)
    identities = read_identities(connection, ids.tolist())
    known = {
        series_id: identity
        for series_id, identity in identities.items()
        if identity.namespace and identity.kind == "summary"
    }
    of_metric: dict[tuple[str, str], int] = {}
    for series_id, number in extras.items():
        if series_id in known:
            metric = known[series_id].namespace, known[series_id].metric
            of_metric[metric] = max(number, of_metric.get(metric, 0))
    found = [
        CountedSeries(
            identity,
            int(counts.counts[series_id]),
            # What had no point in the hours looked at has what its metric has elsewhere.
            extras.get(series_id, of_metric.get((identity.namespace, identity.metric), 0)),
        )
        for series_id, identity in known.items()
    ]
    counted = Counted(
        first * MILLISECONDS_PER_MINUTE,
        last * MILLISECONDS_PER_MINUTE,
        len(every),
        len(hours),
        sum(minutes.values()),
        sum(minutes[hour] for hour in hours),
    )
    return counted, found


def sample(hours: Sequence[int], most: int) -> list[int]:
    """At most so many of the hours: one from each of as many parts, at different times of day."""
    if len(hours) <= most:
        return list(hours)
    bounds = [number * len(hours) // most for number in range(most + 1)]
    return [
        hours[begin + int(number * _GOLDEN % 1 * (end - begin))]
        for number, (begin, end) in enumerate(pairwise(bounds))
    ]


class _Counts:
    """Points by series id, which are dense."""

    def __init__(self) -> None:
        self.counts: IntArray = np.zeros(0, np.int64)

    def add(self, ids: IntArray, counts: IntArray) -> None:
        if len(ids) and ids[-1] >= len(self.counts):
            self.counts = np.append(
                self.counts, np.zeros(int(ids[-1]) + 1 - len(self.counts), np.int64)
            )
        self.counts[ids] += counts


def _extras(connection: Connection, hours: Sequence[int]) -> dict[int, int]:
    """The number of extra statistics of each series, the greatest of the hours."""
    found: dict[int, int] = {}
    for hour in hours:
        of_hour: dict[int, int] = {}
        for series_id, _ in statistics_of_minutes(connection, hour, hour + Tier.HOUR):
            of_hour[series_id] = of_hour.get(series_id, 0) + 1
        for series_id, number in of_hour.items():
            found[series_id] = max(number, found.get(series_id, 0))
    return found
