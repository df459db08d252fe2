"""Readers at work: as many as there are connections, and what they run can be ended."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import BoundedSemaphore, Lock

import psycopg
import sqlalchemy as sa

from app.errors import StorageBusy
from app.storage.interruption import Deadline

_WAIT_SECONDS = 30.0
# How soon a reader that waits for a connection learns that nobody waits for its answer any more.
_LOOK_SECONDS = 0.25
_CANCEL_SECONDS = 2.0


class Reads:
    """Thread-safe. The pool of the engine below has ``connections`` connections, too."""

    def __init__(self, connections: int) -> None:
        self._free = BoundedSemaphore(connections)
        self._lock = Lock()
        self._running: set[sqlite3.Connection | psycopg.Connection] = set()

    @contextmanager
    def place(self, deadline: Deadline | None) -> Iterator[None]:
        """Wait until a connection is free, at most to the deadline, with what that raises.

        Raises ``StorageBusy`` after half a minute.
        """
        left = _WAIT_SECONDS
        while not self._free.acquire(timeout=_LOOK_SECONDS):
            if deadline is not None:
                deadline.check()
            left -= _LOOK_SECONDS
            if left <= 0:
                raise StorageBusy("all connections to the database are in use")
        try:
            yield
        finally:
            self._free.release()

    @contextmanager
    def under_way(self, connection: sa.Connection) -> Iterator[None]:
        """While what is read on this connection may be ended by ``end``."""
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection | psycopg.Connection)  # noqa: S101 - ours
        with self._lock:
            self._running.add(driver)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(driver)

    def end(self) -> None:
        """End the statements that run now; whoever runs one gets ``StorageBusy``."""
        # Under the lock: later, the connection may be another reader's, who has just begun.
        with self._lock:
            for driver in self._running:
                # One that cannot be ended has ended, or its server is away.
                with suppress(sqlite3.Error, psycopg.Error):
                    if isinstance(driver, sqlite3.Connection):
                        driver.interrupt()
                    else:
                        driver.cancel_safe(timeout=_CANCEL_SECONDS)
