"""One statistic of points as matrices: a row for each series, a column for each end of a period.

Packed hours are read from their blocks, unless something lies over them; the result is the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.blocks import MINUTES
from app.storage.grid_builder import GridBuilder, Take
from app.storage.id_sets import id_set, is_in
from app.storage.minutes import hours_between
from app.storage.packed_hours import read_packed_hours
from app.storage.packed_points import PackedBlock
from app.storage.point_statistics import (
    StatisticRows,
    read_longer_statistic,
    read_packed_statistic,
    read_statistic,
)
from app.storage.series_choice import SeriesChoice
from app.storage.tables import point
from app.storage.tiers import Tier

LONGEST_PERIOD_MS = 3_600_000
"""Points of longer periods are not found by their end."""


@dataclass(frozen=True, slots=True)
class PointGrid:
    """One statistic of series that have points of one period at the same times.

    ``series_id`` (S,) ascends, ``ends_ms`` (G,) are the ascending ends of the periods; ``values``
    (S, G) are NaN where there is no point, or none with this statistic.
    """

    series_id: IntArray
    period_ms: int
    ends_ms: IntArray
    values: FloatArray


def read_point_grids(
    connection: sa.Connection,
    series_ids: Sequence[int],
    statistic: str,
    start_ms: int,
    end_ms: int,
    *,
    take: Take,
) -> list[PointGrid]:
    """One statistic of series, of points whose periods end in (``start_ms``, ``end_ms``].

    ``statistic`` is CloudWatch's name: Sum, SampleCount, Minimum, Maximum, Average, or an extra
    one such as p99. Periods are at most ``LONGEST_PERIOD_MS``. A series is in one grid for each of
    its periods; series are together when their points begin at the same places within the minute.
    What is older than is kept may be missing in part.
    """
    found = _Found(id_set(series_ids), start_ms, end_ms, take)
    choice = SeriesChoice(connection, found.wanted)
    earliest = (start_ms - LONGEST_PERIOD_MS) // MILLISECONDS_PER_MINUTE
    first = start_ms // MILLISECONDS_PER_MINUTE - 1
    last = end_ms // MILLISECONDS_PER_MINUTE + 1
    # Over a packed hour there may lie what came late.
    unpacked = list(hours_between(connection, point, earliest, last))
    mixed = {Tier.HOUR.bucket(minutes.start) for minutes in unpacked}
    hours = [hour for hour in read_packed_hours(connection, earliest, last) if hour not in mixed]
    # Most periods are a minute. Of what began earlier only those that last longer are fetched.
    before = [hour for hour in hours if hour + Tier.HOUR <= first]
    for some, longer in ((before, True), (hours[len(before) :], False)):
        blocks = read_packed_statistic(connection, statistic, some, choice, longer=longer)
        for block, values in blocks:
            found.add_block(block, values)
    for minutes in unpacked:
        begin, end = max(minutes.start, first), minutes.stop
        if minutes.start < first:
            bounds = minutes.start, min(end, first)
            found.add(read_longer_statistic(connection, statistic, *bounds, choice))
        if begin < end:
            found.add(read_statistic(connection, statistic, range(begin, end), choice))
    return list(found.grids())


class _Rows(NamedTuple):
    series_id: IntArray
    offset_ms: IntArray
    period_ms: IntArray
    end_ms: IntArray
    values: FloatArray


class _Found:
    """Points that are wanted: matrices of regular hours, and what is in rows."""

    def __init__(self, wanted: IntArray, start_ms: int, end_ms: int, take: Take) -> None:
        self.wanted = wanted
        self._start_ms = start_ms
        self._end_ms = end_ms
        self._take = take
        self._rows: list[_Rows] = []
        self._hours: list[tuple[IntArray, IntArray, FloatArray]] = []

    def add(self, rows: StatisticRows) -> None:
        series_id, start_ms, period_ms, values = rows
        end_ms = start_ms + period_ms
        good = (end_ms > self._start_ms) & (end_ms <= self._end_ms)
        good &= (period_ms <= LONGEST_PERIOD_MS) & is_in(series_id, self.wanted)
        good &= ~np.isnan(values)
        offset_ms = start_ms % MILLISECONDS_PER_MINUTE
        self._take(int(good.sum()))
        self._rows.append(
            _Rows(series_id[good], offset_ms[good], period_ms[good], end_ms[good], values[good])
        )

    def add_block(self, block: PackedBlock, values: FloatArray) -> None:
        begin_ms = block.hour * MILLISECONDS_PER_MINUTE
        if block.row is not None:
            series_id = block.series_id[block.row]
            start_ms = begin_ms + block.start_ms
            self.add(StatisticRows(series_id, start_ms, block.period_ms, values))
            return
        ends_ms = begin_ms + np.arange(1, MINUTES + 1) * MILLISECONDS_PER_MINUTE
        times = (ends_ms > self._start_ms) & (ends_ms <= self._end_ms)
        series = is_in(block.series_id, self.wanted)
        values = values.reshape(-1, MINUTES)
        values = values if times.all() else values[:, times]
        values = values if series.all() else values[series]
        self._take(values.size)
        if values.size:
            self._hours.append((block.series_id[series], ends_ms[times], values))

    def grids(self) -> Iterator[PointGrid]:
        """By period, and then by the places within the minute at which points begin."""
        rows = self._all_rows()
        periods = set(np.unique(rows.period_ms).tolist())
        if self._hours:
            periods.add(MILLISECONDS_PER_MINUTE)
        for period_ms in sorted(periods):
            of_period = _Rows(*(column[rows.period_ms == period_ms] for column in rows))
            hours = self._hours if period_ms == MILLISECONDS_PER_MINUTE else []
            for builder in _grouped(of_period, hours):
                series_id, ends_ms, values = builder.build(self._take)
                if values.size:
                    yield PointGrid(series_id, period_ms, ends_ms, values)

    def _all_rows(self) -> _Rows:
        none = np.empty(0, np.int64)
        rows = [_Rows(none, none, none, none, np.empty(0)), *self._rows]
        return _Rows(*(np.concatenate(parts) for parts in zip(*rows, strict=True)))


def _grouped(
    rows: _Rows, hours: list[tuple[IntArray, IntArray, FloatArray]]
) -> Iterator[GridBuilder]:
    """A builder for the series whose points begin at the same places within the minute."""
    series_id, offset_ms, end_ms, values = rows.series_id, rows.offset_ms, rows.end_ms, rows.values
    if not offset_ms.any():
        builder = GridBuilder()
        builder.add(end_ms, series_id, values)
        for some, times, block in hours:
            builder.add_block(times, some, block)
        yield builder
        return
    for some, times, block in hours:
        row, column = np.nonzero(~np.isnan(block))
        series_id = np.append(series_id, some[row])
        offset_ms = np.append(offset_ms, np.zeros(len(row), np.int64))
        end_ms = np.append(end_ms, times[column])
        values = np.append(values, block[row, column])
    pairs = np.unique(series_id * MILLISECONDS_PER_MINUTE + offset_ms)
    owner, offset = np.divmod(pairs, MILLISECONDS_PER_MINUTE)
    series, begins = np.unique(owner, return_index=True)
    places: dict[bytes, list[int]] = {}
    for one, offsets in zip(series.tolist(), np.split(offset, begins[1:]), strict=True):
        places.setdefault(offsets.tobytes(), []).append(one)
    for members in places.values():
        chosen = is_in(series_id, np.array(members, np.int64))
        builder = GridBuilder()
        builder.add(end_ms[chosen], series_id[chosen], values[chosen])
        yield builder
