"""Functions that the views of SQLite need, and how anybody's connection gets them.

SQLite has no arrays. A function turns the encoded columns of blocks into a JSON array with a text
for each row, which ``json_each`` makes rows of. Its fields have fixed widths: integers are decimal,
doubles the 16 hexadecimal digits of their bits, since SQLite does not read decimals exactly. What
a function is called, takes and returns is part of the schema: views of this revision rely on it.
"""

import json
import sqlite3
import struct
from functools import lru_cache
from typing import Any

import numpy as np

from app.arrays import BoolArray, FloatArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.array_codec import decode
from app.storage.blocks import MINUTES
from app.storage.packed_sources import PLACES
from app.storage.series_groups import group_id
from app.storage.stored_points import StoredExtras, StoredPoints

_WANTED = -2
# Digits of an integer, of which none is negative; doubles have 16.
_INTEGER = 19
# A query that goes through the minutes of an hour needs the same columns again and again.
_DECODED_COLUMNS = 512


def add_sql_functions(connection: sqlite3.Connection) -> None:
    """Let a connection to Hydrant's SQLite database read the views, as ``v_points`` and others.

    The functions are gone with the connection; the database is not changed.
    """
    connection.create_function("hydrant_double", 1, _double, deterministic=True)
    connection.create_function("hydrant_group", 2, group_id, deterministic=True)
    connection.create_function("hydrant_value_rows", 6, _value_rows, deterministic=True)
    connection.create_function("hydrant_packed_rows", 8, _packed_rows, deterministic=True)
    connection.create_aggregate("hydrant_placed_rows", 14, _PlacedRows)  # type: ignore[arg-type]
    connection.create_aggregate("hydrant_point_rows", 17, _PointRows)  # type: ignore[arg-type]
    connection.create_aggregate("hydrant_extra_rows", 17, _ExtraRows)  # type: ignore[arg-type]


def _double(digits: str) -> float | None:
    """The double of 16 hexadecimal digits; None for NaN, which stands for what is absent."""
    (number,) = _DOUBLE.unpack(bytes.fromhex(digits))
    return None if number != number else number  # noqa: PLR0124 - only NaN is not itself


def _value_rows(*columns: bytes | None) -> str:
    """Rows of a block of values: entity, label set, minutes, value, numerator, weight.

    Takes the block's entities, label sets, values, numerators, weights and numbers of minutes.
    """
    entity_id, label_set_id, *parts, minutes = (_decoded(column) for column in columns)
    size = len(entity_id)
    return _text(entity_id, label_set_id, _or_all(minutes, size, 1), *_values(size, *parts))


def _packed_rows(number: int, *columns: bytes | None) -> str:
    """The same rows of a packed block, of the minute of that number in its hour.

    Takes the block's entities, label sets, rows, minutes, values, numerators and weights.
    """
    entity_id, label_set_id, row, minute, *parts = (_decoded(column) for column in columns)
    there = parts[1] if parts[0] is None else parts[0]
    some = _of_minute(number, row, minute, there)
    rows = np.flatnonzero(some) if row is None else row[some]
    cells = (None if part is None else _cells(part, number, some, row) for part in parts)
    ones = np.ones(len(rows), np.int64)
    return _text(entity_id[rows], label_set_id[rows], ones, *_values(len(rows), *cells))


class _PlacedRows:
    """The same rows of a packed block of which some lie among the points of the hour."""

    def __init__(self) -> None:
        self._number = 0
        self._columns: tuple[Any, ...] = ()
        self._sources: dict[tuple[int, int], bytes] = {}

    def step(
        self,
        number: int,
        source: int,
        place: int,
        value: bytes | None,
        *columns: Any,  # noqa: ANN401 - of SQLite
    ) -> None:
        """Take the block, whose ``source`` is -1, and what it names, in any order.

        That is numbered by statistics and by first series, both from 0. The block's columns are
        values, entities, label sets, rows, minutes, numerators, weights, the places of each of the
        three, and the text that names them all.
        """
        self._number = number
        if source >= 0:
            assert value is not None  # noqa: S101 - a column of packed_point
            self._sources[source, place] = value
        else:
            self._columns = value, *columns

    def finalize(self) -> str:
        """The rows as a JSON array."""
        value, entities, labels, row, minute, numerator, weight, *places, text = self._columns
        if text is None:
            return _packed_rows(
                self._number, entities, labels, row, minute, value, numerator, weight
            )
        entity_id, label_set_id = _decoded(entities), _decoded(labels)
        size = len(entity_id)
        # One that is gone is an error.
        named = [
            self._sources[number, position]
            for number, (*_, begins) in enumerate(json.loads(text))
            for position in range(len(begins))
        ]
        parts = [
            self._column(size, (_decoded(row), _decoded(minute)), _decoded(part))
            for part in (value, numerator, weight)
        ]
        for number, place in enumerate(places):
            if place is not None:
                column = parts[number]
                parts[number] = self._placed(size, column, _decoded(place), named)
        there = parts[1] if parts[0] is None else parts[0]
        assert there is not None  # noqa: S101 - a block has values, or numerators
        rows = np.flatnonzero(~np.isnan(there))
        cells = (None if part is None else part[rows] for part in parts)
        ones = np.ones(len(rows), np.int64)
        return _text(entity_id[rows], label_set_id[rows], ones, *_values(len(rows), *cells))

    def _column(
        self,
        size: int,
        where: tuple[IntArray | None, IntArray | None],
        column: FloatArray | None,
    ) -> FloatArray | None:
        """One column's number of each key in the minute, as far as the block has it."""
        if column is None:
            return None
        row, minute = where
        if row is None:
            return column[self._number :: MINUTES]
        numbers = np.full(size, np.nan)
        some = minute == self._number
        numbers[row[some]] = column[some]
        return numbers

    def _placed(
        self, size: int, column: FloatArray | None, places: IntArray, named: list[bytes]
    ) -> FloatArray:
        """The same with what lies elsewhere."""
        numbers = np.full(size, np.nan) if column is None else column.copy()
        source, there = np.divmod(places - 1, PLACES)
        for each in np.unique(source[places > 0]).tolist():
            some = source == each
            values = _decoded(named[each])
            numbers[some] = values[there[some] * MINUTES + self._number]
        return numbers


