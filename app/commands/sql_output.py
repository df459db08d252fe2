"""Rows of a query as a table, CSV or JSON; doubles read back to the last bit."""

import csv
import json
import math
from collections.abc import Collection, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, TextIO


class Output(Protocol):
    """Takes rows one by one; ``end`` writes what is left."""

    def add(self, row: Sequence[object]) -> None:
        """Print a row, or keep it for the end."""
        ...

    def end(self) -> None:
        """There are no more rows."""
        ...


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"

    def output(self, stream: TextIO, columns: Sequence[str]) -> Output:
        """What prints rows with these columns so."""
        match self:
            case Format.TABLE:
                return TableOutput(stream, columns)
            case Format.CSV:
                return CsvOutput(stream, columns)
            case Format.JSON:
                return JsonOutput(stream, columns)


class TableOutput:
    """Aligned columns, numbers to the right; it holds all rows until the end.

    ``numbers`` are columns of numbers that are texts already.
    """

    def __init__(
        self, stream: TextIO, columns: Sequence[str], *, numbers: Collection[str] = ()
    ) -> None:
        self._stream = stream
        self._columns = columns
        self._rows: list[list[str]] = []
        self._numbers = [True] * len(columns)
        self._written = {place for place, name in enumerate(columns) if name in numbers}

    def add(self, row: Sequence[object]) -> None:
        for place, value in enumerate(row):
            if place in self._written:
                continue
            if value is not None and not isinstance(value, int | float | Decimal):
                self._numbers[place] = False
        self._rows.append([_line(_text(value)) for value in row])

    def end(self) -> None:
        rows = [[_line(name) for name in self._columns], *self._rows]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (
                cell.rjust(width) if is_number else cell.ljust(width)
                for cell, width, is_number in zip(row, widths, self._numbers, strict=True)
            )
            self._stream.write("  ".join(cells).rstrip() + "\n")


class CsvOutput:
    """RFC 4180 with a header; NULL is empty."""

    def __init__(self, stream: TextIO, columns: Sequence[str]) -> None:
        self._writer = csv.writer(stream, lineterminator="\n")
        self._writer.writerow(columns)

    def add(self, row: Sequence[object]) -> None:
        self._writer.writerow([_text(value) for value in row])

    def end(self) -> None:
        pass


class JsonOutput:
    """``{"columns": [...], "rows": [[...], ...]}``, a row in each line."""

    def __init__(self, stream: TextIO, columns: Sequence[str]) -> None:
        self._stream = stream
        self._separator = "\n"
        stream.write(f'{{"columns":{json.dumps(list(columns))},"rows":[')

    def add(self, row: Sequence[object]) -> None:
        self._stream.write(f"{self._separator}[{','.join(map(_json, row))}]")
        self._separator = ",\n"

    def end(self) -> None:
        self._stream.write("\n]}\n")


def _text(value: object) -> str:
    """A value as text: the shortest digits that read back as the same double."""
    match value:
        case None:
            return ""
        case float():
            return repr(value)
        case bytes():
            return f"\\x{value.hex()}"
        case bool():
            return "true" if value else "false"
        case dict() | list():
            return json.dumps(value, default=str, ensure_ascii=False)
        case _:
            return str(value)


def _json(value: object) -> str:
    """What JSON has no number for is a text, as bytes and times are."""
    if isinstance(value, float) and not math.isfinite(value):
        return json.dumps(repr(value))
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, Decimal) and value.is_finite():
        return str(value)
    if isinstance(value, dict | list):
        return _text(value)
    return json.dumps(_text(value), ensure_ascii=False)


def _line(text: str) -> str:
    """A text in one line, without what moves a terminal's cursor."""
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
