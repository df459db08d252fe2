"""Points read back as columns: one minute for the evaluator, a range of series for queries."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.rules import MinutePoints
from app.storage.chunks import chunked
from app.storage.columns import doubles, fetch, integers, transposed
from app.storage.minutes import check_limit, minutes_of_range
from app.storage.tiers import POINTS, Tier

# Above this many series, reading a range whole and picking is cheaper than looking each one up.
_MOST_LOOKUPS = 2_000
# What is read before the limit is looked at again.
_ROWS_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class PointRange:
    """Points of some series in a range, ordered by (series, time).

    ``extra`` holds rows (index of the point, statistic, value).
    """

    series_id: IntArray
    start_ms: IntArray
    period_ms: IntArray
    count: FloatArray
    total: FloatArray
    minimum: FloatArray
    maximum: FloatArray
    extra: list[tuple[int, str, float]]

    def __len__(self) -> int:
        return len(self.series_id)


def read_minute_points(connection: sa.Connection, minute: int) -> MinutePoints:
    """All points of a minute."""
    rows = fetch(connection, _POINTS_OF_MINUTE, {"minute": minute})
    columns = transposed(rows, 6)
    series_id, offset_ms = (integers(column) for column in columns[:2])
    count, total, minimum, maximum = (doubles(column) for column in columns[2:])
    extras = fetch(connection, _EXTRAS_OF_MINUTE, {"minute": minute})
    key = series_id * MILLISECONDS_PER_MINUTE + offset_ms
    wanted = np.array([row[0] * MILLISECONDS_PER_MINUTE + row[1] for row in extras], np.int64)
    return MinutePoints(
        minute,
        series_id,
        offset_ms,
        count,
        total,
        minimum,
        maximum,
        np.searchsorted(key, wanted),
        tuple(row[2] for row in extras),
        np.array([row[3] for row in extras], np.float64),
    )


def read_points(
    connection: sa.Connection,
    series_ids: Sequence[int],
    start_ms: int,
    end_ms: int,
    *,
    limit: int | None,
    tier: Tier = Tier.MINUTE,
) -> PointRange:
    """Points with ``start_ms`` <= start < ``end_ms``.

    Of a longer tier they are its buckets, of which both times are multiples, and single points
    where those have changed since; extra statistics are those of minutes alone. Raises
    ``ResultTooLarge`` when there are more than ``limit``; None is no limit.
    """
    reader = _Reader(connection, series_ids, limit, extras=tier is Tier.MINUTE)
    at_once = max(1, _ROWS_AT_ONCE // max(1, len(series_ids)))
    for source, minutes in minutes_of_range(connection, POINTS, tier, start_ms, end_ms):
        for chunk in chunked(minutes, at_once):
            reader.read(source, chunk)
    rows = [row for row in reader.rows if start_ms <= row[1] < end_ms]
    rows.sort(key=lambda row: row[:2])
    place = {row[:2]: number for number, row in enumerate(rows)}
    extra = [(place[row[:2]], row[2], row[3]) for row in reader.extras if row[:2] in place]
    columns = transposed(rows, 7)
    series_id, start, period_ms = (integers(column) for column in columns[:3])
    count, total, minimum, maximum = (doubles(column) for column in columns[3:])
    return PointRange(series_id, start, period_ms, count, total, minimum, maximum, extra)


class _Reader:
    """Collects rows, by look-up or by reading whole minutes, whichever is cheaper."""

    def __init__(
        self,
        connection: sa.Connection,
        series_ids: Sequence[int],
        limit: int | None,
        *,
        extras: bool,
    ) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self.extras: list[tuple[Any, ...]] = []
        self._connection = connection
        self._series_ids = series_ids
        self._wanted = frozenset(series_ids)
        self._limit = limit
        self._with_extras = extras

    def read(self, tier: Tier, minutes: Sequence[int]) -> None:
        """Append what these minutes of a tier hold of the series."""
        if len(self._series_ids) > _MOST_LOOKUPS:
            parameters: dict[str, object] = {"minutes": minutes}
            self.rows += self._picked(_POINTS[tier], parameters)
            if self._with_extras:
                self.extras += self._picked(_EXTRAS, parameters)
        else:
            for ids in chunked(self._series_ids, 500):
                parameters = {"minutes": minutes, "ids": ids}
                self.rows += self._picked(_POINTS_OF[tier], parameters)
                if self._with_extras:
                    self.extras += self._picked(_EXTRAS_OF, parameters)
        check_limit(len(self.rows) + len(self.extras), self._limit)

    def _picked(
        self, query: sa.TextClause, parameters: dict[str, object]
    ) -> Iterator[tuple[Any, ...]]:
        rows = fetch(self._connection, query, parameters)
        return (row for row in rows if row[0] in self._wanted)


def _query(text: str, *names: str) -> sa.TextClause:
    return sa.text(text).bindparams(*(sa.bindparam(name, expanding=True) for name in names))


_POINTS_OF_MINUTE = sa.text(
    "SELECT series_id, offset_ms, sample_count, sum, minimum, maximum FROM point"
    " WHERE minute = :minute ORDER BY series_id, offset_ms"
)
_EXTRAS_OF_MINUTE = sa.text(
    "SELECT e.series_id, e.offset_ms, e.statistic, e.value FROM extra_statistic e"
    " JOIN point p ON p.minute = e.minute AND p.series_id = e.series_id"
    " AND p.offset_ms = e.offset_ms AND p.sample_count = e.sample_count"
    " AND (p.backfilled IS NULL) = (e.backfilled IS NULL)"
    " WHERE e.minute = :minute ORDER BY e.series_id, e.offset_ms, e.statistic"
)
_SELECT_POINTS = {
    tier: (
        "SELECT series_id, CAST(minute AS BIGINT) * 60000 + offset_ms, period_ms,"  # noqa: S608 - constants
        f" sample_count, sum, minimum, maximum FROM {table.name} WHERE minute IN :minutes"
    )
    for tier, table in POINTS.items()
}
_SELECT_EXTRAS = (
    "SELECT e.series_id, CAST(e.minute AS BIGINT) * 60000 + e.offset_ms, e.statistic, e.value"
    " FROM extra_statistic e JOIN point p ON p.minute = e.minute AND p.series_id = e.series_id"
    " AND p.offset_ms = e.offset_ms AND p.sample_count = e.sample_count"
    " AND (p.backfilled IS NULL) = (e.backfilled IS NULL)"
    # Said of both, so that of neither table more is looked at than the partitions of these minutes.
    " WHERE e.minute IN :minutes AND p.minute IN :minutes"
)
_POINTS = {tier: _query(text, "minutes") for tier, text in _SELECT_POINTS.items()}
_POINTS_OF = {
    tier: _query(f"{text} AND series_id IN :ids", "minutes", "ids")
    for tier, text in _SELECT_POINTS.items()
}
_EXTRAS = _query(_SELECT_EXTRAS, "minutes")
_EXTRAS_OF = _query(f"{_SELECT_EXTRAS} AND e.series_id IN :ids", "minutes", "ids")
