"""SQL of anybody's own, run without being able to change anything."""

import sqlite3
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from app.errors import InvalidRequest

Row = tuple[Any, ...]

# What a query needs: to be a SELECT, to read columns, to call functions, and to be recursive.
_ALLOWED = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
    }
)
# Classes of PostgreSQL's errors that say that the statement is wrong, or its data: syntax and
# names, data, cardinality, features, transactions that are read-only, limits of the program.
_REFUSALS = ("42", "22", "21", "0A", "25", "54", "2F", "39", "P0")


_NO_QUERY = "only queries are run here: the statement has no rows"


@dataclass(frozen=True, slots=True)
class SqlResult:
    """Names of the columns, and rows as they come."""

    columns: Sequence[str]
    rows: Generator[Row]


def run_sql(connection: sa.Connection, statement: str) -> SqlResult:
    """Run one statement in a transaction that only reads; close the rows before it ends.

    Raises ``InvalidRequest`` for what is no single query, and what the database refuses; reading
    the rows may do so too.
    """
    driver: Any = connection.connection.driver_connection
    rows = (_sqlite_rows if connection.dialect.name == "sqlite" else _postgresql_rows)(
        driver, statement
    )
    # The first item are the columns: it is there as soon as there is a first row, or none.
    columns = next(rows)
    return SqlResult(columns, rows)


def _authorized(action: int) -> int:
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _sqlite_rows(driver: sqlite3.Connection, statement: str) -> Generator[Row]:
    try:
        # It is asked while the statement is prepared, and has nothing to say to our own.
        driver.set_authorizer(lambda action, *_: _authorized(action))
        try:
            cursor = driver.execute(statement)
        finally:
            driver.set_authorizer(None)
        yield _columns(cursor.description)
        yield from cursor
    except (sqlite3.OperationalError, sqlite3.InterfaceError) as error:
        if (error.sqlite_errorcode & 0xFF) != sqlite3.SQLITE_ERROR:
            raise
        raise _refused(error) from error
    except (sqlite3.DatabaseError, sqlite3.Warning, ValueError) as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code == sqlite3.SQLITE_AUTH:
            raise InvalidRequest(
                "only queries are run here, as SELECT and WITH ... SELECT: nothing is changed"
            ) from error
        if code not in {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISUSE}:
            raise
        raise _refused(error) from error


def _postgresql_rows(driver: "psycopg.Connection[Row]", statement: str) -> Generator[Row]:
    text = statement.encode()
    try:
        # Prepared and streamed, unlike otherwise, it cannot be several statements.
        yield _described(driver, text)
        with driver.cursor() as cursor:
            yield from cursor.stream(text)
    except psycopg.Error as error:
        if not (error.sqlstate or "").startswith(_REFUSALS):
            raise
        raise _refused(error) from error


def _described(driver: "psycopg.Connection[Row]", text: bytes) -> Row:
    """The names of the columns, which there are without rows too."""
    _require_ok(driver, driver.pgconn.prepare(b"", text))
    result = driver.pgconn.describe_prepared(b"")
    _require_ok(driver, result)
    if not result.nfields:
        raise InvalidRequest(_NO_QUERY)
    return tuple((result.fname(n) or b"").decode() for n in range(result.nfields))


def _require_ok(driver: "psycopg.Connection[Row]", result: PGresult) -> None:
    if result.status != ExecStatus.COMMAND_OK:
        raise error_from_result(result, driver.info.encoding)


def _columns(description: Sequence[Sequence[Any]] | None) -> Row:
    if description is None:
        raise InvalidRequest(_NO_QUERY)
    return tuple(column[0] for column in description)


def _refused(error: Exception) -> InvalidRequest:
    first, *more = str(error).strip().splitlines()
    hint = next((f"; {line.strip()}" for line in more if line.startswith("HINT:")), "")
    return InvalidRequest(f"the database refuses the query: {first}{hint}")
