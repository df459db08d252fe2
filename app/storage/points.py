"""Points of a range of series read back as columns, for queries."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray
from app.storage.chunks import chunked
from app.storage.id_sets import id_set
from app.storage.minutes import check_limit, minutes_of_range
from app.storage.point_rows import ALL, WITHOUT_EXTRAS
from app.storage.series_choice import SeriesChoice
from app.storage.standing_points import read_standing, read_tier
from app.storage.stored_points import StoredPoints
from app.storage.tiers import POINTS, Tier

# What is read before the limit is looked at again.
_POINTS_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class PointRange:
    """Points of some series in a range, ordered by (series, time).

    ``extra`` holds rows (index of the point, statistic, value).
    """

    series_id: IntArray
    start_ms: IntArray
    period_ms: IntArray
    count: FloatArray
    total: FloatArray
    minimum: FloatArray
    maximum: FloatArray
    extra: list[tuple[int, str, float]]

    def __len__(self) -> int:
        return len(self.series_id)


def read_points(
    connection: sa.Connection,
    series_ids: Sequence[int],
    start_ms: int,
    end_ms: int,
    *,
    limit: int | None,
    tier: Tier = Tier.MINUTE,
    extras: bool = True,
) -> PointRange:
    """Points with ``start_ms`` <= start < ``end_ms``; without extra statistics if not ``extras``.

    Of a longer tier they are its buckets, of which both times are multiples, and single points
    where those have changed since; extra statistics are those of minutes alone. Raises
    ``ResultTooLarge`` when there are more than ``limit``; None is no limit.
    """
    choice = SeriesChoice(connection, id_set(series_ids))
    at_once = max(1, _POINTS_AT_ONCE // max(1, len(series_ids)))
    columns = ALL if extras and tier is Tier.MINUTE else WITHOUT_EXTRAS
    found: list[StoredPoints] = []
    size = 0
    for source, minutes in minutes_of_range(connection, POINTS, tier, start_ms, end_ms):
        for chunk in chunked(minutes, at_once):
            points = (
                read_standing(connection, chunk, choice, columns)
                if source is Tier.MINUTE
                else read_tier(connection, source, chunk, choice)
            )
            found.append(_between(points, start_ms, end_ms))
            size += len(found[-1]) + len(found[-1].extras)
            check_limit(size, limit)
    return _range(found)


def _between(points: StoredPoints, start_ms: int, end_ms: int) -> StoredPoints:
    """Those that begin in a range; only the first and the last minute may have others."""
    begins = points.start_ms
    inside = (begins >= start_ms) & (begins < end_ms)
    return points.where(inside)


def _range(parts: Sequence[StoredPoints]) -> PointRange:
    """Parts of different times, ordered by (series, time)."""
    points = StoredPoints.standing(parts)
    order = np.lexsort((points.start_ms, points.series_id))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return PointRange(
        points.series_id[order],
        points.start_ms[order],
        points.period_ms[order],
        points.count[order],
        points.total[order],
        points.minimum[order],
        points.maximum[order],
        _extras(points, place),
    )


def _extras(points: StoredPoints, place: IntArray) -> list[tuple[int, str, float]]:
    extras = points.extras
    if not len(extras):
        return []
    names = np.array(extras.names, object)[extras.statistic]
    rows = place[points.extra_rows]
    return list(zip(rows.tolist(), names.tolist(), extras.value.tolist(), strict=True))
