"""Doubles as Java writes them, the form that labels have in rule files."""

import math
from decimal import Decimal

_PLAIN_FROM = 1e-3
_PLAIN_BELOW = 1e7


def java_text(value: float) -> str:
    """The text of Java's ``Double.toString`` (JDK 19 and later): ``0.99``, ``1.0E7``, ``Infinity``.

    It reads back to the same double, in Python too.
    """
    if math.isnan(value):
        return "NaN"
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    if math.isinf(value):
        return f"{sign}Infinity"
    if value == 0.0:
        return f"{sign}0.0"
    digits, exponent = _shortest(abs(value))
    if _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
        if exponent < 0:
            return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
        whole = digits[: exponent + 1].ljust(exponent + 1, "0")
        return f"{sign}{whole}.{digits[exponent + 1 :] or '0'}"
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{exponent}"


def _shortest(value: float) -> tuple[str, int]:
    """The shortest digits that read back to the value, and the exponent of the first."""
    text = repr(value)
    number = Decimal(text).as_tuple()
    digits = "".join(map(str, number.digits)).rstrip("0")
    if len(digits) == 1:
        # Java writes two digits at least, and takes the nearest two: 4.9E-324, not 5.0E-324.
        nearest = f"{value:.1e}"
        if float(nearest) == value:
            text = nearest
            digits = nearest[0] + nearest[2].rstrip("0")
    return digits, Decimal(text).adjusted()
