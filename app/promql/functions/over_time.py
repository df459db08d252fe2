"""``*_over_time``: what the samples of each window amount to, each sample with the same weight."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np

from app.arrays import FloatArray, IntArray
from app.promql.functions.kinds import CallContext, Columns, RangeFunction
from app.promql.functions.sums import WindowSums
from app.promql.functions.windows import WindowSamples, by_rows

Scalars = Sequence[FloatArray]


def _sum(samples: WindowSamples, _: Scalars, __: CallContext) -> Columns:
    return _sums(samples), samples.at_least(1)


def _sums(samples: WindowSamples) -> FloatArray:
    windows = samples.windows
    values = windows.values if samples.dense else np.where(windows.present, windows.values, 0.0)
    return WindowSums(values).between(samples.low[np.newaxis], samples.high[np.newaxis])


def _average(samples: WindowSamples, _: Scalars, __: CallContext) -> Columns:
    """The exact sum over the count, even where the sum is too large for a float."""
    sums = _sums(samples)
    there = samples.at_least(1)
    averages = sums / samples.counts
    for row, step in np.argwhere(np.isinf(sums) & there).tolist():
        values = samples.windows.values[row, samples.low[step] : samples.high[step]]
        values = values[samples.windows.present[row, samples.low[step] : samples.high[step]]]
        if np.isfinite(values).all():
            averages[row, step] = float(sum(map(Fraction, values.tolist())) / len(values))
    return averages, there


def _count(samples: WindowSamples, _: Scalars, __: CallContext) -> Columns:
    counts = np.broadcast_to(samples.counts.astype(np.float64), samples.shape)
    return counts, samples.at_least(1)


def _present(samples: WindowSamples, _: Scalars, __: CallContext) -> Columns:
    return np.ones(samples.shape), samples.at_least(1)


def _first(samples: WindowSamples, _: Scalars, __: CallContext) -> Columns:
    return samples.value_at(samples.first), samples.at_least(1)


def _last(samples: WindowSamples, _: Scalars, __: CallContext) -> Columns:
    return samples.value_at(samples.last), samples.at_least(1)


def _time_of_first(samples: WindowSamples, _: Scalars, __: CallContext) -> Columns:
    return _seconds(samples, samples.first), samples.at_least(1)


def _time_of_last(samples: WindowSamples, _: Scalars, __: CallContext) -> Columns:
    return _seconds(samples, samples.last), samples.at_least(1)


def _seconds(samples: WindowSamples, columns: IntArray) -> FloatArray:
    return np.broadcast_to(samples.time_at(columns) / 1000, samples.shape)


def _extreme(pick: Callable[[FloatArray, FloatArray], FloatArray]) -> RangeFunction:
    """The largest or smallest sample; NaN only where all samples are NaN."""

    def applied(samples: WindowSamples, _: Scalars, __: CallContext) -> Columns:
        return _extremes(samples, pick), samples.at_least(1)

    return by_rows(applied)


def _extremes(
    samples: WindowSamples, pick: Callable[[FloatArray, FloatArray], FloatArray]
) -> FloatArray:
    """By extremes over 1, 2, 4, … columns: two of them, which may overlap, cover any window."""
    extremes = np.full(samples.shape, np.nan)
    widths = samples.high - samples.low
    # What is absent is NaN already, which fmin and fmax leave aside.
    level, reach = samples.values, 1
    while True:
        steps = np.flatnonzero((widths >= reach) & (widths < 2 * reach))
        if len(steps):
            begin = np.take(level, samples.low[steps], axis=1)
            end = np.take(level, samples.high[steps] - reach, axis=1)
            extremes[:, steps] = pick(begin, end)
        if widths.max(initial=0) < 2 * reach:
            return extremes
        level = pick(level[:, :-reach], level[:, reach:])
        reach *= 2


OVER_TIME: Mapping[str, RangeFunction] = {
    # Where there is nothing at all is for the vector function of the same name to say.
    "absent_over_time": by_rows(_present),
    "avg_over_time": by_rows(_average),
    "count_over_time": by_rows(_count),
    "first_over_time": by_rows(_first),
    "last_over_time": by_rows(_last),
    "max_over_time": _extreme(np.fmax),
    "min_over_time": _extreme(np.fmin),
    "present_over_time": by_rows(_present),
    "sum_over_time": by_rows(_sum),
    "ts_of_first_over_time": by_rows(_time_of_first),
    "ts_of_last_over_time": by_rows(_time_of_last),
}
"""By name."""
