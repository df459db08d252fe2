"""One statistic of points, from wherever they lie; Average is made of two."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray
from app.storage.packed_points import (
    COUNT,
    MAXIMUM,
    MINIMUM,
    SPARSE,
    SUM,
    PackedBlock,
    read_packed_points,
    stored_name,
)
from app.storage.point_rows import ALL
from app.storage.present_points import read_longer
from app.storage.series_choice import SeriesChoice
from app.storage.standing_points import read_standing
from app.storage.stored_points import StoredPoints

_AVERAGE = "Average"
_KEY = {"series_id", "offset_ms", "period_ms", "sample_count", "backfilled"}
_COLUMNS = {
    COUNT: _KEY,
    SUM: _KEY | {"sum"},
    MINIMUM: _KEY | {"minimum"},
    MAXIMUM: _KEY | {"maximum"},
    _AVERAGE: _KEY | {"sum"},
}
_EXTRAS = ALL - {"sum", "minimum", "maximum"}
_PACKED = {
    COUNT: {COUNT},
    SUM: {SUM},
    # Without a Minimum or Maximum of its own, a block has the Sum's.
    MINIMUM: {SUM, MINIMUM},
    MAXIMUM: {SUM, MAXIMUM},
    _AVERAGE: {COUNT, SUM},
}


class StatisticRows(NamedTuple):
    """Values of one statistic; columns of one length, NaN where a point has none."""

    series_id: IntArray
    start_ms: IntArray
    period_ms: IntArray
    values: FloatArray


def read_statistic(
    connection: sa.Connection, statistic: str, minutes: Sequence[int], choice: SeriesChoice
) -> StatisticRows:
    """A statistic of the points of some minutes, which ascend."""
    columns = _COLUMNS.get(statistic, _EXTRAS)
    return _rows(statistic, read_standing(connection, minutes, choice, columns))


def read_longer_statistic(
    connection: sa.Connection, statistic: str, first: int, last: int, choice: SeriesChoice
) -> StatisticRows:
    """The same of points of more than a minute that begin from ``first`` up to ``last``."""
    columns = _COLUMNS.get(statistic, _EXTRAS)
    return _rows(statistic, read_longer(connection, first, last, choice, columns))


def read_packed_statistic(
    connection: sa.Connection,
    statistic: str,
    hours: Sequence[int],
    choice: SeriesChoice,
    *,
    longer: bool,
) -> Iterator[tuple[PackedBlock, FloatArray]]:
    """Blocks of packed hours and the statistic's values in them, NaN where there is none.

    ``longer`` leaves out blocks whose points are all of a minute.
    """
    name = statistic if statistic in _PACKED else stored_name(statistic)
    for block in read_packed_points(
        connection,
        hours,
        choice=choice,
        statistics=_PACKED.get(statistic, {name}),
        condition=SPARSE if longer else "",
    ):
        values = _averages(block) if statistic == _AVERAGE else block.of(name)
        if values is not None:
            yield block, values


def _rows(statistic: str, points: StoredPoints) -> StatisticRows:
    rows = StatisticRows(points.series_id, points.start_ms, points.period_ms, points.count)
    if statistic == _AVERAGE:
        return rows._replace(values=_quotients(points.total, points.count))
    if statistic in _COLUMNS:
        values = {
            COUNT: points.count,
            SUM: points.total,
            MINIMUM: points.minimum,
            MAXIMUM: points.maximum,
        }
        return rows._replace(values=values[statistic])
    extras = points.extras
    if statistic not in extras.names:
        return StatisticRows(
            rows.series_id[:0], rows.start_ms[:0], rows.period_ms[:0], rows.values[:0]
        )
    chosen = np.flatnonzero(extras.statistic == extras.names.index(statistic))
    of_point = points.extra_rows[chosen]
    return StatisticRows(
        rows.series_id[of_point],
        rows.start_ms[of_point],
        rows.period_ms[of_point],
        extras.value[chosen],
    )


def _averages(block: PackedBlock) -> FloatArray:
    return _quotients(block.values[SUM], block.values[COUNT])


def _quotients(total: FloatArray, count: FloatArray) -> FloatArray:
    # Not in SQL: PostgreSQL has errors where a double overflows.
    with np.errstate(all="ignore"):
        return np.where(count > 0, total / count, np.nan)
