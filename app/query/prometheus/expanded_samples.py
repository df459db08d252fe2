"""Points that give several samples: buckets of histograms and quantiles of summaries.

A histogram's counts are added up from the lowest bound on, as classic histograms of Prometheus
have them, so that ``histogram_quantile`` works. Every bound that a series has in the range has a
sample at each of its times; a bucket that a point does not have is empty there.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from app.arrays import FloatArray, IntArray
from app.errors import QueryFailed, ResultTooLarge
from app.otlp.histograms import ZERO_COUNT, upper_bound
from app.otlp.quantiles import quantile_of
from app.promql.reader import Budget
from app.query.prometheus.families import Form
from app.query.prometheus.naming import number_text
from app.storage import Connection, PointRange, read_points

_LONGEST_PERIOD_MS = 3_600_000
# Rows of points that are read at a time: they are objects until they are columns.
_MOST_ROWS = 2_000_000


@dataclass(frozen=True, slots=True)
class Expanded:
    """A series by its ``le`` or ``quantile`` (B,), at ``times`` (G,); values (B, G)."""

    series_id: int
    texts: Sequence[str]
    times: IntArray
    values: FloatArray


def expanded_samples(
    connection: Connection,
    ids: Sequence[int],
    form: Form,
    range_ms: tuple[int, int],
    budget: Budget,
) -> list[Expanded]:
    """Buckets or quantiles of points that end in a range (start, end], series by series."""
    start_ms, end_ms = range_ms
    try:
        points = read_points(
            connection, ids, start_ms - _LONGEST_PERIOD_MS, end_ms + 1, limit=_MOST_ROWS
        )
    except ResultTooLarge as error:
        raise QueryFailed(
            f"histograms and summaries of more than {_MOST_ROWS} points and buckets cannot be read"
            " at once; ask for fewer series or a shorter time"
        ) from error
    ends = points.start_ms + points.period_ms
    inside = (ends > start_ms) & (ends <= end_ms)
    extras = _extras_by_row(points)
    made = []
    for of_series in _rows_by_series(points, ends, inside):
        times, first_of_time = np.unique(ends[of_series], return_index=True)
        rows = of_series[first_of_time]
        of_rows = [extras.get(row, {}) for row in rows.tolist()]
        expand = cumulative_buckets if form is Form.BUCKETS else _quantiles
        numbers, values = expand(of_rows, points, rows)
        if len(numbers):
            budget.take_samples(values.size)
            texts = [number_text(number) for number in numbers]
            made.append(Expanded(int(points.series_id[rows[0]]), texts, times, values))
    return made


def cumulative_buckets(
    extras: Sequence[dict[str, float]], points: PointRange, rows: IntArray
) -> tuple[list[float], FloatArray]:
    """Bounds ascending, the last one infinite, and how many observations lie below each."""
    told = {upper_bound(statistic) for extra in extras for statistic in extra}
    bounds = sorted(bound for bound in told if bound is not None)
    if not bounds:
        return [], np.empty((0, len(rows)))
    if bounds[-1] != math.inf:
        bounds.append(math.inf)
    place = {bound: number for number, bound in enumerate(bounds)}
    # What an exponential histogram counts as zero lies below its first positive bound.
    zero = next(number for number, bound in enumerate(bounds) if bound > 0)
    counts = np.zeros((len(bounds), len(rows)))
    for column, extra in enumerate(extras):
        for statistic, value in extra.items():
            bound = upper_bound(statistic)
            if bound is not None:
                counts[place[bound], column] += value
            elif statistic == ZERO_COUNT:
                counts[zero, column] += value
    running = np.cumsum(counts, axis=0)
    # A point without buckets has its count all the same.
    running[-1] = points.count[rows]
    return bounds, running


def _quantiles(
    extras: Sequence[dict[str, float]], points: PointRange, rows: IntArray
) -> tuple[list[float], FloatArray]:
    """Quantiles ascending, and their values; NaN where a point does not have one."""
    ends = ((0.0, points.minimum[rows]), (1.0, points.maximum[rows]))
    columns = {quantile: told for quantile, told in ends if not np.isnan(told).all()}
    for column, extra in enumerate(extras):
        for statistic, value in extra.items():
            found = quantile_of(statistic)
            if found is not None:
                columns.setdefault(found, np.full(len(rows), np.nan))[column] = value
    numbers = sorted(columns)
    values = [columns[number] for number in numbers]
    return numbers, np.array(values) if values else np.empty((0, len(rows)))


def _extras_by_row(points: PointRange) -> dict[int, dict[str, float]]:
    extras: dict[int, dict[str, float]] = {}
    for row, statistic, value in points.extra:
        extras.setdefault(row, {})[statistic] = value
    return extras


def _rows_by_series(
    points: PointRange, ends: IntArray, inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
) -> Iterator[IntArray]:
    """Rows of each series in the range; of two that end together the shorter period is first."""
    rows = np.flatnonzero(inside)
    order = np.lexsort((points.period_ms[rows], ends[rows], points.series_id[rows]))
    rows = rows[order]
    series = points.series_id[rows]
    for part in np.split(rows, np.flatnonzero(np.diff(series)) + 1):
        if len(part):
            yield part
