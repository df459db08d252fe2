"""From slots of raw label bytes to the ids under which SQL keeps series.

Ids are given out by the database. What this process has learnt is kept in memory, and only what a
commit has made durable is learnt: a rolled-back id is never used again.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np

from app.arrays import IntArray, ascending
from app.catalog.describe import describe
from app.catalog.describe_all import describe_all
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
        self.keys: SeriesKeys[SeriesIdentity] = SeriesKeys(
            describe, self.origins.number, decoder, partial(describe_all, origins=self.origins)
        )
        self._ids = np.full(1024, _UNKNOWN, np.int64)
        self._lock = threading.Lock()

    def resolve(self, slots: IntArray, register: Register) -> Resolution:
        """The series ids of ``slots``; unknown ones are registered in one call."""
        with self._lock:
            self._grow(len(self.keys))
            ids = self._ids[slots]
            unknown = ascending(slots[ids == _UNKNOWN]).tolist()
            identities = self.keys.descriptions(unknown)
        if not unknown:
            return Resolution(ids, {})
        learnt = dict(zip(unknown, register(identities), strict=True))
        missing = ids == _UNKNOWN
        registered = np.fromiter(learnt.values(), np.int64, len(learnt))
        ids[missing] = registered[np.searchsorted(unknown, slots[missing])]
        return Resolution(ids, learnt)

    def learn(self, resolution: Resolution) -> dict[int, SeriesIdentity]:
        """Remember ids whose transaction has been committed; returns their identities."""
        learnt = resolution.learnt
        if not learnt:
            return {}
        slots = np.fromiter(learnt, np.int64, len(learnt))
        ids = np.fromiter(learnt.values(), np.int64, len(learnt))
        with self._lock:
            new = self._ids[slots] == _UNKNOWN
            self._ids[slots[new]] = ids[new]
            known = slots[new].tolist()
            identities = dict(zip(ids[new].tolist(), self.keys.descriptions(known), strict=True))
            self.keys.forget(known)
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
    one look-up in the database. Of a series, its raw key and the eight bytes of its id are kept.
    Identities wait for the rules to ask for them, at most ``waiting`` of them: a process whose
    rules ask late, or that evaluates none, reads them from the database instead.
    """

    def __init__(
        self, limit: int = 2_000_000, waiting: int = 100_000, *, decoder: Decoder = Decoder.AUTO
    ) -> None:
        self._limit = limit
        self._waiting = waiting
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
            if len(self._identities) + len(identities) > self._waiting:
                self._identities.clear()
            self._identities.update(islice(identities.items(), self._waiting))

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
            waiting = self._identities
            found = {i: waiting.pop(i) for i in series_ids if i in waiting}
            if not waiting:
                # A dictionary keeps the room of all that it ever held.
                self._identities = {}
        missing = [i for i in series_ids if i not in found]
        if missing:
            found.update(load(missing))
        return [found[i] for i in series_ids]
