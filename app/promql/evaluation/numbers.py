"""Numbers as Go prints them, in labels and messages."""

import math

import numpy as np

_LEAST = 1e-4
_MOST = 1e21
"""From here on, and below the other, numbers get an exponent."""


def decimal(value: float) -> str:
    """The shortest digits that give the number, never with an exponent: ``strconv``'s 'f', -1."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return np.format_float_positional(value, trim="-")


def formatted(value: float) -> str:
    """The number as ``%g`` prints it: with an exponent below 1e-4 and from 1e21 on."""
    if not math.isfinite(value) or value == 0 or _LEAST <= abs(value) < _MOST:
        return decimal(value)
    digits, exponent = np.format_float_scientific(value, trim="-").split("e")
    return f"{digits}e{exponent}"
