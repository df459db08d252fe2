"""Housekeeping: what has served its purpose is deleted, by a small loop."""

import threading

import structlog

from app.clock import Clock
from app.errors import HydrantError
from app.storage import Store, forget_deliveries

_INTERVAL_SECONDS = 600.0
_HOUR_MS = 3_600_000

_log = structlog.get_logger(__name__)


class Maintenance:
    """One thread that forgets old request ids."""

    def __init__(self, store: Store, clock: Clock, *, delivery_retention_hours: int) -> None:
        self._store = store
        self._clock = clock
        self._retention_ms = delivery_retention_hours * _HOUR_MS
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin on a thread of its own."""
        self._thread = threading.Thread(target=self._loop, name="hydrant-maintenance", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the work under way."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def run_once(self) -> int:
        """Do all work that is due; returns the number of deliveries forgotten."""
        before = self._clock.now_ms() - self._retention_ms
        return self._store.write(lambda connection: forget_deliveries(connection, before))

    def _loop(self) -> None:
        while not self._stopped.wait(_INTERVAL_SECONDS):
            try:
                self.run_once()
            except HydrantError as error:
                _log.warning("maintenance postponed", reason=error.message)
            except Exception:  # noqa: BLE001 - logged; the next round tries again
                _log.exception("maintenance failed")
