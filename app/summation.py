"""Sums that are rounded once, whatever the order and the magnitudes of their terms."""

import math
from fractions import Fraction

import numpy as np

from app.arrays import FloatArray


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
