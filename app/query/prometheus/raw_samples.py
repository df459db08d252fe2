"""Samples of raw series: one statistic of each, of minutes or of the buckets of a longer tier."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.arrays import FloatArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.pipeline.combining import combine_points, neighbours
from app.promql.reader import Budget
from app.query.statistics import AVERAGE, MAXIMUM, MINIMUM, SAMPLE_COUNT, SUM
from app.storage import Connection, PointGrid, Tier, read_point_grids, read_points

# Rows of buckets that are read before they are put into the matrix.
_ROWS_AT_ONCE = 500_000


@dataclass(frozen=True, slots=True)
class Grid:
    """Samples of series by id (S,) at ``times`` (G,), NaN where there is none.

    ``interval_ms`` is how long a sample stands when that is longer than a minute, else 0.
    """

    ids: IntArray
    times: IntArray
    values: FloatArray
    interval_ms: int = 0


def minute_grids(
    connection: Connection,
    ids: Sequence[int],
    statistic: str,
    range_ms: tuple[int, int],
    budget: Budget,
) -> list[Grid]:
    """Points that end in a range (start, end]; each series is in one grid alone."""
    found = read_point_grids(connection, ids, statistic, *range_ms, take=budget.take_samples)
    return _merged([grid for grid in found if len(grid.series_id)], budget)


def bucket_grid(
    connection: Connection,
    ids: Sequence[int],
    statistic: str,
    tier: Tier,
    range_ms: tuple[int, int],
    *,
    budget: Budget,
) -> Grid:
    """The buckets of a tier that end in a range (start, end], as they are now.

    Those whose minutes have changed since are combined from the minutes.
    """
    length = tier.length_ms
    first = range_ms[0] // length * length
    last = range_ms[1] // length * length
    starts = np.arange(first, max(first, last), length, dtype=np.int64)
    series = np.array(sorted(ids), np.int64)
    budget.take_samples(len(series) * len(starts))
    values = np.full((len(series), len(starts)), np.nan)
    at_once = max(1, _ROWS_AT_ONCE // max(1, len(series)))
    for begin in range(0, len(starts), at_once):
        budget.check_time()
        some = starts[begin : begin + at_once]
        points = read_points(
            connection,
            series.tolist(),
            int(some[0]),
            int(some[-1]) + length,
            limit=None,
            tier=tier,
        )
        if not len(points):
            continue
        bucket = points.start_ms // length * length
        groups = neighbours(points.series_id, bucket)
        row = np.searchsorted(series, points.series_id[groups.first_row])
        column = (bucket[groups.first_row] - first) // length
        combined = combine_points(points, groups)
        with np.errstate(divide="ignore", invalid="ignore"):
            values[row, column] = {
                SUM: combined.total,
                SAMPLE_COUNT: combined.count,
                MINIMUM: combined.minimum,
                MAXIMUM: combined.maximum,
                AVERAGE: np.where(combined.count > 0, combined.total / combined.count, np.nan),
            }[statistic]
    there = ~np.isnan(values).all(axis=1)
    return Grid(series[there], starts + length, values[there], length)


def interval_ms(period_ms: int) -> int:
    """How long a sample of a period stands, if that is more than a minute."""
    return period_ms if period_ms > MILLISECONDS_PER_MINUTE else 0


def _merged(grids: Sequence[PointGrid], budget: Budget) -> list[Grid]:
    """The grids, with the series that are in several of them in one of their own."""
    members, times = np.unique(
        np.concatenate([np.empty(0, np.int64), *(grid.series_id for grid in grids)]),
        return_counts=True,
    )
    several = members[times > 1]
    alone = []
    for grid in grids:
        mine = ~np.isin(grid.series_id, several)
        if mine.any():
            # Nearly always all of them, which need no copy.
            of_it = slice(None) if mine.all() else mine
            interval = interval_ms(grid.period_ms)
            alone.append(Grid(grid.series_id[of_it], grid.ends_ms, grid.values[of_it], interval))
    if not len(several):
        return alone
    sharing = [grid for grid in grids if np.isin(grid.series_id, several).any()]
    # Of two periods that end together the shorter one counts, as the more recent news.
    sharing.sort(key=lambda grid: -grid.period_ms)
    ends = np.unique(np.concatenate([grid.ends_ms for grid in sharing]))
    budget.take_samples(len(several) * len(ends))
    values = np.full((len(several), len(ends)), np.nan)
    for grid in sharing:
        rows = np.flatnonzero(np.isin(grid.series_id, several))
        place = np.ix_(
            np.searchsorted(several, grid.series_id[rows]), np.searchsorted(ends, grid.ends_ms)
        )
        some = grid.values[rows]
        values[place] = np.where(np.isnan(some), values[place], some)
    return [*alone, Grid(several, ends, values, interval_ms(sharing[0].period_ms))]
