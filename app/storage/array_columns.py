"""Columns of numbers in one row: arrays in PostgreSQL, encoded bytes in SQLite.

``I`` are integers of 32 bits, ``L`` of 64 bits, ``F`` doubles, in which NaN stands for what is
absent. Read back, they are always ``IntArray`` and ``FloatArray``.
"""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg
import sqlalchemy as sa
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format
from sqlalchemy.dialects.postgresql import ARRAY

from app.arrays import FloatArray, IntArray
from app.storage.array_codec import (
    HEAD,
    decode,
    decode_into,
    encode_doubles,
    encode_integers,
)

Numbers = IntArray | FloatArray

INTEGERS = sa.LargeBinary().with_variant(ARRAY(sa.Integer), "postgresql")
"""The type of a column of arrays of integers of 32 bits."""
LONG_INTEGERS = sa.LargeBinary().with_variant(ARRAY(sa.BigInteger), "postgresql")
DOUBLES = sa.LargeBinary().with_variant(ARRAY(sa.Double), "postgresql")

# Object identifiers of PostgreSQL's catalogue: int4, int8, float8, and arrays of them.
_ELEMENT = {"I": 23, "L": 20, "F": 701}
_ARRAY = {"I": 1007, "L": 1016, "F": 1022}
_NUMPY = {23: ">i4", 20: ">i8", 701: ">f8"}
_HEAD = struct.Struct(">iiIii")
_EMPTY = struct.Struct(">iiI")


def array_parameter(
    connection: sa.Connection, kind: str, values: Numbers | None, *, quick: bool = False
) -> Any:  # noqa: ANN401 - whatever the driver takes
    """An array as a parameter of a statement run by the driver; ``quick`` as in the codec."""
    if values is None:
        return None
    if connection.dialect.name == "postgresql":
        return _WRAPPERS[kind](_binary(kind, values))
    if kind == "F":
        return encode_doubles(values, quick=quick)  # type: ignore[arg-type]
    return encode_integers(values, quick=quick)  # type: ignore[arg-type]


def execute_many(connection: sa.Connection, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run a statement, with ``?`` for its parameters, for each of the rows."""
    if not rows:
        return
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        driver.executemany(statement, rows).close()
        return
    query = statement.replace("?", "%s").encode()
    with driver.cursor() as cursor:
        if len(rows) == 1:
            # Of many, psycopg sends the next ones before the first is answered, which takes longer.
            cursor.execute(query, rows[0])
        else:
            cursor.executemany(query, rows)


def fetch_encoded(
    connection: sa.Connection, query: str, parameters: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    """Rows of a query with ``?`` for its parameters; arrays are as ``array_parameter`` gives them.

    Equal bytes are equal arrays. NULL is None.
    """
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        return list(driver.execute(query, tuple(parameters)).fetchall())
    with driver.cursor(binary=True) as cursor:
        for oid in _ARRAY.values():
            cursor.adapters.register_loader(oid, _EncodedLoader)
        cursor.execute(query.replace("?", "%s").encode(), tuple(parameters) or None)
        return list(cursor.fetchall())


def decoded(connection: sa.Connection, data: bytes | None, places: IntArray | None = None) -> Any:  # noqa: ANN401 - of two types
    """The array of encoded bytes, or some places of it; None is None."""
    if data is None:
        return None
    if connection.dialect.name == "sqlite":
        return decode(data, places)
    values = _array(data)
    return values if places is None else values[places]


def decode_row(connection: sa.Connection, data: bytes, row: FloatArray) -> None:
    """Put the doubles of encoded bytes into a row of a matrix, which is contiguous."""
    if connection.dialect.name == "sqlite":
        decode_into(data, row)
    else:
        row[:] = _array(data)


def length_of(connection: sa.Connection, column: str) -> str:
    """What to select of a column of arrays for ``array_length``, instead of the arrays."""
    if connection.dialect.name == "sqlite":
        return f"substr({column}, 1, {HEAD.size})"
    return f"cardinality({column})"


def array_length(selected: bytes | int) -> int:
    """The number of elements of an array."""
    return selected if isinstance(selected, int) else int(HEAD.unpack(selected)[-1])


def _binary(kind: str, values: Numbers) -> bytes:
    """PostgreSQL's binary form: dimensions, then length and bytes of each element."""
    oid = _ELEMENT[kind]
    if not len(values):
        return _EMPTY.pack(0, 0, oid)
    dtype = np.dtype(_NUMPY[oid])
    elements = np.empty(len(values), np.dtype([("length", ">i4"), ("value", dtype)]))
    elements["length"] = dtype.itemsize
    elements["value"] = values
    return _HEAD.pack(1, 0, oid, len(values), 1) + elements.tobytes()


class _Binary(bytes):
    """An array in PostgreSQL's binary form."""


class _Integers(_Binary):
    pass


class _LongIntegers(_Binary):
    pass


class _Doubles(_Binary):
    pass


_WRAPPERS = {"I": _Integers, "L": _LongIntegers, "F": _Doubles}


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Buffer) -> Buffer | None:
        return obj


class _IntegersDumper(_ArrayDumper):
    oid = _ARRAY["I"]


class _LongIntegersDumper(_ArrayDumper):
    oid = _ARRAY["L"]


class _DoublesDumper(_ArrayDumper):
    oid = _ARRAY["F"]


class _EncodedLoader(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


def _array(data: Buffer) -> Any:  # noqa: ANN401 - an array of one of two types
    dimensions, _, oid = _EMPTY.unpack_from(data)
    wanted = np.float64 if oid == _ELEMENT["F"] else np.int64
    if not dimensions:
        return np.empty(0, wanted)
    dtype = np.dtype([("length", ">i4"), ("value", _NUMPY[oid])])
    return np.frombuffer(data, dtype, offset=_HEAD.size)["value"].astype(wanted)


psycopg.adapters.register_dumper(_Integers, _IntegersDumper)
psycopg.adapters.register_dumper(_LongIntegers, _LongIntegersDumper)
psycopg.adapters.register_dumper(_Doubles, _DoublesDumper)
