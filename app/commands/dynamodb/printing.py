"""Answers on a terminal: as the HTTP route gives them, or as a table to be read."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from math import isfinite
from typing import TYPE_CHECKING

import typer

from app.clock import MILLISECONDS_PER_MINUTE, minute_text
from app.commands.dynamodb.options import Format
from app.commands.sql_output import TableOutput

if TYPE_CHECKING:
    from app.api.answers import Answer
    from app.dynamodb.scope import Reading

MISSING = "-"
_DIGITS = 4


def print_answer(answer: "Answer", form: Format, lines: Iterable[str]) -> None:
    """Print ``lines`` as text, or else the answer in its format."""
    from app.api.json import json_response
    from app.api.tables import csv_chunks

    match form:
        case Format.TEXT:
            for line in lines:
                typer.echo(line)
        case Format.JSON:
            content = {**answer.head, answer.name: answer.items}
            typer.echo(bytes(json_response(content).body))
        case Format.CSV:
            for chunk in csv_chunks(answer.table):
                sys.stdout.write(chunk.decode().replace("\r\n", "\n"))


def table_lines(columns: Mapping[str, bool], rows: Iterable[Sequence[str]]) -> list[str]:
    """Aligned columns; of each name, whether it is a column of numbers, which are to the right."""
    stream = StringIO()
    output = TableOutput(stream, list(columns), numbers=[name for name in columns if columns[name]])
    for row in rows:
        output.add(row)
    output.end()
    return stream.getvalue().splitlines()


def number(value: float | None) -> str:
    """A number of a few digits, to be read by people; what is missing is a dash."""
    if value is None or not isfinite(value):
        return MISSING
    if value == int(value) and abs(value) < 1e15:  # noqa: PLR2004 - doubles that are integers
        return f"{int(value):,}"
    if abs(value) >= 1000:  # noqa: PLR2004 - what is behind the point says nothing then
        return f"{value:,.0f}"
    return f"{value:.{_DIGITS}g}"


def moment(time_ms: int | None) -> str:
    """A minute in RFC 3339."""
    return MISSING if time_ms is None else minute_text(time_ms // MILLISECONDS_PER_MINUTE)


def range_line(reading: "Reading") -> str:
    """What time an answer is about."""
    first, last = moment(reading.start_ms), moment(reading.end_ms)
    return f"from {first} to {last}, points of {reading.tier.length_ms // 1000} s"
