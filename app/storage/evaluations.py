"""The result of evaluating a minute: stored as the difference to what is there."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from app.mal.frames import IntArray
from app.storage.bulk import bulk_upsert
from app.storage.dirty import delete_marks
from app.storage.statements import UPSERT_VALUES
from app.storage.values import ValueColumns, delete_values, read_minute


def write_minute(
    connection: sa.Connection,
    minute: int,
    values: ValueColumns,
    *,
    metrics: Sequence[int],
    marks: Sequence[int],
) -> int:
    """Make ``values`` the values of ``metrics`` in ``minute``, and delete the marks they answer.

    Only rows that differ are written; values of other metrics, whose rules may be gone, are left
    alone. ``values`` are unique by key. Returns the number of rows written or deleted.
    """
    stored = read_minute(connection, minute)
    stored = stored.take(np.flatnonzero(np.isin(stored.metric_id, np.array(metrics, np.int64))))
    new_keys, stored_keys = _keys(values), _keys(stored)
    vanished = stored.take(np.flatnonzero(~np.isin(stored_keys, new_keys)))
    delete_values(connection, vanished)
    changed = values.take(_changed(values, new_keys, stored, stored_keys))
    bulk_upsert(connection, UPSERT_VALUES, changed.columns)
    delete_marks(connection, marks)
    return len(changed) + len(vanished)


KeyArray = npt.NDArray[np.void]


def _keys(values: ValueColumns) -> KeyArray:
    """One comparable item per row."""
    keys = np.empty(len(values), np.dtype([("m", "<i8"), ("e", "<i8"), ("l", "<i8")]))
    keys["m"], keys["e"], keys["l"] = values.metric_id, values.entity_id, values.label_set_id
    return keys


def _changed(
    values: ValueColumns,
    new_keys: KeyArray,
    stored: ValueColumns,
    stored_keys: KeyArray,
) -> IntArray:
    if not len(stored):
        return np.arange(len(values))
    order = np.argsort(stored_keys, kind="stable")
    place = np.searchsorted(stored_keys[order], new_keys)
    place = order[np.minimum(place, len(order) - 1)]
    same = stored_keys[place] == new_keys
    for new, old in (
        (values.value, stored.value[place]),
        (values.numerator, stored.numerator[place]),
        (values.weight, stored.weight[place]),
    ):
        same &= (new == old) | (np.isnan(new) & np.isnan(old))
    return np.flatnonzero(~same)
