"""ISO 8601 durations as Java's ``Duration`` reads them: ``PT15S``, ``P1D``, ``PT20.345S``."""

import re

_DURATION = re.compile(
    r"(?P<sign>[-+]?)P(?:(?P<days>[-+]?\d+)D)?"
    r"(?P<time>T(?:(?P<hours>[-+]?\d+)H)?(?:(?P<minutes>[-+]?\d+)M)?"
    r"(?:(?P<seconds>[-+]?\d+(?:[.,]\d{0,9})?)S)?)?",
    re.IGNORECASE | re.ASCII,
)
_LONGEST_DIGITS = 12
_MILLISECONDS = {"days": 86_400_000, "hours": 3_600_000, "minutes": 60_000, "seconds": 1_000}


def parse_duration_ms(text: str) -> int:
    """Milliseconds of a duration. Raises ``ValueError``."""
    match = _DURATION.fullmatch(text)
    parts = match.groupdict() if match else {}
    given = {unit: parts[unit] for unit in _MILLISECONDS if parts.get(unit)}
    if not given or (parts.get("time") or "").upper() == "T":
        raise ValueError(f"{text!r} is not a duration such as PT1M or PT15S")
    if any(len(number) > _LONGEST_DIGITS for number in given.values()):
        raise ValueError(f"{text!r} is too long a duration")
    milliseconds = sum(
        float(number.replace(",", ".")) * _MILLISECONDS[unit] for unit, number in given.items()
    )
    return round(-milliseconds if parts["sign"] == "-" else milliseconds)
