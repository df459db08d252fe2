"""``Store``: the database as the rest of Hydrant holds it."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import sqlalchemy as sa

from app.errors import StorageUnavailable
from app.storage.engine import (
    administration_engine,
    parse_database_url,
    reader_engine,
    require_file,
    storage_errors,
    without_secrets,
    writer_engine,
)
from app.storage.migrate import current_revision, head_revision, is_later, migrate
from app.storage.partitions import Partitions
from app.storage.writer import Job, T, Writer

Connection = sa.Connection
"""A transaction; what the functions of this package work in."""


class Store:
    """One database: a thread that writes, connections that read.

    Raises ``StorageUnavailable`` from every operation that the database does not carry out.
    ``create`` makes SQLite's file if there is none; without it that is a ``ConfigurationError``.
    """

    def __init__(
        self, database: str, *, readers: int = 8, queue_size: int = 64, create: bool = True
    ) -> None:
        self._url = parse_database_url(database)
        if not create:
            require_file(self._url)
        self._write_engine = writer_engine(self._url)
        self._read_engine = reader_engine(self._url, readers)
        # However busy the readers are, minutes are evaluated.
        self._reserved_engine = reader_engine(self._url, 1)
        self._partitions: Partitions | None = None
        if self._url.get_backend_name() == "postgresql":
            self._partitions = Partitions(administration_engine(self._url))
        self._writer = Writer(self._write_engine, queue_size=queue_size)

    @property
    def description(self) -> str:
        """The database's URL without its password."""
        return without_secrets(self._url)

    @property
    def partitions(self) -> Partitions | None:
        """The partitions of the big tables; None on SQLite, which has none."""
        return self._partitions

    def migrate(self) -> None:
        """Bring the schema to this release."""
        with storage_errors():
            migrate(self._write_engine)

    def check(self) -> None:
        """Raise ``StorageUnavailable`` unless the database answers and has our schema, or a later.

        While releases are being exchanged, the first of the new ones brings the schema up.
        """
        if not self._writer.is_running:
            raise StorageUnavailable("the writer has stopped")
        with self.read() as connection:
            revision = current_revision(connection)
        if revision != head_revision() and not is_later(revision):
            raise StorageUnavailable(
                f"the schema is at revision {revision or 'none'}, this release needs"
                f" {head_revision()}; run hydrant migrate"
            )

    @contextmanager
    def read(self, *, reserved: bool = False) -> Iterator[sa.Connection]:
        """A connection in a read-only transaction; what it sees does not change meanwhile.

        ``reserved`` is one connection apart from the others, for the evaluator.
        """
        with storage_errors():
            engine = self._reserved_engine if reserved else self._read_engine
            if engine.dialect.name == "postgresql":
                engine = engine.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with engine.connect() as connection, connection.begin():
                yield connection

    def submit(self, job: Job[T]) -> "Future[T]":
        """Queue a job for the writer, see ``Writer.submit``."""
        return self._writer.submit(job)

    def write(self, job: Job[T]) -> T:
        """Run a job on the writer and wait for its commit."""
        return self._writer.run(job)

    def close(self) -> None:
        """Commit what is queued and close every connection."""
        self._writer.close()
        self._write_engine.dispose()
        self._read_engine.dispose()
        self._reserved_engine.dispose()
