"""When a datapoint breaches, and how many of how many make an alarm."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from app.arrays import BoolArray, FloatArray

STALE_AFTER_MS: Final = 3_600_000
"""How long ``ignore`` keeps an ALARM without data, where the rule does not say."""


class Comparison(StrEnum):
    """How a datapoint is compared with the threshold."""

    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    LESS = "<"
    LESS_OR_EQUAL = "<="

    @property
    def words(self) -> str:
        """``greater than or equal to``, as CloudWatch words it."""
        return _WORDS[self]

    @property
    def is_upward(self) -> bool:
        """Whether large values breach."""
        return self in {Comparison.GREATER, Comparison.GREATER_OR_EQUAL}

    def holds(self, values: FloatArray, threshold: float) -> BoolArray:
        """Where ``values`` compare so; nowhere for NaN."""
        return np.asarray(_UFUNCS[self](values, threshold), np.bool_)


_WORDS: Final = {
    Comparison.GREATER: "greater than",
    Comparison.GREATER_OR_EQUAL: "greater than or equal to",
    Comparison.LESS: "less than",
    Comparison.LESS_OR_EQUAL: "less than or equal to",
}
_UFUNCS: Final = {
    Comparison.GREATER: np.greater,
    Comparison.GREATER_OR_EQUAL: np.greater_equal,
    Comparison.LESS: np.less,
    Comparison.LESS_OR_EQUAL: np.less_equal,
}


class MissingData(StrEnum):
    """What a missing datapoint means, in CloudWatch's words."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


@dataclass(frozen=True, slots=True)
class Condition:
    """``datapoints_to_alarm`` of the last ``evaluation_periods`` datapoints breach.

    In ALARM a datapoint is compared with ``recovery_threshold``, if there is one. Times are
    milliseconds. ``stale_after_ms`` is for ``missing`` and ``ignore``: so long without a datapoint
    ends an ALARM; None is the N periods for ``missing`` and an hour for ``ignore``.
    """

    comparison: Comparison
    threshold: float
    recovery_threshold: float | None
    period_ms: int
    evaluation_periods: int
    datapoints_to_alarm: int
    missing_data: MissingData
    stale_after_ms: int | None

    @property
    def stale_periods(self) -> int | None:
        """So many missing datapoints in a row end an ALARM; None: no number does."""
        if self.missing_data not in {MissingData.MISSING, MissingData.IGNORE}:
            return None
        if self.stale_after_ms is None and self.missing_data is MissingData.MISSING:
            return self.evaluation_periods
        return -(-(self.stale_after_ms or STALE_AFTER_MS) // self.period_ms)

    @property
    def warm_up(self) -> int:
        """How many datapoints before its own a state depends on."""
        return max(self.evaluation_periods, self.stale_periods or 0) - 1

    def breaches(self, values: FloatArray, *, in_alarm: bool = False) -> BoolArray:
        """Which datapoints breach; missing ones (NaN) do not."""
        threshold = self.threshold
        if in_alarm and self.recovery_threshold is not None:
            threshold = self.recovery_threshold
        return self.comparison.holds(values, threshold)
