"""Days of a range in UTC or at an offset from it, each a slice of whole hours. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.dynamodb.cost_hours import HOUR_MS, Span
from app.errors import InvalidParameter

_OFFSET = re.compile(r"([+-])([01][0-9]|2[0-3]):?([0-5][0-9])")
_DAY_MS = 24 * HOUR_MS
_MINUTE_MS = 60_000
_MOST_OFFSET_MINUTES = 14 * 60


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day, or the part of it that lies in a span; ``hours`` are numbers of hours."""

    date: str
    hours: slice


def parse_utc_offset(parameter: str, text: str) -> int:
    """Milliseconds ahead of UTC of ``Z`` or an offset such as +05:30.

    Raises ``InvalidParameter``.
    """
    if text in {"Z", "z", "UTC"}:
        return 0
    # A form's blank is what becomes of a plus sign that was not escaped.
    found = _OFFSET.fullmatch(f"+{text[1:]}" if text[:1] == " " else text)
    minutes = int(found[2]) * 60 + int(found[3]) if found else _MOST_OFFSET_MINUTES + 1
    if found is None or minutes > _MOST_OFFSET_MINUTES:
        raise InvalidParameter(
            parameter, f"{text!r} is not an offset from UTC: give Z, or one such as +02:00"
        )
    return (minutes if found[1] == "+" else -minutes) * _MINUTE_MS


def offset_text(offset_ms: int) -> str:
    """The offset as it is written in times."""
    hours, minutes = divmod(abs(offset_ms) // _MINUTE_MS, 60)
    return f"{'-' if offset_ms < 0 else '+'}{hours:02}:{minutes:02}" if offset_ms else "Z"


def whole_hours(start_ms: int, end_ms: int, offset_ms: int) -> Span:
    """The range widened to whole hours of the offset."""
    begin = (start_ms + offset_ms) // HOUR_MS * HOUR_MS - offset_ms
    hours = -(-(end_ms - begin) // HOUR_MS)
    return Span(begin, hours)


def days_of(span: Span, offset_ms: int) -> list[Day]:
    """The days of a span, in order."""
    days = []
    begin = 0
    while begin < span.hours:
        local_ms = span.start_ms + begin * HOUR_MS + offset_ms
        hours_left = (_DAY_MS - local_ms % _DAY_MS) // HOUR_MS
        end = min(span.hours, begin + hours_left)
        moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=local_ms)
        days.append(Day(moment.date().isoformat(), slice(begin, end)))
        begin = end
    return days
