"""Points as arrays of a row: the columns that all tables of points have, and back."""

import json
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.arrays import BoolArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.array_columns import array_parameter, decoded
from app.storage.stored_points import StoredExtras, StoredPoints

KEY = "series_id"
POINT_COLUMNS = (
    "offset_ms",
    "period_ms",
    "sample_count",
    "sum",
    "minimum",
    "maximum",
    "backfilled",
)
EXTRA_COLUMNS = (
    "extra_series_id",
    "extra_offset_ms",
    "extra_statistic",
    "extra_value",
    "extra_sample_count",
    "extra_backfilled",
    "extra_names",
)
PAYLOAD = (KEY, *POINT_COLUMNS, *EXTRA_COLUMNS)
"""The columns, in the order of a payload."""


class PointEncoder:
    """Makes rows of points of one minute or bucket, as parameters of a statement.

    ``period_ms`` is the period that goes without saying, ``quick`` is for what will be rewritten.
    """

    def __init__(
        self,
        connection: sa.Connection,
        points: StoredPoints,
        *,
        period_ms: int = MILLISECONDS_PER_MINUTE,
        quick: bool = False,
    ) -> None:
        self._connection = connection
        self._points = points
        self._period_ms = period_ms
        self._quick = quick
        # Rows are many and short: what none of the points has is not looked for in each of them.
        self._has_offsets = bool(points.offset_ms.any())
        self._has_periods = bool((points.period_ms != period_ms).any())
        self._has_flags = bool(points.backfilled.any())

    def payload(self, rows: slice, extras: StoredExtras) -> tuple[Any, ...]:
        """The payload of some of the points, which have these extra statistics."""
        connection, points, quick = self._connection, self._points, self._quick
        return (
            array_parameter(connection, "I", points.series_id[rows], quick=quick),
            _unless_all(connection, "I", points.offset_ms[rows], 0, quick=quick)
            if self._has_offsets
            else None,
            _unless_all(connection, "L", points.period_ms[rows], self._period_ms, quick=quick)
            if self._has_periods
            else None,
            array_parameter(connection, "F", points.count[rows], quick=quick),
            array_parameter(connection, "F", points.total[rows], quick=quick),
            array_parameter(connection, "F", points.minimum[rows], quick=quick),
            array_parameter(connection, "F", points.maximum[rows], quick=quick),
            _flags(connection, points.backfilled[rows], quick=quick) if self._has_flags else None,
            *_encode_extras(connection, extras, quick=quick),
        )


def encode_points(
    connection: sa.Connection, points: StoredPoints, *, quick: bool = False
) -> tuple[Any, ...]:
    """The payload of all points and their extra statistics."""
    return PointEncoder(connection, points, quick=quick).payload(slice(None), points.extras)


def decode_points(
    connection: sa.Connection,
    minute: int,
    series_id: IntArray,
    row: tuple[Any, ...],
    *,
    period_ms: int = MILLISECONDS_PER_MINUTE,
) -> StoredPoints:
    """The points of a payload whose first column has been decoded; ``row`` has the others.

    A column that was not selected may be None in it: statistics are NaN then.
    """
    size = len(series_id)
    offset_ms, period, count, total, minimum, maximum, backfilled = (
        decoded(connection, data) for data in row[: len(POINT_COLUMNS)]
    )
    return StoredPoints(
        np.full(size, minute, np.int64),
        series_id,
        np.zeros(size, np.int64) if offset_ms is None else offset_ms,
        np.full(size, period_ms, np.int64) if period is None else period,
        np.full(size, np.nan) if count is None else count,
        np.full(size, np.nan) if total is None else total,
        np.full(size, np.nan) if minimum is None else minimum,
        np.full(size, np.nan) if maximum is None else maximum,
        np.zeros(size, np.bool_) if backfilled is None else backfilled != 0,
        _decode_extras(connection, minute, row[len(POINT_COLUMNS) :]),
    )


def _encode_extras(
    connection: sa.Connection, extras: StoredExtras, *, quick: bool
) -> tuple[Any, ...]:
    if not len(extras):
        return (None,) * len(EXTRA_COLUMNS)
    used, statistic = np.unique(extras.statistic, return_inverse=True)
    return (
        array_parameter(connection, "I", extras.series_id, quick=quick),
        _unless_all(connection, "I", extras.offset_ms, 0, quick=quick),
        array_parameter(connection, "I", statistic, quick=quick),
        array_parameter(connection, "F", extras.value, quick=quick),
        array_parameter(connection, "F", extras.count, quick=quick),
        _flags(connection, extras.backfilled, quick=quick),
        json.dumps([extras.names[number] for number in used.tolist()], ensure_ascii=False),
    )


def _decode_extras(connection: sa.Connection, minute: int, row: tuple[Any, ...]) -> StoredExtras:
    if not row or row[0] is None:
        return StoredExtras.empty()
    series_id, offset_ms, statistic, value, count, backfilled = (
        decoded(connection, data) for data in row[:-1]
    )
    size = len(series_id)
    return StoredExtras(
        np.full(size, minute, np.int64),
        series_id,
        np.zeros(size, np.int64) if offset_ms is None else offset_ms,
        statistic,
        value,
        count,
        np.zeros(size, np.bool_) if backfilled is None else backfilled != 0,
        tuple(json.loads(row[-1])),
    )


def _unless_all(
    connection: sa.Connection, kind: str, values: IntArray, usual: int, *, quick: bool
) -> Any:  # noqa: ANN401 - whatever the driver takes
    if bool((values == usual).all()):
        return None
    return array_parameter(connection, kind, values, quick=quick)


def _flags(connection: sa.Connection, flags: BoolArray, *, quick: bool) -> Any:  # noqa: ANN401 - see above
    if not flags.any():
        return None
    return array_parameter(connection, "I", flags.astype(np.int64), quick=quick)
