"""Rows of the tables of points read back, and of a row as little as holds what is wanted."""

from collections.abc import Collection, Iterator

import numpy as np
import sqlalchemy as sa

from app.arrays import BoolArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.array_columns import decoded, fetch_encoded
from app.storage.id_sets import is_in
from app.storage.point_payload import (
    KEY,
    PAYLOAD,
    POINT_COLUMNS,
    decode_points,
)
from app.storage.stored_points import StoredPoints

ALL = frozenset(PAYLOAD)
"""All columns of a payload."""
WITHOUT_EXTRAS = frozenset((KEY, *POINT_COLUMNS))
"""The columns of points without extra statistics."""

# As ids of series mostly are the same from one minute to the next, they are decoded once.
_MOST_REMEMBERED = 64
# Up to this number of series, PostgreSQL looks for them itself instead of sending whole columns.
_MOST_OVERLAPS = 20


def read_rows(
    connection: sa.Connection,
    table: str,
    condition: str,
    *,
    series_ids: IntArray | None = None,
    columns: Collection[str] = ALL,
    order: str = "minute",
    period_ms: int = MILLISECONDS_PER_MINUTE,
) -> Iterator[StoredPoints]:
    """The points of each row that has any of the series, in the order of some columns.

    ``series_ids`` ascend; None means all. Statistics that are not among the ``columns`` are NaN.
    ``period_ms`` is the period that goes without saying in the table.
    """
    selected = (name if name in columns else "NULL" for name in PAYLOAD)
    query = (
        f"SELECT minute, {', '.join(selected)} FROM {table} WHERE {condition}"  # noqa: S608 - constants, numbers
        f"{_overlap(connection, series_ids)} ORDER BY {order}"
    )
    series = _Series(connection, series_ids)
    for minute, encoded, *row in fetch_encoded(connection, query):
        ids, chosen = series.chosen(encoded)
        if len(chosen) == 0:
            continue
        points = decode_points(connection, minute, ids, tuple(row), period_ms=period_ms)
        yield points if len(chosen) == len(ids) else _taken(points, chosen, series_ids)


def read_series(
    connection: sa.Connection, table: str, condition: str, series_ids: IntArray | None = None
) -> Iterator[tuple[int, IntArray]]:
    """Minutes and the series of each row that has any, with some perhaps more than once."""
    query = (
        f"SELECT minute, {KEY} FROM {table} WHERE {condition}"  # noqa: S608 - constants, numbers
        f"{_overlap(connection, series_ids)} ORDER BY minute"
    )
    series = _Series(connection, series_ids)
    for minute, encoded in fetch_encoded(connection, query):
        ids, chosen = series.chosen(encoded)
        if len(chosen):
            yield minute, ids if len(chosen) == len(ids) else ids[chosen]


class _Series:
    """Columns of series, decoded, and where in them the wanted ones are."""

    def __init__(self, connection: sa.Connection, wanted: IntArray | None) -> None:
        self._connection = connection
        self._wanted = wanted
        self._known: dict[bytes, tuple[IntArray, IntArray]] = {}

    def chosen(self, encoded: bytes) -> tuple[IntArray, IntArray]:
        found = self._known.get(encoded)
        if found is None:
            ids: IntArray = decoded(self._connection, encoded)
            found = ids, np.flatnonzero(is_in(ids, self._wanted))
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[encoded] = found
        return found


def _taken(points: StoredPoints, rows: IntArray, series_ids: IntArray | None) -> StoredPoints:
    extras = points.extras
    of_wanted: BoolArray = is_in(extras.series_id, series_ids)
    return points.take(rows).with_extras(extras.take(of_wanted) if len(extras) else extras)


def _overlap(connection: sa.Connection, series_ids: IntArray | None) -> str:
    if (
        series_ids is None
        or len(series_ids) > _MOST_OVERLAPS
        or connection.dialect.name != "postgresql"
    ):
        return ""
    listed = ",".join(str(int(one)) for one in series_ids.tolist())
    return f" AND {KEY} && ARRAY[{listed}]::int[]"
