"""The result of evaluating a minute: stored as the difference to what is there."""

from collections.abc import Collection, Sequence

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray
from app.storage.bulk import bulk_upsert
from app.storage.differences import delete_rows, difference
from app.storage.dirty import delete_marks
from app.storage.rollup_marks import mark_rollups
from app.storage.statements import UPSERT_VALUES
from app.storage.tables import metric_value
from app.storage.values import MetricColumns, ValueColumns, read_minute

_KEYS = 4


def write_values(
    connection: sa.Connection,
    minute: int,
    values: Sequence[MetricColumns],
    *,
    metrics: Sequence[int],
    marks: Sequence[int],
    unchanged: Collection[int] = (),
) -> int:
    """``write_minute`` of values metric by metric; ``unchanged`` ones are stored as they are."""
    changed = [each for each in values if each.metric_id not in unchanged]
    columns = ValueColumns(
        *(np.concatenate([np.empty(0, np.int64), *column]) for column in _keys(minute, changed)),
        *(np.concatenate([np.empty(0), *column]) for column in _parts(changed)),
    )
    looked_at = [metric for metric in metrics if metric not in unchanged]
    return write_minute(connection, minute, columns, metrics=looked_at, marks=marks)


def _keys(minute: int, values: Sequence[MetricColumns]) -> list[list[IntArray]]:
    return [
        [np.full(len(each), minute) for each in values],
        [np.full(len(each), each.metric_id) for each in values],
        [each.entity_id for each in values],
        [each.label_set_id for each in values],
    ]


def _parts(values: Sequence[MetricColumns]) -> list[list[FloatArray]]:
    absent = [np.full(len(each), np.nan) for each in values]
    return [
        [each.value for each in values],
        [
            nan if v.numerator is None else v.numerator
            for v, nan in zip(values, absent, strict=True)
        ],
        [nan if v.weight is None else v.weight for v, nan in zip(values, absent, strict=True)],
    ]


def write_minute(
    connection: sa.Connection,
    minute: int,
    values: ValueColumns,
    *,
    metrics: Sequence[int],
    marks: Sequence[int],
) -> int:
    """Make ``values`` the values of ``metrics`` in ``minute``, and delete the marks they answer.

    The caller has made sure, under the minute's lock, that the marks are still there. Only rows
    that differ are written; values of other metrics, whose rules may be gone, are left
    alone. ``values`` are unique by key. The buckets in which the minute lies are marked in their
    turn: its points may have changed even where no value has. Returns the number of rows written
    or deleted.
    """
    stored = read_minute(connection, minute)
    stored = stored.take(np.flatnonzero(np.isin(stored.metric_id, np.array(metrics, np.int64))))
    written, deleted = difference(values.columns, stored.columns, _KEYS)
    delete_rows(connection, metric_value, stored.take(deleted).columns)
    bulk_upsert(connection, UPSERT_VALUES, values.take(written).columns)
    mark_rollups(connection, minute)
    delete_marks(connection, marks)
    return len(written) + len(deleted)
