"""Quiet hours: times of a week at which a channel is not told of what begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_PER_DAY = 1_440


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one time of day to before another, on some days of the week, where the clock shows it.

    ``days`` count from 0, Monday; ``begin`` and ``end`` are minutes since midnight. When ``end``
    is not after ``begin`` they last into the day that follows. ``severities`` are those that keep
    quiet.
    """

    days: frozenset[int]
    begin: int
    end: int
    zone: ZoneInfo
    severities: frozenset[str]

    def hold(self, severity: str, at_ms: int) -> bool:
        """Whether something of this severity is not told at a time."""
        if severity not in self.severities:
            return False
        local = datetime.fromtimestamp(at_ms / 1000, self.zone)
        minute = local.hour * 60 + local.minute
        today, yesterday = local.weekday(), (local.weekday() - 1) % len(DAYS)
        if self.begin < self.end:
            return today in self.days and self.begin <= minute < self.end
        late, early = minute >= self.begin, minute < self.end
        return (late and today in self.days) or (early and yesterday in self.days)


def are_quiet(hours: Sequence[QuietHours], severity: str, at_ms: int) -> bool:
    """Whether any of a channel's quiet hours holds something of this severity at a time."""
    return any(each.hold(severity, at_ms) for each in hours)
