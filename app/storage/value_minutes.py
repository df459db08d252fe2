"""Values of one metric in some minutes or buckets, as they stand.

Those of a minute are its row, also one without values, else what its packed hour has.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.arrays import BoolArray, FloatArray, IntArray
from app.storage.array_columns import decoded, fetch_encoded
from app.storage.blocks import MINUTES
from app.storage.chunks import chunked
from app.storage.column_reader import id_list
from app.storage.id_sets import IdSet, is_in
from app.storage.packed_hours import read_packed_hours
from app.storage.packed_sources import PackedSources
from app.storage.packed_values import PackedValues, read_packed_values
from app.storage.tiers import VALUES, Tier
from app.storage.values import value_of

_ROWS_AT_ONCE = 60


@dataclass(frozen=True, slots=True)
class ValueRow:
    """Values of a minute or bucket, ordered by (entity, label set); columns of one length.

    ``numerator`` and ``weight`` are None where they are NaN throughout or were not asked for;
    ``minutes`` is None where each value is that of one minute. Rows of the same entities and label
    sets mostly share these arrays.
    """

    minute: int
    entity_id: IntArray
    label_set_id: IntArray
    value: FloatArray
    numerator: FloatArray | None
    weight: FloatArray | None
    minutes: IntArray | None


def read_value_rows(
    connection: sa.Connection,
    tier: Tier,
    metric_id: int,
    minutes: Sequence[int],
    entity_ids: IdSet = None,
    *,
    parts: bool = True,
) -> Iterator[ValueRow]:
    """Rows of a metric, also those without values, ascending.

    ``parts`` asks for numerators and weights as well.
    """
    reader = _RowReader(connection, entity_ids)
    columns = _ROW[tier] if parts else _VALUE[tier]
    for some in chunked(minutes, _ROWS_AT_ONCE):
        query = (
            f"SELECT {columns} FROM {VALUES[tier].name} WHERE minute IN ({id_list(some)})"  # noqa: S608 - numbers
            f" AND metric_id = {int(metric_id)} ORDER BY minute"
        )
        for row in fetch_encoded(connection, query):
            yield reader.row(row, parts=parts)


def read_packed_minutes(
    connection: sa.Connection,
    metric_id: int,
    minutes: Sequence[int],
    entity_ids: IdSet = None,
    *,
    parts: bool = True,
    sources: PackedSources | None = None,
) -> Iterator[PackedValues]:
    """Blocks of packed hours with these minutes, which have no rows; other minutes are NaN.

    Entities are those that are wanted. ``sources`` as there.
    """
    if not len(minutes):
        return
    wanted = set(minutes)
    hours = read_packed_hours(connection, min(minutes), max(minutes) + 1)
    hours = [hour for hour in hours if not wanted.isdisjoint(range(hour, hour + MINUTES))]
    for block in read_packed_values(
        connection, metric_id, hours, entity_ids, parts=parts, sources=sources
    ):
        columns = [minute in wanted for minute in range(block.hour, block.hour + MINUTES)]
        yield _chosen(block, np.array(columns), entity_ids)


def read_entities(
    connection: sa.Connection, tier: Tier, metric_id: int, minutes: Sequence[int]
) -> Iterator[tuple[int, IntArray, IntArray]]:
    """Minutes or buckets with their entities and label sets, of rows alone."""
    reader = IdsReader(connection, None)
    for some in chunked(minutes, _ROWS_AT_ONCE):
        query = (
            f"SELECT minute, entity_id, label_set_id FROM {VALUES[tier].name}"  # noqa: S608 - numbers
            f" WHERE minute IN ({id_list(some)}) AND metric_id = {int(metric_id)} ORDER BY minute"
        )
        for minute, *encoded in fetch_encoded(connection, query):
            ids = reader.ids(*encoded)
            yield minute, ids.entity_id, ids.label_set_id


@dataclass(frozen=True, slots=True)
class Ids:
    """Entities and label sets of a row; ``places`` are those that are wanted, None for all."""

    entity_id: IntArray
    label_set_id: IntArray
    places: IntArray | None


class IdsReader:
    """Decodes ids of rows; where they are those of the last row, they are the same object."""

    def __init__(self, connection: sa.Connection, wanted: IdSet) -> None:
        self._connection = connection
        self._wanted = wanted
        self._encoded: tuple[bytes, bytes] | None = None
        self._ids: Ids | None = None

    def ids(self, entity_id: bytes, label_set_id: bytes) -> Ids:
        """The ids of a row."""
        encoded = entity_id, label_set_id
        if self._ids is None or encoded != self._encoded:
            entities, labels = (decoded(self._connection, data) for data in encoded)
            places = None
            if self._wanted is not None:
                places = np.flatnonzero(is_in(entities, self._wanted))
                entities, labels = entities[places], labels[places]
            self._encoded = encoded
            self._ids = Ids(entities, labels, places)
        return self._ids


class _RowReader:
    """Decodes rows of one metric."""

    def __init__(self, connection: sa.Connection, wanted: IdSet) -> None:
        self._connection = connection
        self._ids = IdsReader(connection, wanted)

    def row(self, row: tuple[Any, ...], *, parts: bool) -> ValueRow:
        minute, entity_id, label_set_id, *columns = row
        ids = self._ids.ids(entity_id, label_set_id)
        value, numerator, weight, minutes = (
            decoded(self._connection, data, ids.places) for data in columns
        )
        value = value_of(value, numerator, weight)
        if not parts:
            numerator = weight = None
        return ValueRow(minute, ids.entity_id, ids.label_set_id, value, numerator, weight, minutes)


def _chosen(block: PackedValues, columns: BoolArray, wanted: IdSet) -> PackedValues:
    """The wanted entities of a block, and NaN in other columns than these."""
    good = is_in(block.entity_id, wanted)
    if good.all() and columns.all():
        return block
    value, numerator, weight = (
        None if column is None else column[good]
        for column in (block.value, block.numerator, block.weight)
    )
    assert value is not None  # noqa: S101 - it always has them
    value = np.where(columns, value, np.nan)
    entity_id, label_set_id = block.entity_id[good], block.label_set_id[good]
    return PackedValues(entity_id, label_set_id, value, numerator, weight, block.hour)


_IDS = "minute, entity_id, label_set_id"
_NUMBERS = "value, numerator, weight"
_IF_NEEDED = (
    "value, CASE WHEN value IS NULL THEN numerator END, CASE WHEN value IS NULL THEN weight END"
)
_MINUTES = {tier: "NULL" if tier is Tier.MINUTE else "minutes" for tier in Tier}
_ROW = {tier: f"{_IDS}, {_NUMBERS}, {_MINUTES[tier]}" for tier in Tier}
_VALUE = {tier: f"{_IDS}, {_IF_NEEDED}, {_MINUTES[tier]}" for tier in Tier}
