"""Whether the database answers and has our schema, found out in bounded time.

The look is taken on a thread and a connection of its own. A database that hangs keeps that one
thread, and whoever asks meanwhile is told how long it has been hanging.
"""

import threading
from concurrent.futures import Future

import sqlalchemy as sa

from app.clock import Clock
from app.errors import StorageUnavailable
from app.storage.database import require_revision
from app.storage.faults import storage_errors
from app.storage.migrate import current_revision


class Readiness:
    """Looks at a database through an engine that nobody else uses. Thread-safe."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._look: Future[None] | None = None
        self._began = 0.0

    def check(self, seconds: float) -> None:
        """Raise ``StorageUnavailable`` unless the database answers within this time."""
        with self._lock:
            look = self._look
            if look is None or look.done():
                look = self._look = Future()
                self._began = self._clock.monotonic()
                name = "hydrant-readiness"
                threading.Thread(target=self._run, args=(look,), name=name, daemon=True).start()
        try:
            look.result(seconds)
        except TimeoutError:
            since = self._clock.monotonic() - self._began
            raise StorageUnavailable(
                f"the database has not answered for {since:.0f} s",
                reason="database_down",
                retry_after_seconds=10,
            ) from None

    def _run(self, look: "Future[None]") -> None:
        try:
            with storage_errors(), self._engine.connect() as connection:
                require_revision(current_revision(connection))
        except Exception as error:  # noqa: BLE001 - told to whoever asks
            look.set_exception(error)
        else:
            look.set_result(None)
