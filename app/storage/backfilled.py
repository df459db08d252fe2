"""Backfilled points in SQL: what CloudWatch answered afterwards, which never replaces a stream's.

Whoever reads sees to that, whatever other processes write. What is read before only keeps minutes
in which nothing changes from being evaluated again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from app.arrays import BoolArray
from app.catalog import SeriesIdentity
from app.otlp import MetricBatch
from app.storage.chunks import chunked
from app.storage.delivered_points import point_columns
from app.storage.point_batches import write_batches
from app.storage.point_rows import WITHOUT_EXTRAS
from app.storage.series import register_series
from app.storage.series_choice import SeriesChoice
from app.storage.standing_points import read_standing
from app.storage.stored_points import StoredPoints
from app.storage.tiers import Tier, read_kept

_MINUTES_AT_ONCE = 60


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
    points = point_columns(batch, series_id, backfilled=True)
    kept = points.minute >= read_kept(connection)[Tier.MINUTE]
    missing, other, same = _compared(points, _stored(connection, points))
    with_extras = np.zeros(len(points), np.bool_)
    with_extras[points.extra_rows] = True
    written = points.where(kept & (missing | other | (same & with_extras)))
    write_batches(connection, written)
    return Backfilled(
        int((kept & missing).sum()),
        int((kept & other).sum()),
        int((~kept).sum()),
        tuple(np.unique(written.minute).tolist()),
    )


def _stored(connection: sa.Connection, points: StoredPoints) -> StoredPoints:
    """The points of these series in these minutes that are there already."""
    choice = SeriesChoice(connection, np.unique(points.series_id))
    minutes = np.unique(points.minute).tolist()
    return StoredPoints.standing(
        [
            read_standing(connection, some, choice, WITHOUT_EXTRAS)
            for some in chunked(minutes, _MINUTES_AT_ONCE)
        ]
    )


def _compared(points: StoredPoints, stored: StoredPoints) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Which points are missing, which are backfilled with other values, and which with the same."""
    rows = stored.rows_of(points)
    missing = rows < 0
    some = np.flatnonzero(~missing)
    before = stored.take(rows[some])
    now = points.take(some)
    differs = np.zeros(len(some), np.bool_)
    for one, another in (
        (now.count, before.count),
        (now.total, before.total),
        (now.minimum, before.minimum),
        (now.maximum, before.maximum),
    ):
        differs |= (one != another) & ~(np.isnan(one) & np.isnan(another))
    other, same = np.zeros(len(points), np.bool_), np.zeros(len(points), np.bool_)
    other[some] = before.backfilled & differs
    same[some] = before.backfilled & ~differs
    return missing, other, same
