"""The points that an explanation rests on: of one minute, and of the minutes that windows see."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from app.clock import MILLISECONDS_PER_MINUTE
from app.rules import MinutePoints
from app.storage import Connection, PointRange, read_points


@dataclass(frozen=True, slots=True)
class SourcePoint:
    """A stored point; ``minimum`` and ``maximum`` are NaN where unknown."""

    start_ms: int
    period_ms: int
    count: float
    total: float
    minimum: float
    maximum: float
    extra: dict[str, float]


@dataclass(frozen=True, slots=True)
class SourcePoints:
    """Points of some series: the explained minute, earlier minutes that have any, and all rows.

    ``extra`` holds the extra statistics by row.
    """

    minute: MinutePoints
    earlier: tuple[MinutePoints, ...]
    rows: PointRange
    extra: dict[int, dict[str, float]]

    def of_series(self, series_id: int) -> list[SourcePoint]:
        """A series' points in the explained minute, by time."""
        start_ms = self.minute.minute * MILLISECONDS_PER_MINUTE
        return [point for point in self._points(series_id) if point.start_ms >= start_ms]

    def earlier_of_series(self, series_id: int) -> list[SourcePoint]:
        """A series' points of the minutes before, by time."""
        start_ms = self.minute.minute * MILLISECONDS_PER_MINUTE
        return [point for point in self._points(series_id) if point.start_ms < start_ms]

    def _points(self, series_id: int) -> Iterator[SourcePoint]:
        rows = self.rows
        first, end = np.searchsorted(rows.series_id, [series_id, series_id + 1]).tolist()
        for row in range(first, end):
            yield SourcePoint(
                int(rows.start_ms[row]),
                int(rows.period_ms[row]),
                float(rows.count[row]),
                float(rows.total[row]),
                float(rows.minimum[row]),
                float(rows.maximum[row]),
                dict(sorted(self.extra.get(row, {}).items())),
            )


def read_source_points(
    connection: Connection, series_ids: Sequence[int], minute: int, lookback: int, *, limit: int
) -> SourcePoints:
    """Points of the series in a minute and ``lookback`` minutes before it.

    Raises ``ResultTooLarge`` when there are more than ``limit``.
    """
    first, end = minute - lookback, minute + 1
    rows = read_points(
        connection,
        series_ids,
        first * MILLISECONDS_PER_MINUTE,
        end * MILLISECONDS_PER_MINUTE,
        limit=limit,
    )
    minutes = np.unique(rows.start_ms // MILLISECONDS_PER_MINUTE).tolist()
    earlier = tuple(_of_minute(rows, number) for number in minutes if number != minute)
    extra: dict[int, dict[str, float]] = {}
    for row, statistic, value in rows.extra:
        extra.setdefault(row, {})[statistic] = value
    return SourcePoints(_of_minute(rows, minute), earlier, rows, extra)


def _of_minute(points: PointRange, minute: int) -> MinutePoints:
    of_point, offset_ms = np.divmod(points.start_ms, MILLISECONDS_PER_MINUTE)
    rows = np.flatnonzero(of_point == minute)
    place = np.full(len(points), -1, np.int64)
    place[rows] = np.arange(len(rows))
    extra = [item for item in points.extra if place[item[0]] >= 0]
    return MinutePoints(
        minute,
        points.series_id[rows],
        offset_ms[rows],
        points.count[rows],
        points.total[rows],
        points.minimum[rows],
        points.maximum[rows],
        np.array([place[row] for row, _, _ in extra], np.int64),
        tuple(name for _, name, _ in extra),
        np.array([value for _, _, value in extra], np.float64),
    )
