"""Buckets of the longer tiers: the values of their minutes as matrices.

Metrics are read together as long as they are small; one that is not is read in parts, by ranges of
entities. So memory is bounded, whatever the number of series, and nothing is done too often.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray, ascending
from app.storage.array_columns import decode_row, decoded, fetch_encoded
from app.storage.blocks import MINUTES
from app.storage.column_reader import id_list
from app.storage.id_sets import IdSet
from app.storage.packed_hours import read_packed_hours
from app.storage.packed_sources import PackedSources
from app.storage.packed_values import (
    KEYS_OF_A_BLOCK,
    PackedValues,
    ValueMatrix,
    packed_bounds,
)
from app.storage.tiers import Tier
from app.storage.value_minutes import Ids, IdsReader, read_packed_minutes
from app.storage.values import ID, value_of

ROWS_AT_ONCE = 1_000_000
"""Values of minutes in a matrix, roughly, for whoever has no reason for another number."""
_LAST_ID = 2**31 - 1


def value_parts(connection: sa.Connection, hour: int, metric_id: int, size: int) -> list[range]:
    """Ranges of entities of about ``size`` series, in which a metric is read.

    No block of the packed hour is in two of them.
    """
    blocks = packed_bounds(connection, hour, metric_id)
    bounds = {0}
    bounds.update(_cuts(_some_entities(connection, hour, metric_id), size))
    bounds.update(first for first, _ in blocks[:: -(-size // KEYS_OF_A_BLOCK)])
    for first, last in blocks:
        inside = {bound for bound in bounds if first < bound <= last}
        bounds = bounds - inside | {first} if inside else bounds
    return [range(*pair) for pair in pairwise([*sorted(bounds), _LAST_ID + 1])]


def read_value_matrix(
    connection: sa.Connection,
    tier: Tier,
    bucket: int,
    metrics: Sequence[int],
    entities: IdSet = None,
    *,
    parts: bool,
) -> ValueMatrix:
    """The values of metrics in a bucket's minutes; each series has one. ``parts`` as there."""
    reader = _MatrixReader(connection, tier, bucket, entities, parts=parts)
    for metric_id in metrics:
        reader.begin(metric_id)
    reader.fetch(metrics)
    return reader.matrix()


