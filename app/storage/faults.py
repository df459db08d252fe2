"""Faults of the database: which of them pass, what they are called, and what helps.

SQLite's codes are those of https://www.sqlite.org/rescode.html, of which the low byte is the
primary one; PostgreSQL's are of its manual, appendix A.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import exc

from app.errors import StorageBusy, StorageUnavailable, TransactionConflict

# Bulk writes go past SQLAlchemy, so the drivers' own errors come up beside the wrapped ones.
_DRIVER_ERRORS = (sqlite3.Error, psycopg.Error)
# Deadlocks and the like; and checks, of which there are only those of partitions: the row's range
# got a partition of its own, or is about to, while the transaction was under way.
_CONFLICTS = ("40", "23514")
# A lock that was not to be had, a statement that took too long. The database itself is well.
_LOCK_NOT_AVAILABLE = "55P03"
_BUSY_STATES = (_LOCK_NOT_AVAILABLE, "57014")
# Connection, a session that was ended because this process stood still in a transaction,
# authorisation, no such database, resources, state of objects, operator's intervention, system, a
# database that is read-only or lacks our tables or rights. Limits of the program (54) are about the
# data, and would be the same the next time.
_UNAVAILABLE_STATES = (
    "08",
    "25P03",
    "28",
    "3D000",
    "53",
    "55",
    "57",
    "58",
    "25006",
    "42501",
    "42P01",
    "XX001",
    "XX002",
)
_UNAVAILABLE_CODES = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
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
_NO_TABLE = "no such table"

_ROOM = "free space where the database lies"
_SQLITE_REMEDIES = {
    sqlite3.SQLITE_PERM: "let the server's user write the file and its directory",
    sqlite3.SQLITE_BUSY: "end the other program that holds the database in a transaction",
    sqlite3.SQLITE_NOMEM: "free memory on this machine",
    sqlite3.SQLITE_FULL: _ROOM,
    sqlite3.SQLITE_IOERR: "look at the disk and its free space; the kernel's log says more",
    sqlite3.SQLITE_READONLY: "mount the file system for writing, and let the server's user write"
    " the file and its directory",
    sqlite3.SQLITE_CANTOPEN: "see that the file and its directory are there, writable, and have"
    " room for the -wal and -shm files beside it",
    sqlite3.SQLITE_CORRUPT: "stop the server and restore the file from a backup",
    sqlite3.SQLITE_NOTADB: "stop the server and restore the file from a backup",
    sqlite3.SQLITE_PROTOCOL: "keep the database on a local disk",
}
_POSTGRESQL_REMEDIES = {
    "28": "put the user and password of HYDRANT_DATABASE right, and restart the server",
    "3D000": "create the database, or put its name in HYDRANT_DATABASE right",
    "53100": _ROOM,
    "53300": "raise max_connections of PostgreSQL, or lower HYDRANT_READER_CONNECTIONS",
    "25006": "point HYDRANT_DATABASE at the primary; this server is a standby or set to read-only",
    "42501": "grant the database user the rights to this schema",
    "42P01": "run hydrant migrate",
    "57P": "wait for PostgreSQL to start, or start it",
    "XX": "look at PostgreSQL's log; the data may be damaged",
}
# Before there is a session PostgreSQL's errors have no state, and their text is all there is.
_CONNECTING_REMEDIES = {
    "password": _POSTGRESQL_REMEDIES["28"],
    "authentication": _POSTGRESQL_REMEDIES["28"],
    "pg_hba": "let this host in with a line in PostgreSQL's pg_hba.conf",
    "too many": _POSTGRESQL_REMEDIES["53300"],
    "remaining connection slots": _POSTGRESQL_REMEDIES["53300"],
    "does not exist": _POSTGRESQL_REMEDIES["3D000"],
    "not currently accepting": "let PostgreSQL accept connections to the database again",
    "starting up": _POSTGRESQL_REMEDIES["57P"],
    "shutting down": _POSTGRESQL_REMEDIES["57P"],
    "refused": "start PostgreSQL, or put host and port in HYDRANT_DATABASE right",
    "resolve": "put the host in HYDRANT_DATABASE right, or mend the name service",
    "timeout": "see that PostgreSQL runs and that the network to it lets packets through",
}


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn errors of the database's availability into ``StorageUnavailable``.

    It is ``StorageBusy`` where the database works and the transaction was unlucky. Errors about the
    data or the statement pass through: they would only hide behind retries.
    """
    try:
        yield
    except exc.TimeoutError as error:
        raise StorageBusy("all connections to the database are in use") from error
    except (exc.DBAPIError, *_DRIVER_ERRORS) as error:
        cause = error.orig if isinstance(error, exc.DBAPIError) else error
        lost = isinstance(error, exc.DBAPIError) and error.connection_invalidated
        if not lost and (sql_state(cause) or "").startswith(_CONFLICTS):
            message = f"another transaction came in between: {_first_line(error)}"
            raise TransactionConflict(message) from error
        if _is_busy(cause):
            raise StorageBusy(f"the database is busy: {_first_line(error)}") from error
        if not lost and not _is_unavailable(cause):
            raise
        message = f"the database is not available: {_first_line(error)}"
        raise StorageUnavailable(message, remedy=_remedy(cause)) from error


def is_of_database(error: Exception) -> bool:
    """Whether an error comes from the database, translated or not: its transaction is lost."""
    return isinstance(error, (exc.SQLAlchemyError, StorageUnavailable, *_DRIVER_ERRORS))


def is_lock_timeout(error: StorageUnavailable) -> bool:
    """Whether a lock of PostgreSQL's was waited for in vain."""
    return sql_state(error.__cause__) == _LOCK_NOT_AVAILABLE


def sql_state(error: BaseException | None) -> str | None:
    """PostgreSQL's five characters of an error, wrapped or not; None where there are none."""
    cause = error.orig if isinstance(error, exc.DBAPIError) else error
    return cause.sqlstate if isinstance(cause, psycopg.Error) else None


def is_full(error: BaseException | None) -> bool:
    """Whether it was SQLite's disk that had no room left."""
    return _primary_code(error) == sqlite3.SQLITE_FULL


def _is_busy(cause: BaseException | None) -> bool:
    state = sql_state(cause)
    interrupted = _primary_code(cause) == sqlite3.SQLITE_INTERRUPT
    return interrupted or (state is not None and state.startswith(_BUSY_STATES))


def _is_unavailable(cause: BaseException | None) -> bool:
    if isinstance(cause, psycopg.Error):
        # An error without a state did not come from the server: the connection is the matter.
        return cause.sqlstate is None or cause.sqlstate.startswith(_UNAVAILABLE_STATES)
    return _primary_code(cause) in _UNAVAILABLE_CODES or _NO_TABLE in str(cause)


def _primary_code(cause: BaseException | None) -> int | None:
    cause = getattr(cause, "orig", None) or cause
    code = getattr(cause, "sqlite_errorcode", None)
    return None if code is None else code & _PRIMARY_CODE


def _remedy(cause: BaseException | None) -> str:
    code = _primary_code(cause)
    if code is not None:
        missing = _POSTGRESQL_REMEDIES["42P01"] if _NO_TABLE in str(cause) else ""
        return _SQLITE_REMEDIES.get(code, missing)
    state = sql_state(cause)
    known, told = (
        (_POSTGRESQL_REMEDIES, state) if state else (_CONNECTING_REMEDIES, str(cause).lower())
    )
    found = (
        remedy for key, remedy in known.items() if (told.startswith(key) if state else key in told)
    )
    return next(found, "see that PostgreSQL runs and can be reached; its log says more")


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().split("\n", 1)[0]
