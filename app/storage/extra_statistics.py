"""Which extra statistics points have, told by looking at some minutes."""

import json
from collections.abc import Iterator, Sequence

import numpy as np
import sqlalchemy as sa

from app.arrays import IntArray
from app.storage.array_columns import decoded, fetch_encoded
from app.storage.chunks import chunked
from app.storage.column_reader import fetch_rows, id_list
from app.storage.packed_hours import read_packed_hours
from app.storage.packed_points import OF_EXTRAS, read_packed_points, statistic_of
from app.storage.standing_points import listed
from app.storage.tables import packed_hour
from app.storage.tiers import Tier

_TABLES = ("point_batch", "point")
_LAST_MINUTE = 2**31 - 1
_IDS_AT_ONCE = 5_000


def statistics_of_minutes(
    connection: sa.Connection, first: int, last: int
) -> list[tuple[int, str]]:
    """The (series id, extra statistic) with values from minute ``first`` up to ``last``.

    Of a packed hour it is the whole of it that is looked at.
    """
    found: set[tuple[int, str]] = set()
    hours = read_packed_hours(connection, first, last)
    for series_id, statistic in _found(
        connection, f">= {int(first)} AND minute < {int(last)}", hours
    ):
        found.update((one, statistic) for one in series_id.tolist())
    return sorted(found)


def read_extra_statistics(
    connection: sa.Connection, minutes: Sequence[int]
) -> list[tuple[str, str, str, str]]:
    """The (namespace, metric, kind, extra statistic) of points of some minutes."""
    wanted = sorted(minutes)
    if not wanted:
        return []
    of_minutes = {Tier.HOUR.bucket(minute) for minute in wanted}
    hours = [
        hour
        for hour in read_packed_hours(connection, wanted[0], wanted[-1] + 1)
        if hour in of_minutes
    ]
    # All series of a metric mostly have the same statistics: they are looked up once.
    of_series: dict[bytes, tuple[IntArray, set[str]]] = {}
    for series_id, statistic in _found(connection, listed(wanted), hours):
        of_series.setdefault(series_id.tobytes(), (series_id, set()))[1].add(statistic)
    found = {
        (*sort, statistic)
        for series_id, statistics in of_series.values()
        for sort in _sorts(connection, series_id)
        for statistic in statistics
    }
    return sorted(found)


def newest_minutes_with_extras(
    connection: sa.Connection, back: tuple[int, ...], end_minute: int | None
) -> list[int]:
    """The newest minute with extra statistics, and the last so many minutes before it.

    With ``end_minute`` also the last before that one. Of a packed hour it is the last minute that
    has points.
    """
    newest = _newest(connection, _LAST_MINUTE)
    if newest is None:
        return []
    wanted = [newest - minutes for minutes in back]
    if end_minute is not None:
        wanted.append(end_minute)
    found = {_newest(connection, last) for last in wanted}
    return sorted(minute for minute in found if minute is not None)


def _found(
    connection: sa.Connection, minutes: str, hours: Sequence[int]
) -> Iterator[tuple[IntArray, str]]:
    """Series, each once, and an extra statistic that they have, perhaps again and again.

    ``minutes`` is a condition on those of batches and merged blocks.
    """
    for table in _TABLES:
        query = f"{_EXTRAS.format(table=table)} AND minute {minutes}"
        for *encoded, names in fetch_encoded(connection, query):
            series_id, statistic = (decoded(connection, data) for data in encoded)
            for number, name in enumerate(json.loads(names)):
                yield np.unique(series_id[statistic == number]), name
    for hour in hours:
        for block in read_packed_points(connection, [hour], condition=OF_EXTRAS):
            for name in block.extra_statistics:
                yield block.series_of(name), statistic_of(name)


def _sorts(connection: sa.Connection, series_id: IntArray) -> set[tuple[str, str, str]]:
    """The (namespace, metric, kind) of series."""
    found: set[tuple[str, str, str]] = set()
    for ids in chunked(series_id.tolist(), _IDS_AT_ONCE):
        query = (
            "SELECT DISTINCT namespace, metric, kind FROM series"  # noqa: S608 - numbers
            f" WHERE series_id IN ({id_list(ids)})"
        )
        found.update((row[0], row[1], row[2]) for row in fetch_rows(connection, query))
    return found


def _newest(connection: sa.Connection, last: int) -> int | None:
    """The newest minute up to ``last`` with extra statistics."""
    newest = [connection.execute(query, {"last": last}).scalar() for query in _NEWEST]
    newest.append(_newest_packed(connection, last))
    return max((minute for minute in newest if minute is not None), default=None)


def _newest_packed(connection: sa.Connection, last: int) -> int | None:
    bounds = {"last": last}
    while (hour := connection.execute(_NEWEST_PACKED, bounds).scalar()) is not None:
        query = sa.select(packed_hour.c.point_minutes).where(packed_hour.c.minute == hour)
        mask = connection.execute(query).scalar_one()
        minutes: list[int] = [hour + number for number in range(Tier.HOUR) if mask >> number & 1]
        up_to = [minute for minute in minutes if minute <= last]
        if up_to:
            return up_to[-1]
        bounds = {"last": hour - 1}
    return None


_EXTRAS = (
    "SELECT extra_series_id, extra_statistic, extra_names FROM {table}"
    " WHERE extra_names IS NOT NULL"
)
_NEWEST = [
    sa.text(
        f"SELECT minute FROM {table} WHERE minute <= :last AND extra_names IS NOT NULL"  # noqa: S608 - constants
        " ORDER BY minute DESC LIMIT 1"
    )
    for table in _TABLES
]
_NEWEST_PACKED = sa.text(
    "SELECT minute FROM packed_point WHERE minute <= :last"  # noqa: S608 - constants
    f"{OF_EXTRAS} AND minute IN (SELECT minute FROM packed_hour) ORDER BY minute DESC LIMIT 1"
)
