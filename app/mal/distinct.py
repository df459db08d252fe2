"""Which rows of some columns of numbers are equal."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from app.arrays import CodeArray, IntArray

# Up to this many numbers, and this many for each row, a table by number is cheaper than sorting.
_TABLE = 65_536
_TABLE_PER_ROW = 16


class Distinct(NamedTuple):
    """Rows told apart: the first row of each kind, ascending, and the kind of every row."""

    firsts: IntArray
    kind: IntArray


def distinct(columns: Iterable[IntArray | CodeArray], size: int) -> Distinct:
    """Rows that differ in any of the columns, each of ``size`` numbers; kinds in order of row.

    Without columns, all rows are of one kind.
    """
    found = Distinct(np.zeros(min(size, 1), np.int64), np.zeros(size, np.int64))
    for column in columns:
        if not size:
            break
        numbers = column.astype(np.int64)
        least = int(numbers.min())
        span = int(numbers.max()) - least + 1
        if span == 1:
            continue
        numbers -= least
        kinds = len(found.firsts)
        if kinds == 1:
            found = _distinct(numbers, span)
            continue
        if span > size:
            told = _distinct(numbers, span)
            numbers, span = told.kind, len(told.firsts)
        # Both factors are at most the number of rows, so that the product is far from 2^63.
        found = _distinct(found.kind * span + numbers, kinds * span)
    return found


def _distinct(numbers: IntArray, span: int) -> Distinct:
    """Rows that differ in one column of numbers from 0 to below ``span``."""
    size = len(numbers)
    if span > _TABLE + _TABLE_PER_ROW * size:
        _, firsts, kind = np.unique(numbers, return_index=True, return_inverse=True)
        order = np.argsort(firsts)
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        return Distinct(firsts[order], place[kind])
    rows = np.arange(size)
    # Of several rows with one number, the one written last stays: the first.
    first = np.empty(span, np.int64)
    first[numbers[::-1]] = rows[::-1]
    first_of_row = first[numbers]
    is_first = first_of_row == rows
    return Distinct(np.flatnonzero(is_first), (np.cumsum(is_first) - 1)[first_of_row])
