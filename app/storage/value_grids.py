"""Values of one metric as a matrix: a row for each series, a column for each minute.

This is how queries over many series read. Packed hours are matrices already.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.blocks import MINUTES
from app.storage.grid_builder import GridBuilder, Take
from app.storage.id_sets import id_set
from app.storage.minutes import hours_between
from app.storage.packed_hours import read_packed_hours
from app.storage.tables import metric_value
from app.storage.tiers import Tier
from app.storage.value_minutes import read_packed_minutes, read_value_rows
from app.storage.values import ID


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
    first, last = _minute_after(start_ms), _minute_after(end_ms)
    wanted = None if entity_ids is None else id_set(entity_ids)
    builder = GridBuilder()
    with_rows: set[int] = set()
    for minutes in hours_between(connection, metric_value, first, last):
        rows = read_value_rows(connection, Tier.MINUTE, metric_id, minutes, wanted, parts=False)
        for row in rows:
            with_rows.add(row.minute)
            take(len(row.value))
            keys = row.entity_id * ID + row.label_set_id
            builder.add(np.full(len(keys), row.minute), keys, row.value)
    packed = [
        minute
        for hour in read_packed_hours(connection, first, last)
        for minute in range(max(first, hour), min(last, hour + MINUTES))
        if minute not in with_rows
    ]
    for block in read_packed_minutes(connection, metric_id, packed, wanted, parts=False):
        columns = slice(max(first - block.hour, 0), min(last - block.hour, MINUTES))
        values = block.value[:, columns]
        take(values.size)
        keys = block.entity_id * ID + block.label_set_id
        builder.add_block(np.arange(block.hour, block.hour + MINUTES)[columns], keys, values)
    keys, minutes_found, matrix = builder.build(take)
    return ValueGrid(keys // ID, keys % ID, minutes_found, matrix)


def _minute_after(time_ms: int) -> int:
    """The first minute that begins at or after a time."""
    return -(-time_ms // MILLISECONDS_PER_MINUTE)