class _Parts:
    """Points of one minute out of blocks, in any order; what stands of them is the result."""

    def __init__(self) -> None:
        self._minute = 0
        self._wanted: IntArray | None = None
        self._blocks: list[tuple[int, tuple[Any, ...]]] = []

    def step(self, minute: int, source: int, *columns: Any) -> None:  # noqa: ANN401 - of SQLite
        """Take a block: from 0 on, ``source`` tells later ones from earlier ones.

        Their columns are those of ``point_batch``, NULL where they do not matter. A ``source`` of
        -1 is of a packed hour; its columns are those of ``_packed_points``. With one of -2 the
        first column is a JSON array of the series that are wanted; without it all are.
        """
        self._minute = minute
        if source == _WANTED:
            # In order, and at the end one that is no series: it is found for what is beyond them.
            self._wanted = np.array([*sorted(json.loads(columns[0])), -1], np.int64)
        else:
            self._blocks.append((source, columns))

    def standing(self) -> StoredPoints:
        """What stands of the series that are wanted."""
        blocks = sorted(self._blocks, key=lambda block: block[0])
        return StoredPoints.standing(
            [
                _payload(self._minute, columns, self._wanted)
                if source >= 0
                else _packed_points(self._minute, columns)
                for source, columns in blocks
            ]
        )


class _PointRows(_Parts):
    """Rows: series, offset, backfilled, period, SampleCount, Sum, Minimum, Maximum."""

    def finalize(self) -> str:
        """The rows as a JSON array."""
        points = self.standing()
        numbers = (points.count, points.total, points.minimum, points.maximum)
        backfilled = points.backfilled.astype(np.int64)
        return _text(points.series_id, points.offset_ms, backfilled, points.period_ms, *numbers)


class _ExtraRows(_Parts):
    """Rows: series, offset, backfilled, value, SampleCount, and the name of the statistic."""

    def finalize(self) -> str:
        """The rows as a JSON array."""
        extras = self.standing().extras
        keys = extras.series_id, extras.offset_ms, extras.backfilled.astype(np.int64)
        found = json.loads(_text(*keys, extras.value, extras.count))
        names = (extras.names[number] for number in extras.statistic.tolist())
        return json.dumps([f"{row}{name}" for row, name in zip(found, names, strict=True)])


def _payload(minute: int, columns: tuple[Any, ...], wanted: IntArray | None) -> StoredPoints:
    """Points of a block of ``point_batch`` or ``point``."""
    series, offset, period, *numbers, backfilled = _chosen(columns[:8], wanted)
    size = len(series)
    count, total, minimum, maximum = (_or_nan(number, size) for number in numbers)
    return StoredPoints(
        np.full(size, minute),
        series,
        _or_all(offset, size, 0),
        _or_all(period, size, MILLISECONDS_PER_MINUTE),
        count,
        total,
        minimum,
        maximum,
        _or_all(backfilled, size, 0) == 1,
        _extras(minute, columns[8:], wanted),
    )


def _extras(minute: int, columns: tuple[Any, ...], wanted: IntArray | None) -> StoredExtras:
    if columns[0] is None:
        return StoredPoints.empty().extras
    series, offset, statistic, value, count, backfilled = _chosen(columns[:6], wanted)
    size = len(series)
    return StoredExtras(
        np.full(size, minute),
        series,
        _or_all(offset, size, 0),
        statistic,
        value,
        count,
        _or_all(backfilled, size, 0) == 1,
        tuple(json.loads(columns[6])),
    )


