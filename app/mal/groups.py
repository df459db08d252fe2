"""Rows by group, put in order once, and what is worked out of their values minute by minute."""

from functools import cached_property

import numpy as np

from app.arrays import BoolArray, FloatArray, IntArray
from app.mal.frames import Combine
from app.summation import exact_group_sums


class Groups:
    """Groups of rows: ``of_row`` says the group of each, ``size`` how many groups there are.

    Values are given by row, results by group; NaN values are absent, and so is the result of a
    group without any. No result depends on the order of the rows, except that of ``last``.
    """

    def __init__(self, of_row: IntArray, size: int) -> None:
        self.of_row = of_row
        self.size = size

    @cached_property
    def are_single(self) -> bool:
        """Whether no group has more than one row."""
        return int(self._counts.max(initial=0)) <= 1

    def spread(self, values: FloatArray) -> FloatArray:
        """The value of each group's only row; only where groups ``are_single``."""
        if self._are_rows:
            return values
        result = np.full(self.size, np.nan)
        result[self.of_row] = values
        return result

    def sums(self, values: FloatArray) -> FloatArray:
        """Exactly rounded sum of each group."""
        if self.are_single:
            return self.spread(values) + 0.0
        ordered = self._ordered(values)
        absent = np.isnan(ordered)
        if not absent.any():
            return self._of_used(exact_group_sums(ordered, self._bounds))
        sums = exact_group_sums(np.where(absent, 0.0, ordered), self._bounds)
        lacking = np.logical_and.reduceat(absent, self._bounds[:-1])
        return self._of_used(np.where(lacking, np.nan, sums))

    def extremes(self, values: FloatArray, combine: Combine) -> FloatArray:
        """Largest or smallest value of each group; zeros lose their sign."""
        # To both functions the two zeros are the same; which of them stays depends on the order.
        if self.are_single:
            return self.spread(values) + 0.0
        ufunc = np.fmax if combine is Combine.MAXIMUM else np.fmin
        return self._of_used(ufunc.reduceat(self._ordered(values), self._bounds[:-1])) + 0.0

    def counts(self, present: BoolArray) -> IntArray:
        """Number of marked rows of each group."""
        return np.bincount(self.of_row[present], minlength=self.size)

    def last(self, values: FloatArray) -> IntArray:
        """The last row of each group that has a value, -1 where none has."""
        last = np.full(self.size, -1, np.int64)
        present = np.flatnonzero(~np.isnan(values))
        last[self.of_row[present]] = present
        return last

    def only(self, values: FloatArray) -> FloatArray:
        """The last value of each group, which is the only one where there is one."""
        if self.are_single:
            return self.spread(values)
        return np.append(values, np.nan)[self.last(values)]

    @cached_property
    def _counts(self) -> IntArray:
        return np.bincount(self.of_row, minlength=self.size)

    @cached_property
    def _are_rows(self) -> bool:
        """Whether group i has row i, and no other."""
        return len(self.of_row) == self.size and bool((self.of_row == np.arange(self.size)).all())

    @cached_property
    def _order(self) -> IntArray | None:
        """The rows ordered by group; None where they are."""
        if (self.of_row[1:] >= self.of_row[:-1]).all():
            return None
        return np.argsort(self.of_row, kind="stable")

    @cached_property
    def _used(self) -> IntArray | None:
        """The groups that have rows; None where all have."""
        used = np.flatnonzero(self._counts)
        return None if len(used) == self.size else used

    @cached_property
    def _bounds(self) -> IntArray:
        """Where each group that has rows begins among the ordered ones, and their number."""
        counts = self._counts if self._used is None else self._counts[self._used]
        return np.concatenate(([0], np.cumsum(counts)))

    def _ordered(self, values: FloatArray) -> FloatArray:
        return values if self._order is None else values[self._order]

    def _of_used(self, results: FloatArray) -> FloatArray:
        if self._used is None:
            return results
        of_all = np.full(self.size, np.nan)
        of_all[self._used] = results
        return of_all
