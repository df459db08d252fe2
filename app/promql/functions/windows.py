"""What range functions share: the samples of a window, found for all series and steps at once.

Windows of one range vector share their columns, so most questions (how many, the first, the last,
the sum) are answered by running totals along the columns, at a cost that does not depend on the
width of the windows. What must see all samples of a window together goes through ``gathered``.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from app.arrays import BoolArray, FloatArray, IntArray
from app.promql.functions.kinds import CallContext, Columns, RangeFunction
from app.promql.series import Windows

_CELLS = 2**17
"""Cells of the matrices that are worked on at a time: what fits into a processor's cache."""

PartFunction = Callable[["WindowSamples", Sequence[FloatArray], CallContext], Columns]
"""A range function over some of the series."""


class WindowSamples:
    """Some series of a range vector, with indices into their samples.

    Indices have the shape (S, T), or (1, T) where they are the same for all series because none
    lacks a sample.
    """

    def __init__(self, windows: Windows) -> None:
        self.windows = windows
        self.values = windows.values
        self.low = windows.low
        self.high = np.maximum(windows.high, windows.low)
        self.dense = bool(windows.present.all())

    @property
    def shape(self) -> tuple[int, int]:
        """Series and steps."""
        return len(self.windows), len(self.low)

    @cached_property
    def counts(self) -> IntArray:
        """How many samples each window has."""
        if self.dense:
            return (self.high - self.low)[np.newaxis]
        totals = running(self.windows.present)
        return between(totals, self.low[np.newaxis], self.high[np.newaxis])

    def at_least(self, samples: int) -> BoolArray:
        """Which windows have so many samples, of shape (S, T)."""
        return np.broadcast_to(self.counts >= samples, self.shape)

    @cached_property
    def _at_or_before(self) -> IntArray:
        """The last present column up to each column, −1 without one."""
        present = np.where(self.windows.present, np.arange(self.values.shape[1]), -1)
        columns: IntArray = np.maximum.accumulate(present, axis=1)
        return columns

    @cached_property
    def first(self) -> IntArray:
        """The column of the first sample of each window; some column for a window without."""
        columns = self.values.shape[1]
        if not columns:
            return np.zeros((1, len(self.low)), np.int64)
        low: IntArray = np.minimum(self.low, columns - 1)
        if self.dense:
            return low[np.newaxis]
        present = np.where(self.windows.present, np.arange(columns), columns - 1)
        following: IntArray = np.minimum.accumulate(present[:, ::-1], axis=1)[:, ::-1]
        return following[:, low]

    @cached_property
    def last(self) -> IntArray:
        """The column of the last sample of each window; some column for a window without."""
        high: IntArray = np.maximum(self.high - 1, 0)
        if self.dense or not self.values.shape[1]:
            return high[np.newaxis]
        columns: IntArray = np.maximum(self._at_or_before[:, high], 0)
        return columns

    @cached_property
    def last_but_one(self) -> IntArray:
        """The column of the sample before the last; some column for a window of less than two."""
        before = np.maximum(self.last - 1, 0)
        if self.dense or not self.values.shape[1]:
            return before
        columns: IntArray = np.take_along_axis(self._at_or_before, before, axis=1)
        return np.maximum(columns, 0)

    @cached_property
    def previous(self) -> tuple[FloatArray, BoolArray]:
        """For each column the value of the sample before it, and where there are both."""
        values = np.full(self.values.shape, np.nan)
        present = np.zeros(self.values.shape, np.bool_)
        if self.dense:
            values[:, 1:] = self.values[:, :-1]
            present[:, 1:] = True
            return values, present
        before = self._at_or_before[:, :-1]
        present[:, 1:] = self.windows.present[:, 1:] & (before >= 0)
        values[:, 1:] = np.take_along_axis(self.values, np.maximum(before, 0), axis=1)
        return values, present

    @cached_property
    def begun(self) -> BoolArray:
        """For each column whether a counter began anew since the sample before it.

        It did where it fell, and where it says to have counted since that sample's time or later.
        Equal times say so of what counts anew for each sample; of what does not know since when it
        counts, the sample before has not said anything else.
        """
        before, both = self.previous
        fallen: BoolArray = both & (self.values < before)
        starts, times = self.windows.starts, self.windows.times
        if starts is None:
            return fallen
        columns = np.maximum(self._at_or_before[:, :-1], 0)
        previous_time = times[columns]
        previous_start = np.take_along_axis(starts, columns, axis=1)
        start = starts[:, 1:]
        known = (start != 0) & (start < times[1:])
        anew = (start > previous_time) | (
            (start == previous_time) & (previous_start != 0) & (previous_start < previous_time)
        )
        fallen[:, 1:] |= both[:, 1:] & known & anew
        return fallen

    def value_at(self, columns: IntArray) -> FloatArray:
        """Values at columns of the shape (S, T) or (1, T), as (S, T)."""
        if not self.values.shape[1]:
            return np.full(self.shape, np.nan)
        values: FloatArray
        if len(columns) == 1:
            values = np.take(self.values, columns[0], axis=1)
        else:
            values = np.take_along_axis(self.values, columns, axis=1)
        return values

    def time_at(self, columns: IntArray) -> IntArray:
        """Times at columns, of the shape of ``columns``."""
        if not len(self.windows.times):
            return np.zeros(columns.shape, np.int64)
        return self.windows.times[columns]

    @cached_property
    def behind_first(self) -> tuple[IntArray, IntArray]:
        """Columns [low, high) from behind the first sample of each window through its last."""
        low = np.minimum(self.first + 1, self.values.shape[1])
        return low, np.maximum(np.minimum(self.last + 1, self.values.shape[1]), low)


