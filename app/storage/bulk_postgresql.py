"""Bulk statements on PostgreSQL: binary COPY of the columns into a staging table, then an upsert.

The staging tables are temporary, belong to the connection and are emptied at each commit.
"""

from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from app.otlp.batch import FloatArray, IntArray
from app.storage.columns import ExtraColumns, PointColumns
from app.storage.statements import (
    INSERT_SERIES,
    UPSERT_EXTRAS,
    UPSERT_POINTS,
    UPSERT_VALUES,
    Upsert,
)
from app.storage.values import ValueColumns

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
# NaN marks an absent value in the columns and is legal in PostgreSQL, where NULL is meant.
_NULLABLE = frozenset({"minimum", "maximum", "numerator", "weight"})


class PostgresqlBulk:
    """See ``Bulk``."""

    def upsert_points(self, connection: sa.Connection, points: PointColumns) -> None:
        columns: list[IntArray | FloatArray] = [
            points.minute.astype(">i4"),
            points.series_id.astype(">i4"),
            points.offset_ms.astype(">i4"),
            points.period_ms.astype(">i8"),
            points.sample_count.astype(">f8"),
            points.total.astype(">f8"),
            points.minimum.astype(">f8"),
            points.maximum.astype(">f8"),
        ]
        _copy_and_upsert(connection, UPSERT_POINTS, _binary_rows(columns))

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
        stage = _stage(connection, UPSERT_EXTRAS)
        with _cursor(connection) as cursor, cursor.copy(f"COPY {stage} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        _upsert(connection, UPSERT_EXTRAS, stage)

    def upsert_values(self, connection: sa.Connection, values: ValueColumns) -> None:
        columns: list[IntArray | FloatArray] = [
            values.minute.astype(">i4"),
            values.metric_id.astype(">i4"),
            values.entity_id.astype(">i4"),
            values.label_set_id.astype(">i4"),
            values.value.astype(">f8"),
            values.numerator.astype(">f8"),
            values.weight.astype(">f8"),
        ]
        _copy_and_upsert(connection, UPSERT_VALUES, _binary_rows(columns))

    def insert_series(self, connection: sa.Connection, rows: Sequence[tuple[object, ...]]) -> None:
        columns = INSERT_SERIES.columns
        types = ["bytea" if name == "digest" else "text" for name in columns]
        arrays = ", ".join(f"%s::{type_}[]" for type_ in types)
        statement = INSERT_SERIES.insert(f"SELECT * FROM unnest({arrays})")  # noqa: S608 - constants
        with _cursor(connection) as cursor:
            cursor.execute(statement, [list(column) for column in zip(*rows, strict=True)])


def _binary_rows(columns: Sequence[IntArray | FloatArray]) -> bytes:
    """Rows of the binary COPY format: a field count, then length and bytes of each field."""
    fields: list[tuple[str, str]] = [("n", ">i2")]
    for number, column in enumerate(columns):
        fields += [(f"l{number}", ">i4"), (f"v{number}", column.dtype.str)]
    rows = np.empty(len(columns[0]), np.dtype(fields))
    rows["n"] = len(columns)
    for number, column in enumerate(columns):
        rows[f"l{number}"] = column.dtype.itemsize
        rows[f"v{number}"] = column
    return rows.tobytes()


def _copy_and_upsert(connection: sa.Connection, upsert: Upsert, rows: bytes) -> None:
    stage = _stage(connection, upsert)
    copy_in = f"COPY {stage} FROM STDIN (FORMAT binary)"
    with _cursor(connection) as cursor, cursor.copy(copy_in) as copy:
        copy.write(_HEADER)
        copy.write(rows)
        copy.write(_TRAILER)
    _upsert(connection, upsert, stage)


def _stage(connection: sa.Connection, upsert: Upsert) -> str:
    stage = f"stage_{upsert.table}"
    columns = ", ".join(upsert.columns)
    connection.exec_driver_sql(
        f"CREATE TEMP TABLE IF NOT EXISTS {stage} ON COMMIT DELETE ROWS AS"  # noqa: S608 - constants
        f" SELECT {columns} FROM {upsert.table} WITH NO DATA"
    )
    # Within one transaction several deliveries are written, each through the same staging table.
    connection.exec_driver_sql(f"DELETE FROM {stage}")  # noqa: S608 - constants
    return stage


def _upsert(connection: sa.Connection, upsert: Upsert, stage: str) -> None:
    columns = ", ".join(
        f"NULLIF({name}, 'NaN')" if name in _NULLABLE else name for name in upsert.columns
    )
    connection.exec_driver_sql(upsert.insert(f"SELECT {columns} FROM {stage}"))  # noqa: S608 - constants


def _cursor(connection: sa.Connection):  # type: ignore[no-untyped-def]  # noqa: ANN202
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - the connection is open
    return driver.cursor()
