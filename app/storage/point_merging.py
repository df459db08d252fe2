"""Batches merged: the points of a minute that is over, in blocks of the series of one group."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.arrays import IntArray, ascending
from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.array_columns import execute_many
from app.storage.column_reader import fetch_rows
from app.storage.job_queue import Job
from app.storage.minutes import clamped
from app.storage.point_batches import delete_batches, read_batch_ids, read_batch_rows
from app.storage.point_payload import PAYLOAD, PointEncoder
from app.storage.point_rows import read_rows
from app.storage.series_cuts import KEY, cuts, keys_of
from app.storage.series_groups import groups_of
from app.storage.stored_points import StoredExtras, StoredPoints
from app.storage.tables import point, point_batch
from app.storage.tiers import Tier

SERIES_OF_A_BLOCK = 4_096
"""At most twice as many are in one; they are decoded together."""
BLOCK_COLUMNS = ("minute", "group_id", "first_series", "last_series", *PAYLOAD)
"""The columns of a block, in the order of ``block_rows``."""
_INSERT = (
    f"INSERT INTO point ({', '.join(BLOCK_COLUMNS)})"  # noqa: S608 - constants
    f" VALUES ({', '.join('?' * len(BLOCK_COLUMNS))})"
)
_DELETE = "DELETE FROM point WHERE minute = ? AND group_id = ? AND first_series = ?"


def minutes_to_merge(connection: sa.Connection, first: int, last: int) -> list[int]:
    """The minutes from ``first`` up to ``last`` that have batches, ascending."""
    minute = point_batch.c.minute
    query = sa.select(minute).where(minute >= clamped(first), minute < clamped(last))
    return list(connection.execute(query.distinct().order_by(minute)).scalars())


def merge_points(connection: sa.Connection, minute: int) -> Job[None] | None:
    """What puts the batches that a minute has now into its blocks; None without any.

    The job deletes these batches. Nobody else may merge the minute before it is done. The
    connection is one that reads.
    """
    batch_ids = read_batch_ids(connection, minute)
    if not len(batch_ids):
        return None
    batches = read_batch_rows(connection, minute, batch_ids)
    stored = _Stored(connection, minute, batches)
    parts = [*stored.points(), *batches] if len(stored.touched) else batches
    points = StoredPoints.standing_by_group(parts, partial(groups_of, connection))
    keyed = KeyedPoints(
        points,
        keys_of(connection, points.series_id),
        keys_of(connection, points.extras.series_id),
    )
    rows = block_rows(connection, minute, keyed, stored.begins, quick=True)
    gone = [(minute, *divmod(key, KEY)) for key in stored.touched.tolist()]

    def merge(connection: sa.Connection) -> None:
        execute_many(connection, _DELETE, gone)
        execute_many(connection, _INSERT, rows)
        delete_batches(connection, minute, batch_ids.tolist())

    return merge


def forget_merged(connection: sa.Connection, hour: int) -> int:
    """Delete the merged blocks of an hour that has been packed.

    Returns which minutes they were of: bit n is set for the hour's minute n. Batches stay.
    """
    of_hour = (point.c.minute >= hour) & (point.c.minute < hour + Tier.HOUR)
    minutes = connection.execute(sa.select(point.c.minute).where(of_hour).distinct()).scalars()
    mask = 0
    for minute in minutes:
        mask |= 1 << (minute - hour)
    connection.execute(sa.delete(point).where(of_hour))
    return mask


@dataclass(frozen=True, slots=True)
class KeyedPoints:
    """Points of one minute or bucket, ordered by key and time, and so are their extra statistics.

    ``keys`` are those of the points' series, ``of_extras`` those of the extra statistics'.
    """

    points: StoredPoints
    keys: IntArray
    of_extras: IntArray


def block_rows(
    connection: sa.Connection,
    minute: int,
    keyed: KeyedPoints,
    begins: IntArray,
    *,
    period_ms: int = MILLISECONDS_PER_MINUTE,
    quick: bool = False,
) -> list[tuple[Any, ...]]:
    """Rows of blocks, see ``BLOCK_COLUMNS``, that begin at the keys ``begins``, see ``cuts``.

    The period and ``quick`` are as in ``PointEncoder``.
    """
    keys, extras = keyed.keys, keyed.points.extras
    encoder = PointEncoder(connection, keyed.points, period_ms=period_ms, quick=quick)
    of_block = StoredExtras.empty()
    rows = []
    for begin, end in cuts(keys, begins, SERIES_OF_A_BLOCK):
        if len(extras):
            bounds = [keys[begin], keys[end - 1] + 1]
            first, last = np.searchsorted(keyed.of_extras, bounds).tolist()
            of_block = extras.take(slice(first, last))
        group, first_series = divmod(int(keys[begin]), KEY)
        payload = encoder.payload(slice(begin, end), of_block)
        rows.append((minute, group, first_series, int(keys[end - 1]) % KEY, *payload))
    return rows


class _Stored:
    """The blocks that a minute has of the groups of what is to be merged into it."""

    def __init__(
        self, connection: sa.Connection, minute: int, batches: Sequence[StoredPoints]
    ) -> None:
        self._connection = connection
        self._minute = minute
        query = (
            "SELECT group_id, first_series FROM point"  # noqa: S608 - numbers
            f" WHERE minute = {int(minute)} ORDER BY group_id, first_series"
        )
        found = fetch_rows(connection, query)
        firsts = np.array([group * KEY + first for group, first in found], np.int64)
        self.touched = np.empty(0, np.int64)
        """The first keys of the blocks to which the points belong."""
        self.begins = self.touched
        """Those of them before which there are others of the group."""
        if not len(firsts):
            return
        distinct = ascending(np.concatenate([batch.series_id for batch in batches]))
        keys = keys_of(connection, distinct)
        # To the block that begins before, or if none of the group does to the first one.
        place = np.maximum(np.searchsorted(firsts, keys, side="right") - 1, 0)
        others = firsts[place] // KEY != keys // KEY
        place[others] = np.minimum(place[others] + 1, len(firsts) - 1)
        good = firsts[place] // KEY == keys // KEY
        places = ascending(place[good])
        self.touched = firsts[places]
        groups = firsts // KEY
        self.begins = firsts[places[(places > 0) & (groups[places] == groups[places - 1])]]

    def points(self) -> Iterator[StoredPoints]:
        """What is in the blocks that are touched."""
        touched = np.divmod(self.touched, KEY)
        pairs = ", ".join(
            f"({group}, {first})"
            for group, first in zip(*(part.tolist() for part in touched), strict=True)
        )
        condition = f"minute = {int(self._minute)} AND (group_id, first_series) IN (VALUES {pairs})"
        return read_rows(self._connection, "point", condition)
