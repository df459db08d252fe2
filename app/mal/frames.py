"""Values of a sample family at one minute, and how samples may be combined."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np

from app.arrays import BoolArray, FloatArray, IntArray

Labels: TypeAlias = Mapping[str, str]
"""Label names to values; never changed once handed on."""


class Combine(StrEnum):
    """How samples that meet without an explicit aggregation become one.

    The statistic decides: sums add, averages weigh by their SampleCount, maxima take the maximum.
    The same rule combines minutes into longer periods.
    """

    SUM = "sum"
    AVERAGE = "avg"
    MAXIMUM = "max"
    MINIMUM = "min"
    LATEST = "latest"


class Downsampling(StrEnum):
    """The argument of ``downsampling``; ``SUM_PER_MIN`` is the sum, a minute being one minute."""

    AVG = "AVG"
    SUM = "SUM"
    LATEST = "LATEST"
    SUM_PER_MIN = "SUM_PER_MIN"
    MAX = "MAX"
    MIN = "MIN"

    @property
    def combine(self) -> Combine:
        """The rule by which this downsampling reduces time."""
        return {
            Downsampling.AVG: Combine.AVERAGE,
            Downsampling.SUM: Combine.SUM,
            Downsampling.LATEST: Combine.LATEST,
            Downsampling.SUM_PER_MIN: Combine.SUM,
            Downsampling.MAX: Combine.MAXIMUM,
            Downsampling.MIN: Combine.MINIMUM,
        }[self]


@dataclass(frozen=True, slots=True)
class Frame:
    """Values by row; NaN where a row has no sample in this minute.

    Averages also carry what they are made of, so that combining them is exact: ``numerator`` (a
    Sum) over ``weight`` (a SampleCount). Arithmetic drops the numerator and keeps the weight.
    """

    value: FloatArray
    numerator: FloatArray | None = None
    weight: FloatArray | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no row has a sample."""
        return bool(np.isnan(self.value).all())

    def take(self, rows: IntArray) -> "Frame":
        """The frame of some rows, in their order."""
        return Frame(
            self.value[rows],
            None if self.numerator is None else self.numerator[rows],
            None if self.weight is None else self.weight[rows],
        )

    def with_value(self, value: FloatArray) -> "Frame":
        """The same weights under new values."""
        return Frame(value, None, self.weight)

    def weighed(self) -> "Frame":
        """The frame with a numerator wherever there are weights."""
        if self.weight is None or self.numerator is not None:
            return self
        # A quotient by 0 is an infinity of weight 0, and their product is no number.
        with np.errstate(over="ignore", invalid="ignore"):
            return Frame(self.value, self.value * self.weight, self.weight)

    def with_absent(self, rows: BoolArray) -> "Frame":
        """The frame without the samples of the marked rows."""
        return Frame(np.where(rows, np.nan, self.value), self.numerator, self.weight)
