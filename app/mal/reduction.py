"""Reductions over groups of rows that do not depend on the order of the rows.

A floating-point sum depends on the order of its additions, and the order of rows depends on which
series happened to arrive first. Sums here are exactly rounded (as ``math.fsum``), so the same
samples give the same bits in any order.
"""

import math
from fractions import Fraction

import numpy as np

from app.mal.frames import Combine, FloatArray, Frame, IntArray

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
        naive[group] = _fsum(ordered[end - int(counts[group]) : end])
    return naive


def _fsum(values: FloatArray) -> float:
    try:
        return math.fsum(values.tolist())
    except ValueError:  # infinities of both signs
        return math.nan
    except OverflowError:  # on the way, perhaps not in the end
        total = sum(map(Fraction, values.tolist()))
        try:
            return float(total)
        except OverflowError:
            return math.inf if total > 0 else -math.inf


def group_extreme(values: FloatArray, groups: IntArray, size: int, combine: Combine) -> FloatArray:
    """Largest or smallest value of each group; NaN values are absent."""
    result = np.full(size, np.nan)
    ufunc = np.fmax if combine is Combine.MAXIMUM else np.fmin
    ufunc.at(result, groups, values)
    return result


def group_count(values: FloatArray, groups: IntArray, size: int) -> FloatArray:
    """Number of present values of each group."""
    return np.bincount(groups[~np.isnan(values)], minlength=size).astype(np.float64)


def combine_rows(frame: Frame, groups: IntArray, size: int, combine: Combine) -> Frame:
    """Combine the rows of each group by the statistic's own rule.

    Averages keep numerator and weight. A group of one row keeps its value to the last bit.
    """
    if combine in (Combine.MAXIMUM, Combine.MINIMUM):
        return Frame(group_extreme(frame.value, groups, size, combine))
    if combine is Combine.SUM:
        return Frame(group_sum(frame.value, groups, size))
    absent = np.isnan(frame.value)
    weight = np.ones(len(frame.value)) if frame.weight is None else frame.weight
    weight = np.where(absent, np.nan, weight)
    numerator = frame.value * weight if frame.numerator is None else frame.numerator
    numerator = np.where(absent, np.nan, numerator)
    total_numerator = group_sum(numerator, groups, size)
    total_weight = group_sum(weight, groups, size)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = total_numerator / total_weight
    single = group_count(frame.value, groups, size) == 1
    alone = np.full(size, np.nan)
    alone[groups[~absent]] = frame.value[~absent]
    return Frame(np.where(single, alone, value), total_numerator, total_weight)
