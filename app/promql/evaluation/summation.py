"""Sums with the rounding errors added back, always in the same order.

Adding pairs of rows, then pairs of their sums, leaves an error that grows with the logarithm of
their number; what each addition has rounded off is known exactly (Knuth's TwoSum) and summed up
beside it. The rows come sorted by labels, so a result does not depend on who read them when.
``app.summation`` is exact, number by number; here all groups and steps are added up at once.
"""

import numpy as np

from app.arrays import BoolArray, FloatArray, IntArray

_CELLS = 1 << 16
"""Numbers that are worked on at once, few enough to stay in a processor's cache."""

_OVERFLOW_SCALE = 2.0**-32


def sums(values: FloatArray, present: BoolArray) -> FloatArray:
    """Sums over the middle axis: (k, n, T) to (k, T); 0 where nothing is present."""
    total, error = _compensated(values, present)
    return _corrected(total, error)


def means(values: FloatArray, present: BoolArray, counts: IntArray) -> FloatArray:
    """Means over the middle axis; finite for finite values, even where their sum is not."""
    total, error = _compensated(values, present)
    result = _corrected(total / counts, error / counts)
    beyond = ~np.isfinite(total) & (counts > 0)
    if beyond.any():
        overflowed = beyond & (np.isfinite(values) | ~present).all(axis=1)
        small = sums(values * _OVERFLOW_SCALE, present) / counts / _OVERFLOW_SCALE
        result = np.where(overflowed, small, result)
    return result


def variances(values: FloatArray, present: BoolArray, counts: IntArray) -> FloatArray:
    """Population variances over the middle axis; NaN if a value is infinite or NaN."""
    centred = values - means(values, present, counts)[:, np.newaxis, :]
    return sums(centred * centred, present) / counts


def _corrected(total: FloatArray, error: FloatArray) -> FloatArray:
    # Beside an infinite sum the errors are not numbers.
    return np.where(np.isfinite(total), total + error, total)


def _compensated(values: FloatArray, present: BoolArray) -> tuple[FloatArray, FloatArray]:
    groups, rows, steps = values.shape
    if rows == 1:
        return values[:, 0], np.zeros((groups, steps))
    total = np.empty((groups, steps))
    error = np.zeros((groups, steps))
    everywhere = bool(present.all())
    width = max(1, _CELLS // max(1, groups * rows))
    for start in range(0, steps, width):
        part = slice(start, start + width)
        terms = values[:, :, part]
        if not everywhere:
            # Nothing is changed by adding −0, not even the sign of a zero.
            terms = np.where(present[:, :, part], terms, -0.0)
        total[:, part], error[:, part] = _pairwise(terms)
    return total, error


def _pairwise(terms: FloatArray) -> tuple[FloatArray, FloatArray]:
    errors: FloatArray | None = None
    while (rows := terms.shape[1]) > 1:
        half = rows // 2
        left, right = terms[:, :half], terms[:, half : 2 * half]
        added = left + right
        shadow = added - left
        lost = (left - (added - shadow)) + (right - shadow)
        if errors is not None:
            lost += errors[:, :half]
            lost += errors[:, half : 2 * half]
        if rows % 2:
            rest = np.zeros_like(terms[:, -1:]) if errors is None else errors[:, -1:]
            added = np.concatenate([added, terms[:, -1:]], axis=1)
            lost = np.concatenate([lost, rest], axis=1)
        terms, errors = added, lost
    if errors is None:
        return terms[:, 0], np.zeros_like(terms[:, 0])
    return terms[:, 0], errors[:, 0]
