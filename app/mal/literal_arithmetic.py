"""Arithmetic between two families to the letter of SkyWalking's language.

It is for families given by hand, whose samples have an order: each left sample stands for itself
and meets the first right one whose labels are the same to the last. ``app.mal.arithmetic`` is for
families that come in any order.
"""

import numpy as np

from app.arrays import FloatArray, IntArray
from app.mal.arithmetic import OPERATORS
from app.mal.frames import Combine, Frame
from app.mal.grouping import First
from app.mal.key_index import UNKNOWN
from app.mal.label_block import LabelBlock
from app.mal.nodes import Carried, Evaluation, Node, indexes
from app.mal.row_numbers import RowNumbers


class LiteralArithmetic(Node):
    """``left operator right``; what is divided by EMPTY is divided by 0."""

    def __init__(self, left: Node, right: Node, symbol: str) -> None:
        super().__init__(Combine.AVERAGE, left, right, step=symbol)
        self.counted = False
        self._left, self._right, self._operator = left, right, symbol
        self._first = First(right, right.combine)
        self._sets = RowNumbers()
        self._left_outputs, self._right_outputs = RowNumbers(), RowNumbers()
        left.feed(self._push_left)
        right.feed(self._push_right)

    def _push_left(self, first: int, labels: LabelBlock) -> None:  # noqa: ARG002 - rows come in order
        self._sets.extend(labels.literal_sets())
        self._append(self._left_outputs, labels)

    def _push_right(self, first: int, labels: LabelBlock) -> None:  # noqa: ARG002 - as above
        self._append(self._right_outputs, labels)

    def _append(self, outputs: RowNumbers, labels: LabelBlock) -> None:
        start = self._emit(labels)
        outputs.extend(np.arange(start, start + labels.size))

    def _partners(self) -> IntArray:
        """The right side's first row of the same labels, for each row of the left."""
        return self._first.find(indexes(self._sets)).astype(np.int64)

    def evaluate(self, evaluation: Evaluation) -> Frame:
        left, right = (evaluation.frame(node) for node in (self._left, self._right))
        outputs = indexes(self._left_outputs), indexes(self._right_outputs)
        value = np.full(self.size, np.nan)
        if self._operator in "+-" and left.is_empty:
            value[outputs[1]] = right.value if self._operator == "+" else -right.value
        elif self._operator in "+-" and right.is_empty:
            value[outputs[0]] = left.value
        elif self._operator == "/" and right.is_empty:
            value[outputs[0]] = self._applied(left.value, np.zeros(self._left.size))
        else:
            firsts = np.append(evaluation.frame(self._first).value, np.nan)
            value[outputs[0]] = self._applied(left.value, firsts[self._partners()])
        return Frame(value)

    def _applied(self, left: FloatArray, right: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):
            result: FloatArray = OPERATORS[self._operator](left, right)
        return result

    def carry(self, evaluation: Evaluation, what: Carried) -> FloatArray | None:
        carried = np.full(self.size, np.nan)
        carried[indexes(self._left_outputs)] = evaluation.column(self._left, what)
        carried[indexes(self._right_outputs)] = evaluation.column(self._right, what)
        return carried

    def contributors(self, rows: IntArray) -> tuple[IntArray, ...]:
        own = np.flatnonzero(np.isin(indexes(self._left_outputs), rows))
        met = np.unique(self._partners()[own])
        (partners,) = self._first.contributors(met[met != UNKNOWN])
        return own, np.union1d(
            partners, np.flatnonzero(np.isin(indexes(self._right_outputs), rows))
        )
