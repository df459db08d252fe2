"""Columns of numbers straight from the driver into arrays, for reads of millions of rows.

SQLite's driver gives a tuple for each row. PostgreSQL strings the numbers of each column together
as it would send them one by one, and answers with one row.
"""

from itertools import chain
from typing import Any

import numpy as np
import psycopg
import sqlalchemy as sa

NULLABLE = "float8 or NULL"
"""The type of a column that is selected ``without_null``."""

_BINARY = {"int4": ">i4", "int8": ">i8", "float8": ">f8"}


def fetch_columns(
    connection: sa.Connection, query: str, types: tuple[str, ...], texts: tuple[str, ...] = ()
) -> list[Any]:
    """The columns of a query: integers as ``IntArray``, doubles as ``FloatArray``.

    ``types`` are PostgreSQL's of the columns: int4, int8 below 2^53, float8, or ``NULLABLE``.
    Numbers stand in the query itself; each ``?`` in it is one of the ``texts``.
    """
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        return _from_tuples(driver, query, types, texts)
    return _from_aggregates(driver, query, types, texts)


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
    """A column of finite doubles as it is selected for ``NULLABLE``, which gives NaN for NULL."""
    if connection.dialect.name == "sqlite":
        # It has no NaN; this is infinity.
        return f"COALESCE({column}, 9e999)"
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
    # One tuple at a time, which is gone before the next: Python's garbage collector takes longer
    # to look at a list of them than all the rest.
    numbers = np.fromiter(chain.from_iterable(driver.execute(query, texts)), np.float64)
    columns = []
    for column, kind in zip(numbers.reshape(-1, len(types)).T, types, strict=True):
        if kind == NULLABLE:
            column = np.where(column == np.inf, np.nan, column)  # noqa: PLW2901
        columns.append(column.astype(np.float64 if kind.startswith("float8") else np.int64))
    return columns


def _from_aggregates(
    driver: psycopg.Connection[Any], query: str, types: tuple[str, ...], texts: tuple[str, ...]
) -> list[Any]:
    kinds = [kind.partition(" ")[0] for kind in types]
    names = [f"c{number}" for number in range(len(types))]
    sent = (f"string_agg({kind}send({name}), '')" for kind, name in zip(kinds, names, strict=True))
    statement = f"SELECT {', '.join(sent)} FROM ({query}) AS q ({', '.join(names)})"  # noqa: S608 - as the query
    with driver.cursor(binary=True) as cursor:
        cursor.execute(statement.replace("?", "%s").encode(), texts or None)
        row = cursor.fetchone() or ()
    columns = []
    for data, kind in zip(row, kinds, strict=True):
        values = np.frombuffer(data or b"", _BINARY[kind])
        columns.append(values.astype(np.float64 if kind == "float8" else np.int64))
    return columns
