"""Numbers and times as people read them; each is a filter of the templates.

All of them take None, and NaN, as what is missing: an en dash.
"""

import math
from datetime import UTC, datetime

from markupsafe import Markup

MISSING = "–"
_DIGITS = 4
_PREFIXES = ((1e12, 1e12, " T"), (1e9, 1e9, " G"), (1e6, 1e6, " M"), (1e4, 1e3, " k"))
_SMALLEST = 0.001
_SECOND_MS = 1_000
_MINUTE_MS = 60 * _SECOND_MS
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS


def number(value: float | None) -> str:
    """Four digits at most: ``1,234``, ``0.1235``, ``12.35 k``. Whole numbers below 10,000 stay."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    if value < 0:
        return f"−{number(-value)}"
    for smallest, size, prefix in _PREFIXES:
        if value >= smallest:
            return f"{_digits(value / size)}{prefix}"
    if value < _SMALLEST:
        return f"{value:.2g}"
    return _digits(value)


def _digits(value: float) -> str:
    decimals = max(0, _DIGITS - 1 - math.floor(math.log10(value)))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def exact(value: float | None) -> str:
    """Every digit that the number has: what a reader compares with another tool."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return number(value)
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else repr(float(value))  # noqa: PLR2004


def per_second(value: float | None) -> str:
    """A rate."""
    return _with_unit(value, "/s")


def milliseconds(value: float | None) -> str:
    """A latency; from a second on in seconds."""
    if value is not None and abs(value) >= _SECOND_MS:
        return _with_unit(value / _SECOND_MS, " s")
    return _with_unit(value, " ms")


def percent(value: float | None) -> str:
    """A share of 100, with one decimal below ten, and two, rounded down, from 99 to 100."""
    if value is None or math.isnan(value):
        return MISSING
    size = abs(value)
    if 0 < size < 0.05:  # noqa: PLR2004
        return "< 0.1 %"
    if 99 < size < 100:  # noqa: PLR2004
        return f"{_just_below_100(value)} %"
    return f"{value:.1f} %" if 0 < size < 10 else f"{value:,.0f} %"  # noqa: PLR2004


def _just_below_100(value: float) -> str:
    # Twelve digits, as in units.js: 99.57 is that in spite of its binary digits.
    hundredths = min(9999, math.floor(float(f"{abs(value) * 100:.12g}")))
    return f"{math.copysign(hundredths / 100, value):.2f}".rstrip("0").rstrip(".")


def money(value: float | None, currency: str = "USD") -> str:
    """An amount; below ten cents with as many decimals as tell it from nothing."""
    if value is None or math.isnan(value):
        return MISSING
    decimals = 2 if value == 0 or abs(value) >= 0.1 else 4  # noqa: PLR2004
    return f"{value:,.{decimals}f} {currency}"


def duration(value_ms: float | None) -> str:
    """How long: the two greatest of days, hours, minutes and seconds."""
    if value_ms is None or math.isnan(value_ms):
        return MISSING
    left, parts = round(value_ms), []
    for length, name in ((_DAY_MS, "d"), (_HOUR_MS, "h"), (_MINUTE_MS, "min"), (_SECOND_MS, "s")):
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) if parts else "0 s"


def iso(at_ms: int) -> str:
    """RFC 3339 in UTC, to the second."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(at_ms: int | None) -> Markup:
    """A ``time`` element in UTC, which a module makes local where the reader asked for that."""
    if at_ms is None:
        return Markup(MISSING)  # noqa: S704 - a constant
    shown = datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    return Markup('<time datetime="{}" data-ms="{}">{} UTC</time>').format(iso(at_ms), at_ms, shown)


def capitalize_first(text: str) -> str:
    """A message as the beginning of a sentence; quoted names keep their case."""
    return text[:1].upper() + text[1:]


def _with_unit(value: float | None, unit: str) -> str:
    text = number(value)
    return text if text == MISSING else f"{text}{unit}"


FILTERS = {
    "number": number,
    "exact": exact,
    "per_second": per_second,
    "milliseconds": milliseconds,
    "percent": percent,
    "money": money,
    "duration": duration,
    "moment": moment,
    "iso": iso,
    "capitalize_first": capitalize_first,
}
