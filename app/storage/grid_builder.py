"""Rows (time, key, value) put into a matrix with a row for each key and a column for each time."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from app.arrays import FloatArray, IntArray, ascending

Take = Callable[[int], None]
"""Told of cells before they are held in memory; raises when there are too many."""


class GridBuilder:
    """Collects rows, and matrices of hours, and makes one matrix when all are there.

    From one time to the next the keys mostly are the same. So each distinct list of keys is looked
    up once, and nothing of the size of the whole is ever sorted.
    """

    def __init__(self) -> None:
        self.cells = 0
        self._key_lists: list[IntArray] = []
        self._times: list[int] = []
        self._columns: list[tuple[int, int, FloatArray]] = []
        self._blocks: list[tuple[IntArray, int, FloatArray]] = []

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

    def add_block(self, times: IntArray, keys: IntArray, values: FloatArray) -> None:
        """Add values (keys, times), NaN where there is none; both ascend.

        Between these times there are no others. Where rows were added, or will be, those count.
        """
        if values.size:
            self._times += times.tolist()
            self._key_lists.append(keys)
            self._blocks.append((keys, int(times[0]), values))
            self.cells += values.size

    def build(self, take: Take) -> tuple[IntArray, IntArray, FloatArray]:
        """Keys ascending, times ascending, and the values (keys, times), NaN where there is none.

        Each key and each time has a value. ``take`` is told the cells that nothing was added for.
        """
        if not self._times:
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 0))
        keys = ascending(np.concatenate(self._key_lists))
        times = np.unique(np.array(self._times, np.int64))
        take(max(0, len(keys) * len(times) - self.cells))
        values = np.full((len(keys), len(times)), np.nan)
        for some, time, block in self._blocks:
            row = np.searchsorted(keys, some)
            first = int(np.searchsorted(times, time))
            where = slice(first, first + block.shape[1])
            if row[-1] - row[0] == len(row) - 1:
                values[row[0] : row[-1] + 1, where] = block
            else:
                values[row, where] = block
        rows: dict[int, IntArray] = {}
        for time, number, column in self._columns:
            if number not in rows:
                rows[number] = np.searchsorted(keys, self._key_lists[number])
            values[rows[number], np.searchsorted(times, time)] = column
        return _without_empty(keys, times, values) if self._blocks else (keys, times, values)

    def _add_column(self, time: int, keys: IntArray, values: FloatArray) -> None:
        if not self._key_lists or not np.array_equal(self._key_lists[-1], keys):
            self._key_lists.append(keys)
        self._times.append(time)
        self._columns.append((time, len(self._key_lists) - 1, values))


def _without_empty(
    keys: IntArray, times: IntArray, values: FloatArray
) -> tuple[IntArray, IntArray, FloatArray]:
    """Without the keys and the times that have no value."""
    present = ~np.isnan(values)
    rows, columns = present.any(axis=1), present.any(axis=0)
    if not rows.all():
        keys, values = keys[rows], values[rows]
    if not columns.all():
        times, values = times[columns], np.ascontiguousarray(values[:, columns])
    return keys, times, values
