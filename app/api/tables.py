"""Answers as tables: CSV and NDJSON, with the same columns and a row for each value.

CSV is RFC 4180's: UTF-8, commas, CRLF, a header. A text that a spreadsheet would take for a formula
begins with an apostrophe there, as does one that begins with an apostrophe itself, so that taking
the first one away gives the text back (docs/http-api.md).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np
import orjson

from app.arrays import FloatArray, IntArray

TIMESTAMP = "timestamp"
TIME = "time"
_ROWS_AT_ONCE = 10_000
_LIKE_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
_QUOTED = frozenset(',"\r\n')


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that share the cells of ``fixed``; a single row where there are no ``timestamps``.

    ``values`` has a column of the timestamps' length for some of the table's columns; NaN and
    columns that are not there are missing values.
    """

    fixed: Mapping[str, object]
    timestamps: IntArray | None = None
    values: Mapping[str, FloatArray] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """Names of columns, and the rows as often as they are asked for.

    ``values`` are the columns beside the times, which only tables with ``timed`` rows have.
    """

    fixed: Sequence[str]
    blocks: Callable[[], Iterable[Block]]
    values: Sequence[str] = ()
    timed: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns in their order."""
        times = (TIMESTAMP, TIME) if self.timed else ()
        return (*self.fixed, *times, *self.values)


def csv_chunks(table: Table) -> Iterator[bytes]:
    """The header and the rows."""
    yield ",".join(map(_csv_cell, table.columns)).encode() + b"\r\n"
    for block in table.blocks():
        prefix = ",".join(_csv_cell(block.fixed.get(name)) for name in table.fixed).encode()
        if block.timestamps is None:
            yield prefix + b"\r\n"
            continue
        for rows in _slices(block.timestamps):
            times = block.timestamps[rows]
            columns = [_csv_numbers(block.values.get(name), rows) for name in table.values]
            cells = zip(repeat(prefix), _integers(times), _texts(times), *columns, strict=False)
            yield b"".join(b",".join(row) + b"\r\n" for row in cells)


def ndjson_chunks(table: Table) -> Iterator[bytes]:
    """A JSON object a row, with the table's columns as members."""
    members = [orjson.dumps(name) for name in table.values]
    for block in table.blocks():
        fixed = {name: block.fixed.get(name) for name in table.fixed}
        prefix = orjson.dumps(fixed, option=orjson.OPT_SERIALIZE_NUMPY)
        if block.timestamps is None:
            yield prefix + b"\n"
            continue
        row = b'%b,"timestamp":%%b,"time":"%%b"%b}\n' % (
            prefix[:-1].replace(b"%", b"%%"),
            b"".join(b",%b:%%b" % member.replace(b"%", b"%%") for member in members),
        )
        for rows in _slices(block.timestamps):
            times = block.timestamps[rows]
            columns = [_json_numbers(block.values.get(name), rows) for name in table.values]
            cells = zip(_integers(times), _texts(times), *columns, strict=False)
            yield b"".join(row % cell for cell in cells)


def _slices(timestamps: IntArray) -> Iterator[slice]:
    for start in range(0, len(timestamps), _ROWS_AT_ONCE):
        yield slice(start, start + _ROWS_AT_ONCE)


def _csv_cell(value: object) -> str:
    """A cell of text; numbers are exact, and missing ones empty."""
    match value:
        case None:
            return ""
        case float():
            return _csv_number(value)
        case int():
            return str(value)
        case str():
            text = f"'{value}" if value.startswith(_LIKE_FORMULAS) else value
        case _:
            text = orjson.dumps(value).decode()
    if _QUOTED.isdisjoint(text) and text == text.strip():
        return text
    return '"' + text.replace('"', '""') + '"'


def _csv_number(value: float) -> str:
    if np.isnan(value):
        return ""
    if np.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def _csv_numbers(column: FloatArray | None, rows: slice) -> Iterable[bytes]:
    if column is None:
        return repeat(b"")
    part = column[rows]
    texts = _json_numbers(part, slice(None))
    if np.isfinite(part).all():
        return texts
    values = part.tolist()
    return [
        _csv_number(value).encode() if text == b"null" else text
        for text, value in zip(texts, values, strict=True)
    ]


def _json_numbers(column: FloatArray | None, rows: slice) -> Iterable[bytes]:
    """Numbers that read back to the last bit; ``null`` for what is missing or infinite."""
    if column is None:
        return repeat(b"null")
    part = np.ascontiguousarray(column[rows])
    return orjson.dumps(part, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")


def _integers(times: IntArray) -> list[bytes]:
    part = np.ascontiguousarray(times)
    return orjson.dumps(part, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")


def _texts(times: IntArray) -> list[bytes]:
    """Times in RFC 3339, UTC, with milliseconds where there are any."""
    moments = times.astype(np.dtype("datetime64[ms]"))
    if (times % 1000).any():
        texts = np.datetime_as_string(moments, unit="ms")
    else:
        texts = np.datetime_as_string(moments, unit="s")
    return [f"{text}Z".encode() for text in texts.tolist()]
