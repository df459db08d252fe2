"""Minutes combined into longer periods: the one way for rollups and for queries.

What is combined may be minutes or buckets of minutes, so an average says what it is made of: its
weights, or where it has none the number of its minutes.
"""

from dataclasses import dataclass

import numpy as np

from app.arrays import BoolArray, FloatArray, IntArray
from app.mal import Combine, Frame
from app.mal.reduction import combine_rows, group_extreme, group_sum
from app.storage import PointRange, ValueMatrix, ValueRange
from app.summation import exact_column_sums


@dataclass(frozen=True, slots=True)
class Groups:
    """Neighbouring rows of equal keys: the group of each row, and the first row of each group."""

    of_row: IntArray
    first_row: IntArray

    def __len__(self) -> int:
        return len(self.first_row)


def neighbours(*keys: IntArray) -> Groups:
    """Groups of neighbouring rows whose keys are all equal."""
    begins = np.ones(len(keys[0]), np.bool_)
    if len(begins) > 1:
        begins[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    return Groups(np.cumsum(begins) - 1, np.flatnonzero(begins))


@dataclass(frozen=True, slots=True)
class CombinedPoints:
    """Statistics by group; ``minimum`` and ``maximum`` are NaN where none of the points has one."""

    count: FloatArray
    total: FloatArray
    minimum: FloatArray
    maximum: FloatArray


def combine_points(points: PointRange, groups: Groups) -> CombinedPoints:
    """Exactly rounded sums of SampleCount and Sum, the least Minimum, the largest Maximum."""
    of_row, size = groups.of_row, len(groups)
    # Zeros lose their sign, which would else depend on the order of the points.
    return CombinedPoints(
        group_sum(points.count, of_row, size) + 0.0,
        group_sum(points.total, of_row, size) + 0.0,
        group_extreme(points.minimum, of_row, size, Combine.MINIMUM) + 0.0,
        group_extreme(points.maximum, of_row, size, Combine.MAXIMUM) + 0.0,
    )


@dataclass(frozen=True, slots=True)
class CombinedValues:
    """Values by group, NaN where they cancel out.

    Of an average with weights, ``numerator`` and ``weight`` are what it is made of. Of one without,
    ``numerator`` is the sum of the values of its ``minutes``, and ``weight`` is NaN.
    """

    value: FloatArray
    numerator: FloatArray
    weight: FloatArray
    minutes: IntArray


def combine_values(values: ValueRange, groups: Groups, combine: Combine) -> CombinedValues:
    """Combine values by the metric's rule; within a group they are in the order of time."""
    of_row, size = groups.of_row, len(groups)
    minutes = np.zeros(size, np.int64)
    np.add.at(minutes, of_row, values.minutes)
    if combine is Combine.AVERAGE:
        return _averages(values, groups, minutes)
    value = combine_rows(Frame(values.value), of_row, size, combine).value + 0.0
    absent = np.full(size, np.nan)
    return CombinedValues(value, absent, absent, minutes)


def _averages(values: ValueRange, groups: Groups, minutes: IntArray) -> CombinedValues:
    of_row, size = groups.of_row, len(groups)
    # A quotient by 0 is an infinity of weight 0, and its product with that is no number.
    with np.errstate(over="ignore", invalid="ignore"):
        parts = values.value * values.weight
    numerator = np.where(np.isnan(values.numerator), parts, values.numerator)
    frame = Frame(values.value, numerator, values.weight)
    weighed = combine_rows(frame, of_row, size, Combine.AVERAGE)
    assert weighed.numerator is not None  # noqa: S101 - it was given one
    assert weighed.weight is not None  # noqa: S101 - it was given one
    # Each group is decided on its own: a value without weight is no reason to forget others'.
    lacking = np.bincount(of_row[np.isnan(values.weight)], minlength=size) > 0
    with np.errstate(over="ignore", invalid="ignore"):
        summed = np.isnan(values.weight) & ~np.isnan(values.numerator) & (values.minutes > 1)
        plain = np.where(summed, values.numerator, values.value * values.minutes)
        total = group_sum(plain, of_row, size)
        mean = total / minutes
    return CombinedValues(
        np.where(lacking, mean, weighed.value) + 0.0,
        np.where(lacking, total, weighed.numerator) + 0.0,
        np.where(lacking, np.nan, weighed.weight),
        minutes,
    )


def combine_matrix(values: ValueMatrix, combine: Combine) -> CombinedValues:
    """The same of matrices of minutes, a group for each series; to the same bits.

    ``values`` have numerators and weights, if there are any, where ``combine`` is an average.
    """
    matrix = values.value
    present = ~np.isnan(matrix)
    minutes = present.sum(axis=0)
    absent = np.full(len(minutes), np.nan)
    match combine:
        case Combine.AVERAGE:
            return _averages_of_series(values, present, minutes)
        case Combine.SUM:
            value = _sums_of_series(matrix, present)
        case Combine.LATEST:
            value = _latest_of_series(matrix, present)
        case _:
            value = (np.fmax if combine is Combine.MAXIMUM else np.fmin).reduce(matrix, axis=0)
    # Zeros lose their sign, which would else depend on the order of the points.
    return CombinedValues(value + 0.0, absent, absent, minutes)


def _averages_of_series(
    values: ValueMatrix, present: BoolArray, minutes: IntArray
) -> CombinedValues:
    matrix, weight = values.value, values.weight
    if weight is None:
        lacking = minutes > 0
        value = total_numerator = total_weight = np.full(len(minutes), np.nan)
    else:
        weighed = ~np.isnan(weight)
        lacking = np.logical_or.reduce(present & ~weighed, axis=0)
        numerator = _numerators(values, weight)
        total_numerator = _sums_of_series(numerator, present & ~np.isnan(numerator))
        total_weight = _sums_of_series(weight, present & weighed)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            value = total_numerator / total_weight
        value = np.where(minutes == 1, _latest_of_series(matrix, present), value)
    if lacking.any():
        # Each is decided on its own: a value without weight is no reason to forget others'.
        total = _sums_of_series(matrix, present)
        with np.errstate(over="ignore", invalid="ignore"):
            value = np.where(lacking, total / minutes, value)
        total_numerator = np.where(lacking, total, total_numerator)
        total_weight = np.where(lacking, np.nan, total_weight)
    return CombinedValues(value + 0.0, total_numerator + 0.0, total_weight, minutes)


def _numerators(values: ValueMatrix, weight: FloatArray) -> FloatArray:
    numerator = values.numerator
    if numerator is not None and not (np.isnan(numerator) & ~np.isnan(values.value)).any():
        return numerator
    # A quotient by 0 is an infinity of weight 0, and its product with that is no number.
    with np.errstate(over="ignore", invalid="ignore"):
        parts: FloatArray = values.value * weight
    return parts if numerator is None else np.where(np.isnan(numerator), parts, numerator)


def _sums_of_series(matrix: FloatArray, present: BoolArray) -> FloatArray:
    """The exactly rounded sum of each series; NaN where it has no value."""
    if present.all():
        return exact_column_sums(matrix)
    sums = exact_column_sums(np.where(present, matrix, 0.0))
    return np.where(present.any(axis=0), sums, np.nan)


def _latest_of_series(matrix: FloatArray, present: BoolArray) -> FloatArray:
    last = len(matrix) - 1 - present[::-1].argmax(axis=0)
    found: FloatArray = matrix[last, np.arange(matrix.shape[1])]
    return found
