"""Numbers as Go writes them, for labels and for remarks on a query."""

import math
from decimal import Decimal

_LEAST_EXPONENT, _MOST_EXPONENT = -4, 6


def general(value: float) -> str:
    """The shortest text that is read back as the value, as Go's ``%g``: ``0.5``, ``1e+06``.

    An exponent is written below 1e-4 and from 1e6 on.
    """
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - the value is finite
    power = len(digits) - 1 + exponent
    minus = "-" if sign else ""
    if any(digits) and not _LEAST_EXPONENT <= power < _MOST_EXPONENT:
        mantissa = "".join(map(str, digits))
        mantissa = f"{mantissa[0]}.{mantissa[1:]}" if len(mantissa) > 1 else mantissa
        return f"{minus}{mantissa}e{power:+03d}"
    return format(Decimal((sign, digits, exponent)), "f")


def decimal(value: float) -> str:
    """The shortest digits that are read back as the value, never with an exponent: ``1000000``.

    As Go's ``FormatFloat`` with the format ``f``, which ``count_values`` uses.
    """
    if not math.isfinite(value):
        return general(value)
    return format(Decimal(repr(value)), "f").removesuffix(".0")


def open_metrics(value: float) -> str:
    """The text of a number in a label such as ``quantile``: ``0.5``, ``1.0``, ``1e+06``."""
    text = general(value)
    return text if not math.isfinite(value) or "." in text or "e" in text else f"{text}.0"
