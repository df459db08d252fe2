"""Straight lines and smoothed values through the samples of a window."""

from collections.abc import Mapping, Sequence

import numpy as np

from app.arrays import BoolArray, FloatArray
from app.errors import QueryFailed
from app.promql.functions.kinds import CallContext, Columns, RangeFunction
from app.promql.functions.windows import Gathered, WindowSamples, by_rows, gathered

Scalars = Sequence[FloatArray]


def _derivative(samples: WindowSamples, _: Scalars, context: CallContext) -> Columns:
    """The slope of the line with the least squares, per second."""
    slopes = np.full(samples.shape, np.nan)
    for block in gathered(samples, context):
        slopes[:, block.steps], *_ = _line(block)
    return slopes, samples.at_least(2)


def _predicted(samples: WindowSamples, scalars: Scalars, context: CallContext) -> Columns:
    """Where the line will be so many seconds after the time of evaluation."""
    ahead = scalars[0]
    values = np.full(samples.shape, np.nan)
    for block in gathered(samples, context):
        slopes, mean_time, mean = _line(block)
        distance = context.steps.times[block.steps] - block.times[:, -1]
        values[:, block.steps] = slopes * ahead[block.steps] + (
            mean + slopes * (distance / 1000 - mean_time)
        )
    return values, samples.at_least(2)


def _line(block: Gathered) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Slopes, mean times and mean values, of shape (S, t); seconds from the last column's time.

    Deviations from the means keep the digits that sums of squares would lose.
    """
    seconds = np.broadcast_to((block.times - block.times[:, -1:]) / 1000, block.values.shape)
    counts = block.present.sum(axis=-1)
    mean_time = _total(seconds, block.present) / counts
    mean = _total(block.values, block.present) / counts
    away = seconds - mean_time[..., np.newaxis]
    above = block.values - mean[..., np.newaxis]
    slopes = _total(away * above, block.present) / _total(away * away, block.present)
    level = np.fmin.reduce(block.values, axis=-1)
    flat = level == np.fmax.reduce(block.values, axis=-1)
    # A NaN among the samples has made the mean one, and infinities have no slope.
    flat &= np.isfinite(level) & ~np.isnan(mean)
    return np.where(flat, 0.0, slopes), mean_time, np.where(flat, level, mean)


def _total(values: FloatArray, present: BoolArray) -> FloatArray:
    total: FloatArray = np.where(present, values, 0.0).sum(axis=-1)
    return total


def _smoothed(samples: WindowSamples, scalars: Scalars, context: CallContext) -> Columns:
    """Holt's linear smoothing: an average that follows the samples and one of its trend."""
    for factor, meaning, symbol in zip(scalars, ("smoothing", "trend"), ("sf", "tf"), strict=True):
        wrong = factor[(factor <= 0) | (factor >= 1)]
        if len(wrong):
            raise QueryFailed(
                f"invalid {meaning} factor. Expected: 0 < {symbol} < 1, got: {wrong[0]:f}"
            )
    values = np.full(samples.shape, np.nan)
    for block in gathered(samples, context):
        values[:, block.steps] = _holt(block, *(scalar[block.steps] for scalar in scalars))
    return values, samples.at_least(2)


def _holt(block: Gathered, smoothing: FloatArray, trending: FloatArray) -> FloatArray:
    shape = block.values.shape[:2]
    seen = np.zeros(shape, np.int64)
    before, level, trend = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for column in range(block.values.shape[2]):
        value, there = block.values[..., column], block.present[..., column]
        # The second sample sets the trend; from the third on it follows the level.
        following = np.where(
            seen == 1, value - level, trending * (level - before) + (1 - trending) * trend
        )
        smooth = smoothing * value + (1 - smoothing) * (level + following)
        later = there & (seen > 0)
        before = np.where(later, level, before)
        trend = np.where(later, following, trend)
        level = np.where(later, smooth, np.where(there, value, level))
        seen += there
    return level


TRENDS: Mapping[str, RangeFunction] = {
    "deriv": by_rows(_derivative),
    "double_exponential_smoothing": by_rows(_smoothed),
    "predict_linear": by_rows(_predicted),
}
"""By name."""
