"""Point types, and the checks that every decoder makes on a point.

The type is part of a series' identity: a metric that changes from a gauge to a sum, or from delta
to cumulative, goes on as another series, as its values mean something else. Whether a sum is
monotonic is not, nor whether a histogram's buckets are explicit or exponential.
"""

import math

from app.clock import LAST_MS
from app.errors import WireError
from app.otlp.rejection import Reason

SUMMARY = "summary"
GAUGE = "gauge"
SUM_DELTA = "sum_delta"
SUM_CUMULATIVE = "sum_cumulative"
HISTOGRAM_DELTA = "histogram_delta"
HISTOGRAM_CUMULATIVE = "histogram_cumulative"

CLOUDWATCH_PERIOD_MS = 60_000

_NANOSECONDS_PER_MS = 1_000_000
# CloudWatch is younger than that; what lies before is a time in the wrong unit.
_FIRST_MS = 946_684_800_000  # 2000-01-01
_MOST_EXTRA_STATISTICS = 200
_LONGEST_STATISTIC_NAME = 64
_LONGEST_PERIOD_MS = 366 * 86_400_000


class RejectedPoint(WireError):
    """One point, or one metric, that is decodable as bytes but makes no sense."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def interval_ms(start_ns: int, end_ns: int) -> tuple[int, int]:
    """Start and length in milliseconds of a point that covers a period.

    A missing start means CloudWatch's usual 60 seconds. Raises ``RejectedPoint``.
    """
    end_ms = instant_ms(end_ns)
    if start_ns == 0:
        return end_ms - CLOUDWATCH_PERIOD_MS, CLOUDWATCH_PERIOD_MS
    start_ms = start_ns // _NANOSECONDS_PER_MS
    if not 0 < end_ms - start_ms <= _LONGEST_PERIOD_MS:
        raise RejectedPoint(
            Reason.TIMESTAMP, f"the period from {start_ns} to {end_ns} ns is empty or absurd"
        )
    return start_ms, end_ms - start_ms


def delta_ms(start_ns: int, end_ns: int) -> tuple[int, int]:
    """Start and length in milliseconds of a delta; an instant if its start is not told.

    Raises ``RejectedPoint``.
    """
    end_ms = instant_ms(end_ns)
    if start_ns == 0 or start_ns // _NANOSECONDS_PER_MS == end_ms:
        return end_ms, 0
    return interval_ms(start_ns, end_ns)


def instant_ms(time_ns: int) -> int:
    """Milliseconds of an observation's time. Raises ``RejectedPoint``."""
    return checked_ms(time_ns // _NANOSECONDS_PER_MS)


def checked_ms(time_ms: int) -> int:
    """The time itself, if it lies between the years 2000 and 2200."""
    if not _FIRST_MS <= time_ms <= LAST_MS:
        raise RejectedPoint(Reason.TIMESTAMP, f"the time {time_ms} ms is missing or absurd")
    return time_ms


def finite(value: float, what: str) -> float:
    """The value itself; CloudWatch has no NaN and no infinity, and SQL would not keep them."""
    if math.isfinite(value):
        return value
    raise RejectedPoint(Reason.VALUE, f"{what} is {value}, not a finite number")


def check_extras(extras: list[tuple[str, float]]) -> None:
    """Raise ``RejectedPoint`` for too many extra statistics, repeated ones, and no names."""
    if len(extras) > _MOST_EXTRA_STATISTICS:
        raise RejectedPoint(Reason.VALUE, f"{len(extras)} extra statistics on one point")
    for name, _ in extras:
        if not name or len(name) > _LONGEST_STATISTIC_NAME or not name.isprintable():
            raise RejectedPoint(Reason.VALUE, f"{name[:80]!r} is not the name of a statistic")
    if len({name for name, _ in extras}) < len(extras):
        raise RejectedPoint(Reason.VALUE, "a statistic is given twice")
