"""The time range of a page, as its URL says it: ``?from=now-3h&to=now``."""

import re
from dataclasses import dataclass
from typing import Any

from app.api.parameters import TimeRange
from app.clock import MILLISECONDS_PER_MINUTE, Clock
from app.errors import InvalidParameter
from app.query import parse_time_ms

DEFAULT_FROM = "now-3h"
NOW = "now"
PRESETS = (
    ("now-15m", "15 minutes"),
    ("now-1h", "1 hour"),
    ("now-3h", "3 hours"),
    ("now-12h", "12 hours"),
    ("now-24h", "1 day"),
    ("now-7d", "7 days"),
    ("now-30d", "30 days"),
    ("now-90d", "90 days"),
)
_BEFORE_NOW = re.compile(r"now(?:-([0-9]{1,6})([mhdw]))?")
_UNIT_MS = {
    "m": MILLISECONDS_PER_MINUTE,
    "h": 60 * MILLISECONDS_PER_MINUTE,
    "d": 24 * 60 * MILLISECONDS_PER_MINUTE,
    "w": 7 * 24 * 60 * MILLISECONDS_PER_MINUTE,
}
_UNIT_WORDS = {"m": "minute", "h": "hour", "d": "day", "w": "week"}


@dataclass(frozen=True, slots=True)
class PageRange:
    """``start_ms`` inclusive, ``end_ms`` exclusive, and the texts that they come from.

    ``live`` is a range that ends now: pages go on by themselves.
    """

    start_ms: int
    end_ms: int
    start_text: str = DEFAULT_FROM
    end_text: str = NOW

    @property
    def live(self) -> bool:
        """Whether it moves on with the clock."""
        return self.end_text == NOW

    @property
    def times(self) -> TimeRange:
        """The range as REST takes it."""
        return TimeRange(self.start_ms, self.end_ms)

    @property
    def parameters(self) -> dict[str, str]:
        """What links carry on; nothing for the range that is usual."""
        if (self.start_text, self.end_text) == (DEFAULT_FROM, NOW):
            return {}
        return {"from": self.start_text, "to": self.end_text}

    @property
    def label(self) -> str | None:
        """How long it is, in words, where it ends now; None for other ranges."""
        if not self.live:
            return None
        before = _BEFORE_NOW.fullmatch(self.start_text)
        if before is None or before[1] is None:
            return None
        count, unit = int(before[1]), _UNIT_WORDS[before[2]]
        words = f"{count} {unit}{'' if count == 1 else 's'}"
        return dict(PRESETS).get(self.start_text, words)

    @property
    def content(self) -> dict[str, Any]:
        """For the modules of the page."""
        return {
            "from_ms": self.start_ms,
            "to_ms": self.end_ms,
            "live": self.live,
            "from": self.start_text,
            "to": self.end_text,
        }


def page_range(clock: Clock, start: str | None, end: str | None) -> PageRange:
    """The range of two texts: ``now``, ``now-3h``, RFC 3339, Unix seconds or milliseconds.

    Ends are widened to whole minutes. Raises ``InvalidParameter``.
    """
    now_ms = clock.now_ms()
    start_text, end_text = start or DEFAULT_FROM, end or NOW
    start_ms, end_ms = _moment("from", start_text, now_ms), _moment("to", end_text, now_ms)
    start_ms -= start_ms % MILLISECONDS_PER_MINUTE
    end_ms += -end_ms % MILLISECONDS_PER_MINUTE
    if end_ms <= start_ms:
        raise InvalidParameter("to", "the end must be after the start")
    return PageRange(start_ms, end_ms, start_text, end_text)


def _moment(parameter: str, text: str, now_ms: int) -> int:
    before = _BEFORE_NOW.fullmatch(text)
    if before is None:
        if text.startswith(NOW):
            raise InvalidParameter(
                parameter, f"{text!r} is not a time; give now-30m, now-3h, now-7d or now-4w"
            )
        return parse_time_ms(parameter, text)
    number, unit = before.groups()
    return max(0, now_ms - (int(number) * _UNIT_MS[unit] if number else 0))
