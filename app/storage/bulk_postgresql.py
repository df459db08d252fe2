"""Bulk writes on PostgreSQL: one statement whose parameters are the columns, as arrays.

Arrays go in their binary form: numbers made by numpy, and each distinct text encoded once.
"""

from collections.abc import Sequence
from itertools import pairwise
from struct import Struct
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

from app.storage.array_columns import array_parameter
from app.storage.statements import Upsert

# Object identifiers of PostgreSQL's catalogue: bytea, text, and arrays of them.
_BYTES, _TEXT = 17, 25
_BYTES_ARRAY, _TEXT_ARRAY = 1001, 1009
# Dimensions, whether there are NULLs, the type of the elements, their number, the first index.
_HEAD = Struct(">iiIii").pack
_size = Struct(">i").pack


def postgresql_upsert(connection: sa.Connection, upsert: Upsert, columns: Sequence[Any]) -> None:
    """See ``bulk_upsert``."""
    _inserted(connection, upsert, columns)


def postgresql_insert(
    connection: sa.Connection, upsert: Upsert, columns: Sequence[Any]
) -> list[int]:
    """Insert those rows whose keys do not exist; all of their ids in order, or none of them.

    There are none when a row was there already, or the keys do not ascend.
    """
    ids = _inserted(connection, upsert, columns)
    keys = columns[0]
    ascend = all(one < other for one, other in pairwise(keys))
    return ids if len(ids) == len(keys) and ascend else []


def _inserted(connection: sa.Connection, upsert: Upsert, columns: Sequence[Any]) -> list[int]:
    """Ids of the rows that were inserted, by ascending keys."""
    arrays = [
        _array(connection, kind, column)
        for kind, column in zip(upsert.types.values(), columns, strict=True)
    ]
    driver: Any = connection.connection.driver_connection
    with driver.cursor(binary=True) as cursor:
        cursor.execute(_statement(upsert).encode(), arrays)
        return [row[0] for row in cursor.fetchall()]


def _statement(upsert: Upsert) -> str:
    table = upsert.table
    given = ", ".join(f"%s::{kind}[]" for kind in upsert.types.values())
    names = ", ".join(upsert.columns)
    # Everybody locks rows in the order of their keys, so that nobody waits for each other in turn.
    # A row in conflict would take an id of the sequence and leave it unused.
    source = f"""
        SELECT {names} FROM unnest({given}) AS given({names})
        WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {table}.{upsert.key} = given.{upsert.key})
        ORDER BY {upsert.key}
    """  # noqa: S608 - constants
    return f"{upsert.insert(source)} RETURNING {table}_id"


def _array(connection: sa.Connection, kind: str, column: Any) -> Any:  # noqa: ANN401 - see below
    """A column as a parameter; texts and bytes are sequences, numbers an array."""
    if kind == "text":
        texts = {text: _field(text.encode()) for text in set(column)}
        return _Texts(_head(_TEXT, column) + b"".join([texts[text] for text in column]))
    if kind == "bytea":
        return _BytesArray(_head(_BYTES, column) + b"".join(map(_field, column)))
    return array_parameter(connection, "I", column)


def _head(element: int, column: Sequence[Any]) -> bytes:
    return _HEAD(1, 0, element, len(column), 1)


def _field(value: bytes) -> bytes:
    return _size(len(value)) + value


class _Texts(bytes):
    """An array of texts in PostgreSQL's binary form."""


class _BytesArray(bytes):
    """The same of strings of bytes."""


class _TextsDumper(Dumper):
    format = Format.BINARY
    oid = _TEXT_ARRAY

    def dump(self, obj: Buffer) -> Buffer | None:
        return obj


class _BytesDumper(_TextsDumper):
    oid = _BYTES_ARRAY


psycopg.adapters.register_dumper(_Texts, _TextsDumper)
psycopg.adapters.register_dumper(_BytesArray, _BytesDumper)
