"""Whether the database takes writes, as the writer last found, and what is told about it.

An outage is one line in the log when it begins, with its cause and what helps, one a minute while
it lasts, and one when it is over. Where outages follow each other the lines stay a minute apart.
"""

import threading
from dataclasses import dataclass

import structlog

from app.clock import Clock
from app.errors import StorageUnavailable
from app.telemetry import counter, gauge

AVAILABLE = gauge("database_available", "1 while the database takes writes, 0 in an outage")
OUTAGES = counter("database_outages_total", "Times that the database was found unavailable")

_TOLD_EVERY_SECONDS = 60.0
_RETRY_AFTER_SECONDS = 10

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outage:
    """``since`` is on the monotonic clock, in seconds."""

    message: str
    since: float


class Availability:
    """Changed by the writer alone, asked by everyone."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._outage: Outage | None = None
        self._last_told: float | None = None
        self._tell_the_end = False
        self._untold = 0
        AVAILABLE.set(1)

    @property
    def is_down(self) -> bool:
        """Whether there is an outage."""
        return self._outage is not None

    def require(self) -> None:
        """Raise ``StorageUnavailable`` in an outage."""
        outage = self._outage
        if outage is not None:
            seconds = self._clock.monotonic() - outage.since
            raise StorageUnavailable(
                f"{outage.message} (for {seconds:.0f} s)",
                reason="database_down",
                retry_after_seconds=_RETRY_AFTER_SECONDS,
            )

    def down(self, error: StorageUnavailable) -> None:
        """Begin an outage, or note that it lasts."""
        now = self._clock.monotonic()
        with self._lock:
            begins = self._outage is None
            since = now if self._outage is None else self._outage.since
            self._outage = Outage(error.message, since)
            tell = self._last_told is None or now - self._last_told >= _TOLD_EVERY_SECONDS
            untold = self._untold
            if tell:
                self._last_told, self._tell_the_end, self._untold = now, True, 0
            elif begins:
                self._untold += 1
        if begins:
            AVAILABLE.set(0)
            OUTAGES.inc()
        if tell:
            more = {"outages_untold": untold} if untold else {}
            if not begins:
                more["seconds"] = round(now - since)
            _log.error(
                "database unavailable: deliveries are answered 503 until it is back",
                cause=error.message,
                remedy=error.remedy or "see cause",
                **more,
            )

    def up(self) -> None:
        """End the outage."""
        with self._lock:
            outage, self._outage = self._outage, None
            tell, self._tell_the_end = self._tell_the_end, False
        AVAILABLE.set(1)
        if outage is not None and tell:
            seconds = self._clock.monotonic() - outage.since
            _log.warning("database available again", after_seconds=round(seconds, 1))
