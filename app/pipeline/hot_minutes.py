"""Points of minutes that are still filling, kept so that each evaluation reads only what is new.

Deliveries leave their points in batches. Of a minute it is remembered which batches have been read,
and what stands of them; the next reading asks for the ids of its batches and reads those that are
new. Nothing depends on this memory. It is trusted only while every batch that was read is still
there, because whatever else changes the points of a minute takes its batches away: merging them,
deleting them, another database. In any doubt the minute is read anew.
"""

from collections import OrderedDict
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np

from app.arrays import IntArray
from app.rules import MinutePoints
from app.storage import Connection, StoredPoints, minute_points

_MOST_BYTES = 32 * 2**20
_MOST_MINUTES = 16


class MinuteStorage(Protocol):
    """Where the points of minutes are: the functions of ``app.storage`` that have these names."""

    def read_batch_ids(self, connection: Connection, minute: int) -> IntArray:
        """Ids of the batches of a minute, ascending; an id is never used again."""

    def read_batches(
        self, connection: Connection, minute: int, batch_ids: IntArray
    ) -> StoredPoints:
        """What stands of some batches of a minute."""

    def read_base(self, connection: Connection, minute: int) -> StoredPoints:
        """What stands of a minute's points but for its batches."""


@dataclass(frozen=True, slots=True)
class _Hot:
    """A minute as it was read last: the batches, ascending, and what stands of everything."""

    batch_ids: IntArray
    stored: StoredPoints
    points: MinutePoints

    @property
    def size(self) -> int:
        """Bytes, about: the columns that rules take are those that are stored, but for two."""
        columns = [getattr(self.stored, each.name) for each in fields(self.stored)]
        columns += [getattr(self.stored.extras, each.name) for each in fields(self.stored.extras)]
        columns += [self.batch_ids, self.points.extra_row, self.points.extra_row]
        return sum(column.nbytes for column in columns if isinstance(column, np.ndarray))

    def later(self, batch_ids: IntArray) -> IntArray | None:
        """Those of a minute's batches that have not been read; None if this is not to be trusted.

        Of alike points the later one stands, so that a batch that has come in between changes what
        stands of those after it.
        """
        read = self.batch_ids
        if np.array_equal(batch_ids[: len(read)], read):
            return batch_ids[len(read) :]
        return None


class HotMinutes:
    """The minutes read last that have batches, up to a number of bytes and of minutes.

    Not thread-safe: the evaluator owns it.
    """

    def __init__(
        self,
        storage: MinuteStorage,
        *,
        most_bytes: int = _MOST_BYTES,
        most_minutes: int = _MOST_MINUTES,
    ) -> None:
        self._storage = storage
        self._most_bytes = most_bytes
        self._most_minutes = most_minutes
        self._minutes: OrderedDict[int, _Hot] = OrderedDict()
        self._epoch: int | None = None

    def points(self, connection: Connection, minute: int, *, epoch: int) -> MinutePoints:
        """All points of a minute, as the connection sees them.

        ``epoch`` is that of the database, see ``Store.epoch``; with another one everything is
        forgotten.
        """
        if epoch != self._epoch:
            self.forget()
            self._epoch = epoch
        batch_ids = self._storage.read_batch_ids(connection, minute)
        hot = self._minutes.pop(minute, None)
        new = None if hot is None else hot.later(batch_ids)
        if hot is None or new is None:
            # In the direction in which points are moved, so that none is missed.
            batches = self._storage.read_batches(connection, minute, batch_ids)
            base = self._storage.read_base(connection, minute)
            # What has been merged stands by itself, as batches do that were read together.
            whole = StoredPoints.standing([base, batches]) if len(base) else batches
            hot = _hot(minute, batch_ids, whole)
        elif len(new):
            batches = self._storage.read_batches(connection, minute, new)
            hot = _hot(minute, batch_ids, StoredPoints.standing([hot.stored, batches]))
        self._keep(minute, hot)
        return hot.points

    def forget(self) -> None:
        """Drop everything, as when another process may have had its turn."""
        self._minutes.clear()

    def _keep(self, minute: int, hot: _Hot) -> None:
        # Without a batch nothing would tell that the minute has changed.
        if not len(hot.batch_ids):
            return
        self._minutes[minute] = hot
        sizes = {number: each.size for number, each in self._minutes.items()}
        while len(sizes) > self._most_minutes or sum(sizes.values()) > self._most_bytes:
            oldest = next(iter(sizes))
            del sizes[oldest], self._minutes[oldest]


def _hot(minute: int, batch_ids: IntArray, stored: StoredPoints) -> _Hot:
    return _Hot(batch_ids, stored, minute_points(minute, stored))
