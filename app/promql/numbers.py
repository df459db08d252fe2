"""Numbers as Go writes them, with the fewest digits that are read back as the same number."""

import math
from decimal import Decimal


def general(value: float, *, least_exponent: int = -4, most_exponent: int = 6) -> str:
    """The number as Go's ``%g`` writes it: ``0.5``, ``1e+06``, ``+Inf``.

    An exponent is written below 10 to the power of ``least_exponent``, and from ``most_exponent``
    on.
    """
    if not math.isfinite(value):
        return positional(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - the value is finite
    power = len(digits) - 1 + exponent
    if not any(digits) or least_exponent <= power < most_exponent:
        return positional(value)
    mantissa = "".join(map(str, digits))
    mantissa = f"{mantissa[0]}.{mantissa[1:]}" if len(mantissa) > 1 else mantissa
    return f"{'-' if sign else ''}{mantissa}e{power:+03d}"


def positional(value: float) -> str:
    """The number without an exponent, however long, as Go's ``strconv`` writes it with ``'f'``."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return format(Decimal(repr(value)), "f").removesuffix(".0")


def open_metrics(value: float) -> str:
    """The text of a number in a label such as ``quantile``: ``0.5``, ``1.0``, ``1e+06``."""
    text = general(value)
    return text if not math.isfinite(value) or "." in text or "e" in text else f"{text}.0"
