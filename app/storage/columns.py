"""Rows as the driver gives them, as columns."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray


def fetch(
    connection: sa.Connection, query: sa.TextClause, parameters: Mapping[str, object]
) -> list[tuple[Any, ...]]:
    """All rows as the driver gives them; SQLAlchemy's row objects cost more than the query."""
    cursor = connection.execute(query, parameters).cursor
    assert cursor is not None  # noqa: S101 - a query has one
    return list(cursor.fetchall())


def transposed(rows: Sequence[Sequence[object]], width: int) -> list[Sequence[object]]:
    """The columns of rows; ``width`` empty ones when there are no rows."""
    return list(zip(*rows, strict=True)) if rows else [()] * width


def integers(column: Sequence[object]) -> IntArray:
    """A column of integers as an array."""
    return np.array(column, np.int64)


def doubles(column: Sequence[object]) -> FloatArray:
    """A column of doubles as an array; NULL becomes NaN."""
    return np.array(column, np.float64)


def last_of_key(*sorted_columns: IntArray) -> IntArray:
    """Positions at which a run of equal keys ends; the columns are in the order of the key."""
    if not len(sorted_columns[0]):
        return np.empty(0, np.int64)
    changes = np.zeros(len(sorted_columns[0]) - 1, np.bool_)
    for column in sorted_columns:
        changes |= column[1:] != column[:-1]
    return np.append(np.flatnonzero(changes), len(sorted_columns[0]) - 1)
