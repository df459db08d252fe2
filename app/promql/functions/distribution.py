"""``*_over_time`` that must see all samples of a window together: quantiles and deviations."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from app.arrays import BoolArray, FloatArray, IntArray
from app.promql.functions.kinds import CallContext, Columns, RangeFunction
from app.promql.functions.quantiles import warn_of_quantiles
from app.promql.functions.windows import Gathered, WindowSamples, by_rows, gathered

Scalars = Sequence[FloatArray]
_Reduction = Callable[[Gathered, Scalars], FloatArray]


def _reduced(reduce: _Reduction) -> RangeFunction:
    def applied(samples: WindowSamples, scalars: Scalars, context: CallContext) -> Columns:
        values = np.full(samples.shape, np.nan)
        for block in gathered(samples, context):
            values[:, block.steps] = reduce(block, scalars)
        return values, samples.at_least(1)

    return by_rows(applied)


def _quantile(samples: WindowSamples, scalars: Scalars, context: CallContext) -> Columns:
    warn_of_quantiles(scalars[0], context)
    values = np.full(samples.shape, np.nan)
    for block in gathered(samples, context):
        values[:, block.steps] = quantiles(block.values, block.present, scalars[0][block.steps])
    return values, samples.at_least(1)


def quantiles(values: FloatArray, present: BoolArray, wanted: FloatArray) -> FloatArray:
    """The quantile ``wanted`` (t,) of the values along the last axis of (S, t, W).

    Between two samples it is interpolated; NaN are smaller than all numbers. Below 0 and above 1
    it is infinite.
    """
    # Sorting puts all NaN last, those that are samples and those that stand for none.
    ascending = np.sort(values, axis=-1)
    counts: IntArray = present.sum(axis=-1)
    undefined = (np.isnan(values) & present).sum(axis=-1)
    rank = np.nan_to_num(np.clip(wanted, 0, 1)) * (counts - 1)
    floor = np.maximum(np.floor(rank), 0)
    lower = floor.astype(np.int64)
    upper = np.minimum(lower + 1, np.maximum(counts - 1, 0))
    weight = rank - np.floor(rank)
    result = _ranked(ascending, lower - undefined) * (1 - weight)
    result += _ranked(ascending, upper - undefined) * weight
    result = np.where(wanted < 0, -np.inf, np.where(wanted > 1, np.inf, result))
    return np.where(np.isnan(wanted), np.nan, result)


def _ranked(ascending: FloatArray, ranks: IntArray) -> FloatArray:
    columns = np.maximum(ranks, 0)[..., np.newaxis]
    found = np.take_along_axis(ascending, columns, axis=-1)[..., 0]
    return np.where(ranks < 0, np.nan, found)


def _median_deviation(block: Gathered, _: Scalars) -> FloatArray:
    """The median of the distances from the median."""
    half = np.full(block.values.shape[1], 0.5)
    median = quantiles(block.values, block.present, half)
    return quantiles(np.abs(block.values - median[..., np.newaxis]), block.present, half)


def _variance(block: Gathered, _: Scalars) -> FloatArray:
    """Population variance, by deviations from the mean."""
    counts = block.present.sum(axis=-1)
    mean = np.where(block.present, block.values, 0.0).sum(axis=-1) / counts
    away = np.where(block.present, block.values - mean[..., np.newaxis], 0.0)
    # The mean was rounded: what all deviations have in common for that is taken out again.
    squares = (away * away).sum(axis=-1) - away.sum(axis=-1) ** 2 / counts
    variance: FloatArray = np.maximum(squares, 0.0) / counts
    return variance


def _deviation(block: Gathered, scalars: Scalars) -> FloatArray:
    deviation: FloatArray = np.sqrt(_variance(block, scalars))
    return deviation


def _time_of(pick: "np.ufunc") -> _Reduction:
    """When the extreme was last; of nothing but NaN, when the last of them was."""

    def when(block: Gathered, _: Scalars) -> FloatArray:
        extreme = pick.reduce(block.values, axis=-1)[..., np.newaxis]
        there = block.present & ((block.values == extreme) | np.isnan(extreme))
        columns = np.where(there, np.arange(there.shape[-1]), 0).max(axis=-1)
        steps = np.arange(there.shape[1])
        times = block.times[steps, columns]
        seconds: FloatArray = times / 1000
        return seconds

    return when


DISTRIBUTION: Mapping[str, RangeFunction] = {
    "mad_over_time": _reduced(_median_deviation),
    "quantile_over_time": by_rows(_quantile),
    "stddev_over_time": _reduced(_deviation),
    "stdvar_over_time": _reduced(_variance),
    "ts_of_max_over_time": _reduced(_time_of(np.fmax)),
    "ts_of_min_over_time": _reduced(_time_of(np.fmin)),
}
"""By name."""
