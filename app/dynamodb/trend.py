"""A straight line through values over time, when it reaches a level, and how sure that is.

Ordinary least squares. The interval of the time is Fieller's: all times at which the line could be
at the level, given the errors of both its height and its slope. It is exact for errors that are
independent and normal, and longer towards the future. Sources: Fieller, "Some Problems in Interval
Estimation" (1954); for Student's quantile Abramowitz and Stegun, 26.7.5.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from app.arrays import FloatArray

_NORMAL = 1.959963984540054
"""The normal quantile of 97.5 %: what is symmetrical around an estimate is 95 %."""

_ROUNDING = 1e-20
"""Of the sum of squares: residuals as small as this are those of floating-point numbers."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """When a line reaches a level, and the 95 % interval of that, in the units of its times."""

    time: float
    earliest: float
    latest: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line through ``n`` values, at least 3, at times that are not all the same.

    ``slope_error`` is the slope's standard error, ``residual_error`` that of one value.
    ``residuals`` are value minus line. ``r_squared`` is the share of the values' variance that the
    line explains, 0 where there is none.
    """

    n: int
    mean_time: float
    mean_value: float
    time_squares: float
    slope: float
    residuals: FloatArray
    residual_error: float
    r_squared: float

    @property
    def slope_error(self) -> float:
        """The standard error of the slope."""
        return self.residual_error / sqrt(self.time_squares)

    @property
    def is_sloped(self) -> bool:
        """Whether the slope differs from 0 by more than chance, at 5 %."""
        return abs(self.slope) > student(self.n - 2) * self.slope_error

    def crossing(self, level: float) -> Crossing:
        """When the line is at a level. It must be sloped, or the interval has no ends."""
        ahead = (level - self.mean_value) / self.slope
        quantile = student(self.n - 2)
        unsure = (quantile * self.slope_error / self.slope) ** 2
        spread = abs(quantile * self.residual_error / self.slope)
        width = spread * sqrt((1 - unsure) / self.n + ahead**2 / self.time_squares)
        return Crossing(
            self.mean_time + ahead,
            self.mean_time + (ahead - width) / (1 - unsure),
            self.mean_time + (ahead + width) / (1 - unsure),
        )


def fit(times: FloatArray, values: FloatArray) -> Line:
    """The line of least squares through values at times."""
    mean_time, mean_value = float(times.mean()), float(values.mean())
    from_time, from_value = times - mean_time, values - mean_value
    time_squares, squares = float(from_time @ from_time), float(from_value @ from_value)
    slope = float(from_time @ from_value) / time_squares
    residuals = from_value - slope * from_time
    left = float(residuals @ residuals)
    if left <= _ROUNDING * float(values @ values):
        residuals, left = np.zeros(len(values)), 0.0
    return Line(
        len(values),
        mean_time,
        mean_value,
        time_squares,
        slope,
        residuals,
        sqrt(left / (len(values) - 2)),
        1 - left / squares if squares > left else 0.0,
    )


def autocorrelation(residuals: FloatArray, lag: int) -> float:
    """How alike residuals are that lie ``lag`` apart, -1 to 1; NaN are missing ones.

    0 where all are 0.
    """
    known = np.nan_to_num(residuals)
    squares = float(known @ known)
    return float(known[lag:] @ known[:-lag]) / squares if squares else 0.0


def student(freedom: int) -> float:
    """Student's quantile of 97.5 %, to three digits from 4 degrees of freedom on."""
    z = _NORMAL
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92_160,
    )
    return sum(term / float(freedom) ** power for power, term in enumerate(terms))
