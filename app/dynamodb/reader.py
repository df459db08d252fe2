"""Points of DynamoDB's metrics from SQL, by series: what every insight is computed from."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from app.arrays import FloatArray, IntArray
from app.catalog import SeriesIdentity
from app.clock import MILLISECONDS_PER_MINUTE
from app.dynamodb.resources import NAMESPACE, TABLE, Resource
from app.storage import (
    Connection,
    PointRange,
    SeriesFilter,
    Tier,
    read_kept,
    read_points,
    search_series,
)

__all__ = [
    "MetricSeries",
    "Resource",
    "find_series",
    "finest_tier",
    "read_found",
    "read_metrics",
]


@dataclass(frozen=True, slots=True)
class MetricSeries:
    """Points of one series in the order of time; all columns have the same length.

    ``starts_ms`` are when the points' periods begin, ``period_ms`` how long each lasts; ``count``,
    ``total``, ``minimum`` and ``maximum`` are CloudWatch's SampleCount, Sum, Minimum and Maximum,
    NaN where absent. ``extra`` has the extra statistics that the series came with, such as p99, as
    columns with NaN where a point has none.
    """

    series_id: int
    identity: SeriesIdentity
    starts_ms: IntArray
    period_ms: IntArray
    count: FloatArray
    total: FloatArray
    minimum: FloatArray
    maximum: FloatArray
    extra: dict[str, FloatArray]

    def __len__(self) -> int:
        return len(self.starts_ms)


def finest_tier(connection: Connection, start_ms: int) -> Tier:
    """The tier with the shortest buckets that still has everything from ``start_ms`` on.

    Hours where none has: they are kept longest.
    """
    minute = start_ms // MILLISECONDS_PER_MINUTE
    kept = read_kept(connection)
    return next((tier for tier in Tier if kept.get(tier, 0) <= minute), Tier.HOUR)


def read_metrics(
    connection: Connection,
    wanted: Collection[str],
    start_ms: int,
    end_ms: int,
    *,
    namespace: str = NAMESPACE,
    account: str | None = None,
    region: str | None = None,
    table: str | None = None,
    limit: int | None,
    tier: Tier | None = None,
) -> list[MetricSeries]:
    """Series of the metrics ``wanted`` with their points that begin in [``start_ms``, ``end_ms``).

    Series without points in the range are left out; the others are in the order of their identity,
    metric by metric. Points are minutes, or where these are no longer kept the buckets of the
    finest tier that is (``tier`` chooses another); then the range is widened to whole buckets, and
    there are no extra statistics. Raises ``ResultTooLarge`` when there are more than ``limit``
    points; None is no limit.
    """
    tier = finest_tier(connection, start_ms) if tier is None else tier
    found = find_series(
        connection, wanted, namespace=namespace, account=account, region=region, table=table
    )
    return read_found(connection, found, start_ms, end_ms, limit=limit, tier=tier)


def find_series(
    connection: Connection,
    wanted: Collection[str],
    *,
    namespace: str = NAMESPACE,
    account: str | None = None,
    region: str | None = None,
    table: str | None = None,
) -> list[tuple[int, SeriesIdentity]]:
    """Ids and identities of the metrics' series, metric by metric, in the order of identity."""
    dimensions = () if table is None else ((TABLE, table),)
    found: list[tuple[int, SeriesIdentity]] = []
    for metric in dict.fromkeys(wanted):
        chosen = SeriesFilter(namespace, metric, account, region, dimensions)
        found += search_series(connection, chosen)
    return found


def read_found(
    connection: Connection,
    found: Sequence[tuple[int, SeriesIdentity]],
    start_ms: int,
    end_ms: int,
    *,
    limit: int | None,
    tier: Tier,
    extras: bool = True,
) -> list[MetricSeries]:
    """The points of series that were found, as ``read_metrics`` gives them.

    Without ``extras`` there are no extra statistics, which take long to read.
    """
    if not found:
        return []
    start_ms -= start_ms % tier.length_ms
    end_ms += -end_ms % tier.length_ms
    ids = [series_id for series_id, _ in found]
    points = read_points(connection, ids, start_ms, end_ms, limit=limit, tier=tier, extras=extras)
    by_id = {series.series_id: series for series in _series(points, dict(found))}
    return [by_id[series_id] for series_id in ids if series_id in by_id]


def _series(points: PointRange, identities: dict[int, SeriesIdentity]) -> Iterator[MetricSeries]:
    columns = _extras(points)
    for begin, end in _runs(points.series_id):
        rows = slice(begin, end)
        series_id = int(points.series_id[begin])
        extra = {name: column[rows] for name, column in columns.items()}
        yield MetricSeries(
            series_id,
            identities[series_id],
            points.start_ms[rows],
            points.period_ms[rows],
            points.count[rows],
            points.total[rows],
            points.minimum[rows],
            points.maximum[rows],
            {name: column for name, column in extra.items() if not np.isnan(column).all()},
        )


def _extras(points: PointRange) -> dict[str, FloatArray]:
    """The extra statistics as columns as long as the points."""
    columns: dict[str, FloatArray] = {}
    for row, statistic, value in points.extra:
        column = columns.get(statistic)
        if column is None:
            column = columns[statistic] = np.full(len(points), np.nan)
        column[row] = value
    return dict(sorted(columns.items()))


def _runs(series_id: IntArray) -> Sequence[tuple[int, int]]:
    if not len(series_id):
        return ()
    bounds = [0, *(np.flatnonzero(np.diff(series_id)) + 1).tolist(), len(series_id)]
    return list(pairwise(bounds))
