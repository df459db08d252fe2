"""Bulk writes on SQLite: one prepared statement, run by the driver over the columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.storage.statements import Upsert


def sqlite_upsert(connection: sa.Connection, upsert: Upsert, columns: Sequence[Any]) -> None:
    """See ``bulk_upsert``."""
    marks = ", ".join("?" * len(upsert.columns))
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - the connection is open
    cursor = driver.cursor()
    try:
        rows = zip(*(_values(column) for column in columns), strict=True)
        cursor.executemany(upsert.insert(f"VALUES ({marks})"), rows)
    finally:
        cursor.close()


def _values(column: Any) -> Sequence[object]:  # noqa: ANN401 - an array or a sequence
    if not isinstance(column, np.ndarray):
        return list(column)
    values: list[object] = column.tolist()
    if column.dtype.kind == "f" and np.isnan(column).any():
        return [None if value != value else value for value in values]  # noqa: PLR0124 - NaN
    return values
