"""From slots of raw label bytes to the ids under which SQL keeps series.

Ids are given out by the database. What this process has learnt is kept in memory, and only what a
commit has made durable is learnt: a rolled-back id is never used again.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from app.arrays import IntArray
from app.catalog.describe import describe
from app.catalog.identity import SeriesIdentity
from app.catalog.origins import Origins
from app.otlp import Decoder, SeriesKeys

Register = Callable[[Sequence[SeriesIdentity]], Sequence[int]]
"""Finds or inserts series in the current transaction; ids in the order of the identities."""

_UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Resolution:
    """Series ids of a batch, and what there is to learn once they are committed."""

    series_id: IntArray
    learnt: dict[int, int]


class KnownSeries:
    """Raw label bytes to series ids: a table of slots and, for each, the id if it is known.

    ``decoder`` is what is to read records. Thread-safe.
    """

    def __init__(self, decoder: Decoder = Decoder.AUTO) -> None:
        self.origins = Origins()
        self.keys: SeriesKeys[SeriesIdentity] = SeriesKeys(describe, self.origins.number, decoder)
        self._ids = np.full(1024, _UNKNOWN, np.int64)
        self._lock = threading.Lock()

    def resolve(self, slots: IntArray, register: Register) -> Resolution:
        """The series ids of ``slots``; unknown ones are registered in one call."""
        with self._lock:
            self._grow(len(self.keys))
            ids = self._ids[slots]
            unknown = np.unique(slots[ids == _UNKNOWN]).tolist()
            identities = [self.keys.description(slot) for slot in unknown]
        if not unknown:
            return Resolution(ids, {})
        learnt = dict(zip(unknown, register(identities), strict=True))
        missing = ids == _UNKNOWN
        ids[missing] = [learnt[slot] for slot in slots[missing].tolist()]
        return Resolution(ids, learnt)

    def learn(self, resolution: Resolution) -> dict[int, SeriesIdentity]:
        """Remember ids whose transaction has been committed; returns their identities."""
        identities = {}
        with self._lock:
            for slot, series_id in resolution.learnt.items():
                if self._ids[slot] == _UNKNOWN:
                    self._ids[slot] = series_id
                    identities[series_id] = self.keys.description(slot)
                    self.keys.forget(slot)
        return identities

    def _grow(self, size: int) -> None:
        if size > len(self._ids):
            grown = np.full(max(size, 2 * len(self._ids)), _UNKNOWN, np.int64)
            grown[: len(self._ids)] = self._ids
            self._ids = grown


class SeriesRegistry:
    """The series known to this process. Thread-safe.

    When more than ``limit`` different raw keys have been seen, the registry starts anew: memory
    stays bounded however many short-lived series there are, and a series that is still alive costs
    one look-up in the database.
    """

    def __init__(self, limit: int = 2_000_000, decoder: Decoder = Decoder.AUTO) -> None:
        self._limit = limit
        self._decoder = decoder
        self._known = KnownSeries(decoder)
        self._identities: dict[int, SeriesIdentity] = {}
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Start anew: the ids are of a database that may not be there any more."""
        with self._lock:
            self._known = KnownSeries(self._decoder)
            self._identities.clear()

    @property
    def known(self) -> KnownSeries:
        """The table to decode a delivery with; the same one must resolve it."""
        with self._lock:
            if len(self._known.keys) >= self._limit:
                self._known = KnownSeries(self._decoder)
                self._identities.clear()
            return self._known

    def learn(self, known: KnownSeries, resolution: Resolution) -> None:
        """Remember ids whose transaction has been committed."""
        identities = known.learn(resolution)
        with self._lock:
            self._identities.update(identities)

    def take_identities(
        self,
        series_ids: Sequence[int],
        load: Callable[[Sequence[int]], dict[int, SeriesIdentity]],
    ) -> list[SeriesIdentity]:
        """Identities of series ids, handed over for good.

        ``load`` fetches those that are not at hand: registered by another process, or asked for
        again.
        """
        with self._lock:
            found = {i: self._identities.pop(i) for i in series_ids if i in self._identities}
        missing = [i for i in series_ids if i not in found]
        if missing:
            found.update(load(missing))
        return [found[i] for i in series_ids]
