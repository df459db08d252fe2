"""Values of metrics: written by minute, read by metric and entity."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.arrays import FloatArray, IntArray
from app.storage.columns import doubles, fetch, integers, transposed


@dataclass(frozen=True, slots=True)
class MetricColumns:
    """Values of one metric in a minute, ordered by (entity, label set), each of which is once.

    ``numerator`` and ``weight`` are NaN unless the value is an average of known weight; None is
    NaN throughout.
    """

    metric_id: int
    entity_id: IntArray
    label_set_id: IntArray
    value: FloatArray
    numerator: FloatArray | None
    weight: FloatArray | None

    def __len__(self) -> int:
        return len(self.entity_id)


@dataclass(frozen=True, slots=True)
class ValueColumns:
    """Values of one or more minutes, unique by (minute, metric, entity, label set).

    ``numerator`` and ``weight`` are NaN unless the value is an average of known weight.
    """

    minute: IntArray
    metric_id: IntArray
    entity_id: IntArray
    label_set_id: IntArray
    value: FloatArray
    numerator: FloatArray
    weight: FloatArray

    def __len__(self) -> int:
        return len(self.minute)

    @property
    def columns(self) -> tuple[IntArray | FloatArray, ...]:
        """In the order of ``UPSERT_VALUES``."""
        return (
            self.minute,
            self.metric_id,
            self.entity_id,
            self.label_set_id,
            self.value,
            self.numerator,
            self.weight,
        )

    def take(self, rows: IntArray) -> "ValueColumns":
        """Some of the rows, in the order given."""
        return ValueColumns(*(column[rows] for column in self.columns))  # type: ignore[arg-type]


def value_columns(rows: Sequence[Sequence[object]]) -> ValueColumns:
    """Columns of rows (minute, metric_id, entity_id, label_set_id, value, numerator, weight)."""
    columns = transposed(rows, 7)
    minute, metric_id, entity_id, label_set_id = (integers(column) for column in columns[:4])
    value, numerator, weight = (doubles(column) for column in columns[4:])
    return ValueColumns(minute, metric_id, entity_id, label_set_id, value, numerator, weight)


def read_minute(connection: sa.Connection, minute: int) -> ValueColumns:
    """All stored values of a minute, in the order of the key."""
    rows = fetch(connection, _MINUTE, {"minute": minute})
    return value_columns(rows)


_MINUTE = sa.text(
    "SELECT minute, metric_id, entity_id, label_set_id, value, numerator, weight"
    " FROM metric_value WHERE minute = :minute ORDER BY metric_id, entity_id, label_set_id"
)
