"""Rolled-up values: one row for each metric in a bucket."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray
from app.storage.array_columns import array_parameter, execute_many, fetch_encoded
from app.storage.column_reader import id_list
from app.storage.job_queue import Job
from app.storage.packing import Packed
from app.storage.tiers import ROLLED_UP, VALUES, Tier
from app.storage.values import stored_parts


@dataclass(frozen=True, slots=True)
class RolledUpValues:
    """Values of metrics in a bucket, ordered by (metric, entity, label set).

    As ``ValueColumns`` has those of minutes; ``minutes`` is how many minutes each is made of.
    """

    metric_id: IntArray
    entity_id: IntArray
    label_set_id: IntArray
    value: FloatArray
    numerator: FloatArray
    weight: FloatArray
    minutes: IntArray


def store_rolled_up(
    connection: sa.Connection,
    tier: Tier,
    bucket: int,
    metrics: Sequence[int],
    values: RolledUpValues,
) -> Iterator[Packed]:
    """What makes the stored rows of some metrics those of these values."""
    query = f"{_STORED[tier]} AND metric_id IN ({id_list(metrics)})"
    stored = {row[0]: row[1:] for row in fetch_encoded(connection, query, (bucket,))}
    begins = np.flatnonzero(np.diff(values.metric_id, prepend=-1)).tolist()
    for begin, end in pairwise([*begins, len(values.metric_id)]):
        metric_id = int(values.metric_id[begin])
        row = _encoded(connection, values, slice(begin, end))
        if stored.pop(metric_id, None) != row:
            size = sum(len(part) for part in row if part is not None)
            yield Packed(_job(_UPSERT[tier], (bucket, metric_id, *row)), 0, size)
    for metric_id in stored:
        yield Packed(_job(_DELETE[tier], (bucket, metric_id)), 0, 0)


def _encoded(connection: sa.Connection, values: RolledUpValues, rows: slice) -> tuple[Any, ...]:
    numbers = values.value[rows], values.numerator[rows], values.weight[rows]
    ids = values.entity_id[rows], values.label_set_id[rows]
    return (
        *(array_parameter(connection, "I", column) for column in ids),
        *(array_parameter(connection, "F", part) for part in stored_parts(*numbers)),
        array_parameter(connection, "I", values.minutes[rows]),
    )


def _job(statement: str, row: tuple[Any, ...]) -> Job[None]:
    return lambda connection: execute_many(connection, statement, [row])


_COLUMNS = ("entity_id", "label_set_id", "value", "numerator", "weight", "minutes")
_STORED = {
    tier: f"SELECT metric_id, {', '.join(_COLUMNS)} FROM {VALUES[tier].name} WHERE minute = ?"  # noqa: S608 - constants
    for tier in ROLLED_UP
}
_DELETE = {
    tier: f"DELETE FROM {VALUES[tier].name} WHERE minute = ? AND metric_id = ?"  # noqa: S608 - constants
    for tier in ROLLED_UP
}
_UPSERT = {
    tier: f"INSERT INTO {VALUES[tier].name} (minute, metric_id, {', '.join(_COLUMNS)})"  # noqa: S608 - constants
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (minute, metric_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)
    for tier in ROLLED_UP
}