def _chosen(columns: tuple[bytes | None, ...], wanted: IntArray | None) -> list[Any]:
    """The columns decoded, of the wanted ones of the series of the first; see ``_Parts``."""
    series, *others = (_decoded(column) for column in columns)
    if wanted is None:
        return [series, *others]
    some = np.flatnonzero(wanted[np.searchsorted(wanted[:-1], series)] == series)
    return [series[some], *(None if other is None else other[some] for other in others)]


def _packed_points(minute: int, columns: tuple[Any, ...]) -> StoredPoints:
    """Points of one minute of a packed block, and one of its extra statistics.

    The columns are series_id, start_ms, period_ms, then the values of SampleCount, Sum, Minimum,
    Maximum and Backfilled, row, value and name of the extra statistic.
    """
    series, start, period, *numbers, row, extra = (_decoded(part) for part in columns[:10])
    number = minute % MINUTES
    of_element = None if start is None else start // MILLISECONDS_PER_MINUTE
    some = _of_minute(number, row, of_element, numbers[0])
    count, total, minimum, maximum, backfilled, value = (
        None if part is None else _cells(part, number, some, row) for part in (*numbers, extra)
    )
    assert count is not None  # noqa: S101 - every point has one
    rows = np.flatnonzero(some) if row is None else row[some]
    size = len(rows)
    total = _or_nan(total, size)
    filled_in = np.zeros(size, np.bool_) if backfilled is None else backfilled == 1
    points = StoredPoints(
        np.full(size, minute),
        series[rows],
        _or_all(None if start is None else start[some] % MILLISECONDS_PER_MINUTE, size, 0),
        _or_all(None if period is None else period[some], size, MILLISECONDS_PER_MINUTE),
        count,
        total,
        # Left out where it is the Sum everywhere.
        total if minimum is None else minimum,
        total if maximum is None else maximum,
        filled_in,
        StoredPoints.empty().extras,
    )
    if value is None:
        return points
    there = np.flatnonzero(~np.isnan(value))
    extras = StoredExtras(
        points.minute[there],
        points.series_id[there],
        points.offset_ms[there],
        np.zeros(len(there), np.int64),
        value[there],
        count[there],
        filled_in[there],
        # The names of the others are told from theirs by it.
        (columns[10].removeprefix("="),),
    )
    return points.with_extras(extras)


def _of_minute(
    number: int, row: IntArray | None, minute: IntArray | None, there: FloatArray
) -> BoolArray:
    """Which keys of a dense block, or elements of a sparse one, have something in a minute."""
    if row is None:
        return ~np.isnan(there[number::MINUTES])
    assert minute is not None  # noqa: S101 - sparse blocks have it
    some: BoolArray = minute == number
    return some


def _cells(column: FloatArray, number: int, some: BoolArray, row: IntArray | None) -> FloatArray:
    return (column[number::MINUTES] if row is None else column)[some]


def _values(
    size: int, value: FloatArray | None, numerator: FloatArray | None, weight: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    numerator, weight = _or_nan(numerator, size), _or_nan(weight, size)
    if value is None:
        with np.errstate(all="ignore"):
            value = numerator / weight
    return value, numerator, weight


def _or_all(column: IntArray | None, size: int, value: int) -> IntArray:
    return np.full(size, value, np.int64) if column is None else column


def _or_nan(column: FloatArray | None, size: int) -> FloatArray:
    return np.full(size, np.nan) if column is None else column


@lru_cache(maxsize=_DECODED_COLUMNS)
def _cached(data: bytes) -> Any:  # noqa: ANN401 - an array of one of two types
    values = decode(data)
    values.flags.writeable = False
    return values


def _decoded(data: bytes | None) -> Any:  # noqa: ANN401 - an array of one of two types, or None
    return None if data is None else _cached(data)


def _text(*columns: IntArray | FloatArray) -> str:
    """A JSON array with a text for each row, of the columns' fields without anything between."""
    size = len(columns[0])
    if not size:
        return "[]"
    parts = [_digits(column) for column in columns]
    quote = np.full((size, 1), ord('"'), np.uint8)
    comma = np.full((size, 1), ord(","), np.uint8)
    text = np.concatenate([quote, *parts, quote, comma], axis=1).tobytes()
    return f"[{text[:-1].decode('ascii')}]"


def _digits(column: IntArray | FloatArray) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Digits of each number, as ASCII, in a row of their own."""
    if column.dtype == np.float64:
        raw = column.astype(">f8").tobytes().hex().encode("ascii")
        return np.frombuffer(raw, np.uint8).reshape(len(column), 16)
    zero = ord("0")
    digits = np.full((len(column), _INTEGER), zero, np.uint8)
    rest, place = column, _INTEGER
    # Most numbers are short.
    while rest.any():
        rest, last = np.divmod(rest, 10)
        place -= 1
        digits[:, place] = last + zero
    return digits


_DOUBLE = struct.Struct(">d")
