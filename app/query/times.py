"""Times and periods as clients write them."""

import math
import re
from datetime import UTC, datetime

from app.clock import LAST_MS
from app.errors import InvalidParameter

# 10^11 seconds is the year 5138; 10^11 milliseconds is 1973. What is larger is milliseconds.
_FIRST_MILLISECONDS = 1e11


_LOST_PLUS = re.compile(r"T\S+ \d\d:?\d\d")


def parse_time_ms(parameter: str, text: str) -> int:
    """Milliseconds since the epoch of RFC 3339, Unix seconds or Unix milliseconds.

    A time without an offset is UTC. Raises ``InvalidParameter``.
    """
    try:
        number = float(text)
    except ValueError:
        milliseconds = _rfc3339_ms(parameter, text)
    else:
        if not math.isfinite(number):
            raise InvalidParameter(parameter, f"{text!r} is not a time")
        milliseconds = number if abs(number) >= _FIRST_MILLISECONDS else number * 1000
    if not 0 <= milliseconds <= LAST_MS:
        raise InvalidParameter(parameter, f"{text!r} is not between the years 1970 and 2200")
    return round(milliseconds)


def parse_period_ms(parameter: str, text: str) -> int:
    """Milliseconds of a period given in seconds, a positive multiple of 60."""
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0  # noqa: PLR2004
    if seconds <= 0 or seconds % 60:
        raise InvalidParameter(parameter, f"{text!r} is not a positive multiple of 60 seconds")
    return seconds * 1000


def _rfc3339_ms(parameter: str, text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        # A form's blank is what becomes of a plus sign that was not escaped.
        hint = "; in a URL the + of an offset is written %2B" if _LOST_PLUS.search(text) else ""
        raise InvalidParameter(
            parameter,
            f"{text!r} is not a time; give RFC 3339 such as 2026-01-31T12:00:00Z,"
            f" Unix seconds or Unix milliseconds{hint}",
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.timestamp() * 1000
    except (OverflowError, ValueError) as error:
        raise InvalidParameter(parameter, f"{text!r} is out of range") from error
