"""``Vocabulary``: integers for texts, and for labels made of them.

Labels are compared as integers throughout a graph, so all sources of a graph share a vocabulary.
It grows with the number of different texts and sets of labels, and lives as long as its rules.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from app.arrays import CodeArray, IntArray
from app.labels import LabelSet
from app.mal.key_index import KeyIndex

EMPTY = 0
"""The code of the empty text."""
ABSENT = -1
"""Stands for a label that a row does not have."""

_HALF = 32
_LOWER = (1 << _HALF) - 1


class _Codes(dict[str, int]):
    """Codes by text; a text that is asked for gets one."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def __missing__(self, text: str) -> int:
        code = self[text] = len(self.texts)
        self.texts.append(text)
        return code


class Vocabulary:
    """Codes of texts, keys of tuples of texts, and numbers of label sets."""

    def __init__(self) -> None:
        self._codes = _Codes()
        self.code("")
        self._tuples = KeyIndex()
        self._labels, self._sets = KeyIndex(), KeyIndex()
        self._of_label, self._of_set = array("q"), array("q")
        self._label_sets: dict[int, LabelSet] = {}

    def code(self, text: str) -> int:
        """The code of a text."""
        return self._codes[text]

    def codes(self, texts: Sequence[str]) -> CodeArray:
        """The codes of some texts."""
        return np.fromiter(map(self._codes.__getitem__, texts), np.int32, len(texts))

    def text(self, code: int) -> str:
        """The text of a code."""
        return self._codes.texts[code]

    def keys(self, columns: Sequence[CodeArray], size: int) -> IntArray:
        """A key for each row of some columns of codes, none of them ``ABSENT``.

        Rows of as many columns have the same key if and only if they have the same codes.
        """
        if not columns:
            return np.zeros(size, np.int64)
        keys = columns[0].astype(np.int64)
        for number, column in enumerate(columns[1:]):
            prefix = self._tuples.add(keys)[0] if number else keys
            keys = pair_keys(prefix, column)
        return keys

    def sets(
        self, columns: Mapping[str, CodeArray], size: int, *, with_empty: bool = False
    ) -> IntArray:
        """The number of each row's label set; 0 is the empty one.

        Labels with empty values are left out, unless asked for.
        """
        least = EMPTY if with_empty else EMPTY + 1
        sets = np.zeros(size, np.int64)
        for name in sorted(columns):
            codes = columns[name]
            rows = np.flatnonzero(codes >= least)
            if len(rows):
                own = (self.code(name) << _HALF) | codes[rows].astype(np.int64)
                labels = _numbers(self._labels, self._of_label, own)
                longer = pair_keys(sets[rows], labels)
                sets[rows] = _numbers(self._sets, self._of_set, longer) + 1
        return sets

    def set_of(self, label_set: Iterable[tuple[str, str]]) -> int:
        """The number of a label set, empty values included."""
        columns = {name: self.codes([value]) for name, value in label_set}
        return int(self.sets(columns, 1, with_empty=True)[0])

    def label_set(self, number: int) -> LabelSet:
        """The label set of a number."""
        found = self._label_sets.get(number)
        if found is None:
            pairs: list[tuple[str, str]] = []
            left = number
            while left:
                key = self._of_set[left - 1]
                left, label = key >> _HALF, self._of_label[key & _LOWER]
                pairs.append((self.text(label >> _HALF), self.text(label & _LOWER)))
            found = self._label_sets[number] = tuple(reversed(pairs))
        return found


def pair_keys(left: CodeArray | IntArray, right: CodeArray | IntArray) -> IntArray:
    """A key for each pair of numbers of 31 bits."""
    keys: IntArray = (left.astype(np.int64) << _HALF) | right
    return keys


def _numbers(index: KeyIndex, keys_by_number: "array[int]", keys: IntArray) -> IntArray:
    """The numbers of some keys; ``keys_by_number`` keeps the way back."""
    numbers, new = index.add(keys)
    keys_by_number.frombytes(keys[new].tobytes())
    return numbers.astype(np.int64)
