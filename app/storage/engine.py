"""Engines: one for the writer, one for readers, with each database's settings for durability.

SQLite runs in WAL mode with ``synchronous=FULL``, so a commit is on disk when it returns, and
readers never wait for the writer. Transactions of the writer begin IMMEDIATE: a lock that cannot
be had is found out before any work is done.
"""

import select
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import event, exc

from app.errors import ConfigurationError, StorageUnavailable
from app.storage.sql_functions import add_sql_functions

SQLITE_BUSY_TIMEOUT_MS = 5_000
CONNECT_TIMEOUT_SECONDS = 5
WRITER_NAME = "hydrant-writer"
WRITER_STATEMENT_SECONDS = 120

# Each connection of SQLite keeps pages of its own, and keeps them. What they lack is in the
# system's cache, a short copy away.
_WRITER_CACHE_KIB = 16 * 1024
_READER_CACHE_KIB = 8 * 1024
_PAGES_BETWEEN_CHECKPOINTS = 4_000


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


def writer_engine(url: sa.URL, *, create: bool = True) -> sa.Engine:
    """An engine of one connection, for the thread that writes.

    SQLite's file is made here, if at all, and never again: a file that vanishes under a server is
    an outage, and not an empty database.
    """
    if url.get_backend_name() == "sqlite" and create:
        file = Path(str(url.database)).absolute()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"the directory {file.parent} of the database cannot be made: {error.strerror}"
            ) from error
        # A file that cannot be made is missed by the first connection, which says so.
        with suppress(OSError):
            file.touch()
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
    )
    if sqlite:
        _prepare_sqlite(engine, immediate=immediate)
        return engine
    _test_before_use(engine)
    if immediate:
        _prepare_writing(engine)
    return engine


def _postgresql_arguments(*, writes: bool) -> dict[str, Any]:
    """Time limits below Firehose's three minutes, and durability whatever the role's defaults."""
    options = {
        "lock_timeout": "30s",
        "statement_timeout": f"{WRITER_STATEMENT_SECONDS}s" if writes else "60s",
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
        "application_name": WRITER_NAME if writes else "hydrant-reader",
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
        "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
    }


def _test_before_use(engine: sa.Engine) -> None:
    """Replace connections that are lost, without asking PostgreSQL before each transaction.

    A server that has ended, or has ended the session, has said so or closed the connection. Where
    there is nothing to read, it is as it was; anything else is looked at.
    """

    @event.listens_for(engine, "checkout")
    def test(connection: Any, *_: object) -> None:  # noqa: ANN401 - the driver's connection
        try:
            if _has_news(connection.fileno()):
                engine.dialect.do_ping(connection)
        except psycopg.Error as error:
            raise exc.InvalidatePoolError from error


def _has_news(descriptor: int) -> bool:
    """Whether there is something to read from a connection, its end or an error."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _prepare_writing(engine: sa.Engine) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's connection
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            # Stricter settings, such as remote_apply, are the operator's to choose.
            if cursor.fetchone()[0] in {"off", "local"}:
                cursor.execute("SET synchronous_commit = on")
            # For columns whose own was never set, as that of a partition made before it was. Some
            # builds of PostgreSQL do without LZ4.
            cursor.execute(_COMPRESS_QUICKLY)
        connection.commit()


_COMPRESS_QUICKLY = """
    SELECT set_config(name, 'lz4', false) FROM pg_settings
    WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)
"""


def _prepare_sqlite(engine: sa.Engine, *, immediate: bool) -> None:
    file = Path(str(engine.url.database))

    @event.listens_for(engine, "do_connect")
    def require(*_: object) -> None:
        if not file.exists():
            raise StorageUnavailable(
                f"the database is not available: there is no file {file}",
                remedy="put the file back, let the server's user make it, or restart the server to"
                " begin with an empty database",
            )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's connection
        # SQLAlchemy's begin event below opens transactions; the driver must not do so itself.
        connection.isolation_level = None
        add_sql_functions(connection)
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA temp_store=MEMORY")
        # 16 MB: pages that are written again and again go to the file a quarter as often.
        cursor.execute(f"PRAGMA wal_autocheckpoint={_PAGES_BETWEEN_CHECKPOINTS}")
        cache_kib = _WRITER_CACHE_KIB if immediate else _READER_CACHE_KIB
        cursor.execute(f"PRAGMA cache_size=-{cache_kib}")
        # Debian's SQLite would write zeros over whatever is deleted, all of every hour: half of
        # what is written, and a second in which the writer takes nothing else.
        cursor.execute("PRAGMA secure_delete=FAST")
        if not immediate:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
