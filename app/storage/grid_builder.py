"""Rows (time, key, value) put into a matrix with a row for each key and a column for each time."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from app.arrays import FloatArray, IntArray

Take = Callable[[int], None]
"""Told of cells before they are held in memory; raises when there are too many."""


class GridBuilder:
    """Collects rows and makes the matrix when all are there.

    From one time to the next the keys mostly are the same. So each distinct list of keys is looked
    up once, and nothing of the size of the whole is ever sorted.
    """

    def __init__(self) -> None:
        self.cells = 0
        self._key_lists: list[IntArray] = []
        self._times: list[int] = []
        self._columns: list[tuple[int, FloatArray]] = []

    def add(self, times: IntArray, keys: IntArray, values: FloatArray) -> None:
        """Add rows, in any order; no key comes twice at one time, also not in further calls."""
        if not len(times):
            return
        if (times[1:] < times[:-1]).any():
            order = np.argsort(times, kind="stable")
            times, keys, values = times[order], keys[order], values[order]
        begins = np.flatnonzero(times[1:] != times[:-1]) + 1
        bounds = [0, *begins.tolist(), len(times)]
        for first, last in pairwise(bounds):
            self._add_column(int(times[first]), keys[first:last], values[first:last])
        self.cells += len(times)

    def build(self, take: Take) -> tuple[IntArray, IntArray, FloatArray]:
        """Keys ascending, times ascending, and the values (keys, times), NaN where there is none.

        ``take`` is told the cells that no row was added for.
        """
        if not self._columns:
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 0))
        keys = np.unique(np.concatenate(self._key_lists))
        times, place = np.unique(np.array(self._times, np.int64), return_inverse=True)
        take(len(keys) * len(times) - self.cells)
        rows = [np.searchsorted(keys, some) for some in self._key_lists]
        # By time first: each column is then written at one place.
        by_time = np.full((len(times), len(keys)), np.nan)
        for column, (number, values) in zip(place.tolist(), self._columns, strict=True):
            by_time[column, rows[number]] = values
        return keys, times, np.ascontiguousarray(by_time.T)

    def _add_column(self, time: int, keys: IntArray, values: FloatArray) -> None:
        if not self._key_lists or not np.array_equal(self._key_lists[-1], keys):
            self._key_lists.append(keys)
        self._times.append(time)
        self._columns.append((len(self._key_lists) - 1, values))
