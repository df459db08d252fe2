"""Label sets by number, with an index of values: conditions are tried on values, not on series."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from app.arrays import BoolArray, IntArray
from app.labels import LabelSet

Condition = tuple[str, Callable[[str], bool]]
"""A label's name, and whether a value of it is wanted; an absent label has the value ``""``."""


class LabelTable:
    """Immutable; the index is made when the first condition is asked for."""

    def __init__(self, labels: Sequence[LabelSet]) -> None:
        self.labels = labels
        self._columns: dict[str, tuple[IntArray, list[str]]] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def fulfilling(self, conditions: Iterable[Condition]) -> BoolArray:
        """Which label sets fulfil all conditions."""
        wanted = np.ones(len(self.labels), np.bool_)
        for name, is_wanted in conditions:
            column = self._indexed().get(name)
            if column is None:
                if not is_wanted(""):
                    wanted[:] = False
                continue
            codes, values = column
            wanted &= np.array([is_wanted(value) for value in values], np.bool_)[codes]
        return wanted

    def names(self, rows: IntArray | None = None) -> set[str]:
        """Names of labels of the rows; of all without any."""
        if rows is None:
            return set(self._indexed())
        return {name for name, (codes, _) in self._indexed().items() if codes[rows].any()}

    def values(self, name: str, rows: IntArray | None = None) -> set[str]:
        """Values of a label of the rows; of all without any."""
        column = self._indexed().get(name)
        if column is None:
            return set()
        codes, values = column
        found = range(len(values)) if rows is None else np.unique(codes[rows]).tolist()
        return {values[code] for code in found if values[code]}

    def _indexed(self) -> dict[str, tuple[IntArray, list[str]]]:
        # Two threads may make it at once; they make the same.
        if self._columns is None:
            self._columns = _index(self.labels)
        return self._columns


def _index(labels: Sequence[LabelSet]) -> dict[str, tuple[IntArray, list[str]]]:
    """By name, the number of each row's value, and the values; 0 is the empty one."""
    numbers: dict[str, dict[str, int]] = {}
    rows: dict[str, list[int]] = {}
    codes: dict[str, list[int]] = {}
    for row, labels_of_row in enumerate(labels):
        for name, value in labels_of_row:
            known = numbers.get(name)
            if known is None:
                known = numbers[name] = {"": 0}
                rows[name], codes[name] = [], []
            rows[name].append(row)
            codes[name].append(known.setdefault(value, len(known)))
    columns = {}
    for name, known in numbers.items():
        column = np.zeros(len(labels), np.int64)
        column[rows[name]] = codes[name]
        columns[name] = column, list(known)
    return columns
