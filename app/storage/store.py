"""``Store``: the database as the rest of Hydrant holds it."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager

import sqlalchemy as sa
from sqlalchemy import event

from app.clock import Clock, SystemClock
from app.errors import StorageBusy, StorageUnavailable
from app.storage.database import Database
from app.storage.engine import (
    administration_engine,
    parse_database_url,
    reader_engine,
    require_file,
    without_secrets,
)
from app.storage.faults import storage_errors
from app.storage.interruption import Deadline, ended_in_time, told_by
from app.storage.job_queue import Job, T
from app.storage.partitions import Partitions
from app.storage.readiness import Readiness
from app.storage.reads import Reads
from app.storage.writer import Writer, WriterLimits

Connection = sa.Connection
"""A transaction; what the functions of this package work in."""

CHECK_SECONDS = 10.0
_RESERVED = 3
READINESS_SECONDS = 2.0


class Store:
    """One database: a thread that writes, connections that read.

    Raises ``StorageUnavailable`` from every operation that the database does not carry out.
    ``create`` makes SQLite's file if there is none; without it that is a ``ConfigurationError``.
    """

    def __init__(
        self,
        database: str,
        *,
        readers: int = 8,
        queue_size: int = 64,
        create: bool = True,
        clock: Clock | None = None,
        limits: WriterLimits | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._url = parse_database_url(database)
        if not create:
            require_file(self._url)
        self._database = Database(self._url, create=create)
        self._read_engine = reader_engine(self._url, readers)
        self._reads = Reads(readers)
        # However busy the readers are, minutes and alarms are evaluated and leases looked at.
        self._reserved_engine = reader_engine(self._url, _RESERVED)
        self._partitions: Partitions | None = None
        if self._url.get_backend_name() == "postgresql":
            self._partitions = Partitions(administration_engine(self._url))
        self._readiness_engine = reader_engine(self._url, 1)
        self._readiness = Readiness(self._readiness_engine, clock)
        self._is_open = False
        self._writer = Writer(
            self._database, queue_size=queue_size, clock=clock, limits=limits or WriterLimits()
        )
        # Nothing may go on reading what the writer has turned away from.
        self._database.on_dispose = self._dispose_readers
        # The evaluator reads once a second: a database that was restarted is noticed before the
        # next delivery needs it.
        event.listen(self._reserved_engine, "connect", lambda *_: self._suspect())

    @property
    def description(self) -> str:
        """The database's URL without its password."""
        return without_secrets(self._url)

    @property
    def partitions(self) -> Partitions | None:
        """The partitions of the big tables; None on SQLite, which has none."""
        return self._partitions

    @property
    def is_remote(self) -> bool:
        """Whether the database is a server of its own."""
        return self._database.is_remote

    @property
    def epoch(self) -> int:
        """Changes when ids that were learnt before no longer count; read it before the ids."""
        return self._database.epoch

    def on_new_database(self, forget: Callable[[], None]) -> None:
        """Have ids forgotten when the database may have become another; on the writer's thread."""
        self._database.on_new(forget)

    def migrate(self) -> None:
        """Bring the schema to this release."""
        self._database.migrate()
        self._is_open = True

    def check(self, seconds: float = CHECK_SECONDS) -> None:
        """Raise ``StorageUnavailable`` unless the database answers and has our schema or later."""
        if not self._writer.is_running:
            raise StorageUnavailable("the writer has stopped", reason="stopping")
        self._readiness.check(seconds)
        self._is_open = True

    def require_available(self) -> None:
        """Raise ``StorageUnavailable`` if a delivery would be refused now; does not wait."""
        self._writer.require()

    def check_ready(self) -> None:
        """Raise ``StorageUnavailable`` unless deliveries can be stored; answers within seconds."""
        self._writer.require()
        self.check(READINESS_SECONDS)

    @contextmanager
    def read(
        self, *, reserved: bool = False, deadline: Deadline | None = None
    ) -> Iterator[sa.Connection]:
        """A connection in a read-only transaction; what it sees does not change meanwhile.

        ``reserved`` is one of a few connections apart from the others, for workers. Statements end
        at the ``deadline``, with what that raises, and so does the wait for a connection.
        """
        try:
            with ExitStack() as held:
                held.enter_context(told_by(deadline))
                held.enter_context(storage_errors())
                if not reserved:
                    held.enter_context(self._reads.place(deadline))
                engine = self._reserved_engine if reserved else self._read_engine
                if engine.dialect.name == "postgresql":
                    engine = engine.execution_options(
                        isolation_level="REPEATABLE READ", postgresql_readonly=True
                    )
                connection = held.enter_context(engine.connect())
                held.enter_context(connection.begin())
                if not reserved:
                    held.enter_context(self._reads.under_way(connection))
                held.enter_context(ended_in_time(connection, deadline))
                yield connection
        except StorageBusy:
            raise
        except StorageUnavailable:
            self._suspect()
            raise

    def end_reads(self) -> None:
        """End the statements of readers that run now, but for the evaluator's."""
        self._reads.end()

    def submit(self, job: Job[T]) -> "Future[T]":
        """Queue a job for the writer, see ``Writer.submit``."""
        return self._writer.submit(job)

    def write(self, job: Job[T], *, epoch: int | None = None) -> T:
        """Run a job on the writer and wait for its commit.

        With an ``epoch``, the job fails if the ids in it no longer count.
        """
        return self._writer.run(job, epoch=epoch)

    def write_delivery(self, job: Job[T], *, epoch: int, seconds: float) -> T:
        """The same for a delivery, which other work does not hold up; see ``run_delivery``."""
        return self._writer.run_delivery(job, epoch=epoch, seconds=seconds)

    def close(self) -> None:
        """Commit what is queued and close every connection."""
        self._writer.close()
        self._database.engine.dispose()
        self._dispose_readers()

    def _suspect(self) -> None:
        if self._is_open:
            self._writer.suspect()

    def _dispose_readers(self) -> None:
        for engine in (self._read_engine, self._reserved_engine, self._readiness_engine):
            engine.dispose()
