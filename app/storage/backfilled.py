"""Backfilled points in SQL: what CloudWatch answered afterwards, which never replaces a stream's.

The upserts alone see to that, against any other process. What is read before only keeps minutes in
which nothing changes from being evaluated again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa

from app.arrays import BoolArray
from app.catalog import SeriesIdentity
from app.otlp import MetricBatch
from app.storage.bulk import Column, bulk_upsert
from app.storage.chunks import chunked
from app.storage.columns import ExtraColumns, PointColumns, extra_columns, fetch, point_columns
from app.storage.dirty import mark_dirty
from app.storage.series import register_series
from app.storage.statements import UPSERT_BACKFILLED_EXTRAS, UPSERT_BACKFILLED_POINTS, Upsert
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
    extras = extra_columns(batch, series_id)
    kept = points.minute >= read_kept(connection)[Tier.MINUTE]
    keys, of_extras = _keys(points), _keys(extras)
    stored = _stored(connection, points)
    known = [stored.get(key) for key in keys]
    missing = np.array([row is None for row in known], np.bool_)
    ours = np.array([row is not None and row.backfilled for row in known], np.bool_)
    statistics = zip(*(column.tolist() for column in points.columns[4:]), strict=True)
    pairs = zip(known, statistics, strict=True)
    other = np.array([row is not None and row.statistics != new for row, new in pairs], np.bool_)
    with_extras = frozenset(of_extras)
    more = np.array([key in with_extras for key in keys], np.bool_)
    wanted = kept & (missing | (ours & (other | more)))
    _upsert(connection, UPSERT_BACKFILLED_POINTS, points, wanted)
    written = {key for key, good in zip(keys, wanted, strict=True) if good}
    of_written = np.array([key in written for key in of_extras], np.bool_)
    _upsert(connection, UPSERT_BACKFILLED_EXTRAS, extras, of_written)
    minutes = tuple(np.unique(points.minute[wanted]).tolist())
    mark_dirty(connection, minutes)
    filled, restated = kept & missing, kept & ours & other
    return Backfilled(int(filled.sum()), int(restated.sum()), int((~kept).sum()), minutes)


class _Stored(NamedTuple):
    backfilled: bool
    statistics: tuple[float, float, float | None, float | None]


def _upsert(
    connection: sa.Connection, upsert: Upsert, rows: PointColumns | ExtraColumns, wanted: BoolArray
) -> None:
    """Write those rows that are wanted, with the mark that they are backfilled."""
    columns: list[Column] = []
    for column in rows.columns:
        if isinstance(column, np.ndarray):
            columns.append(column[wanted])
        else:
            columns.append([text for text, good in zip(column, wanted, strict=True) if good])
    bulk_upsert(connection, upsert, [*columns, np.ones(int(wanted.sum()), np.bool_)])


def _stored(connection: sa.Connection, points: PointColumns) -> dict[_Key, _Stored]:
    """The points that are there already."""
    found = {}
    ids = np.unique(points.series_id).tolist()
    for minutes in chunked(np.unique(points.minute).tolist(), 500):
        for some in chunked(ids, 500):
            for row in fetch(connection, _STORED, {"minutes": minutes, "ids": some}):
                found[row[0], row[1], row[2]] = _Stored(row[3] is not None, row[4:])
    return found


def _keys(rows: PointColumns | ExtraColumns) -> list[_Key]:
    columns = rows.minute.tolist(), rows.series_id.tolist(), rows.offset_ms.tolist()
    return list(zip(*columns, strict=True))


_STORED = sa.text(
    "SELECT minute, series_id, offset_ms, backfilled, sample_count, sum, minimum, maximum"
    " FROM point WHERE minute IN :minutes AND series_id IN :ids"
).bindparams(sa.bindparam("minutes", expanding=True), sa.bindparam("ids", expanding=True))
