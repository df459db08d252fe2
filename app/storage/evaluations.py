"""The result of evaluating a minute: metrics that differ from what is stored are written."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray
from app.storage.alarm_marks import mark_for_alarms
from app.storage.array_columns import array_parameter, decoded, execute_many, fetch_encoded
from app.storage.column_reader import id_list
from app.storage.dirty import delete_marks
from app.storage.packed_hours import read_packed_hours
from app.storage.packed_values import (
    PackedValues,
    metrics_of_packed_hour,
    read_packed_values,
)
from app.storage.rollup_marks import mark_rollups
from app.storage.tiers import Tier
from app.storage.values import ID, MetricColumns, ValueColumns, stored_parts

_NO_IDS = np.empty(0, np.int64)


class EncodedIds:
    """The ids of each metric as they were stored last.

    From minute to minute most metrics have the values of the same entities and label sets, in the
    very same arrays, which are never changed.
    """

    def __init__(self) -> None:
        self._last: dict[int, tuple[IntArray, IntArray, tuple[Any, Any]]] = {}

    def of(self, connection: sa.Connection, values: MetricColumns) -> tuple[Any, Any]:
        """The ids as parameters of a statement."""
        entity_id, label_set_id = values.entity_id, values.label_set_id
        last = self._last.get(values.metric_id)
        if last is not None and last[0] is entity_id and last[1] is label_set_id:
            return last[2]
        encoded = (
            array_parameter(connection, "I", entity_id, quick=True),
            array_parameter(connection, "I", label_set_id, quick=True),
        )
        self._last[values.metric_id] = entity_id, label_set_id, encoded
        return encoded


def write_values(
    connection: sa.Connection,
    minute: int,
    values: Sequence[MetricColumns],
    *,
    metrics: Sequence[int],
    marks: Sequence[int],
    unchanged: Collection[int] = (),
    encoded_ids: EncodedIds | None = None,
) -> int:
    """Make ``values`` those of ``metrics`` in ``minute``, and delete the marks they answer.

    Metrics that are not among the values have none. The caller has made sure, under the minute's
    lock, that the marks are still there, and knows that the ``unchanged`` metrics are stored as
    they are. Values of other metrics, whose rules may be gone, are left alone. The buckets in
    which the minute lies are marked in their turn, and the minute for alarms: its points may have
    changed even where no value has. ``encoded_ids`` are those of the minutes before. Returns how
    many values were written, those that are as before but for others of their metric among them,
    or went away.
    """
    known = frozenset(unchanged)
    ids = EncodedIds() if encoded_ids is None else encoded_ids
    difference = _Difference(connection, minute, sorted({*metrics} - known), ids)
    for each in values:
        if each.metric_id not in known:
            difference.add(each)
    difference.write()
    mark_rollups(connection, minute)
    mark_for_alarms(connection, minute)
    delete_marks(connection, marks)
    return difference.count


def write_minute(
    connection: sa.Connection,
    minute: int,
    values: ValueColumns,
    *,
    metrics: Sequence[int],
    marks: Sequence[int],
) -> int:
    """``write_values`` of values in any order, unique by key."""
    given = list(values.by_metric())
    return write_values(connection, minute, given, metrics=metrics, marks=marks)


class _Difference:
    """What is to be written or deleted, metric by metric."""

    def __init__(
        self, connection: sa.Connection, minute: int, metrics: Sequence[int], ids: EncodedIds
    ) -> None:
        self.count = 0
        self._ids = ids
        self._connection = connection
        self._minute = minute
        # Those of which nothing has been said yet.
        self._left = set(metrics)
        self._rows: list[tuple[Any, ...]] = []
        hour = Tier.HOUR.bucket(minute)
        self._packed_hour = hour if read_packed_hours(connection, hour, hour + 1) else None
        self._compares_packed = len(metrics) <= _MOST_COMPARED
        query = f"{_STORED} AND metric_id IN ({id_list(metrics)})"
        found = fetch_encoded(connection, query, (minute,)) if metrics else []
        self._stored = {row[0]: row[1:] for row in found}

    def add(self, values: MetricColumns) -> None:
        """What one metric has now."""
        if not len(values):
            return
        self._left.discard(values.metric_id)
        row = (*self._ids.of(self._connection, values), *self._encoded_parts(values))
        stored = self._stored.pop(values.metric_id, None)
        if row == stored or (stored is None and self._lies_packed(values.metric_id, row)):
            return
        self._rows.append((self._minute, values.metric_id, *row))
        self.count += len(values)
        if stored is not None and stored[:2] != row[:2]:
            before = self._keys(stored)
            now = values.entity_id * ID + values.label_set_id
            self.count += len(np.setdiff1d(before, now, assume_unique=True))

    def write(self) -> None:
        """Write what has changed; what has not been added has no values."""
        hour = self._packed_hour
        gone = {metric: len(self._keys(row)) for metric, row in self._stored.items()}
        if hour is not None:
            # A minute without a row has the values of its packed hour.
            packed = metrics_of_packed_hour(self._connection, hour) & self._left
            absent = sorted(packed - gone.keys())
            gone.update((metric, self._packed(hour, metric)) for metric in absent)
            gone = {metric: size for metric, size in gone.items() if size}
            self._rows += [(self._minute, metric, *self._none()) for metric in gone]
        elif gone:
            self._delete(gone)
        self.count += sum(gone.values())
        execute_many(self._connection, _UPSERT, sorted(self._rows, key=lambda row: row[1]))

    def _encoded(self, values: MetricColumns) -> tuple[Any, ...]:
        return (*EncodedIds().of(self._connection, values), *self._encoded_parts(values))

    def _encoded_parts(self, values: MetricColumns) -> Iterator[Any]:
        for part in stored_parts(values.value, values.numerator, values.weight):
            yield array_parameter(self._connection, "F", part, quick=True)

    def _none(self) -> tuple[Any, ...]:
        return self._encoded(MetricColumns(0, _NO_IDS, _NO_IDS, np.empty(0), None, None))

    def _keys(self, row: tuple[Any, ...]) -> IntArray:
        entity_id, label_set_id = (decoded(self._connection, part) for part in row[:2])
        keys: IntArray = entity_id * ID + label_set_id
        return keys

    def _lies_packed(self, metric_id: int, row: tuple[Any, ...]) -> bool:
        """Whether a metric has just this in the packed hour; False where that is not looked up."""
        hour = self._packed_hour
        if hour is None or not self._compares_packed:
            return False
        parts = [
            [block.entity_id, block.label_set_id, *(_column(block, self._minute))]
            for block in read_packed_values(self._connection, metric_id, [hour], None, parts=True)
        ]
        if not parts:
            return False
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        present = ~np.isnan(columns[2])
        entity_id, label_set_id, *numbers = (column[present] for column in columns)
        order = np.lexsort((label_set_id, entity_id))
        value, numerator, weight = (column[order] for column in numbers)
        packed = MetricColumns(
            metric_id, entity_id[order], label_set_id[order], value, numerator, weight
        )
        return self._encoded(packed) == row

    def _packed(self, hour: int, metric_id: int) -> int:
        """How many values of a metric the packed hour has in the minute."""
        blocks = read_packed_values(self._connection, metric_id, [hour], None)
        column = self._minute - hour
        return sum(int((~np.isnan(block.value[:, column])).sum()) for block in blocks)

    def _delete(self, metrics: Iterable[int]) -> None:
        self._connection.exec_driver_sql(
            f"DELETE FROM metric_value WHERE minute = {int(self._minute)}"  # noqa: S608 - numbers
            f" AND metric_id IN ({id_list(metrics)})"
        )


def _column(block: PackedValues, minute: int) -> Iterator[FloatArray]:
    """Value, numerator and weight of a minute, NaN where there is none."""
    for part in (block.value, block.numerator, block.weight):
        if part is None:
            yield np.full(len(block.entity_id), np.nan)
        else:
            yield part[:, minute - block.hour]


# An evaluation has all metrics, and to decode an hour of them takes longer than to write a minute.
# Who stores a few metrics of many hours, as a backfill does, is to find that nothing has changed.
_MOST_COMPARED = 16

_STORED = (
    "SELECT metric_id, entity_id, label_set_id, value, numerator, weight FROM metric_value"
    " WHERE minute = ?"
)
_UPSERT = (
    "INSERT INTO metric_value"
    " (minute, metric_id, entity_id, label_set_id, value, numerator, weight)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (minute, metric_id) DO UPDATE SET entity_id = excluded.entity_id,"
    " label_set_id = excluded.label_set_id, value = excluded.value,"
    " numerator = excluded.numerator, weight = excluded.weight"
)
