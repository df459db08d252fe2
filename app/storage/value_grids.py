"""Values of one metric as a matrix: a row for each series, a column for each minute.

This is how queries over many series read. Packed hours are read from their blocks, all others from
their rows; the result is the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.blocks import MINUTES, Dense
from app.storage.column_reader import fetch_columns, id_list
from app.storage.grid_builder import GridBuilder, Take
from app.storage.id_sets import conditions, id_set, is_in
from app.storage.minutes import hours_between
from app.storage.packed_hours import read_packed_hours, without_hours
from app.storage.packed_reading import Block, read_value_blocks
from app.storage.packing import ID
from app.storage.tables import metric_value


@dataclass(frozen=True, slots=True)
class ValueGrid:
    """Values of one metric. ``entity_id`` and ``label_set_id`` (S,) ascend together.

    ``minutes`` (G,) are ascending minutes since the epoch; ``values`` (S, G) are NaN where there is
    none.
    """

    entity_id: IntArray
    label_set_id: IntArray
    minutes: IntArray
    values: FloatArray


def read_value_grid(
    connection: sa.Connection,
    metric_id: int,
    entity_ids: Sequence[int] | None,
    start_ms: int,
    end_ms: int,
    *,
    take: Take,
) -> ValueGrid:
    """Values of a metric's minutes that begin in [``start_ms``, ``end_ms``).

    None means every entity. Only minutes and series that have a value are among them. What is older
    than is kept may be missing in part.
    """
    reader = _Reader(entity_ids, _minute_after(start_ms), _minute_after(end_ms), take)
    hours = read_packed_hours(connection, reader.first, reader.last)
    for hour, block in read_value_blocks(connection, metric_id, hours, reader.wanted):
        reader.add_block(hour, block)
    for first, last in without_hours(hours, reader.first, reader.last):
        for minutes in hours_between(connection, metric_value, first, last):
            reader.add_rows(connection, metric_id, minutes)
    keys, minutes_found, values = reader.builder.build(take)
    return ValueGrid(keys // ID, keys % ID, minutes_found, values)


_TYPES = ("int4", "int4", "int4", "float8")


class _Reader:
    """Adds what is wanted to a grid; the minutes are those from ``first`` up to ``last``."""

    def __init__(self, entity_ids: Sequence[int] | None, first: int, last: int, take: Take) -> None:
        self.wanted = None if entity_ids is None else id_set(entity_ids)
        self.first = first
        self.last = last
        self.builder = GridBuilder()
        self._take = take

    def add_block(self, hour: int, block: Block) -> None:
        if not isinstance(block, Dense):
            minute = hour + block.start_ms // MILLISECONDS_PER_MINUTE
            self._add(minute, block.keys, block.values)
            return
        columns = slice(max(self.first - hour, 0), min(self.last - hour, MINUTES))
        keys, values = block.keys, block.values[:, columns]
        if self.wanted is not None:
            good = is_in(keys // ID, self.wanted)
            keys, values = keys[good], values[good]
        self._take(values.size)
        self.builder.add_block(np.arange(hour, hour + MINUTES)[columns], keys, values)

    def add_rows(self, connection: sa.Connection, metric_id: int, minutes: Sequence[int]) -> None:
        for condition in conditions("entity_id", self.wanted):
            query = (
                "SELECT minute, entity_id, label_set_id, value"  # noqa: S608 - numbers
                f" FROM metric_value WHERE minute IN ({id_list(minutes)})"
                f" AND metric_id = {int(metric_id)}{condition}"
            )
            minute, entity_id, label_set_id, values = fetch_columns(connection, query, _TYPES)
            self._add(minute, entity_id * ID + label_set_id, values)

    def _add(self, minute: IntArray, keys: IntArray, values: FloatArray) -> None:
        good = (minute >= self.first) & (minute < self.last) & is_in(keys // ID, self.wanted)
        if not good.all():
            minute, keys, values = minute[good], keys[good], values[good]
        self._take(len(keys))
        self.builder.add(minute, keys, values)


def _minute_after(time_ms: int) -> int:
    """The first minute that begins at or after a time."""
    return -(-time_ms // MILLISECONDS_PER_MINUTE)
