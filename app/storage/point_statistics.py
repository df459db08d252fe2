"""One statistic of points, from rows or from blocks; Average is made of two."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.column_reader import NULLABLE, fetch_columns, id_list, without_null
from app.storage.packed_reading import Block, read_point_blocks

_AVERAGE = "Average"
_COLUMNS = {
    "SampleCount": ("p.sample_count",),
    "Sum": ("p.sum",),
    "Minimum": ("p.minimum",),
    "Maximum": ("p.maximum",),
    _AVERAGE: ("p.sum", "p.sample_count"),
}
_KEY_TYPES = ("int4", "int4", "int4", "int8")


def read_statistic_rows(
    connection: sa.Connection, statistic: str, minutes: Sequence[int], condition: str
) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    """Series, start, period and value of the points of some minutes; NaN where there is none.

    ``condition`` is one more on the points, which are ``p``.
    """
    listed = id_list(minutes)
    columns = _COLUMNS.get(statistic)
    texts = () if columns else (statistic,)
    if columns is None:
        columns = ("e.value",)
        source = (
            "extra_statistic e JOIN point p ON p.minute = e.minute"
            " AND p.series_id = e.series_id AND p.offset_ms = e.offset_ms"
            " AND p.sample_count = e.sample_count"
            " AND (p.backfilled IS NULL) = (e.backfilled IS NULL)"
            f" WHERE e.minute IN ({listed}) AND p.minute IN ({listed}) AND e.statistic = ?"
        )
    else:
        source = f"point p WHERE p.minute IN ({listed})"
    values = ", ".join(without_null(column, connection) for column in columns)
    query = (
        "SELECT p.minute, p.series_id, p.offset_ms, p.period_ms,"  # noqa: S608 - constants, numbers
        f" {values} FROM {source}{condition}"
    )
    types = (*_KEY_TYPES, *(NULLABLE for _ in columns))
    minute, series_id, offset_ms, period_ms, *found = fetch_columns(connection, query, types, texts)
    value = _averages(*found) if statistic == _AVERAGE else found[0]
    return series_id, minute * MILLISECONDS_PER_MINUTE + offset_ms, period_ms, value


def read_statistic_blocks(
    connection: sa.Connection, statistic: str, hours: Sequence[int], series_ids: IntArray
) -> Iterator[tuple[int, Block]]:
    """Hours and their blocks of a statistic, perhaps of other series too."""
    if statistic != _AVERAGE:
        yield from read_point_blocks(connection, statistic, hours, series_ids)
        return
    # Every point has both, so they are in blocks of the same series and times.
    for hour in hours:
        totals = read_point_blocks(connection, "Sum", [hour], series_ids)
        counts = read_point_blocks(connection, "SampleCount", [hour], series_ids)
        for (_, total), (_, count) in zip(totals, counts, strict=True):
            yield hour, replace(total, values=_averages(total.values, count.values))


def _averages(total: FloatArray, count: FloatArray) -> FloatArray:
    # Not in SQL: PostgreSQL has errors where a double overflows.
    with np.errstate(all="ignore"):
        return np.where(count > 0, total / count, np.nan)
