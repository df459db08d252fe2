"""Bulk statements on SQLite: one prepared upsert, run by the driver over the columns."""

from collections.abc import Iterable, Sequence

import numpy as np
import sqlalchemy as sa

from app.otlp.batch import FloatArray
from app.storage.columns import ExtraColumns, PointColumns
from app.storage.statements import (
    INSERT_SERIES,
    UPSERT_EXTRAS,
    UPSERT_POINTS,
    UPSERT_VALUES,
    Upsert,
)
from app.storage.values import ValueColumns


class SqliteBulk:
    """See ``Bulk``."""

    def upsert_points(self, connection: sa.Connection, points: PointColumns) -> None:
        rows = zip(
            points.minute.tolist(),
            points.series_id.tolist(),
            points.offset_ms.tolist(),
            points.period_ms.tolist(),
            points.sample_count.tolist(),
            points.total.tolist(),
            _nullable(points.minimum),
            _nullable(points.maximum),
            strict=True,
        )
        _run(connection, UPSERT_POINTS, rows)

    def upsert_extras(self, connection: sa.Connection, extras: ExtraColumns) -> None:
        rows = zip(
            extras.minute.tolist(),
            extras.series_id.tolist(),
            extras.offset_ms.tolist(),
            extras.statistic,
            extras.value.tolist(),
            extras.sample_count.tolist(),
            strict=True,
        )
        _run(connection, UPSERT_EXTRAS, rows)

    def upsert_values(self, connection: sa.Connection, values: ValueColumns) -> None:
        rows = zip(
            values.minute.tolist(),
            values.metric_id.tolist(),
            values.entity_id.tolist(),
            values.label_set_id.tolist(),
            values.value.tolist(),
            _nullable(values.numerator),
            _nullable(values.weight),
            strict=True,
        )
        _run(connection, UPSERT_VALUES, rows)

    def insert_series(self, connection: sa.Connection, rows: Sequence[tuple[object, ...]]) -> None:
        _run(connection, INSERT_SERIES, rows)


def _run(connection: sa.Connection, upsert: Upsert, rows: Iterable[tuple[object, ...]]) -> None:
    marks = ", ".join("?" * len(upsert.columns))
    statement = upsert.insert(f"VALUES ({marks})")
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - the connection is open
    cursor = driver.cursor()
    try:
        cursor.executemany(statement, rows)
    finally:
        cursor.close()


def _nullable(column: FloatArray) -> list[float | None]:
    values: list[float] = column.tolist()
    if not np.isnan(column).any():
        return [*values]
    return [None if value != value else value for value in values]  # noqa: PLR0124 - NaN