def running(values: BoolArray | FloatArray | IntArray) -> IntArray:
    """Totals of the columns before each one, and of all: whole numbers of shape (S, G + 1)."""
    totals = np.zeros((len(values), values.shape[1] + 1), np.int64)
    np.cumsum(values, axis=1, out=totals[:, 1:])
    return totals


def between(totals: IntArray, low: IntArray, high: IntArray) -> IntArray:
    """What lies in the columns [low, high), from totals that ``running`` has made.

    The bounds have the shape (1, T) or (S, T), the result is (S, T).
    """
    difference: IntArray
    if len(low) == 1:
        difference = np.take(totals, high[0], axis=1) - np.take(totals, low[0], axis=1)
    else:
        difference = np.take_along_axis(totals, high, 1) - np.take_along_axis(totals, low, 1)
    return difference


@dataclass(frozen=True, slots=True)
class Gathered:
    """All samples of the windows of some steps, side by side.

    ``values`` and ``present`` have the shape (S, t, W) for the widest window W; ``times`` (t, W)
    are milliseconds. Values are NaN where nothing is present.
    """

    steps: slice
    values: FloatArray
    present: BoolArray
    times: IntArray


def gathered(samples: WindowSamples, context: CallContext) -> Iterator[Gathered]:
    """The samples of all windows, a bounded number of cells at a time.

    Between them the query's time is checked.
    """
    width = int((samples.high - samples.low).max(initial=0))
    if not width:
        return
    windows = samples.windows
    most = max(1, _CELLS // (width * max(1, len(windows))))
    last = windows.values.shape[1] - 1
    for begin in range(0, len(samples.low), most):
        context.budget.check_time()
        steps = slice(begin, begin + most)
        columns = samples.low[steps, np.newaxis] + np.arange(width)
        inside = columns < samples.high[steps, np.newaxis]
        columns = np.minimum(columns, last)
        values = windows.values[:, columns]
        if samples.dense and inside.all():
            present = np.broadcast_to(inside, values.shape)
        else:
            present = windows.present[:, columns] & inside
            values = np.where(present, values, np.nan)
        yield Gathered(steps, values, present, windows.times[columns])


def by_rows(function: PartFunction) -> RangeFunction:
    """The range function that applies ``function`` to a bounded number of series at a time.

    Between them the query's time is checked.
    """

    def applied(windows: Windows, scalars: Sequence[FloatArray], context: CallContext) -> Columns:
        steps = len(windows.low)
        values = np.full((len(windows), steps), np.nan)
        present = np.zeros((len(windows), steps), np.bool_)
        most = max(1, _CELLS // max(1, steps, len(windows.times)))
        for begin in range(0, len(windows), most):
            context.budget.check_time()
            rows = slice(begin, begin + most)
            part = replace(
                windows,
                labels=windows.labels[rows],
                values=windows.values[rows],
                present=windows.present[rows],
                starts=None if windows.starts is None else windows.starts[rows],
            )
            with np.errstate(all="ignore"):
                found, there = function(WindowSamples(part), scalars, context)
            present[rows] = there
            np.copyto(values[rows], found, where=present[rows])
        return values, present

    return applied
