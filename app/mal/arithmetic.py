"""Arithmetic between two families.

For each left sample, the right sample with the same labels; a left sample without partner
vanishes. A family without any sample in this minute is EMPTY: ``EMPTY + x`` and ``x - EMPTY`` are
x, ``EMPTY - x`` is -x, and products and quotients with EMPTY are EMPTY.
"""

import operator
from array import array
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from app.mal.frames import Combine, FloatArray, Frame, IntArray, Labels
from app.mal.nodes import Evaluation, Merge, Node

OPERATORS: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
"""The four operators, over numbers and columns alike."""

_NO_PARTNER = -1


class Arithmetic(Node):
    """``left operator right``.

    A quotient is an average: it keeps the divisor as weight, so that several quotients reaching one
    entity combine to the quotient of the sums.
    """

    def __init__(self, left: Node, right: Node, symbol: str) -> None:
        super().__init__(_combined(left.combine, right.combine, symbol))
        self._left = Merge(left, left.combine)
        self._right = Merge(right, right.combine)
        self._operator = symbol
        self._left_rows = _Rows()
        self._right_rows = _Rows()
        # Output rows of the right side are used only while the left side is EMPTY.
        self._of_left = array("q")
        self._of_right = array("q")
        self._left.feed(self._push_left)
        self._right.feed(self._push_right)

    def _push_left(self, row: int, labels: Labels) -> None:
        self._left_rows.add(row, labels)
        self._of_left.append(self._emit(labels))

    def _push_right(self, row: int, labels: Labels) -> None:
        self._right_rows.add(row, labels)
        self._of_right.append(self._emit(labels) if self._operator in "+-" else _NO_PARTNER)

    def evaluate(self, evaluation: Evaluation) -> Frame:
        left, right = evaluation.frame(self._left), evaluation.frame(self._right)
        value = np.full(self.size, np.nan)
        of_left = np.array(self._of_left, np.int64)
        if not left.is_empty and not right.is_empty:
            return self._of_both(left, right, value, of_left)
        if self._operator in "+-":
            if not left.is_empty:
                value[of_left] = left.value
            else:
                sign = 1.0 if self._operator == "+" else -1.0
                value[np.array(self._of_right, np.int64)] = sign * right.value
        return Frame(value)

    def _of_both(self, left: Frame, right: Frame, value: FloatArray, of_left: IntArray) -> Frame:
        partners = self._left_rows.partners(self._right_rows)
        right_value = np.append(right.value, np.nan)[partners]
        with np.errstate(all="ignore"):
            value[of_left] = OPERATORS[self._operator](left.value, right_value)
        if self._operator != "/":
            return Frame(value)
        numerator, weight = np.full(self.size, np.nan), np.full(self.size, np.nan)
        numerator[of_left], weight[of_left] = left.value, right_value
        return Frame(value, numerator, weight)


class _Rows:
    """Rows of one side by their labels."""

    def __init__(self) -> None:
        self._keys: list[tuple[tuple[str, str], ...]] = []
        self._rows: dict[tuple[tuple[str, str], ...], int] = {}

    def add(self, row: int, labels: Mapping[str, str]) -> None:
        # Two metrics would never pair otherwise: the name is what tells them apart.
        named = ((name, value) for name, value in labels.items() if name != "MetricName")
        key = tuple(sorted((name, value) for name, value in named if value))
        self._keys.append(key)
        self._rows[key] = row

    def partners(self, others: "_Rows") -> IntArray:
        """For each row here the row there with the same labels, or -1."""
        rows = others._rows  # noqa: SLF001 - the same class
        return np.array([rows.get(key, _NO_PARTNER) for key in self._keys], np.int64)


def _combined(left: Combine, right: Combine, symbol: str) -> Combine:
    if symbol in "+-" and left is right:
        return left
    return Combine.AVERAGE
