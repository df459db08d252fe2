"""Engines: one for the writer, one for readers, with each database's settings for durability.

SQLite runs in WAL mode with ``synchronous=FULL``, so a commit is on disk when it returns, and
readers never wait for the writer. Transactions of the writer begin IMMEDIATE: a lock that cannot
be had is found out before any work is done.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import event, exc

from app.errors import ConfigurationError, StorageUnavailable, TransactionConflict

SQLITE_BUSY_TIMEOUT_MS = 5_000
CONNECT_TIMEOUT_SECONDS = 5


def parse_database_url(text: str) -> sa.URL:
    """The URL of a supported database. Raises ``ConfigurationError``.

    ``postgres://`` and ``postgresql://`` both mean PostgreSQL through psycopg.
    """
    try:
        url = sa.make_url(text.replace("postgres://", "postgresql://", 1))
    except (exc.ArgumentError, ValueError) as error:
        raise ConfigurationError(
            "the database setting is not a URL;"
            " examples: sqlite:///hydrant.db, postgresql://user@host/hydrant"
        ) from error
    if "@" in (url.host or ""):
        # The rest of a password that was cut at its first @; it would be logged as the host.
        raise ConfigurationError(
            "the database setting has more than one @: write those of the password as %40"
        )
    match url.get_backend_name():
        case "sqlite":
            if url.database in (None, "", ":memory:"):
                raise ConfigurationError("SQLite needs a file: sqlite:///hydrant.db")
            return url.set(drivername="sqlite+pysqlite")
        case "postgresql":
            return url.set(drivername="postgresql+psycopg")
        case other:
            raise ConfigurationError(f"{other} is not supported; use sqlite or postgresql")


def without_secrets(url: sa.URL) -> str:
    """The URL as it may be logged: passwords are hidden, also those among its parameters."""
    hidden = {name: "***" for name in url.query if "password" in name.lower()}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def require_file(url: sa.URL) -> None:
    """Raise ``ConfigurationError`` if SQLite's file does not exist: opening it would make one."""
    if url.get_backend_name() == "sqlite":
        file = Path(str(url.database)).absolute()
        if not file.is_file():
            raise ConfigurationError(
                f"there is no database {file}; name the server's with --database"
                " or HYDRANT_DATABASE"
            )


def writer_engine(url: sa.URL) -> sa.Engine:
    """An engine of one connection, for the thread that writes."""
    if url.get_backend_name() == "sqlite":
        directory = Path(str(url.database)).absolute().parent
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"the directory {directory} of the database cannot be made: {error.strerror}"
            ) from error
    return _engine(url, pool_size=1, immediate=True)


def reader_engine(url: sa.URL, connections: int) -> sa.Engine:
    """An engine of up to ``connections`` connections that only read."""
    return _engine(url, pool_size=connections, immediate=False)


def administration_engine(url: sa.URL) -> sa.Engine:
    """An engine for statements that wait for locks of whole tables; connected only while in use."""
    arguments = _postgresql_arguments(writes=True)
    return sa.create_engine(url, connect_args=arguments, poolclass=sa.NullPool)


def _engine(url: sa.URL, *, pool_size: int, immediate: bool) -> sa.Engine:
    sqlite = url.get_backend_name() == "sqlite"
    arguments: dict[str, Any] = (
        {"check_same_thread": False, "timeout": SQLITE_BUSY_TIMEOUT_MS / 1000}
        if sqlite
        else _postgresql_arguments(writes=immediate)
    )
    engine = sa.create_engine(
        url,
        connect_args=arguments,
        poolclass=sa.QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=30,
        pool_pre_ping=not sqlite,
    )
    if sqlite:
        _prepare_sqlite(engine, immediate=immediate)
    elif immediate:
        _durable_commits(engine)
    return engine


def _postgresql_arguments(*, writes: bool) -> dict[str, Any]:
    """Time limits below Firehose's three minutes, and durability whatever the role's defaults."""
    options = {
        "lock_timeout": "30s",
        "statement_timeout": "120s" if writes else "60s",
        "default_transaction_isolation": "read\\ committed",
        # The server's own, for clients that are gone without a word or stand still: whatever locks
        # they hold, also the lease's, others get them within a minute.
        "tcp_keepalives_idle": "30",
        "tcp_keepalives_interval": "10",
        "tcp_keepalives_count": "3",
    }
    if writes:
        options["idle_in_transaction_session_timeout"] = "15s"
    return {
        "application_name": f"hydrant-{'writer' if writes else 'reader'}",
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 60_000,
        "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
    }


def _durable_commits(engine: sa.Engine) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's connection
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            # Stricter settings, such as remote_apply, are the operator's to choose.
            if cursor.fetchone()[0] in {"off", "local"}:
                cursor.execute("SET synchronous_commit = on")
        connection.commit()


def _prepare_sqlite(engine: sa.Engine, *, immediate: bool) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's connection
        # SQLAlchemy's begin event below opens transactions; the driver must not do so itself.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.execute("PRAGMA cache_size=-65536")
        if not immediate:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


# Bulk writes go past SQLAlchemy, so the drivers' own errors come up beside the wrapped ones.
_DRIVER_ERRORS = (sqlite3.Error, psycopg.Error)
# Connection, resources, lock not available, operator's intervention, system, and what a
# transaction may simply be repeated for (PostgreSQL, appendix A). Limits of the program (54) are
# about the data, and would be the same the next time.
_UNAVAILABLE_CLASSES = ("08", "53", "55", "57", "58", "40")
_IDLE_IN_TRANSACTION = "25P03"
# Deadlocks and the like; and checks, of which there are only those of partitions: the row's range
# got a partition of its own, or is about to, while the transaction was under way.
_CONFLICTS = ("40", "23514")
_UNAVAILABLE_CODES = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PROTOCOL,
    }
)
_PRIMARY_CODE = 0xFF


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn errors of the database's availability into ``StorageUnavailable``.

    Errors about the data or the statement pass through: they would only hide behind retries.
    """
    try:
        yield
    except exc.TimeoutError as error:
        raise StorageUnavailable("all connections to the database are in use") from error
    except (exc.DBAPIError, *_DRIVER_ERRORS) as error:
        cause = error.orig if isinstance(error, exc.DBAPIError) else error
        lost = isinstance(error, exc.DBAPIError) and error.connection_invalidated
        if not lost and (sql_state(cause) or "").startswith(_CONFLICTS):
            message = f"another transaction came in between: {_first_line(error)}"
            raise TransactionConflict(message) from error
        if not lost and not _is_unavailable(cause):
            raise
        raise StorageUnavailable(f"the database is not available: {_first_line(error)}") from error


def sql_state(error: BaseException | None) -> str | None:
    """PostgreSQL's five characters of an error, wrapped or not; None where there are none."""
    cause = error.orig if isinstance(error, exc.DBAPIError) else error
    return cause.sqlstate if isinstance(cause, psycopg.Error) else None


def _is_unavailable(cause: BaseException | None) -> bool:
    if isinstance(cause, psycopg.Error):
        # An error without a state did not come from the server: the connection is the matter.
        return (
            cause.sqlstate is None
            or cause.sqlstate == _IDLE_IN_TRANSACTION
            or cause.sqlstate.startswith(_UNAVAILABLE_CLASSES)
        )
    code = getattr(cause, "sqlite_errorcode", None)
    return code is not None and code & _PRIMARY_CODE in _UNAVAILABLE_CODES


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().split("\n", 1)[0]
