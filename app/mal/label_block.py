"""``LabelBlock``: the labels of many rows as columns of codes.

What follows from labels is worked out once for each kind of row, and remembered: one block passes
through every rule that its series belong to.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar, cast, overload

import numpy as np

from app.arrays import CodeArray, IntArray
from app.mal.distinct import Distinct, distinct
from app.mal.frames import Labels
from app.mal.vocabulary import ABSENT, EMPTY, Vocabulary

_T = TypeVar("_T")


class LabelGroups(NamedTuple):
    """Rows of a block told apart by a key.

    ``group`` is the group of each row; ``keys`` and ``labels`` are those of each group, in the
    order of their first rows.
    """

    group: IntArray
    keys: IntArray
    labels: "LabelBlock"


class LabelBlock:
    """Labels of ``size`` rows; never changed once handed on."""

    __slots__ = ("_columns", "_remembered", "_sets", "size", "vocabulary")

    def __init__(self, vocabulary: Vocabulary, size: int, columns: Mapping[str, CodeArray]) -> None:
        self.vocabulary = vocabulary
        self.size = size
        self._columns = columns
        self._sets: IntArray | None = None
        self._remembered: dict[object, object] = {}

    @classmethod
    def of(cls, vocabulary: Vocabulary, rows: Sequence[Labels]) -> "LabelBlock":
        """The block of some labels."""
        columns: dict[str, CodeArray] = {}
        for row, labels in enumerate(rows):
            for name, value in labels.items():
                if name not in columns:
                    columns[name] = np.full(len(rows), ABSENT, np.int32)
                columns[name][row] = vocabulary.code(value)
        return cls(vocabulary, len(rows), columns)

    @classmethod
    def joined(cls, blocks: Sequence["LabelBlock"]) -> "LabelBlock":
        """The rows of some blocks, one block after the other."""
        names = dict.fromkeys(name for block in blocks for name in block.names)
        columns = {name: np.concatenate([block.column(name) for block in blocks]) for name in names}
        return cls(blocks[0].vocabulary, sum(block.size for block in blocks), columns)

    @property
    def names(self) -> Iterable[str]:
        """The names of labels that rows may have."""
        return self._columns.keys()

    def column(self, name: str) -> CodeArray:
        """The codes of a label, ``ABSENT`` where a row does not have it."""
        codes = self._columns.get(name)
        return np.full(self.size, ABSENT, np.int32) if codes is None else codes

    def filled(self, name: str) -> CodeArray:
        """The codes of a label, with the empty text where a row does not have it."""
        return np.maximum(self.column(name), EMPTY)

    def labels(self, row: int, names: Iterable[str] | None = None) -> dict[str, str]:
        """The labels of a row, or those of them that have these names."""
        text = self.vocabulary.text
        return {
            name: text(code)
            for name in (self._columns if names is None else names)
            if (code := int(self._columns[name][row])) != ABSENT
        }

    def take(self, rows: IntArray) -> "LabelBlock":
        """Some rows, in their order."""
        columns = {name: codes[rows] for name, codes in self._columns.items()}
        block = LabelBlock(self.vocabulary, len(rows), columns)
        block._sets = None if self._sets is None else self._sets[rows]
        return block

    def replaced(self, columns: Mapping[str, CodeArray], names: Iterable[str]) -> "LabelBlock":
        """The block with other columns in place of those of some names, and new ones behind."""
        gone = set(names) - columns.keys()
        kept = {name: codes for name, codes in self._columns.items() if name not in gone}
        return LabelBlock(self.vocabulary, self.size, {**kept, **columns})

    def distinct(self, names: Iterable[str] | None = None) -> Distinct:
        """Rows that differ in the labels of these names, or in any."""
        own = tuple(sorted(self._columns if names is None else self._columns.keys() & set(names)))
        return self.once(
            ("distinct", own), lambda: distinct((self._columns[n] for n in own), self.size)
        )

    def groups(self, names: tuple[str, ...]) -> LabelGroups:
        """Rows by the values of these labels, empty where missing; groups have just these."""
        return self.once(names, lambda: self._groups(names))

    def groups_of_sets(self, *, without: str) -> LabelGroups:
        """Rows by their label set without one name; groups have the labels of their first rows."""
        return self.once(("sets", without), lambda: self._groups_of_sets(without))

    def sets(self) -> IntArray:
        """The numbers of the rows' label sets."""
        if self._sets is None:
            self._sets = self.vocabulary.sets(self._columns, self.size)
        return self._sets

    def sets_without(self, names: Iterable[str]) -> IntArray:
        """The numbers of the rows' label sets without the labels of these names."""
        rest = {n: codes for n, codes in self._columns.items() if n not in names}
        if len(rest) == len(self._columns):
            return self.sets()
        return self.vocabulary.sets(rest, self.size)

    def literal_sets(self) -> IntArray:
        """The numbers of the rows' label sets, where an empty label is not a missing one."""
        return self.vocabulary.sets(self._columns, self.size, with_empty=True)

    def once(self, what: object, work: Callable[[], _T]) -> _T:
        """The result of ``work``, which is done once for each ``what``."""
        if what not in self._remembered:
            self._remembered[what] = work()
        return cast("_T", self._remembered[what])

    def _groups(self, names: tuple[str, ...]) -> LabelGroups:
        columns = [self.filled(name) for name in names]
        firsts, group = distinct(columns, self.size)
        columns = [column[firsts] for column in columns]
        labels = LabelBlock(self.vocabulary, len(firsts), dict(zip(names, columns, strict=True)))
        return LabelGroups(group, self.vocabulary.keys(columns, len(firsts)), labels)

    def _groups_of_sets(self, without: str) -> LabelGroups:
        unnamed = self
        if without in self._columns:
            columns = {name: codes for name, codes in self._columns.items() if name != without}
            unnamed = LabelBlock(self.vocabulary, self.size, columns)
        keys = unnamed.sets()
        firsts, group = distinct([keys], self.size)
        labels = unnamed if len(firsts) == self.size else unnamed.take(firsts)
        return LabelGroups(group, keys[firsts], labels)


class RecordedLabels(Sequence[Labels]):
    """Labels by row as blocks bring them, made when they are asked for."""

    def __init__(self) -> None:
        self._blocks: list[LabelBlock] = []
        self._starts: list[int] = []
        self._size = 0

    def append(self, labels: LabelBlock) -> None:
        """Add the labels of further rows."""
        self._blocks.append(labels)
        self._starts.append(self._size)
        self._size += labels.size

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, row: int) -> Labels: ...
    @overload
    def __getitem__(self, row: slice) -> list[Labels]: ...
    def __getitem__(self, row: int | slice) -> Labels | list[Labels]:
        if isinstance(row, slice):
            return [self[number] for number in range(*row.indices(self._size))]
        row = range(self._size)[row]
        number = bisect_right(self._starts, row) - 1
        return self._blocks[number].labels(row - self._starts[number])

    def __iter__(self) -> Iterator[Labels]:
        return (block.labels(row) for block in self._blocks for row in range(block.size))
