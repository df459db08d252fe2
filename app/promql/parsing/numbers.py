"""Numbers and durations as they are written."""

import re

from app.promql.parsing.quoting import quoted

_DURATION = re.compile(
    r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?", re.ASCII
)
_UNITS_MS = (31_536_000_000, 604_800_000, 86_400_000, 3_600_000, 60_000, 1_000, 1)
_NAMES = ("y", "w", "d", "h", "m", "s", "ms")
_OCTAL = re.compile(r"0(?:_?[0-7])+")
_MOST_DIGITS = 16
LONGEST_MS = (2**63 - 1) // 1_000_000
"""Prometheus keeps durations in nanoseconds, in 64 bits."""


def number_of(text: str) -> float:
    """The value of a number token. Raises ``ValueError`` that says what is wrong.

    Like Go, a number that begins with 0 and has only octal digits is octal, other ones are not.
    """
    lowered = text.lower()
    if lowered.startswith("0x"):
        number = int(text, 16)
        if number >= 2**63:
            raise ValueError(
                f"error parsing number: strconv.ParseFloat: parsing {quoted(text)}: invalid syntax"
            )
        return float(number)
    if _OCTAL.fullmatch(text) and (number := int(text, 8)) < 2**63:
        return float(number)
    value = float(text)
    if value == float("inf") and lowered != "inf":
        raise ValueError(
            f"error parsing number: strconv.ParseFloat: parsing {quoted(text)}: value out of range"
        )
    return value


def milliseconds_of(text: str) -> int:
    """The length of a duration such as ``1h30m``. Raises ``ValueError``."""
    found = _DURATION.fullmatch(text)
    if found is None or not text:
        raise ValueError(f"not a valid duration string: {quoted(text)}")
    counts = [(count or "0").lstrip("0") or "0" for count in found.groups()]
    if max(map(len, counts)) > _MOST_DIGITS:
        raise ValueError("duration out of range")
    total = sum(int(count) * unit for count, unit in zip(counts, _UNITS_MS, strict=True))
    if total > LONGEST_MS:
        raise ValueError("duration out of range")
    return total


def duration_text(milliseconds: int) -> str:
    """A duration as Prometheus writes it: ``1h30m``; years and weeks only if nothing is left."""
    if milliseconds == 0:
        return "0s"
    sign, rest = ("-", -milliseconds) if milliseconds < 0 else ("", milliseconds)
    parts = [sign]
    for name, unit in zip(_NAMES, _UNITS_MS, strict=True):
        if name in {"y", "w"} and rest % unit:
            continue
        count, rest = divmod(rest, unit)
        if count:
            parts.append(f"{count}{name}")
    return "".join(parts)
