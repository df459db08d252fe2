"""The database behind the writer: its transactions, and whether it still is the same one.

Ids that a process has learnt are those of one database. PostgreSQL behind a new connection may be
a standby that lacks the last transactions, and SQLite's file may have been replaced by a backup:
the ids must then be learnt anew, or points would go to series that are others. ``epoch`` counts
this, and whoever keeps ids registers with ``on_new`` to forget them.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import event

from app.errors import StorageBusy, StorageUnavailable
from app.storage.engine import writer_engine
from app.storage.faults import is_full, storage_errors
from app.storage.migrate import current_revision, head_revision, is_later, migrate

# A small write fits where a delivery does not: it would only fail again.
_ROOM_AFTER_FULL_BYTES = 4 * 1024 * 1024


class ConnectionReplaced(StorageBusy):
    """The connection is another than before; ``adopt`` it first."""


class Database:
    """One connection that writes. Used by the writer's thread, but for ``cut_off``."""

    def __init__(self, url: sa.URL, *, create: bool) -> None:
        self.epoch = 0
        self.engine = writer_engine(url, create=create)
        self.on_dispose: Callable[[], None] = lambda: None
        self._file = Path(str(url.database)) if url.get_backend_name() == "sqlite" else None
        self._on_new: list[Callable[[], None]] = []
        self._connections = 0
        self._driver: Any = None
        self._source: object = None
        self._adopted: object = None
        self._was_full = False
        event.listen(self.engine, "connect", self._note_connection)

    def on_new(self, forget: Callable[[], None]) -> None:
        """Have ``forget`` called, on the writer's thread, before ids of another database count."""
        self._on_new.append(forget)

    def migrate(self) -> None:
        """Bring the schema to this release. Raises ``StorageUnavailable``."""
        with storage_errors():
            migrate(self.engine)

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A transaction, committed at the end of the context, in the database that was adopted."""
        try:
            with storage_errors():
                self._require_same_file()
                with self.engine.begin() as connection:
                    if self.is_new():
                        raise ConnectionReplaced("the connection to the database was lost")
                    yield connection
            # SQLite goes on in a file that has been deleted, and nobody would ever see it again.
            self._require_same_file()
        except StorageUnavailable as error:
            self._was_full = is_full(error.__cause__)
            raise

    @property
    def is_remote(self) -> bool:
        """Whether there is a network between, which may swallow what is sent."""
        return self._file is None

    def is_new(self) -> bool:
        """Whether the connection is not to what has been adopted."""
        return self._source is None or self._source != self._adopted

    def adopt(self) -> None:
        """Check by a write that the database can be used; forget ids if it may be another.

        Raises ``StorageUnavailable``.
        """
        with storage_errors():
            self._require_room()
            self._require_same_file()
            with self.engine.begin() as connection:
                self._write_something(connection)
                _require_schema(connection)
        if self._adopted != self._source:
            if self._adopted is not None:
                for forget in self._on_new:
                    forget()
                # Last: an epoch read before its ids is at worst too old.
                self.epoch += 1
            self._adopted = self._source
        self._was_full = False

    def cut_off(self) -> None:
        """End a connection that hangs, from any thread."""
        with suppress(OSError, psycopg.Error, AttributeError, ValueError):
            if self._file is not None:
                self._driver.interrupt()
                return
            descriptor = os.dup(self._driver.pgconn.socket)
            with socket.socket(fileno=descriptor) as connected:
                connected.shutdown(socket.SHUT_RDWR)

    def dispose(self) -> None:
        """Close the connection; the next transaction opens another."""
        self.engine.dispose()
        self._source = None
        self.on_dispose()

    def _note_connection(self, connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's
        self._driver = connection
        self._connections += 1
        self._source = self._connections if self._file is None else _identity(self._file)

    def _require_same_file(self) -> None:
        if self._file is None:
            return
        found = _identity(self._file)
        if found is None:
            raise StorageUnavailable(
                f"the database is not available: there is no file {self._file}",
                remedy="put the file back, or restart the server to begin with an empty database",
            )
        if self._source is not None and found != self._source:
            raise StorageUnavailable(
                f"the database is not available: {self._file} has been replaced by another file",
                remedy="nothing, if that was meant: it is opened next",
            )

    def _require_room(self) -> None:
        if self._file is None or not self._was_full:
            return
        room = os.statvfs(self._file.absolute().parent)
        if room.f_bavail * room.f_frsize < _ROOM_AFTER_FULL_BYTES:
            raise StorageUnavailable(
                "the database is not available: database or disk is full",
                remedy="free space where the database lies",
            )

    def _write_something(self, connection: sa.Connection) -> None:
        if self._file is not None:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            connection.exec_driver_sql(f"PRAGMA user_version = {int(version)}")
            return
        if connection.exec_driver_sql("SHOW transaction_read_only").scalar_one() == "on":
            raise StorageUnavailable(
                "the database is not available: it is read-only",
                remedy="point HYDRANT_DATABASE at the primary; this server is a standby or set"
                " to read-only",
            )
        connection.exec_driver_sql("SELECT pg_current_xact_id()")


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _require_schema(connection: sa.Connection) -> None:
    require_revision(current_revision(connection))


def require_revision(revision: str | None) -> None:
    """Raise ``StorageUnavailable`` unless this is the revision that the release needs, or a later.

    While releases are being exchanged, the first of the new ones brings the schema up.
    """
    if revision != head_revision() and not is_later(revision):
        raise StorageUnavailable(
            f"the schema is at revision {revision or 'none'}, this release needs"
            f" {head_revision()}; run hydrant migrate",
            reason="schema",
        )
