"""Values of packed hours: blocks by metric, read back as matrices.

A block holds the values of some entities. It is dense, a row of 60 minutes for each key, or sparse
where that would leave most cells empty. Rows that are a series' points lie with those alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray
from app.storage.array_columns import decoded, fetch_encoded
from app.storage.blocks import MINUTES
from app.storage.chunks import chunked
from app.storage.column_reader import id_list
from app.storage.id_sets import IdSet, holds_any, is_in, overlap
from app.storage.packed_sources import PackedSources, Source, sources_of
from app.storage.tables import packed_value
from app.storage.values import value_of

KEYS_OF_A_BLOCK = 128
"""Fewer, and a metric is many blocks; more, and one series costs too much."""
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

    def take(self, some: slice) -> "PackedValues":
        """Some of the keys."""
        numerator, weight = (
            None if column is None else column[some] for column in (self.numerator, self.weight)
        )
        ids = self.entity_id[some], self.label_set_id[some]
        return PackedValues(*ids, self.value[some], numerator, weight, self.hour)


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
    sources: PackedSources | None = None,
) -> Iterator[PackedValues]:
    """Blocks with values of a metric, perhaps of other entities too.

    ``parts`` asks for numerators and weights as well. ``sources`` is for reading several metrics of
    an hour, which often lie in the same place.
    """
    condition = overlap("first_entity", "last_entity", entity_ids)
    selected = _ALL if parts else _IF_NEEDED
    sources = sources or PackedSources(connection)
    for some in chunked(hours, _HOURS_AT_ONCE):
        query = (
            f"SELECT minute, first_entity, last_entity, {selected} FROM packed_value"  # noqa: S608 - numbers
            f" WHERE minute IN ({id_list(some)}) AND metric_id = {int(metric_id)}{condition}"
        )
        by_hour: dict[int, list[_Block]] = {}
        for hour, first, last, *columns in fetch_encoded(connection, query):
            if holds_any(first, last, entity_ids):
                block = _Block(connection, columns, entity_ids)
                by_hour.setdefault(hour, []).append(block)
        for hour, blocks in by_hour.items():
            yield from _filled(sources, hour, blocks, parts=parts)


def read_packed_block(
    connection: sa.Connection, hour: int, metric_id: int, first_entity: int
) -> PackedValues:
    """One block, which there is."""
    query = (
        f"SELECT {_ALL} FROM packed_value WHERE minute = ? AND metric_id = ? AND first_entity = ?"  # noqa: S608 - constants
    )
    (columns,) = fetch_encoded(connection, query, (hour, metric_id, first_entity))
    blocks = [_Block(connection, columns, None)]
    return next(_filled(PackedSources(connection), hour, blocks, parts=True))


_KEYS = 'entity_id, label_set_id, "row", minute_of_hour'
_ALL = f"{_KEYS}, value, numerator, weight, value_place, numerator_place, weight_place, sources"
_NO_VALUE = "value IS NULL AND value_place IS NULL"
_IF_NEEDED = (
    f"{_KEYS}, value, CASE WHEN {_NO_VALUE} THEN numerator END,"
    f" CASE WHEN {_NO_VALUE} THEN weight END, value_place,"
    f" CASE WHEN {_NO_VALUE} THEN numerator_place END,"
    f" CASE WHEN {_NO_VALUE} THEN weight_place END, sources"
)


class _Block:
    """A block, decoded but for what lies elsewhere."""

    def __init__(self, connection: sa.Connection, columns: Sequence[Any], wanted: IdSet) -> None:
        entities, labels, row, minute, *rest, text = columns
        entity_id, label_set_id = decoded(connection, entities), decoded(connection, labels)
        where = [None if data is None else decoded(connection, data) for data in (row, minute)]
        shape = len(entity_id), MINUTES
        self.numbers = [
            None if data is None else _matrix(shape, where, decoded(connection, data))
            for data in rest[:3]
        ]
        self.elsewhere: list[tuple[FloatArray, IntArray]] = []
        self.sources: Sequence[Source] = ()
        self.ids = entity_id, label_set_id
        if text is None:
            return
        # Only what is wanted is looked up.
        some = np.flatnonzero(is_in(entity_id, wanted))
        self.sources = sources_of(text)
        self.ids = entity_id[some], label_set_id[some]
        for number, (column, place) in enumerate(zip(self.numbers, rest[3:], strict=True)):
            if column is not None:
                self.numbers[number] = column[some]
            if place is None:
                continue
            if (matrix := self.numbers[number]) is None:
                matrix = self.numbers[number] = np.full((len(some), MINUTES), np.nan)
            self.elsewhere.append((matrix, decoded(connection, place)[some]))


def _filled(
    sources: PackedSources, hour: int, blocks: Sequence[_Block], *, parts: bool
) -> Iterator[PackedValues]:
    """The blocks of an hour, with what lies elsewhere."""
    sources.fill(
        hour,
        [(block.sources, places, matrix) for block in blocks for matrix, places in block.elsewhere],
    )
    for block in blocks:
        value, numerator, weight = block.numbers
        value = value_of(value, numerator, weight)
        if not parts:
            numerator = weight = None
        yield PackedValues(*block.ids, value, numerator, weight, hour)


def _matrix(
    shape: tuple[int, int], where: Sequence[IntArray | None], column: FloatArray
) -> FloatArray:
    row, minute = where
    if row is None or minute is None:
        return column.reshape(shape)
    matrix = np.full(shape, np.nan)
    matrix[row, minute] = column
    return matrix


def packed_bounds(connection: sa.Connection, hour: int, metric_id: int) -> list[tuple[int, int]]:
    """The first and the last entity of each of a metric's blocks, ascending."""
    columns = packed_value.c.first_entity, packed_value.c.last_entity
    query = sa.select(*columns).where(
        packed_value.c.minute == hour, packed_value.c.metric_id == metric_id
    )
    return [(first, last) for first, last in connection.execute(query.order_by(columns[0]))]
