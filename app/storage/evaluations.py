"""The result of evaluating a minute: stored as the difference to what is there."""

from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from app.storage.bulk import bulk_upsert
from app.storage.differences import delete_rows, difference
from app.storage.dirty import delete_marks
from app.storage.rollup_marks import mark_rollups
from app.storage.statements import UPSERT_VALUES
from app.storage.tables import metric_value
from app.storage.values import ValueColumns, read_minute

_KEYS = 4


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
