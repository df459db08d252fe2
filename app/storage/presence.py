"""Which series have points in which minutes, for finding gaps."""

import numpy as np
import sqlalchemy as sa

from app.arrays import IntArray, ascending
from app.storage.packed_hours import read_packed_hours
from app.storage.packed_points import COUNT, read_packed_points
from app.storage.point_rows import read_series


def series_of_minutes(connection: sa.Connection, first: int, last: int) -> dict[int, IntArray]:
    """Ids of the series with points, ascending, by the minutes from ``first`` up to ``last``.

    A minute without any is left out.
    """
    found: dict[int, list[IntArray]] = {}
    condition = f"minute >= {int(first)} AND minute < {int(last)}"
    for table in ("point_batch", "point"):
        for minute, series_id in read_series(connection, table, condition):
            found.setdefault(minute, []).append(series_id)
    for hour in read_packed_hours(connection, first, last):
        for block in read_packed_points(connection, [hour], statistics={COUNT}):
            for minute, series_id in block.series_by_minute():
                if first <= minute < last:
                    found.setdefault(minute, []).append(series_id)
    return {minute: ascending(np.concatenate(found[minute])) for minute in sorted(found)}
