"""Values of packed hours: written as blocks by series, and read back as matrices.

A block holds the values of some entities. It is dense, a row of 60 minutes for each key, or sparse
where that would leave most cells empty.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray
from app.storage.array_columns import (
    array_parameter,
    decoded,
    execute_many,
    fetch_encoded,
)
from app.storage.chunks import chunked
from app.storage.column_reader import id_list
from app.storage.id_sets import IdSet, holds_any, overlap
from app.storage.job_queue import Job
from app.storage.packing import Packed
from app.storage.tables import packed_value
from app.storage.values import stored_parts, value_of

MINUTES = 60
KEYS_OF_A_BLOCK = 128
"""Fewer, and a metric is many blocks; more, and one series costs too much."""
_MOST_EMPTY = 4
_HOURS_AT_ONCE = 24


@dataclass(frozen=True, slots=True)
class ValueMatrix:
    """Values of metrics in a bucket, ordered by (metric, entity, label set).

    The ids are (K,), the others (M, K), a row for each minute, NaN where there is none.
    ``numerator`` and ``weight`` are None where they are NaN throughout, or were not asked for.
    """

    metric_id: IntArray
    entity_id: IntArray
    label_set_id: IntArray
    value: FloatArray
    numerator: FloatArray | None
    weight: FloatArray | None

    def by_metric(self) -> Iterator[tuple[int, "ValueMatrix"]]:
        """The metrics that have any, each alone."""
        begins = np.flatnonzero(np.diff(self.metric_id, prepend=-1)).tolist()
        for begin, end in pairwise([*begins, len(self.metric_id)]):
            yield int(self.metric_id[begin]), self._take(slice(begin, end))

    def without_empty(self) -> "ValueMatrix":
        """Without the series that have no value."""
        present = ~np.isnan(self.value).all(axis=0)
        return self if present.all() else self._take(np.flatnonzero(present))

    def _take(self, rows: IntArray | slice) -> "ValueMatrix":
        numbers = (
            None if column is None else column[:, rows]
            for column in (self.value, self.numerator, self.weight)
        )
        ids = self.metric_id[rows], self.entity_id[rows], self.label_set_id[rows]
        return ValueMatrix(*ids, *numbers)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class PackedValues:
    """A block of values of one metric; the matrices are (K, 60), NaN where there is none."""

    entity_id: IntArray
    label_set_id: IntArray
    value: FloatArray
    numerator: FloatArray | None
    weight: FloatArray | None
    hour: int


def metrics_of_packed_hour(connection: sa.Connection, hour: int) -> set[int]:
    """Ids of the metrics that have blocks under an hour."""
    query = sa.select(packed_value.c.metric_id).where(packed_value.c.minute == hour).distinct()
    return set(connection.execute(query).scalars())


def packed_sizes(connection: sa.Connection, hour: int) -> dict[int, int]:
    """The metrics that have blocks under an hour, with the number of their series, roughly."""
    metric_id = packed_value.c.metric_id
    query = sa.select(metric_id, sa.func.count()).where(packed_value.c.minute == hour)
    rows = connection.execute(query.group_by(metric_id))
    return {metric: blocks * KEYS_OF_A_BLOCK for metric, blocks in rows}


def read_packed_values(
    connection: sa.Connection,
    metric_id: int,
    hours: Sequence[int],
    entity_ids: IdSet,
    *,
    parts: bool = False,
) -> Iterator[PackedValues]:
    """Blocks with values of a metric, perhaps of other entities too.

    ``parts`` asks for numerators and weights as well.
    """
    condition = overlap("first_entity", "last_entity", entity_ids)
    selected = "numerator, weight" if parts else _IF_NEEDED
    for some in chunked(hours, _HOURS_AT_ONCE):
        query = (
            'SELECT minute, first_entity, last_entity, entity_id, label_set_id, "row",'  # noqa: S608 - numbers
            f" minute_of_hour, value, {selected} FROM packed_value"
            f" WHERE minute IN ({id_list(some)}) AND metric_id = {int(metric_id)}{condition}"
        )
        for hour, first, last, *columns in fetch_encoded(connection, query):
            if holds_any(first, last, entity_ids):
                yield _block(hour, [decoded(connection, column) for column in columns], parts=parts)


_IF_NEEDED = "CASE WHEN value IS NULL THEN numerator END, CASE WHEN value IS NULL THEN weight END"


def _block(hour: int, columns: Sequence[Any], *, parts: bool) -> PackedValues:
    entity_id, label_set_id, row, minute, *numbers = columns
    value, numerator, weight = (
        None if column is None else _matrix(len(entity_id), row, minute, column)
        for column in numbers
    )
    value = value_of(value, numerator, weight)
    if not parts:
        numerator = weight = None
    return PackedValues(entity_id, label_set_id, value, numerator, weight, hour)


def _matrix(
    size: int, row: IntArray | None, minute: IntArray | None, column: FloatArray
) -> FloatArray:
    if row is None:
        return column.reshape(size, MINUTES)
    matrix = np.full((size, MINUTES), np.nan)
    matrix[row, minute] = column
    return matrix


def pack_values(
    connection: sa.Connection,
    hour: int,
    metrics: Sequence[int],
    values: ValueMatrix,
    entities: range | None,
) -> Iterator[Packed]:
    """What makes the blocks of metrics, of all or of some entities, those of ``values``.

    Each is one metric's. No block may be of these entities and of others, see ``packed_bounds``.
    """
    stored = _stored(connection, hour, metrics, entities)
    for metric_id, matrix in values.by_metric():
        before = stored.pop(metric_id, {})
        wanted = {first: tuple(row) for first, *row in _blocks(connection, matrix)}
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


def _stored(
    connection: sa.Connection, hour: int, metrics: Sequence[int], entities: range | None
) -> dict[int, dict[int, tuple[Any, ...]]]:
    """Encoded blocks by metric and first entity."""
    query = f"{_STORED} AND metric_id IN ({id_list(metrics)})"
    if entities is not None:
        query += f" AND first_entity >= {entities.start} AND first_entity < {entities.stop}"
    found: dict[int, dict[int, tuple[Any, ...]]] = {}
    for metric_id, first, *row in fetch_encoded(connection, query, (hour,)):
        found.setdefault(metric_id, {})[first] = tuple(row)
    return found


def _job(gone: Sequence[tuple[Any, ...]], new: Sequence[tuple[Any, ...]]) -> Job[None]:
    def write(connection: sa.Connection) -> None:
        execute_many(connection, _DELETE, gone)
        execute_many(connection, _UPSERT, new)

    return write


def _blocks(connection: sa.Connection, values: ValueMatrix) -> Iterator[tuple[Any, ...]]:
    """Rows of ``packed_value`` without hour and metric."""
    for some in _cut(values.entity_id):
        entity_id, label_set_id = values.entity_id[some], values.label_set_id[some]
        value, numerator, weight = (
            None if column is None else np.ascontiguousarray(column[:, some].T)
            for column in (values.value, values.numerator, values.weight)
        )
        assert value is not None  # noqa: S101 - only the others may be
        present = ~np.isnan(value)
        sparse = int(present.sum()) * _MOST_EMPTY < present.size
        row, minute = np.nonzero(present) if sparse else (None, None)
        numbers = [
            None if column is None else column[present] if sparse else column.ravel()
            for column in (value, numerator, weight)
        ]
        integers = (entity_id, label_set_id, row, minute)
        yield (
            int(entity_id[0]),
            int(entity_id[-1]),
            *(array_parameter(connection, "I", column) for column in integers),
            *(array_parameter(connection, "F", part) for part in stored_parts(*numbers)),  # type: ignore[arg-type]
        )


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


def packed_bounds(connection: sa.Connection, hour: int, metric_id: int) -> list[tuple[int, int]]:
    """The first and the last entity of each of a metric's blocks, ascending."""
    columns = packed_value.c.first_entity, packed_value.c.last_entity
    query = sa.select(*columns).where(
        packed_value.c.minute == hour, packed_value.c.metric_id == metric_id
    )
    return [(first, last) for first, last in connection.execute(query.order_by(columns[0]))]


_COLUMNS = (
    "last_entity",
    "entity_id",
    "label_set_id",
    '"row"',
    "minute_of_hour",
    "value",
    "numerator",
    "weight",
)
_STORED = (
    f"SELECT metric_id, first_entity, {', '.join(_COLUMNS)} FROM packed_value"  # noqa: S608 - constants
    " WHERE minute = ?"
)
_DELETE = "DELETE FROM packed_value WHERE minute = ? AND metric_id = ? AND first_entity = ?"
_UPSERT = (
    f"INSERT INTO packed_value (minute, metric_id, first_entity, {', '.join(_COLUMNS)})"  # noqa: S608 - constants
    f" VALUES (?, ?, ?, {', '.join('?' * len(_COLUMNS))})"
    " ON CONFLICT (minute, metric_id, first_entity) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)
)
