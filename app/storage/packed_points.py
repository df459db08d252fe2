"""Points of settled hours, by series: blocks of an hour read back, as few as hold what is wanted.

A block has the points of some series of one group, and a row in the table for each statistic, with
the same keys. Minimum and Maximum are left out of a block in which they are the Sum to the last
bit, as they are of single samples, and Backfilled where nothing is.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.arrays import BoolArray, FloatArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.array_columns import decoded, fetch_encoded
from app.storage.blocks import MINUTES
from app.storage.column_reader import id_list
from app.storage.id_sets import is_in
from app.storage.series_choice import SeriesChoice
from app.storage.stored_points import StoredExtras, StoredPoints

COUNT, SUM, MINIMUM, MAXIMUM = STATISTICS = ("SampleCount", "Sum", "Minimum", "Maximum")
"""Those that every point has, or may have."""
BACKFILLED = "Backfilled"
"""What is 1 for backfilled points."""
OF_EXTRAS = f" AND statistic NOT IN ({str((*STATISTICS, BACKFILLED))[1:-1]})"
"""A condition on the rows of extra statistics."""
SPARSE = ' AND "row" IS NOT NULL'
"""A condition on the rows of blocks with other points than those of whole minutes, too."""

_AS_SUM = frozenset((MINIMUM, MAXIMUM))
_ESCAPE = "="
_HOURS_AT_ONCE = 24
_LOCATION = ("series_id", '"row"', "start_ms", "period_ms")


def stored_name(statistic: str) -> str:
    """The name under which an extra statistic is packed; no other has it."""
    if statistic in STATISTICS or statistic == BACKFILLED or statistic.startswith(_ESCAPE):
        return f"{_ESCAPE}{statistic}"
    return statistic


def statistic_of(name: str) -> str:
    """The extra statistic that is stored under a name."""
    return name.removeprefix(_ESCAPE)


@dataclass(frozen=True, slots=True)
class PackedBlock:
    """Points of some series in an hour; statistics that were asked for and that they have.

    In a dense block ``row`` is None, and values are matrices (series, 60) in one piece. In a sparse
    one each value belongs to the series at its ``row``, and its point begins ``start_ms`` after the
    hour. There are points where SampleCount is not NaN.
    """

    hour: int
    series_id: IntArray
    row: IntArray | None
    start_ms: IntArray
    period_ms: IntArray
    values: Mapping[str, FloatArray]

    def of(self, statistic: str) -> FloatArray | None:
        """The values of a statistic, NaN where there is none; None if no point has it."""
        values = self.values.get(statistic)
        return self.values.get(SUM) if values is None and statistic in _AS_SUM else values

    def points(self, minutes: BoolArray, series_ids: IntArray | None) -> StoredPoints:
        """The points of those of the hour's minutes that are marked, and of the series.

        Statistics that were not asked for have no meaning.
        """
        wanted = is_in(self.series_id, series_ids)
        if not wanted.any():
            # Before anything is decoded: a block may lie between the ids that are wanted.
            return StoredPoints.empty()
        count = self.values[COUNT]
        good = ~np.isnan(count)
        if self.row is None:
            if not (wanted.all() and minutes.all()):
                good &= (wanted[:, None] & minutes).ravel()
            cells = np.flatnonzero(good)
            row, minute = np.divmod(cells, MINUTES)
            offset_ms = np.zeros(len(cells), np.int64)
            period_ms = np.full(len(cells), MILLISECONDS_PER_MINUTE, np.int64)
        else:
            minute, offset_ms = np.divmod(self.start_ms, MILLISECONDS_PER_MINUTE)
            good &= wanted[self.row] & minutes[minute]
            cells = np.flatnonzero(good)
            row, minute, offset_ms = self.row[cells], minute[cells], offset_ms[cells]
            period_ms = self.period_ms[cells]
        flags = self.values.get(BACKFILLED)
        points = StoredPoints(
            self.hour + minute,
            self.series_id[row],
            offset_ms,
            period_ms,
            count[cells],
            self._cells(SUM, cells),
            self._cells(MINIMUM, cells),
            self._cells(MAXIMUM, cells),
            np.zeros(len(cells), np.bool_) if flags is None else flags[cells] == 1.0,
        )
        return points.with_extras(self._extras(points, cells))

    def series_by_minute(self) -> Iterator[tuple[int, IntArray]]:
        """Minutes with points and the series that have any, some perhaps more than once."""
        good = ~np.isnan(self.values[COUNT])
        if self.row is None:
            matrix = good.reshape(-1, MINUTES)
            for column in np.flatnonzero(matrix.any(axis=0)).tolist():
                yield self.hour + column, self.series_id[matrix[:, column]]
            return
        minute = self.start_ms // MILLISECONDS_PER_MINUTE
        for number in np.unique(minute).tolist():
            yield self.hour + number, self.series_id[self.row[minute == number]]

    def series_of(self, statistic: str) -> IntArray:
        """The series of which any point has a statistic."""
        good = ~np.isnan(self.values[statistic])
        if self.row is None:
            return self.series_id[good.reshape(-1, MINUTES).any(axis=1)]
        return self.series_id[np.unique(self.row[good])]

    @property
    def extra_statistics(self) -> list[str]:
        """The names under which extra statistics are stored, ascending."""
        return sorted(self.values.keys() - {*STATISTICS, BACKFILLED})

    def _cells(self, statistic: str, cells: IntArray) -> FloatArray:
        values = self.of(statistic)
        return np.full(len(cells), np.nan) if values is None else values[cells]

    def _extras(self, points: StoredPoints, cells: IntArray) -> StoredExtras:
        names = self.extra_statistics
        if not names:
            return StoredExtras.empty()
        columns = [self.values[name][cells] for name in names]
        rows = [np.flatnonzero(~np.isnan(column)) for column in columns]
        row = np.concatenate(rows)
        number = np.repeat(np.arange(len(names)), [len(some) for some in rows])
        return StoredExtras(
            points.minute[row],
            points.series_id[row],
            points.offset_ms[row],
            number,
            np.concatenate([column[some] for column, some in zip(columns, rows, strict=True)]),
            points.count[row],
            points.backfilled[row],
            tuple(statistic_of(name) for name in names),
        )


def read_packed_points(
    connection: sa.Connection,
    hours: Sequence[int],
    *,
    choice: SeriesChoice | None = None,
    statistics: Collection[str] | None = None,
    condition: str = "",
) -> Iterator[PackedBlock]:
    """The blocks of some hours with any of the series, perhaps with others too.

    None means all series, and all ``statistics``, to which Sum belongs where Minimum or Maximum
    does. ``condition`` is one more on the rows.
    """
    if choice is not None:
        condition += choice.condition
    named: tuple[str, ...] = ()
    if statistics is not None:
        named = tuple(statistics)
        condition += f" AND statistic IN ({', '.join('?' * len(named))})"
    if choice is not None and choice.is_empty:
        return
    at_once = 1 if choice is None or choice.series_ids is None else _HOURS_AT_ONCE
    for begin in range(0, len(hours), at_once):
        listed = id_list(hours[begin : begin + at_once])
        query = (
            "SELECT minute, group_id, first_series, last_series, statistic, value,"  # noqa: S608 - numbers
            f" {', '.join(_LOCATION)} FROM packed_point WHERE minute IN ({listed}){condition}"
            " ORDER BY minute, group_id, first_series"
        )
        found = fetch_encoded(connection, query, named)
        for (hour, group, first, last), rows in groupby(found, itemgetter(0, 1, 2, 3)):
            if choice is None or choice.may_hold(group, first, last):
                yield _block(connection, hour, list(rows))


class _Columns(Mapping[str, FloatArray]):
    """Values by statistic, decoded when they are asked for."""

    def __init__(self, connection: sa.Connection, encoded: dict[str, bytes]) -> None:
        self._connection = connection
        self._encoded = encoded
        self._decoded: dict[str, FloatArray] = {}

    def __getitem__(self, statistic: str) -> FloatArray:
        if statistic not in self._decoded:
            self._decoded[statistic] = decoded(self._connection, self._encoded[statistic])
        return self._decoded[statistic]

    def __iter__(self) -> Iterator[str]:
        return iter(self._encoded)

    def __len__(self) -> int:
        return len(self._encoded)


def _block(connection: sa.Connection, hour: int, rows: list[tuple[Any, ...]]) -> PackedBlock:
    series_id, row, start_ms, period_ms = (decoded(connection, data) for data in rows[0][6:])
    values = _Columns(connection, {name: data for _, _, _, _, name, data, *_ in rows})
    none = np.empty(0, np.int64)
    if row is None:
        return PackedBlock(hour, series_id, None, none, none, values)
    if period_ms is None:
        period_ms = np.full(len(row), MILLISECONDS_PER_MINUTE, np.int64)
    return PackedBlock(hour, series_id, row, start_ms, period_ms, values)
