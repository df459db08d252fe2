"""Backfilled points in SQL: what CloudWatch answered afterwards, which never replaces a stream's.

The upserts alone see to that, against any other process. What is read before only keeps minutes in
which nothing changes from being evaluated again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from app.arrays import BoolArray, FloatArray, IntArray
from app.catalog import SeriesIdentity
from app.otlp import MetricBatch
from app.storage.bulk import bulk_upsert
from app.storage.chunks import chunked
from app.storage.columns import PointColumns, extra_columns, fetch, point_columns
from app.storage.dirty import mark_dirty
from app.storage.series import register_series
from app.storage.statements import UPSERT_BACKFILLED_EXTRAS, UPSERT_BACKFILLED_POINTS
from app.storage.tiers import Tier, read_kept

_Key = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Backfilled:
    """What a write has done, in numbers of points.

    ``filled`` were missing, ``restated`` had been backfilled with other values, and ``expired`` are
    of minutes that are no longer kept. ``minutes`` were marked to be evaluated.
    """

    filled: int
    restated: int
    expired: int
    minutes: tuple[int, ...]


def write_backfilled(
    connection: sa.Connection, batch: MetricBatch, identities: Sequence[SeriesIdentity]
) -> Backfilled:
    """Write points that a stream has not brought, in the current transaction.

    The batch's slots are indices into ``identities``; series that are new are inserted.
    """
    if not len(batch):
        return Backfilled(0, 0, 0, ())
    series_id = np.array(register_series(connection, identities), np.int64)[batch.slot]
    points = point_columns(batch, series_id)
    kept = points.minute >= read_kept(connection)[Tier.MINUTE]
    stored = _stored(connection, points)
    extras = extra_columns(batch, series_id)
    with_extras = set(_keys(extras.minute, extras.series_id, extras.offset_ms))
    known = [stored.get(key) for key in _keys(points.minute, points.series_id, points.offset_ms)]
    values = _values(points)
    missing = np.array([row is None for row in known], np.bool_)
    ours = np.array([row is not None and row[0] for row in known], np.bool_)
    other = np.array(
        [row is not None and row[1:] != new for row, new in zip(known, values, strict=True)],
        np.bool_,
    )
    wanted = kept & (missing | ours & (other | _is_in(points, with_extras)))
    _upsert_points(connection, points, wanted)
    written = set(_keys(points.minute[wanted], points.series_id[wanted], points.offset_ms[wanted]))
    of_written = np.array(
        [key in written for key in _keys(extras.minute, extras.series_id, extras.offset_ms)],
        np.bool_,
    )
    if of_written.any():
        names = [name for name, good in zip(extras.statistic, of_written, strict=True) if good]
        rows = [column[of_written] for column in (extras.minute, extras.series_id)]
        values_of = extras.value[of_written], extras.sample_count[of_written]
        marks = np.ones(len(names), np.bool_)
        columns = (*rows, extras.offset_ms[of_written], names, *values_of, marks)
        bulk_upsert(connection, UPSERT_BACKFILLED_EXTRAS, columns)
    minutes = tuple(np.unique(points.minute[wanted]).tolist())
    mark_dirty(connection, minutes)
    return Backfilled(
        int((kept & missing).sum()),
        int((kept & ours & other).sum()),
        int((~kept).sum()),
        minutes,
    )


def _upsert_points(connection: sa.Connection, points: PointColumns, wanted: BoolArray) -> None:
    columns = [column[wanted] for column in points.columns]
    marks = np.ones(int(wanted.sum()), np.bool_)
    bulk_upsert(connection, UPSERT_BACKFILLED_POINTS, [*columns, marks])


def _stored(
    connection: sa.Connection, points: PointColumns
) -> dict[_Key, tuple[bool, float, float, float | None, float | None]]:
    """The points that are there already: whether they are backfilled, and their statistics."""
    found = {}
    ids = np.unique(points.series_id).tolist()
    for minutes in chunked(np.unique(points.minute).tolist(), 500):
        for some in chunked(ids, 500):
            for row in fetch(connection, _STORED, {"minutes": minutes, "ids": some}):
                found[row[0], row[1], row[2]] = (row[3] is not None, *row[4:])
    return found


def _is_in(points: PointColumns, keys: set[_Key]) -> BoolArray:
    mine = _keys(points.minute, points.series_id, points.offset_ms)
    return np.array([key in keys for key in mine], np.bool_)


def _keys(minute: IntArray, series_id: IntArray, offset_ms: IntArray) -> list[_Key]:
    return list(zip(minute.tolist(), series_id.tolist(), offset_ms.tolist(), strict=True))


def _values(points: PointColumns) -> list[tuple[float, float, float, float]]:
    columns: tuple[FloatArray, ...] = (
        points.sample_count,
        points.total,
        points.minimum,
        points.maximum,
    )
    return list(zip(*(column.tolist() for column in columns), strict=True))


_STORED = sa.text(
    "SELECT minute, series_id, offset_ms, backfilled, sample_count, sum, minimum, maximum"
    " FROM point WHERE minute IN :minutes AND series_id IN :ids"
).bindparams(sa.bindparam("minutes", expanding=True), sa.bindparam("ids", expanding=True))
