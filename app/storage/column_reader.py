"""Columns of numbers straight from the driver into arrays, for reads of millions of rows.

SQLite's driver gives tuples. PostgreSQL sends the rows by COPY in its binary format, in which rows
without NULL have one width, so that numpy reads all of them at once.
"""

from typing import Any, cast

import numpy as np
import psycopg
import sqlalchemy as sa

_BINARY = {"int4": ">i4", "int8": ">i8", "float8": ">f8"}
_HEADER_BYTES = 19
_TRAILER_BYTES = 2


def fetch_columns(
    connection: sa.Connection, query: str, types: tuple[str, ...], texts: tuple[str, ...] = ()
) -> list[Any]:
    """The columns of a query: integers as ``IntArray``, doubles as ``FloatArray``.

    ``types`` are PostgreSQL's of the columns: int4, int8 or float8. Doubles that may be NULL must
    be ``without_null``, integers must not be NULL. Numbers stand in the query itself; each ``?``
    in it is one of the ``texts``.
    """
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        return _from_tuples(driver, query, types, texts)
    return _from_copy(driver, query, types, texts)


def fetch_rows(
    connection: sa.Connection, query: str, texts: tuple[str, ...] = ()
) -> list[tuple[Any, ...]]:
    """Rows of a query that may have other columns than numbers; else as ``fetch_columns``."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        return list(driver.execute(query, texts).fetchall())
    # As text, bytes would take up twice the room.
    with driver.cursor(binary=True) as cursor:
        cursor.execute(query.replace("?", "%s").encode(), texts or None)
        return list(cursor.fetchall())


def without_null(column: str, connection: sa.Connection) -> str:
    """The column as it is selected by ``fetch_columns``, which gives NaN for NULL."""
    if connection.dialect.name == "sqlite":
        return column
    return f"COALESCE({column}, 'NaN')"


def id_list(ids: Any) -> str:  # noqa: ANN401 - integers of any sequence, or an array
    """Integers as a list in SQL; text that could be anything else raises ``ValueError``."""
    return ",".join(str(int(number)) for number in ids)


def _from_tuples(
    driver: Any,  # noqa: ANN401 - sqlite3.Connection
    query: str,
    types: tuple[str, ...],
    texts: tuple[str, ...],
) -> list[Any]:
    cursor = driver.execute(query, texts)
    try:
        rows = cursor.fetchall()
    finally:
        cursor.close()
    columns = zip(*rows, strict=True) if rows else [()] * len(types)
    return [
        np.array(column, np.float64 if kind == "float8" else np.int64)
        for column, kind in zip(columns, types, strict=True)
    ]


def _from_copy(
    driver: psycopg.Connection[Any], query: str, types: tuple[str, ...], texts: tuple[str, ...]
) -> list[Any]:
    statement = f"COPY ({query.replace('?', '%s')}) TO STDOUT (FORMAT binary)"
    with driver.cursor() as cursor, cursor.copy(statement.encode(), texts or None) as copy:
        data = b"".join(cast("Any", copy))
    rows = np.frombuffer(
        memoryview(data)[_HEADER_BYTES : len(data) - _TRAILER_BYTES], _row_type(types)
    )
    return [
        rows[f"v{number}"].astype(np.float64 if kind == "float8" else np.int64)
        for number, kind in enumerate(types)
    ]


def _row_type(types: tuple[str, ...]) -> np.dtype[Any]:
    """A row of the binary COPY format: a field count, then length and bytes of each field."""
    fields: list[tuple[str, str]] = [("n", ">i2")]
    for number, kind in enumerate(types):
        fields += [(f"l{number}", ">i4"), (f"v{number}", _BINARY[kind])]
    return np.dtype(fields)
