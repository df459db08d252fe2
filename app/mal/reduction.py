"""Reductions over groups of rows that do not depend on the order of the rows.

A floating-point sum depends on the order of its additions, and the order of rows depends on which
series happened to arrive first. Sums here are exactly rounded (as ``math.fsum``), so the same
samples give the same bits in any order.
"""

import numpy as np

from app.arrays import FloatArray, IntArray
from app.mal.frames import Combine, Frame
from app.summation import exact_sum

# Integers up to 2^53 are exact in a double. Capacity units are multiples of one half, bytes and
# counts are integers, so a scale of 2^10 makes most CloudWatch sums plain integer arithmetic.
_SCALE = 1024.0
_EXACT = 2.0**53


def group_sum(values: FloatArray, groups: IntArray, size: int) -> FloatArray:
    """Exactly rounded sum of each group; NaN values are absent, a group without any is NaN."""
    present = ~np.isnan(values)
    values, groups = values[present], groups[present]
    counts = np.bincount(groups, minlength=size)
    sums = _sums(values, groups, counts, size)
    sums[counts == 0] = np.nan
    return sums


def _sums(values: FloatArray, groups: IntArray, counts: IntArray, size: int) -> FloatArray:
    # Two values have one order up to commutation; only from three on can the order matter.
    # Without values, bincount would forget its weights and count in integers.
    naive: FloatArray = np.bincount(groups, weights=values, minlength=size).astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = values * _SCALE
        if (scaled == np.rint(scaled)).all() and np.abs(scaled).sum() < _EXACT:
            return naive
    large = np.flatnonzero(counts > 2)  # noqa: PLR2004 - see above
    if not len(large):
        return naive
    order = np.argsort(groups, kind="stable")
    ordered = values[order]
    ends = np.cumsum(counts)
    for group in large.tolist():
        end = int(ends[group])
        naive[group] = exact_sum(ordered[end - int(counts[group]) : end])
    return naive


def group_extreme(values: FloatArray, groups: IntArray, size: int, combine: Combine) -> FloatArray:
    """Largest or smallest value of each group; NaN values are absent, zeros lose their sign."""
    result = np.full(size, np.nan)
    ufunc = np.fmax if combine is Combine.MAXIMUM else np.fmin
    ufunc.at(result, groups, values)
    # To both functions the two zeros are the same; which of them stays depends on the order.
    unsigned: FloatArray = result + 0.0
    return unsigned


def group_count(values: FloatArray, groups: IntArray, size: int) -> FloatArray:
    """Number of present values of each group."""
    return np.bincount(groups[~np.isnan(values)], minlength=size).astype(np.float64)


def combine_rows(frame: Frame, groups: IntArray, size: int, combine: Combine) -> Frame:
    """Combine the rows of each group by the statistic's own rule.

    A group of one row keeps its value, and what it is made of, to the last bit; whether other
    groups have more rows makes no difference to it. Weights are those that came in: an average of
    samples of which any has no weight is their arithmetic mean and has none.
    """
    if frame.weight is None:
        return Frame(_combined(frame.value, groups, size, combine))
    if combine is Combine.LATEST:
        return _latest(frame.weighed(), groups, size)
    absent = np.isnan(frame.value)
    weight = np.where(absent, np.nan, frame.weight)
    parts = frame.numerator
    if parts is None:
        # A quotient by 0 is an infinity of weight 0, and their product is no number.
        with np.errstate(over="ignore", invalid="ignore"):
            parts = frame.value * frame.weight
    numerator = np.where(absent, np.nan, parts)
    total_weight = group_sum(weight, groups, size)
    total_numerator = group_sum(numerator, groups, size)
    single = group_count(frame.value, groups, size) == 1
    if combine is Combine.AVERAGE:
        with np.errstate(divide="ignore", invalid="ignore"):
            value = total_numerator / total_weight
        value = np.where(single, _alone(frame.value, groups, size), value)
        lacking = np.bincount(groups[~absent & np.isnan(weight)], minlength=size) > 0
        if not lacking.any():
            return Frame(value, total_numerator, total_weight)
        return Frame(
            np.where(lacking & ~single, _combined(frame.value, groups, size, combine), value),
            np.where(lacking, np.nan, total_numerator),
            np.where(lacking, np.nan, total_weight),
        )
    value = _combined(frame.value, groups, size, combine)
    with np.errstate(over="ignore", invalid="ignore"):
        numerator = np.where(single, total_numerator, value * total_weight)
    return Frame(value, numerator, total_weight)


def _latest(frame: Frame, groups: IntArray, size: int) -> Frame:
    """The last sample of each group, with what it is made of."""
    last = np.full(size, -1, np.int64)
    present = np.flatnonzero(~np.isnan(frame.value))
    last[groups[present]] = present
    absent = np.full(1, np.nan)
    value, numerator, weight = (
        None if column is None else np.append(column, absent)[last]
        for column in (frame.value, frame.numerator, frame.weight)
    )
    assert value is not None  # noqa: S101 - of three columns only two may be None
    return Frame(value, numerator, weight)


def _combined(values: FloatArray, groups: IntArray, size: int, combine: Combine) -> FloatArray:
    match combine:
        case Combine.MAXIMUM | Combine.MINIMUM:
            return group_extreme(values, groups, size, combine)
        case Combine.SUM:
            return group_sum(values, groups, size)
        case Combine.LATEST:
            return _alone(values, groups, size)
        case _:
            with np.errstate(invalid="ignore"):
                mean = group_sum(values, groups, size) / group_count(values, groups, size)
            return np.where(np.isnan(mean), np.nan, mean)


def _alone(values: FloatArray, groups: IntArray, size: int) -> FloatArray:
    """The last present value of each group, which is the only one where there is one."""
    alone = np.full(size, np.nan)
    present = ~np.isnan(values)
    alone[groups[present]] = values[present]
    return alone
