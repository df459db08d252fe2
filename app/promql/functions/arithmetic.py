"""Functions of a single sample: rounding, bounds, logarithms, trigonometry.

They follow Go's ``math`` package as Prometheus does, and so IEEE 754: what is not defined is NaN.
"""

from collections.abc import Callable, Mapping

import numpy as np

from app.arrays import FloatArray
from app.promql.functions.kinds import ValueFunction


def larger(left: FloatArray, right: FloatArray) -> FloatArray:
    """The larger of two numbers. NaN wins over numbers, and positive infinity over NaN."""
    result: FloatArray = np.maximum(left, right)
    return np.where(np.isposinf(left) | np.isposinf(right), np.inf, result)


def smaller(left: FloatArray, right: FloatArray) -> FloatArray:
    """The smaller of two numbers. NaN wins over numbers, and negative infinity over NaN."""
    return -larger(-left, -right)


def rounded(values: FloatArray, nearest: FloatArray | None = None) -> FloatArray:
    """The nearest multiple of ``nearest`` (1); of two at equal distance the larger one."""
    inverse = 1.0 if nearest is None else 1.0 / nearest
    result: FloatArray = np.floor(values * inverse + 0.5) / inverse
    return result


def _quiet(function: Callable[..., FloatArray]) -> ValueFunction:
    """The function without NumPy's warnings: what has no value is NaN, as in Prometheus."""

    def applied(*arguments: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):
            return function(*arguments)

    return applied


_FUNCTIONS: Mapping[str, Callable[..., FloatArray]] = {
    "abs": np.abs,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "ceil": np.ceil,
    "clamp_max": smaller,
    "clamp_min": larger,
    "cos": np.cos,
    "cosh": np.cosh,
    "deg": lambda values: values * 180 / np.pi,
    "exp": np.exp,
    "floor": np.floor,
    "ln": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "rad": lambda values: values * np.pi / 180,
    "round": rounded,
    "sgn": np.sign,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}

ARITHMETIC: Mapping[str, ValueFunction] = {
    name: _quiet(function) for name, function in _FUNCTIONS.items()
}
"""``f(values, *scalars)`` by name."""