def _some_entities(connection: sa.Connection, hour: int, metric_id: int) -> IntArray:
    """The entities of a minute about the middle of an hour; the others have hardly more."""
    query = (
        "SELECT entity_id FROM metric_value WHERE metric_id = ? AND minute >= ? AND minute < ?"
        " ORDER BY minute LIMIT 1"
    )
    for first in (hour + MINUTES // 2, hour):
        for (data,) in fetch_encoded(connection, query, (metric_id, first, hour + MINUTES)):
            found: IntArray = decoded(connection, data)
            return found
    return np.empty(0, np.int64)


def _cuts(entities: IntArray, size: int) -> list[int]:
    return [] if len(entities) <= size else entities[size::size].tolist()


class _Metric:
    """What is there of one metric: encoded rows with their ids, and blocks."""

    def __init__(self, metric_id: int) -> None:
        self.metric_id = metric_id
        self.rows: list[tuple[int, Ids, Sequence[Any]]] = []
        self.blocks: list[PackedValues] = []

    def keys(self) -> tuple[IntArray, dict[int, IntArray | None]]:
        """The keys, and the places of each list of ids among them, by its identity."""
        lists: dict[int, IntArray] = {}
        for _, ids, _ in self.rows:
            if id(ids) not in lists:
                lists[id(ids)] = ids.entity_id * ID + ids.label_set_id
        of_blocks = [block.entity_id * ID + block.label_set_id for block in self.blocks]
        if len(lists) == 1 and not of_blocks:
            ((number, keys),) = lists.items()
            return keys, {number: None}
        keys = ascending(np.concatenate([np.empty(0, np.int64), *lists.values(), *of_blocks]))
        return keys, {number: np.searchsorted(keys, some) for number, some in lists.items()}


class _MatrixReader:
    def __init__(
        self,
        connection: sa.Connection,
        tier: Tier,
        bucket: int,
        entities: IdSet,
        *,
        parts: bool,
    ) -> None:
        self._connection = connection
        self._tier = tier
        self._bucket = bucket
        self._entities = entities
        self._parts = parts
        self._found: dict[int, _Metric] = {}

    def begin(self, metric_id: int) -> None:
        self._found[metric_id] = _Metric(metric_id)

    def fetch(self, metrics: Sequence[int]) -> None:
        minutes = range(self._bucket, self._bucket + self._tier)
        query = (
            f"SELECT metric_id, minute, entity_id, label_set_id, {_columns(self._parts)}"  # noqa: S608 - numbers
            f" FROM metric_value WHERE minute IN ({id_list(minutes)})"
            f" AND metric_id IN ({id_list(metrics)}) ORDER BY metric_id, minute"
        )
        reader = IdsReader(self._connection, self._entities)
        for metric_id, minute, entity_id, label_set_id, *columns in fetch_encoded(
            self._connection, query
        ):
            row = minute, reader.ids(entity_id, label_set_id), columns
            self._found[metric_id].rows.append(row)
        # Rows first: what is moved meanwhile is seen twice, and never not at all.
        if not read_packed_hours(self._connection, self._bucket, self._bucket + 1):
            return
        sources = PackedSources(self._connection)
        for each in self._found.values():
            left = sorted({*minutes}.difference(minute for minute, *_ in each.rows))
            blocks = read_packed_minutes(
                self._connection,
                each.metric_id,
                left,
                self._entities,
                parts=self._parts,
                sources=sources,
            )
            each.blocks += blocks

    def matrix(self) -> ValueMatrix:
        each = list(self._found.values())
        keys = [metric.keys() for metric in each]
        sizes = [len(of_metric) for of_metric, _ in keys]
        ends = np.cumsum([0, *sizes]).tolist()
        shape = int(self._tier), ends[-1]
        value, numerator, weight = columns = self._matrices(each, shape)
        for metric, (of_metric, places), (begin, end) in zip(
            each, keys, pairwise(ends), strict=True
        ):
            if len(metric.rows) < self._tier or any(place is not None for place in places.values()):
                # Else each of them is written, and touching this memory twice takes long.
                for matrix in columns:
                    if matrix is not None:
                        matrix[:, begin:end] = np.nan
            for minute, ids, encoded in metric.rows:
                place = places[id(ids)]
                rows = [None if each is None else each[minute - self._bucket] for each in columns]
                if place is None and ids.places is None and (self._parts or encoded[0] is not None):
                    self._decode(encoded, [None if row is None else row[begin:end] for row in rows])
                    continue
                where = slice(begin, end) if place is None else begin + place
                for row, column in zip(rows, self._numbers(encoded, ids), strict=False):
                    if row is not None:
                        row[where] = np.nan if column is None else column
            taken = [minute - self._bucket for minute, *_ in metric.rows]
            for block in metric.blocks:
                some = begin + np.searchsorted(of_metric, block.entity_id * ID + block.label_set_id)
                self._add_block(columns, block, some, taken)
        all_keys = np.concatenate([np.empty(0, np.int64), *(of_metric for of_metric, _ in keys)])
        found = ValueMatrix(
            np.repeat(np.array([metric.metric_id for metric in each], np.int64), sizes),
            all_keys // ID,
            all_keys % ID,
            value,
            numerator,
            weight,
        )
        return found.without_empty()

    def _matrices(
        self, metrics: Sequence[_Metric], shape: tuple[int, int]
    ) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
        """Room for values, and for numerators and weights where any metric has them."""
        found = [False, False]
        for metric in metrics if self._parts else ():
            for _, _, (_, *parts) in metric.rows:
                for number, part in enumerate(parts):
                    found[number] |= part is not None
            for block in metric.blocks:
                for number, matrix in enumerate((block.numerator, block.weight)):
                    found[number] |= matrix is not None
        numerator, weight = (np.empty(shape) if some else None for some in found)
        return np.empty(shape), numerator, weight

    def _decode(self, encoded: Sequence[Any], rows: Sequence[FloatArray | None]) -> None:
        """Put all values of a row into rows of matrices."""
        for data, row in zip(encoded, rows, strict=True):
            if row is not None and data is not None:
                decode_row(self._connection, data, row)
            elif row is not None:
                row.fill(np.nan)
        if encoded[0] is None and rows[0] is not None:
            rows[0][:] = value_of(None, rows[1], rows[2])

    def _numbers(self, encoded: Sequence[Any], ids: Ids) -> Iterator[FloatArray | None]:
        parts = (decoded(self._connection, data, ids.places) for data in encoded)
        value, numerator, weight = parts
        yield value_of(value, numerator, weight)
        if self._parts:
            yield numerator
            yield weight

    def _add_block(
        self,
        matrices: Sequence[FloatArray | None],
        block: PackedValues,
        places: IntArray,
        taken: Sequence[int],
    ) -> None:
        """Put a block into the minutes that have no row."""
        free = np.ones(self._tier, np.bool_)
        free[taken] = False
        minutes = np.flatnonzero(free)
        first = self._bucket - block.hour
        parts = block.value, block.numerator, block.weight
        for matrix, numbers in zip(matrices, parts, strict=True):
            if matrix is None or numbers is None:
                continue
            matrix[np.ix_(minutes, places)] = numbers[:, first + minutes].T


def _columns(parts: bool) -> str:  # noqa: FBT001 - of this module alone
    if parts:
        return "value, numerator, weight"
    return (
        "value, CASE WHEN value IS NULL THEN numerator END, CASE WHEN value IS NULL THEN weight END"
    )
