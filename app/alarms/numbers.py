"""Numbers as people read them in a message: six digits, never an exponent for what is common."""

import math

_DIGITS = 6
_LARGEST = 1e15
_SMALLEST = 1e-6


def number_text(value: float) -> str:
    """``1200``, ``70.4167``, ``0.5``, ``1234567``; whole numbers in full, others to six digits."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    magnitude = abs(value)
    if magnitude >= _LARGEST or 0 < magnitude < _SMALLEST:
        return f"{value:.{_DIGITS}g}"
    if value == int(value):
        return str(int(value))
    decimals = max(0, _DIGITS - 1 - math.floor(math.log10(magnitude)))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
