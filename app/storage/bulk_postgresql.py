"""Bulk writes on PostgreSQL: COPY of the columns into a staging table, then an upsert from it.

The staging tables are temporary, belong to the connection and are emptied at each commit. Columns
go as one block of the binary COPY format: numbers made by numpy, and each distinct text once.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from struct import Struct
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.storage.statements import Upsert

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_size = Struct(">i").pack
_count = Struct(">h").pack
_BINARY = {"int4": ">i4", "int8": ">i8", "float8": ">f8", "bool": "?"}


def postgresql_upsert(connection: sa.Connection, upsert: Upsert, columns: Sequence[Any]) -> None:
    """See ``bulk_upsert``."""
    stage = _stage(connection, upsert)
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - the connection is open
    with driver.cursor() as cursor:
        if all(kind in _BINARY for kind in upsert.types.values()):
            rows = _binary_rows(upsert, columns)
        else:
            rows = _mixed_rows(upsert, columns)
        with cursor.copy(f"COPY {stage} FROM STDIN (FORMAT binary)") as copy:
            copy.write(_HEADER + rows + _TRAILER)
    # NaN stands for an absent value in the columns; to PostgreSQL it would be a number.
    selected = ", ".join(
        f"NULLIF({name}, 'NaN')" if kind == "float8" else name
        for name, kind in upsert.types.items()
    )
    # Everybody locks rows in the order of their keys, so that nobody waits for each other in turn.
    in_order = f"SELECT {selected} FROM {stage} ORDER BY {', '.join(upsert.columns[: upsert.keys])}"  # noqa: S608 - constants
    connection.exec_driver_sql(upsert.insert(in_order))


def _binary_rows(upsert: Upsert, columns: Sequence[Any]) -> bytes:
    """Rows of the binary COPY format: a field count, then length and bytes of each field."""
    types = [np.dtype(_BINARY[kind]) for kind in upsert.types.values()]
    fields: list[tuple[str, str]] = [("n", ">i2")]
    for number, dtype in enumerate(types):
        fields += [(f"l{number}", ">i4"), (f"v{number}", dtype.str)]
    rows = np.empty(len(columns[0]), np.dtype(fields))
    rows["n"] = len(types)
    for number, (dtype, column) in enumerate(zip(types, columns, strict=True)):
        rows[f"l{number}"] = dtype.itemsize
        rows[f"v{number}"] = column
    return rows.tobytes()


def _mixed_rows(upsert: Upsert, columns: Sequence[Any]) -> bytes:
    """The same of rows that have texts or bytes in them."""
    fields = map(_fields, upsert.types.values(), columns)
    start = repeat(_count(len(upsert.types)), len(columns[0]))
    return b"".join(chain.from_iterable(zip(start, *fields, strict=True)))


def _fields(kind: str, column: Any) -> Iterable[bytes]:  # noqa: ANN401 - an array or a sequence
    """Length and bytes of each value."""
    if kind == "text":
        texts = {text: _field(text.encode()) for text in set(column) - {None}}
        return [_NULL if text is None else texts[text] for text in column]
    if kind == "bytea":
        return [_NULL if value is None else _field(value) for value in column]
    return _numbers(_BINARY[kind], column)


def _field(value: bytes) -> bytes:
    return _size(len(value)) + value


def _numbers(kind: str, column: Any) -> Iterator[bytes]:  # noqa: ANN401 - an array or a sequence
    values = np.asarray(column).astype(kind)
    size, together = values.itemsize, values.tobytes()
    length = _size(size)
    for first in range(0, len(together), size):
        yield length + together[first : first + size]


def _stage(connection: sa.Connection, upsert: Upsert) -> str:
    stage = f"stage_{upsert.stage}_{upsert.table}" if upsert.stage else f"stage_{upsert.table}"
    columns = ", ".join(upsert.columns)
    connection.exec_driver_sql(
        f"CREATE TEMP TABLE IF NOT EXISTS {stage} ON COMMIT DELETE ROWS AS"  # noqa: S608 - constants
        f" SELECT {columns} FROM {upsert.table} WITH NO DATA"
    )
    # Within one transaction several deliveries are written, each through the same staging table.
    connection.exec_driver_sql(f"DELETE FROM {stage}")  # noqa: S608 - constants
    return stage
