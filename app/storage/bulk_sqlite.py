"""Bulk writes on SQLite: one prepared statement, run by the driver over the columns."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.storage.statements import Upsert

_ROWS_AT_ONCE = 20_000


def sqlite_upsert(connection: sa.Connection, upsert: Upsert, columns: Sequence[Any]) -> None:
    """See ``bulk_upsert``."""
    _executed(connection, upsert, columns)


def sqlite_insert(connection: sa.Connection, upsert: Upsert, columns: Sequence[Any]) -> range:
    """Insert rows of which none exists, and give their ids; empty if they are not known.

    Rows that a statement inserts follow one another: the database gives each the id after the
    highest one, and nobody else writes meanwhile.
    """
    size = len(columns[0])
    if _executed(connection, upsert, columns) != size:
        return range(0)
    last = connection.exec_driver_sql("SELECT last_insert_rowid()").scalar_one()
    return range(last - size + 1, last + 1)


def _executed(connection: sa.Connection, upsert: Upsert, columns: Sequence[Any]) -> int:
    """Run the upsert; returns how many rows were written."""
    marks = ", ".join("?" * len(upsert.columns))
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - the connection is open
    cursor = driver.cursor()
    try:
        cursor.executemany(upsert.insert(f"VALUES ({marks})"), _rows(columns))
        return int(cursor.rowcount)
    finally:
        cursor.close()


def _rows(columns: Sequence[Any]) -> Iterator[tuple[object, ...]]:
    """Rows in Python's own types, a part at a time: these take up five times the memory."""
    for first in range(0, len(columns[0]), _ROWS_AT_ONCE):
        part = (_values(column[first : first + _ROWS_AT_ONCE]) for column in columns)
        yield from zip(*part, strict=True)


def _values(column: Any) -> Sequence[object]:  # noqa: ANN401 - an array or a sequence
    values: list[object] = column.tolist() if isinstance(column, np.ndarray) else list(column)
    return values
