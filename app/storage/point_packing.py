"""Points of a settled hour as blocks by series: what is to be written so that they are right."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.array_columns import array_parameter, execute_many, fetch_encoded
from app.storage.blocks import MINUTES, is_dense
from app.storage.bucket_points import BucketPoints, overlapping
from app.storage.packed_hours import read_packed_hours
from app.storage.packed_points import (
    BACKFILLED,
    COUNT,
    MAXIMUM,
    MINIMUM,
    SUM,
    stored_name,
)
from app.storage.packed_sources import Source, SourceIndex
from app.storage.packing import Packed
from app.storage.series_cuts import KEY, cuts
from app.storage.value_packing import without_sources

SERIES_OF_A_BLOCK = 128
"""Fewer, and a metric is many blocks; more, and one series costs too much."""

_Row = tuple[Any, ...]
_KEY = ("minute", "group_id", "statistic", "first_series")
_COLUMNS = ("last_series", "series_id", '"row"', "start_ms", "period_ms", "value")
_SELECT = f"SELECT {', '.join((*_KEY, *_COLUMNS))} FROM packed_point WHERE minute = ?"  # noqa: S608 - constants
_UPSERT = (
    f"INSERT INTO packed_point ({', '.join((*_KEY, *_COLUMNS))})"  # noqa: S608 - constants
    f" VALUES ({', '.join('?' * len((*_KEY, *_COLUMNS)))}) ON CONFLICT ({', '.join(_KEY)})"
    f" DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS)}"
)
_DELETE = f"DELETE FROM packed_point WHERE {' AND '.join(f'{name} = ?' for name in _KEY)}"  # noqa: S608 - constants


def pack_points(
    connection: sa.Connection,
    hour: int,
    points: BucketPoints,
    bounds: range,
    begins: IntArray,
    *,
    sources: SourceIndex | None = None,
) -> Packed | None:
    """What makes the blocks with keys in ``bounds`` those of ``points``; None if they are.

    Blocks that are stored begin at the keys ``begins``, see ``cuts``. ``sources`` takes up what
    will be there; values that lie in what is going to change are stored by themselves.
    """
    hours = _Hour(connection, hour, points, sources)
    wanted: dict[_Row, _Row] = {}
    for begin, end in cuts(points.keys, begins, SERIES_OF_A_BLOCK):
        wanted.update(hours.blocks(begin, end))
    stored = {
        row[: len(_KEY)]: row[len(_KEY) :]
        for row in fetch_encoded(connection, _SELECT + overlapping(bounds), (hour,))
        if row[1] * KEY + row[3] in bounds
    }
    gone = [key for key in stored if key not in wanted]
    new = sorted((*key, *row) for key, row in wanted.items() if stored.get(key) != row)
    if not gone and not new:
        return None
    changed = {Source(*key[1:]) for key in (*gone, *(row[: len(_KEY)] for row in new))}
    keep_values = None
    if stored and read_packed_hours(connection, hour, hour + 1):
        keep_values = without_sources(connection, hour, changed)

    def write(connection: sa.Connection) -> None:
        if keep_values is not None:
            keep_values(connection)
        execute_many(connection, _DELETE, gone)
        execute_many(connection, _UPSERT, new)

    return Packed(write, len(new), sum(len(data) for row in new for data in row[5:] if data))


@dataclass(frozen=True, slots=True)
class _Cells:
    """Rows of points that make a block, and what is the same for all of its statistics.

    ``cells`` are the places of the points in the block, which has ``size`` of them.
    """

    rows: IntArray
    cells: IntArray
    size: int
    group: int
    first_series: int
    columns: _Row
    is_dense: bool

    def values(self, places: IntArray, values: FloatArray) -> FloatArray:
        """Values at some places among the points, spread to their cells."""
        if len(values) == self.size:
            return values
        cells = np.full(self.size, np.nan)
        cells[self.cells[places]] = values
        return cells


class _Hour:
    """The points of an hour, which are made blocks."""

    def __init__(
        self,
        connection: sa.Connection,
        hour: int,
        points: BucketPoints,
        sources: SourceIndex | None,
    ) -> None:
        self._connection = connection
        self._hour = hour
        self._points = points
        # PostgreSQL reads values in SQL alone.
        self._sources = sources if connection.dialect.name == "sqlite" else None

    def blocks(self, begin: int, end: int) -> Iterator[tuple[_Row, _Row]]:
        """Keys and other columns of the rows of blocks with the series from ``begin`` to ``end``.

        One block has those of which all points are of a minute and begin with it, another others.
        """
        points = self._points
        first, last = int(points.bounds[begin]), int(points.bounds[end])
        minute, offset_ms = np.divmod(points.start_ms[first:last], MILLISECONDS_PER_MINUTE)
        row = np.repeat(np.arange(end - begin), np.diff(points.bounds[begin : end + 1]))
        odd = (offset_ms != 0) | (points.period_ms[first:last] != MILLISECONDS_PER_MINUTE)
        is_odd = np.zeros(end - begin, np.bool_)
        is_odd[row[odd]] = True
        for chosen, regular in ((~is_odd, True), (is_odd, False)):
            keys = points.keys[begin:end][chosen]
            if not len(keys):
                continue
            some = np.flatnonzero(chosen[row])
            of_series = (np.cumsum(chosen) - 1)[row[some]]
            dense = regular and is_dense(len(keys), len(some))
            block = _Cells(
                first + some,
                of_series * MINUTES + minute[some] if dense else np.arange(len(some)),
                len(keys) * MINUTES if dense else len(some),
                *divmod(int(keys[0]), KEY),
                (
                    int(keys[-1]) % KEY,
                    array_parameter(self._connection, "I", keys % KEY),
                    *self._location(first + some, None if dense else of_series),
                ),
                dense,
            )
            yield from self._statistics(block)

    def _location(self, rows: IntArray, of_series: IntArray | None) -> _Row:
        """Where the values of a block belong."""
        if of_series is None:
            return None, None, None
        start_ms, period_ms = self._points.start_ms[rows], self._points.period_ms[rows]
        usual = bool((period_ms == MILLISECONDS_PER_MINUTE).all())
        return (
            array_parameter(self._connection, "I", of_series),
            array_parameter(self._connection, "I", start_ms),
            array_parameter(self._connection, "L", None if usual else period_ms),
        )

    def _statistics(self, block: _Cells) -> Iterator[tuple[_Row, _Row]]:
        for statistic, places, values in self._columns(block.rows):
            key = self._hour, block.group, statistic, block.first_series
            cells = block.values(places, values)
            if self._sources is not None and block.is_dense:
                self._sources.add(Source(*key[1:]), cells)
            yield key, (*block.columns, array_parameter(self._connection, "F", cells))

    def _columns(self, rows: IntArray) -> Iterator[tuple[str, IntArray, FloatArray]]:
        """Name, places among the rows, and values of each statistic that is stored."""
        points = self._points
        every = np.arange(len(rows))
        total = points.total[rows]
        yield COUNT, every, points.count[rows]
        yield SUM, every, total
        for statistic, column in ((MINIMUM, points.minimum), (MAXIMUM, points.maximum)):
            values = column[rows]
            if not np.array_equal(values.view(np.int64), total.view(np.int64)):
                yield statistic, every, values
        flags = points.backfilled[rows]
        if flags.any():
            yield BACKFILLED, every, flags.astype(np.float64)
        first, last = np.searchsorted(points.extra_row, [rows[0], rows[-1] + 1]).tolist()
        of_point = points.extra_row[first:last]
        place = np.minimum(np.searchsorted(rows, of_point), len(rows) - 1)
        inside = rows[place] == of_point
        statistics = points.extra_statistic[first:last]
        for number in np.unique(statistics[inside]).tolist():
            some = inside & (statistics == number)
            yield (
                stored_name(points.names[number]),
                place[some],
                points.extra_value[first:last][some],
            )
