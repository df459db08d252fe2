"""Hours that were read in parts, put together: an hour does not depend on its neighbours' part."""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from app.dynamodb.cost_hours import HOUR_MS, ResourceHours, Span, TableHours, Usage
from app.dynamodb.resources import Resource


def parts_of(span: Span, hours: int) -> list[Span]:
    """The span in parts of so many hours; the last one may be shorter."""
    return [
        Span(span.start_ms + begin * HOUR_MS, min(hours, span.hours - begin))
        for begin in range(0, span.hours, hours)
    ]


def joined(parts: Sequence[tuple[Span, Sequence[TableHours]]], span: Span) -> list[TableHours]:
    """The hours of the tables in a span that consists of the parts."""
    tables: dict[Resource, list[tuple[slice, TableHours]]] = {}
    for part, found in parts:
        begin = (part.start_ms - span.start_ms) // HOUR_MS
        place = slice(begin, begin + part.hours)
        for table in found:
            tables.setdefault(table.table, []).append((place, table))
    return [_table(table, pieces, span) for table, pieces in sorted(tables.items())]


def _table(table: Resource, pieces: Sequence[tuple[slice, TableHours]], span: Span) -> TableHours:
    modes = np.zeros(span.hours, np.int64)
    resources: dict[Resource, list[tuple[slice, ResourceHours]]] = {}
    for place, piece in pieces:
        modes[place] = piece.modes
        for one in piece.resources:
            resources.setdefault(one.resource, []).append((place, one))
    found = tuple(
        ResourceHours(
            resource,
            _usage([(place, one.reads) for place, one in some], span),
            _usage([(place, one.writes) for place, one in some], span),
        )
        for resource, some in sorted(resources.items())
    )
    return TableHours(table, modes, found)


def _usage(pieces: Sequence[tuple[slice, Usage]], span: Span) -> Usage:
    """Where there is no piece, nothing came."""
    columns = {}
    for field in fields(Usage):
        column = np.zeros(span.hours, getattr(pieces[0][1], field.name).dtype)
        for place, usage in pieces:
            column[place] = getattr(usage, field.name)
        columns[field.name] = column
    return Usage(**columns)
