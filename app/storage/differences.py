"""The difference between rows as they should be and rows as they are stored."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray

Columns: TypeAlias = Sequence[IntArray | FloatArray]
"""Columns of one length, those of the key first; NaN in a column of doubles means NULL."""


def difference(wanted: Columns, stored: Columns, keys: int) -> tuple[IntArray, IntArray]:
    """Which rows of ``wanted`` are to be written, and which of ``stored`` are to be deleted.

    The first ``keys`` columns are the key, unique within each. Both answers are ascending.
    """
    size = len(wanted[0])
    both = [np.concatenate(pair) for pair in zip(wanted, stored, strict=True)]
    # lexsort is stable: of two rows with one key the wanted one comes first.
    order = np.lexsort(both[keys - 1 :: -1])
    paired = np.ones(max(len(order) - 1, 0), np.bool_)
    for column in both[:keys]:
        ordered = column[order]
        paired &= ordered[1:] == ordered[:-1]
    first = np.flatnonzero(paired)
    new, old = order[first], order[first + 1]
    same = np.ones(len(first), np.bool_)
    for column in both[keys:]:
        same &= (column[new] == column[old]) | (np.isnan(column[new]) & np.isnan(column[old]))
    unchanged = np.zeros(len(order), np.bool_)
    unchanged[new[same]] = True
    unchanged[old] = True
    return np.flatnonzero(~unchanged[:size]), np.flatnonzero(~unchanged[size:])


def delete_rows(connection: sa.Connection, table: sa.Table, columns: Columns) -> None:
    """Delete the rows whose keys are the first columns, in the order of the primary key."""
    if not len(columns[0]):
        return
    keys = list(table.primary_key.columns)
    if connection.dialect.name == "postgresql":
        _delete_at_once(connection, table.name, [key.name for key in keys], columns)
        return
    names = [f"key_{column.name}" for column in keys]
    matches = (column == sa.bindparam(name) for column, name in zip(keys, names, strict=True))
    rows = zip(*(column.tolist() for column in columns[: len(keys)]), strict=True)
    connection.execute(
        sa.delete(table).where(*matches), [dict(zip(names, row, strict=True)) for row in rows]
    )


def _delete_at_once(
    connection: sa.Connection, table: str, keys: Sequence[str], columns: Columns
) -> None:
    """A statement for each minute; one for each row would look for its partition each time."""
    minute, *others = keys
    arrays = ", ".join(f"CAST(:{name} AS int[])" for name in others)
    same = " AND ".join(f"t.{name} = k.{name}" for name in others)
    statement = sa.text(
        f"DELETE FROM {table} t USING unnest({arrays}) AS k ({', '.join(others)})"  # noqa: S608 - constants
        f" WHERE t.{minute} = :{minute} AND {same}"
    )
    for value in np.unique(columns[0]).tolist():
        rows = columns[0] == value
        gone = zip(others, columns[1 : len(keys)], strict=True)
        given = {name: column[rows].tolist() for name, column in gone}
        connection.execute(statement, {minute: value, **given})
