"""Values of a settled hour as blocks by metric: what is to be written so that they are right.

On SQLite a row of 60 minutes that a series of the same hour has too, to the last bit, is not stored
again: the block says where it is (ADR 0039).
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.arrays import BoolArray, FloatArray, IntArray
from app.storage.array_columns import array_parameter, execute_many, fetch_encoded
from app.storage.blocks import MINUTES, is_dense
from app.storage.column_reader import id_list
from app.storage.job_queue import Job
from app.storage.packed_sources import (
    Placed,
    Source,
    SourceIndex,
    sources_of,
    sources_text,
)
from app.storage.packed_values import (
    KEYS_OF_A_BLOCK,
    PackedValues,
    ValueMatrix,
    read_packed_block,
)
from app.storage.packing import Packed
from app.storage.values import stored_parts

_Row = tuple[Any, ...]
_COLUMNS = (
    "last_entity",
    "entity_id",
    "label_set_id",
    '"row"',
    "minute_of_hour",
    "value",
    "numerator",
    "weight",
    "value_place",
    "numerator_place",
    "weight_place",
    "sources",
)
_STORED = (
    f"SELECT metric_id, first_entity, {', '.join(_COLUMNS)} FROM packed_value"  # noqa: S608 - constants
    " WHERE minute = ?"
)
_WITH_SOURCES = (
    "SELECT metric_id, first_entity, sources FROM packed_value"
    " WHERE minute = ? AND sources IS NOT NULL"
)
_DELETE = "DELETE FROM packed_value WHERE minute = ? AND metric_id = ? AND first_entity = ?"
_UPSERT = (
    f"INSERT INTO packed_value (minute, metric_id, first_entity, {', '.join(_COLUMNS)})"  # noqa: S608 - constants
    f" VALUES (?, ?, ?, {', '.join('?' * len(_COLUMNS))})"
    " ON CONFLICT (minute, metric_id, first_entity) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)
)


def pack_values(
    connection: sa.Connection,
    hour: int,
    metrics: Sequence[int],
    values: ValueMatrix,
    entities: range | None,
    *,
    sources: SourceIndex | None = None,
) -> Iterator[Packed]:
    """What makes the blocks of metrics, of all or of some entities, those of ``values``.

    Each is one metric's. No block may be of these entities and of others, see ``packed_bounds``.
    What ``sources`` says must have been written, and stays as it is until these blocks are.
    """
    stored = _stored(connection, hour, metrics, entities)
    for metric_id, matrix in values.by_metric():
        before = stored.pop(metric_id, {})
        wanted = {first: tuple(row) for first, *row in _blocks(connection, hour, matrix, sources)}
        gone = [(hour, metric_id, first) for first in before if first not in wanted]
        new = [
            (hour, metric_id, first, *row)
            for first, row in sorted(wanted.items())
            if before.get(first) != row
        ]
        if gone or new:
            size = sum(len(part) for row in new for part in row if isinstance(part, bytes))
            yield Packed(_job(gone, new), len(new), size)
    for metric_id, before in stored.items():
        yield Packed(_job([(hour, metric_id, first) for first in before], []), 0, 0)


def without_sources(connection: sa.Connection, hour: int, gone: Collection[Source]) -> Job[None]:
    """What stores the values that lie in some sources by themselves, as they are now.

    To be done in the transaction that changes these, of an hour that is packed.
    """
    changed = frozenset(gone)
    rows = []
    for metric_id, first, text in fetch_encoded(connection, _WITH_SOURCES, (hour,)):
        if changed.isdisjoint(sources_of(text)):
            continue
        block = read_packed_block(connection, hour, metric_id, first)
        rows.append((hour, metric_id, *_block(connection, block)))
    return _job([], rows)


def _stored(
    connection: sa.Connection, hour: int, metrics: Sequence[int], entities: range | None
) -> dict[int, dict[int, _Row]]:
    """Encoded blocks by metric and first entity."""
    query = f"{_STORED} AND metric_id IN ({id_list(metrics)})"
    if entities is not None:
        query += f" AND first_entity >= {entities.start} AND first_entity < {entities.stop}"
    found: dict[int, dict[int, _Row]] = {}
    for metric_id, first, *row in fetch_encoded(connection, query, (hour,)):
        found.setdefault(metric_id, {})[first] = tuple(row)
    return found


def _job(gone: Sequence[_Row], new: Sequence[_Row]) -> Job[None]:
    def write(connection: sa.Connection) -> None:
        execute_many(connection, _DELETE, gone)
        execute_many(connection, _UPSERT, new)

    return write


def _blocks(
    connection: sa.Connection, hour: int, values: ValueMatrix, sources: SourceIndex | None
) -> Iterator[_Row]:
    """Rows of ``packed_value`` without hour and metric."""
    value, numerator, weight = (
        None if column is None else np.ascontiguousarray(column.T)
        for column in (values.value, values.numerator, values.weight)
    )
    assert value is not None  # noqa: S101 - only the others may be
    whole = PackedValues(values.entity_id, values.label_set_id, value, numerator, weight, hour)
    placed = [
        None if column is None or sources is None else sources.places(connection, hour, column)
        for column in (value, numerator, weight)
    ]
    for some in _cut(values.entity_id):
        of_block = [None if column is None else column.take(some) for column in placed]
        yield _block(connection, whole.take(some), of_block, sources)


def _block(
    connection: sa.Connection,
    block: PackedValues,
    placed: Sequence[Placed | None] = (None, None, None),
    sources: SourceIndex | None = None,
) -> _Row:
    """A row of ``packed_value`` without hour and metric."""
    parts = stored_parts(
        block.value.ravel(),
        None if block.numerator is None else block.numerator.ravel(),
        None if block.weight is None else block.weight.ravel(),
    )
    places: Sequence[IntArray | None] = (None, None, None)
    named: Sequence[Source] = ()
    if sources is not None:
        places, named = sources.name(
            [None if part is None else of for part, of in zip(parts, placed, strict=True)]
        )
    left = ~np.isnan(block.value)
    elsewhere = [
        False if place is None else place > 0
        for part, place in zip(parts, places, strict=True)
        if part is not None
    ]
    left[np.logical_and.reduce(np.broadcast_arrays(np.ones(len(left), np.bool_), *elsewhere))] = (
        False
    )
    dense = is_dense(len(left), int(left.sum())) or not left.any()
    row, minute = (None, None) if dense else np.nonzero(left)
    numbers = [
        None if part is None else _plain(part.reshape(-1, MINUTES), place, None if dense else left)
        for part, place in zip(parts, places, strict=True)
    ]
    integers = (block.entity_id, block.label_set_id, row, minute)
    return (
        int(block.entity_id[0]),
        int(block.entity_id[-1]),
        *(array_parameter(connection, "I", column) for column in integers),
        *(array_parameter(connection, "F", column) for column in numbers),
        *(array_parameter(connection, "I", place) for place in places),
        sources_text(named) if named else None,
    )


def _plain(part: FloatArray, place: IntArray | None, cells: BoolArray | None) -> FloatArray | None:
    """What of a column is stored by itself, all of it or some cells; None for nothing."""
    if place is not None:
        if (place > 0).all():
            return None
        part = np.where((place > 0)[:, None], np.nan, part)
    return part.ravel() if cells is None else part[cells]


def _cut(entity_id: IntArray) -> Iterator[slice]:
    """Blocks; no entity is in two of them."""
    bounds = [0]
    for place in range(KEYS_OF_A_BLOCK, len(entity_id), KEYS_OF_A_BLOCK):
        # On to where the next entity begins.
        first = int(np.searchsorted(entity_id, entity_id[place - 1], side="right"))
        if bounds[-1] < first < len(entity_id):
            bounds.append(first)
    if len(entity_id):
        yield from (slice(*pair) for pair in pairwise([*bounds, len(entity_id)]))
