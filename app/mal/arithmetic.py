"""Arithmetic between two families.

For each left sample, the right sample with the same labels but ``MetricName``, which the result
does not have; a left sample without partner vanishes. A family is EMPTY for a resource (an account
and region) that has no sample of it: ``EMPTY + x`` and ``x - EMPTY`` are x, ``EMPTY - x`` is -x,
and products and quotients with EMPTY are EMPTY.
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from app.arrays import BoolArray, CodeArray, FloatArray, IntArray
from app.mal.frames import Combine, Frame
from app.mal.grouping import Merge
from app.mal.key_index import UNKNOWN, KeyIndex
from app.mal.label_block import LabelBlock
from app.mal.nodes import MANY, Carried, Evaluation, Node, indexes
from app.mal.row_numbers import RowNumbers

SAFE_DIVISION = "safeDiv"


def _safe_division(left: Any, right: Any) -> Any:  # noqa: ANN401 - numbers and columns alike
    with np.errstate(all="ignore"):
        return np.where(np.equal(right, 0.0) & ~np.isnan(left), 0.0, np.divide(left, right))


OPERATORS: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    SAFE_DIVISION: _safe_division,
}
"""The operators, over numbers and columns alike; ``safeDiv`` gives 0 for a divisor of 0."""

QUOTIENTS = ("/", SAFE_DIVISION)

_NO_PARTNER = UNKNOWN
_RESOURCE = (Carried.ORIGIN, Carried.ACCOUNT)


class Arithmetic(Node):
    """``left operator right``.

    A quotient is an average: it keeps the divisor as weight, so that several quotients reaching one
    entity combine to the quotient of the sums.
    """

    def __init__(self, left: Node, right: Node, symbol: str) -> None:
        self._left, self._right = (
            Merge(side, side.combine, f"samples of equal labels combined: {side.combine}")
            for side in (left, right)
        )
        super().__init__(
            _combined(left.combine, right.combine, symbol), self._left, self._right, step=symbol
        )
        # Only what adds up is a count of what a quotient averages.
        self.counted = symbol in QUOTIENTS and right.combine is Combine.SUM
        self._operator = symbol
        self._left_side, self._right_side = _Side(), _Side()
        self._outputs = KeyIndex()
        self._left.feed(self._push_left)
        self._right.feed(self._push_right)

    def _push_left(self, first: int, labels: LabelBlock) -> None:
        partners = self._right.find(labels.sets())
        self._left_side.extend(self._output(labels), first, partners, self._right_side)

    def _push_right(self, first: int, labels: LabelBlock) -> None:
        # Rows of the right side are used only where the left side is EMPTY.
        outputs = np.full(labels.size, _NO_PARTNER, np.int32)
        if self._operator in "+-":
            outputs = self._output(labels)
        partners = self._left.find(labels.sets())
        self._right_side.extend(outputs, first, partners, self._left_side)

    def _output(self, labels: LabelBlock) -> CodeArray:
        """The output rows of some labels, whichever side they come from first."""
        outputs, new = self._outputs.add(labels.sets())
        if len(new):
            self._emit(labels if len(new) == labels.size else labels.take(new))
        return outputs

    def evaluate(self, evaluation: Evaluation) -> Frame:
        left, right = evaluation.frame(self._left), evaluation.frame(self._right)
        value = np.full(self.size, np.nan)
        outputs = indexes(self._left_side.outputs)
        partner = self._left_side.of_partners(right.value)
        with np.errstate(all="ignore"):
            value[outputs] = OPERATORS[self._operator](left.value, partner)
        if self._operator in "+-":
            self._add_unpaired(evaluation, value, left, right)
        if self._operator not in QUOTIENTS:
            return Frame(value)
        numerator, weight = np.full(self.size, np.nan), np.full(self.size, np.nan)
        numerator[outputs], weight[outputs] = left.value, partner
        return Frame(value, numerator, weight)

    def _add_unpaired(
        self, evaluation: Evaluation, value: FloatArray, left: Frame, right: Frame
    ) -> None:
        unpaired = ~np.isnan(left.value) & np.isnan(self._left_side.of_partners(right.value))
        alone = _facing_empty(evaluation, self._left, unpaired, self._right)
        value[indexes(self._left_side.outputs)[alone]] = left.value[alone]
        unpaired = ~np.isnan(right.value) & np.isnan(self._right_side.of_partners(left.value))
        alone = _facing_empty(evaluation, self._right, unpaired, self._left)
        sign = 1.0 if self._operator == "+" else -1.0
        value[indexes(self._right_side.outputs)[alone]] = sign * right.value[alone]

    def carry(self, evaluation: Evaluation, what: Carried) -> FloatArray | None:
        carried = np.full(self.size, np.nan)
        left, right = (evaluation.column(node, what) for node in (self._left, self._right))
        if self._operator in "+-":
            carried[indexes(self._right_side.outputs)] = right
        present = ~np.isnan(evaluation.frame(self._left).value)
        carried[indexes(self._left_side.outputs)[present]] = left[present]
        return carried

    def contributors(self, rows: IntArray) -> tuple[IntArray, ...]:
        sides = self._left_side, self._right_side
        own = [np.flatnonzero(np.isin(indexes(side.outputs), rows)) for side in sides]
        partners = indexes(self._left_side.partners)[own[0]]
        right = np.union1d(own[1], partners[partners != _NO_PARTNER])
        return own[0], right


class _Side:
    """Rows of one side: their output rows and their partners on the other side."""

    def __init__(self) -> None:
        self.outputs = RowNumbers()
        self.partners = RowNumbers()

    def extend(self, outputs: CodeArray, first: int, partners: CodeArray, other: "_Side") -> None:
        """Append rows and pair them with the other side's rows of the same labels."""
        self.outputs.extend(outputs)
        self.partners.extend(partners)
        paired = np.flatnonzero(partners != _NO_PARTNER)
        other.partners.put(partners[paired], first + paired)

    def of_partners(self, values: FloatArray) -> FloatArray:
        """The other side's value for each row here; NaN where it has none."""
        return np.append(values, np.nan)[indexes(self.partners)]


def _facing_empty(evaluation: Evaluation, side: Node, rows: BoolArray, other: Node) -> BoolArray:
    """Which of the marked rows come from a resource for which the other family is EMPTY.

    A row that stands for several regions of an account faces what the account has, and a row that
    stands for several accounts faces everything.
    """
    present = ~np.isnan(evaluation.frame(other).value)
    if not rows.any() or not present.any():
        return rows
    origin, account = (evaluation.column(side, what) for what in _RESOURCE)
    other_origin, other_account = (evaluation.column(other, what)[present] for what in _RESOURCE)
    if (other_account == MANY).any():
        return np.zeros(len(rows), np.bool_)
    of_whole_accounts = other_account[other_origin == MANY]
    faces_origin = np.isin(origin, other_origin) | np.isin(account, of_whole_accounts)
    faces = np.where(origin == MANY, np.isin(account, other_account), faces_origin)
    alone: BoolArray = rows & ~faces & (account != MANY)
    return alone


def _combined(left: Combine, right: Combine, symbol: str) -> Combine:
    if symbol in "+-" and left is right:
        return left
    return Combine.AVERAGE
