"""``KeyIndex``: consecutive numbers for integers, in the order in which they first appear."""

import numpy as np

from app.arrays import CodeArray, IntArray

UNKNOWN = -1

# Numbers are merged into the large table when there is one new one for so many old ones.
_MERGED_AT = 8
_SMALL = 4_096


class _Sorted:
    """Keys in ascending order and their numbers, 12 bytes each."""

    def __init__(self) -> None:
        self.keys: IntArray = np.empty(0, np.int64)
        self.numbers: CodeArray = np.empty(0, np.int32)

    def __len__(self) -> int:
        return len(self.keys)

    def find(self, keys: IntArray) -> CodeArray:
        """Numbers of the keys, ``UNKNOWN`` of those that are not here; not for an empty table."""
        at = np.searchsorted(self.keys, keys)
        np.minimum(at, len(self.keys) - 1, out=at)
        found = self.numbers[at]
        found[self.keys[at] != keys] = UNKNOWN
        return found

    def insert(self, keys: IntArray, numbers: CodeArray) -> None:
        """Add keys, ascending and new."""
        if not len(self):
            self.keys, self.numbers = keys, numbers
            return
        at = np.searchsorted(self.keys, keys)
        self.keys = np.insert(self.keys, at, keys)
        self.numbers = np.insert(self.numbers, at, numbers)


class KeyIndex:
    """Numbers from 0 for 64-bit keys.

    Sorted arrays and not a dictionary, which would take ten times the memory. What is new goes into
    a small table first, so that adding costs the same however many keys there are.
    """

    def __init__(self) -> None:
        self._old = _Sorted()
        self._new = _Sorted()

    def __len__(self) -> int:
        return len(self._old) + len(self._new)

    def find(self, keys: IntArray) -> CodeArray:
        """Numbers of the keys; ``UNKNOWN`` of those that have none."""
        if not len(self._old):
            if not len(self._new):
                return np.full(len(keys), UNKNOWN, np.int32)
            return self._new.find(keys)
        found = self._old.find(keys)
        if len(self._new):
            np.maximum(found, self._new.find(keys), out=found)
        return found

    def add(self, keys: IntArray) -> tuple[CodeArray, IntArray]:
        """Numbers of the keys, and where those that were new are first among them, ascending."""
        numbers = self.find(keys)
        unknown = np.flatnonzero(numbers == UNKNOWN)
        if not len(unknown):
            return numbers, unknown
        found = keys[unknown]
        # Mostly they are nearly in order, and each is there once.
        order = np.argsort(found, kind="stable")
        values = found[order]
        begins = np.ones(len(values), np.bool_)
        np.not_equal(values[1:], values[:-1], out=begins[1:])
        if begins.all():
            given = (len(self) + order).astype(np.int32)
            numbers[unknown] = np.arange(len(self), len(self) + len(order), dtype=np.int32)
        else:
            values, firsts = values[begins], order[begins]
            by_place = np.argsort(firsts)
            given = np.empty(len(values), np.int32)
            given[by_place] = np.arange(len(self), len(self) + len(values), dtype=np.int32)
            numbers[unknown[order]] = given[np.cumsum(begins) - 1]
            unknown = unknown[firsts[by_place]]
        self._new.insert(values, given)
        if len(self._new) * _MERGED_AT > len(self._old) + _SMALL:
            self._old.insert(self._new.keys, self._new.numbers)
            self._new = _Sorted()
        return numbers, unknown
