"""Columns on their way to rows: one point per key, in the order of the key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.otlp import MetricBatch


@dataclass(frozen=True, slots=True)
class PointColumns:
    """Points ready to be written: unique by (minute, series_id, offset_ms), ascending."""

    minute: IntArray
    series_id: IntArray
    offset_ms: IntArray
    period_ms: IntArray
    sample_count: FloatArray
    total: FloatArray
    minimum: FloatArray
    maximum: FloatArray

    def __len__(self) -> int:
        return len(self.minute)

    @property
    def columns(self) -> tuple[IntArray | FloatArray, ...]:
        """In the order of ``UPSERT_POINTS``."""
        return (
            self.minute,
            self.series_id,
            self.offset_ms,
            self.period_ms,
            self.sample_count,
            self.total,
            self.minimum,
            self.maximum,
        )


@dataclass(frozen=True, slots=True)
class ExtraColumns:
    """Extra statistics ready to be written, unique by point and statistic, ascending."""

    minute: IntArray
    series_id: IntArray
    offset_ms: IntArray
    statistic: tuple[str, ...]
    value: FloatArray
    sample_count: FloatArray

    def __len__(self) -> int:
        return len(self.minute)

    @property
    def columns(self) -> tuple[IntArray | FloatArray | tuple[str, ...], ...]:
        """In the order of ``UPSERT_EXTRAS``."""
        return (
            self.minute,
            self.series_id,
            self.offset_ms,
            self.statistic,
            self.value,
            self.sample_count,
        )


def point_columns(batch: MetricBatch, series_id: IntArray) -> PointColumns:
    """The batch's points with their series; of several with one key, the one that stands.

    A point stands against another when its SampleCount is higher; at equal SampleCount the later
    one stands. The rule is the same as that of the upsert against stored rows.
    """
    minute, offset_ms = np.divmod(batch.start_ms, MILLISECONDS_PER_MINUTE)
    order = np.lexsort((np.arange(len(batch)), batch.count, offset_ms, series_id, minute))
    rows = order[last_of_key(minute[order], series_id[order], offset_ms[order])]
    return PointColumns(
        minute[rows],
        series_id[rows],
        offset_ms[rows],
        batch.period_ms[rows],
        batch.count[rows],
        batch.total[rows],
        batch.minimum[rows],
        batch.maximum[rows],
    )


def extra_columns(batch: MetricBatch, series_id: IntArray) -> ExtraColumns:
    """The batch's extra statistics; the same rule decides between several of one key."""
    of_point = batch.extra_row
    minute, offset_ms = np.divmod(batch.start_ms[of_point], MILLISECONDS_PER_MINUTE)
    series = series_id[of_point]
    count = batch.count[of_point]
    statistic = batch.extra_statistic
    order = np.lexsort((np.arange(len(of_point)), count, statistic, offset_ms, series, minute))
    last = last_of_key(minute[order], series[order], offset_ms[order], statistic[order])
    rows = order[last]
    return ExtraColumns(
        minute[rows],
        series[rows],
        offset_ms[rows],
        tuple(batch.statistic_names[number] for number in statistic[rows].tolist()),
        batch.extra_value[rows],
        count[rows],
    )


def fetch(
    connection: sa.Connection, query: sa.TextClause, parameters: Mapping[str, object]
) -> list[tuple[Any, ...]]:
    """All rows as the driver gives them; SQLAlchemy's row objects cost more than the query."""
    cursor = connection.execute(query, parameters).cursor
    assert cursor is not None  # noqa: S101 - a query has one
    return list(cursor.fetchall())


def transposed(rows: Sequence[Sequence[object]], width: int) -> list[Sequence[object]]:
    """The columns of rows; ``width`` empty ones when there are no rows."""
    return list(zip(*rows, strict=True)) if rows else [()] * width


def integers(column: Sequence[object]) -> IntArray:
    """A column of integers as an array."""
    return np.array(column, np.int64)


def doubles(column: Sequence[object]) -> FloatArray:
    """A column of doubles as an array; NULL becomes NaN."""
    return np.array(column, np.float64)


def last_of_key(*sorted_columns: IntArray) -> IntArray:
    """Positions at which a run of equal keys ends; the columns are in the order of the key."""
    if not len(sorted_columns[0]):
        return np.empty(0, np.int64)
    changes = np.zeros(len(sorted_columns[0]) - 1, np.bool_)
    for column in sorted_columns:
        changes |= column[1:] != column[:-1]
    return np.append(np.flatnonzero(changes), len(sorted_columns[0]) - 1)
