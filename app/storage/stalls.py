"""A transaction that does not end: noticed, told, and in the end cut off from its database.

A PostgreSQL that was stopped, or a network that swallows packets, gives no error for a long time
or ever. The limits that PostgreSQL itself keeps do not help then.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from app.clock import Clock
from app.errors import StorageUnavailable
from app.storage.database import Database
from app.telemetry import counter, gauge

STALLED = gauge("writer_stalled", "1 while a transaction of the writer has been running too long")
CUT_OFF = counter("writer_connections_cut_total", "Connections cut as a transaction did not end")

_LOOK_EVERY_SECONDS = 1.0
_RETRY_AFTER_SECONDS = 10

_log = structlog.get_logger(__name__)


class StallWatch:
    """A thread that looks at the transaction under way once a second."""

    def __init__(
        self, database: Database, clock: Clock, stalled_seconds: float, longest_seconds: float
    ) -> None:
        self._database = database
        self._clock = clock
        self._stalled_seconds = stalled_seconds
        self._longest_seconds = longest_seconds
        self._began: float | None = None
        self._told: float | None = None
        self._cut: float | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="hydrant-stalls", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        self._thread.join()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """A transaction, for as long as the context lasts."""
        self._began = self._clock.monotonic()
        try:
            yield
        finally:
            self._began = None

    def require(self) -> None:
        """Raise ``StorageUnavailable`` while a transaction has been running for too long."""
        seconds = self._running_seconds()
        if seconds >= self._stalled_seconds:
            raise StorageUnavailable(
                f"the writer is stalled: a transaction has been running for {seconds:.0f} s",
                reason="writer_stalled",
                retry_after_seconds=_RETRY_AFTER_SECONDS,
            )

    def _running_seconds(self) -> float:
        began = self._began
        return 0.0 if began is None else self._clock.monotonic() - began

    def _loop(self) -> None:
        while not self._stopped.wait(_LOOK_EVERY_SECONDS):
            began, seconds = self._began, self._running_seconds()
            STALLED.set(int(seconds >= self._stalled_seconds))
            if began is None or seconds < self._stalled_seconds:
                if self._told is not None and began != self._told:
                    self._told = None
                    _log.warning("the writer goes on")
                continue
            if self._told != began:
                self._told = began
                _log.error(
                    "the writer is stalled: deliveries are answered 503 until it goes on",
                    cause=f"a transaction has been running for {seconds:.0f} s",
                    remedy="see that the database and its disk work and what locks are held in it",
                )
            if seconds >= self._longest_seconds and self._cut != began and self._database.is_remote:
                self._cut = began
                CUT_OFF.inc()
                self._database.cut_off()
