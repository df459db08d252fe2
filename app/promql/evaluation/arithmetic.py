"""The operators between numbers, on whole matrices, with the results of Go's floats."""

from collections.abc import Callable, Mapping

import numpy as np

from app.arrays import BoolArray, FloatArray
from app.promql.ast import COMPARISONS
from app.promql.evaluation.rows import masked

_OPERATIONS: Mapping[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    # The remainder has the sign of the dividend.
    "%": np.fmod,
    "^": np.float_power,
    "atan2": np.arctan2,
}

_COMPARISONS: Mapping[str, Callable[[FloatArray, FloatArray], BoolArray]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}


def scalars(operator: str, left: FloatArray, right: FloatArray) -> FloatArray:
    """``left operator right`` of scalars; comparisons give 0 or 1."""
    if operator in COMPARISONS:
        return _COMPARISONS[operator](left, right).astype(np.float64)
    return _OPERATIONS[operator](left, right)


def samples(
    operator: str,
    left: FloatArray,
    right: FloatArray,
    present: BoolArray,
    *,
    kept: FloatArray,
    returns_bool: bool,
) -> tuple[FloatArray, BoolArray]:
    """``left operator right`` where ``present``, and where the result is.

    A comparison leaves the ``kept`` values for which it holds, or gives 0 or 1 for all.
    """
    if operator not in COMPARISONS:
        return masked(_OPERATIONS[operator](left, right), present), present
    holds = _COMPARISONS[operator](left, right)
    if returns_bool:
        return masked(holds.astype(np.float64), present), present
    present = present & holds
    return masked(kept, present), present


def drops_name(operator: str, *, returns_bool: bool) -> bool:
    """Whether the result is another metric than the operands."""
    return returns_bool or operator not in COMPARISONS
