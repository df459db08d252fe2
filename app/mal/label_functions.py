"""Functions of labels, and what they make of a block: they run once for each kind of row."""

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from app.arrays import CodeArray, IntArray
from app.mal.frames import Labels
from app.mal.label_block import LabelBlock
from app.mal.masks import Mask
from app.mal.vocabulary import ABSENT

Result = TypeVar("Result")


class LabelFunction(Generic[Result]):
    """A function of labels of which is known which it ``touches``; None: all.

    Its result depends on no other labels, and if it gives labels, it gives the others as they are.
    A filter may have a ``mask``, which says the same of all rows of a block.
    """

    def __init__(
        self,
        function: Callable[[Labels], Result],
        touches: frozenset[str] | None,
        mask: Mask | None = None,
    ) -> None:
        self._function = function
        self.touches = touches
        self.mask = mask

    def __call__(self, labels: Labels) -> Result:
        return self._function(labels)


class Selected(NamedTuple):
    """The rows of a block that are left, their labels, and the error of each row that failed."""

    rows: IntArray
    labels: LabelBlock
    faults: Sequence[Exception]


Selection = Callable[[LabelBlock], Selected]
"""Which rows of a block are left, and under which labels."""


def filtering(passes: LabelFunction[bool]) -> Selection:
    """Leaves the rows that pass."""

    def select(labels: LabelBlock) -> Selected:
        faults: Sequence[Exception] = ()
        if passes.mask is not None:
            passing = passes.mask(labels)
        else:
            kinds = _Kinds(passes, labels)
            faults = kinds.faults()
            passing = np.array([result is True for result in kinds.results], np.bool_)[kinds.of_row]
        rows = np.flatnonzero(passing)
        return Selected(rows, labels if len(rows) == labels.size else labels.take(rows), faults)

    return select


def relabelling(mapping: LabelFunction[Labels]) -> Selection:
    """Gives rows other labels."""

    def select(labels: LabelBlock) -> Selected:
        kinds = _Kinds(mapping, labels)
        columns: dict[str, CodeArray] = {}
        code = labels.vocabulary.code
        for kind, result in enumerate(kinds.results):
            for name, value in (result or {}).items():
                if name not in columns:
                    columns[name] = np.full(len(kinds.results), ABSENT, np.int32)
                columns[name][kind] = code(value)
        spread = {name: codes[kinds.of_row] for name, codes in columns.items()}
        mapped = labels.replaced(spread, kinds.names)
        rows = np.arange(labels.size)
        if kinds.failed:
            rows = np.flatnonzero(~np.isin(kinds.of_row, list(kinds.failed)))
            mapped = mapped.take(rows)
        return Selected(rows, mapped, kinds.faults())

    return select


class _Kinds(Generic[Result]):
    """The results of a function for the rows of a block, by kind of row; None where it failed."""

    def __init__(self, function: LabelFunction[Result], labels: LabelBlock) -> None:
        touches = function.touches
        self.names = [name for name in labels.names if touches is None or name in touches]
        firsts, self.of_row = labels.distinct(self.names)
        self.results: list[Result | None] = []
        self.failed: dict[int, Exception] = {}
        for kind, row in enumerate(firsts.tolist()):
            try:
                self.results.append(function(labels.labels(row, self.names)))
            except Exception as error:  # noqa: BLE001 - told for each row
                self.results.append(None)
                self.failed[kind] = error

    def faults(self) -> list[Exception]:
        """The error of each row for which the function failed, in the order of rows."""
        if not self.failed:
            return []
        failed = self.failed
        return [failed[kind] for kind in self.of_row.tolist() if kind in failed]
