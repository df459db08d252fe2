"""A figure of a report, computed from the points of one series or of several.

Several series are added up period by period first. Sums are exactly rounded; an average is the sum
over the count of all that it is of. Periods without points are missing: they are not 0, and no rate
is per second of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.arrays import FloatArray, IntArray
from app.dynamodb.figure_kinds import FigureKind, Way
from app.dynamodb.reader import MetricSeries
from app.summation import exact_group_sums, exact_sum


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure over a range.

    ``value`` is of all of it; ``latest`` of its newest period and ``peak`` of its highest, with
    the beginning of each. The peak of an average is the highest Maximum. ``total`` is the sum of
    what was counted, where that is what the figure rests on; ``seconds`` are those of the periods
    that have points.
    """

    value: float
    total: float | None
    latest: float
    latest_ms: int
    peak: float | None
    peak_ms: int | None
    seconds: float


def measured(kind: FigureKind, series: Sequence[MetricSeries], start_ms: int) -> Figure | None:
    """The figure of series from ``start_ms`` on; None where none of them has points then.

    A setting or limit of which there is no sample is that of the newest sample before.
    """
    periods = _periods(kind, series, start_ms)
    return None if periods is None else _figure(kind.way, periods)


@dataclass(frozen=True, slots=True)
class _Periods:
    starts_ms: IntArray
    seconds: FloatArray
    count: FloatArray
    total: FloatArray
    maximum: FloatArray


def _periods(kind: FigureKind, series: Sequence[MetricSeries], start_ms: int) -> _Periods | None:
    """What all series have together in each period, in the order of time."""
    parts = [_of_one(kind, each, start_ms) for each in series]
    parts = [part for part in parts if len(part.starts_ms)]
    if len(parts) <= 1:
        return parts[0] if parts else None
    starts_ms = np.concatenate([part.starts_ms for part in parts])
    order = np.argsort(starts_ms, kind="stable")
    starts_ms = starts_ms[order]
    begins = np.flatnonzero(np.diff(starts_ms, prepend=starts_ms[0] - 1))
    bounds = np.append(begins, len(starts_ms))

    def column(name: str) -> FloatArray:
        values: FloatArray = np.concatenate([getattr(part, name) for part in parts])
        return values[order]

    return _Periods(
        starts_ms[begins],
        np.maximum.reduceat(column("seconds"), begins),
        exact_group_sums(column("count"), bounds),
        exact_group_sums(column("total"), bounds),
        np.fmax.reduceat(column("maximum"), begins),
    )


def _of_one(kind: FigureKind, series: MetricSeries, start_ms: int) -> _Periods:
    needed = {Way.REQUESTS: series.count, Way.MAXIMUM: series.maximum}.get(kind.way, series.total)
    rows = np.flatnonzero(~np.isnan(needed))
    inside = rows[series.starts_ms[rows] >= start_ms]
    # Only settings and limits are read from before the start.
    rows = inside if len(inside) else rows[-1:]
    return _Periods(
        series.starts_ms[rows],
        series.period_ms[rows] / 1000,
        series.count[rows],
        series.total[rows],
        series.maximum[rows],
    )


def _figure(way: Way, periods: _Periods) -> Figure | None:
    seconds = float(periods.seconds.sum())
    counted = periods.count if way is Way.REQUESTS else periods.total
    total: float | None = exact_sum(counted)
    assert total is not None  # noqa: S101 - just computed
    match way:
        case Way.PER_SECOND | Way.REQUESTS:
            each = highest = counted / periods.seconds
            value = total / seconds
        case Way.TOTAL:
            each = highest = counted
            value = total
        case Way.AVERAGE:
            count = exact_sum(periods.count)
            if not count > 0:
                return None
            with np.errstate(divide="ignore", invalid="ignore"):
                each = counted / periods.count
            highest, value, total = periods.maximum, total / count, None
        case _:
            each = highest = periods.maximum
            value, total = float(np.fmax.reduce(highest)), None
    place = int(np.argmax(np.where(np.isnan(highest), -np.inf, highest)))
    return Figure(
        value,
        total,
        float(each[-1]),
        int(periods.starts_ms[-1]),
        float(highest[place]),
        int(periods.starts_ms[place]),
        seconds,
    )
