"""The one clock: everything that asks for the time takes a ``Clock``.

Times of day are integer milliseconds since the Unix epoch, durations are float seconds.
"""

import threading
import time
from datetime import UTC, datetime
from typing import Protocol

MILLISECONDS_PER_MINUTE = 60_000
LAST_MS = 7_258_118_400_000
"""2200-01-01: no time is later, because minutes since the epoch must fit 32 bits."""


def minute_text(minute: int) -> str:
    """The start of a minute since the epoch, in RFC 3339."""
    moment = datetime.fromtimestamp(minute * MILLISECONDS_PER_MINUTE / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def time_text(at_ms: int) -> str:
    """A time in RFC 3339 to the second, or to the millisecond where that is not 0."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    precision = "milliseconds" if at_ms % 1000 else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


class Clock(Protocol):
    """Source of time. Implementations are safe to use from several threads."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back; only differences mean anything."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block the calling thread."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class ManualClock:
    """A clock that stands still until it is moved; sleeping moves it. For tests and replays."""

    def __init__(self, now_ms: int = 0) -> None:
        self._now_ms = float(now_ms)
        self._lock = threading.Lock()

    def now_ms(self) -> int:
        with self._lock:
            return int(self._now_ms)

    def monotonic(self) -> float:
        with self._lock:
            return self._now_ms / 1000

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        with self._lock:
            self._now_ms += seconds * 1000
