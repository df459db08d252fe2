"""From slots of raw label bytes to the ids under which SQL keeps series.

Ids are given out by the database. What this process has learnt is kept in memory, and only what a
commit has made durable is learnt: a rolled-back id is never used again.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from app.catalog.describe import describe
from app.catalog.identity import SeriesIdentity
from app.otlp import SeriesKeys
from app.otlp.batch import IntArray

Register = Callable[[Sequence[SeriesIdentity]], Sequence[int]]
"""Finds or inserts series in the current transaction; ids in the order of the identities."""

_UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Resolution:
    """Series ids of a batch, and what there is to learn once they are committed."""

    series_id: IntArray
    learnt: dict[int, int]


class SeriesRegistry:
    """The series known to this process. Thread-safe."""

    def __init__(self) -> None:
        self.keys: SeriesKeys[SeriesIdentity] = SeriesKeys(describe)
        self._ids = np.full(1024, _UNKNOWN, np.int64)
        self._identities: dict[int, SeriesIdentity] = {}
        self._lock = threading.Lock()

    def resolve(self, slots: IntArray, register: Register) -> Resolution:
        """The series ids of ``slots``; unknown ones are registered in one call."""
        with self._lock:
            self._grow(len(self.keys))
            ids = self._ids[slots]
        unknown = np.unique(slots[ids == _UNKNOWN])
        if not len(unknown):
            return Resolution(ids, {})
        identities = [self.keys.description(int(slot)) for slot in unknown]
        registered = register(identities)
        learnt = dict(zip(unknown.tolist(), registered, strict=True))
        missing = ids == _UNKNOWN
        ids[missing] = [learnt[slot] for slot in slots[missing].tolist()]
        return Resolution(ids, learnt)

    def learn(self, resolution: Resolution) -> None:
        """Remember ids whose transaction has been committed."""
        with self._lock:
            for slot, series_id in resolution.learnt.items():
                self._ids[slot] = series_id
                self._identities[series_id] = self.keys.description(slot)

    def identities(
        self,
        series_ids: Sequence[int],
        load: Callable[[Sequence[int]], dict[int, SeriesIdentity]],
    ) -> list[SeriesIdentity]:
        """Identities of series ids; ``load`` fetches those that other processes registered."""
        with self._lock:
            missing = [i for i in series_ids if i not in self._identities]
        if missing:
            loaded = load(missing)
            with self._lock:
                self._identities.update(loaded)
        with self._lock:
            return [self._identities[i] for i in series_ids]

    def _grow(self, size: int) -> None:
        if size > len(self._ids):
            grown = np.full(max(size, 2 * len(self._ids)), _UNKNOWN, np.int64)
            grown[: len(self._ids)] = self._ids
            self._ids = grown
