"""Sums that are rounded once, whatever the order and the magnitudes of their terms."""

import math
from fractions import Fraction

import numpy as np

from app.arrays import BoolArray, FloatArray, IntArray

# Half a unit in the last place of 1.0: the relative rounding error of doubles.
_EPSILON = 2.0**-53
_CELLS_AT_ONCE = 32_768


def exact_sum(values: FloatArray) -> float:
    """The exact sum, rounded once; infinite where it is too large for a float.

    Infinities and NaN among the values decide alone; infinities of both signs are NaN.
    """
    beyond = values[~np.isfinite(values)]
    if len(beyond):
        # They decide alone, even where the others overflow; infinities of both signs are NaN.
        with np.errstate(invalid="ignore"):
            return float(beyond.sum())
    try:
        return math.fsum(values.tolist())
    except OverflowError:  # on the way, perhaps not in the end
        total = sum(map(Fraction, values.tolist()))
        try:
            return float(total)
        except OverflowError:
            return math.inf if total > 0 else -math.inf


def exact_group_sums(values: FloatArray, bounds: IntArray) -> FloatArray:
    """``exact_sum`` of each group, of all groups at once; 0 of a group without values.

    ``values`` are ordered by group: group i is ``values[bounds[i]:bounds[i + 1]]``, so that there
    is one bound more than there are groups; the first is 0, the last the number of values. The bits
    are those of ``exact_sum``. Rows of a matrix (groups, n) are groups of its ``ravel()`` with the
    bounds ``n * np.arange(groups + 1)``.
    """
    counts = np.diff(bounds)
    used = np.flatnonzero(counts)
    if len(used) == len(counts):
        return _sums(values, bounds[:-1], counts) if len(counts) else np.zeros(0)
    sums = np.zeros(len(counts))
    if len(used):
        sums[used] = _sums(values, bounds[used], counts[used])
    return sums


def exact_column_sums(matrix: FloatArray) -> FloatArray:
    """``exact_sum`` of each column of a matrix (n, groups), to the same bits."""
    size, groups = matrix.shape
    # Gone through a dozen times, so some columns at once, which stay in the processor's cache.
    at_once = max(1, _CELLS_AT_ONCE // max(1, size))
    if groups > at_once:
        sums: FloatArray = np.empty(groups)
        for begin in range(0, groups, at_once):
            some = slice(begin, begin + at_once)
            sums[some] = _column_sums(matrix[:, some])
        return sums
    return _column_sums(matrix)


def _column_sums(matrix: FloatArray) -> FloatArray:
    size, groups = matrix.shape
    if not size or not groups or not np.isfinite(matrix).all():
        return exact_group_sums(matrix.T.ravel(), size * np.arange(groups + 1))
    doublings = np.frexp(size + 2.0)[1]
    with np.errstate(over="ignore", invalid="ignore"):
        unit = np.ldexp(1.0, np.frexp(np.abs(matrix).max(axis=0))[1] + doublings)
        parts = (unit + matrix) - unit
        high = parts.sum(axis=0)
        rest = matrix - parts
        doubtful = ~np.isfinite(unit)
        sums: FloatArray = high
        if rest.any():
            unit = np.ldexp(unit * _EPSILON, doublings)
            parts = (unit + rest) - unit
            low = parts.sum(axis=0)
            rest -= parts
            sums = high + low
            if rest.any():
                most = size * (unit * _EPSILON)
                doubtful |= rest.any(axis=0) & ~_is_certain(high, low, sums, most)
    for group in np.flatnonzero(doubtful).tolist():
        sums[group] = exact_sum(matrix[:, group])
    return sums


def _sums(values: FloatArray, starts: IntArray, counts: IntArray) -> FloatArray:
    finite = np.isfinite(values)
    if finite.all():
        return _finite_sums(values, starts, counts)
    with np.errstate(invalid="ignore"):
        beyond = np.add.reduceat(np.where(finite, 0.0, values), starts)
    sums: FloatArray = np.where(
        beyond == 0.0, _finite_sums(np.where(finite, values, 0.0), starts, counts), beyond
    )
    return sums


def _finite_sums(values: FloatArray, starts: IntArray, counts: IntArray) -> FloatArray:
    """Sums of groups of at least one value each.

    The method is error-free extraction (Rump, Ogita and Oishi, "Accurate floating-point summation",
    SIAM J. Sci. Comput. 31, 2008, section 3). With a power of two s of at least n times the largest
    of n magnitudes, ``(s + x) - s`` is x rounded to a multiple of s * 2^-53, and what is left of x
    is exact. Sums of such multiples are below s, therefore exact in any order.

    Twice extracted, a group is two doubles and a rest. Without a rest the sum of the two is rounded
    once. With one it is right if no rest of that size could move it to another double; where one
    could, as between two neighbours halfway, ``exact_sum`` decides.
    """
    largest = np.maximum.reduceat(np.abs(values), starts)
    # Of both, the smallest power of two that is not less.
    doublings = np.frexp(counts + 2.0)[1]
    with np.errstate(over="ignore", invalid="ignore"):
        unit = np.ldexp(1.0, np.frexp(largest)[1] + doublings)
        high, rest = _extracted(values, unit, starts, counts)
        left = rest.any()
        low, sums = None, high
        if left:
            unit = np.ldexp(unit * _EPSILON, doublings)
            low, rest = _extracted(rest, unit, starts, counts)
            sums = high + low
        doubtful = ~np.isfinite(unit)
        if low is not None and rest.any():
            doubtful |= np.logical_or.reduceat(rest != 0.0, starts) & ~_is_certain(
                high, low, sums, counts * (unit * _EPSILON)
            )
    for group in np.flatnonzero(doubtful).tolist():
        start = int(starts[group])
        sums[group] = exact_sum(values[start : start + int(counts[group])])
    return sums


def _extracted(
    values: FloatArray, unit: FloatArray, starts: IntArray, counts: IntArray
) -> tuple[FloatArray, FloatArray]:
    """The exact sums of the values' high parts by group, and what is left of each value."""
    of_row = np.repeat(unit, counts)
    high = (of_row + values) - of_row
    return np.add.reduceat(high, starts), values - high


def _is_certain(high: FloatArray, low: FloatArray, sums: FloatArray, most: FloatArray) -> BoolArray:
    """Whether ``high + low``, rounded to ``sums``, is that with any rest up to ``most``, too."""
    # Knuth's TwoSum: what the rounding has lost.
    of_low = sums - high
    lost = (high - (sums - of_low)) + (low - of_low)
    # Rounded outwards, so that the ends are not nearer than they are.
    above = sums + np.nextafter(lost + most, np.inf)
    below = sums + np.nextafter(lost - most, -np.inf)
    certain: BoolArray = (above == sums) & (below == sums)
    return certain
