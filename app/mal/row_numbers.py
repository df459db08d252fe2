"""Columns that only ever grow: row numbers, and what batches of rows have in common."""

from array import array
from collections.abc import Sized

import numpy as np

from app.arrays import CodeArray, IntArray

_MOST_PARTS = 64


class RowNumbers(Sized):
    """Numbers of rows, 4 bytes each, and no bytes as long as they count from 0 on.

    Most nodes keep all rows of their input in their order.
    """

    __slots__ = ("_numbers", "_size")

    def __init__(self) -> None:
        self._size = 0
        self._numbers: array[int] | None = None

    def __len__(self) -> int:
        return self._size

    def extend(self, numbers: IntArray | CodeArray) -> None:
        """Append numbers."""
        if self._numbers is None:
            if np.array_equal(numbers, np.arange(self._size, self._size + len(numbers))):
                self._size += len(numbers)
                return
            self._numbers = array("i", range(self._size))
        self._size += len(numbers)
        self._numbers.frombytes(numbers.astype(np.int32, copy=False).tobytes())

    def put(self, places: IntArray | CodeArray, numbers: IntArray) -> None:
        """Change some numbers."""
        if not len(places):
            return
        if self._numbers is None:
            self._numbers = array("i", range(self._size))
        np.frombuffer(self._numbers, np.int32)[places] = numbers

    def whole(self) -> IntArray:
        """The column; a copy, as a view would lock it against growing."""
        if self._numbers is None:
            return np.arange(self._size)
        return np.array(self._numbers, np.int64)


class Parts(Sized):
    """A column as parts, which columns that grow with it may share."""

    __slots__ = ("_parts", "_size")

    def __init__(self) -> None:
        self._parts: list[CodeArray] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, part: CodeArray) -> None:
        """Append a part, which must not change any more."""
        self._parts.append(part)
        self._size += len(part)
        if len(self._parts) > _MOST_PARTS:
            self._parts = [self.whole()]

    def whole(self) -> CodeArray:
        """The column."""
        return np.concatenate([np.empty(0, np.int32), *self._parts])
