"""What occurs in a range of time, told by looking at hours, and at minutes where these are newer.

For lists of names and series, which people want at once and not to the minute. The places to look
at are the hours that the range touches, as they were rolled up, and the minutes of hours that have
changed since; of many, some are chosen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from app.arrays import IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.buckets import metrics_of_minute
from app.storage.chunks import chunked
from app.storage.columns import fetch, integers, transposed
from app.storage.minutes import minutes_of_range
from app.storage.tiers import POINTS, VALUES, Tier

# Above this many series, reading all of a place and picking is cheaper than looking each one up.
_MOST_LOOKUPS = 2_000
_PLACES_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket of an hour, or a minute."""

    tier: Tier
    minute: int


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look, the newest first; ``all`` tells that nothing of the range was left out."""

    chosen: Sequence[Place]
    all: bool


def places_of_points(connection: sa.Connection, start_ms: int, end_ms: int, most: int) -> Places:
    """Places with points in (``start_ms``, ``end_ms``], at most so many."""
    return _places(connection, POINTS, start_ms, end_ms, most)


def places_of_values(connection: sa.Connection, start_ms: int, end_ms: int, most: int) -> Places:
    """Places with values of metrics in (``start_ms``, ``end_ms``], at most so many."""
    return _places(connection, VALUES, start_ms, end_ms, most)


def series_at(connection: sa.Connection, place: Place, series_ids: Sequence[int]) -> IntArray:
    """Those of the series that have points at a place, ascending."""
    found: list[IntArray] = []
    if len(series_ids) > _MOST_LOOKUPS:
        found.append(_ids(connection, _SERIES[place.tier], {"minute": place.minute}))
    else:
        for ids in chunked(list(series_ids), 500):
            parameters = {"minute": place.minute, "ids": ids}
            found.append(_ids(connection, _SERIES_OF[place.tier], parameters))
    every = np.concatenate([np.empty(0, np.int64), *found])
    return np.intersect1d(every, np.array(series_ids, np.int64))


def series_of_longer_periods(
    connection: sa.Connection, series_ids: Sequence[int], start_ms: int
) -> IntArray:
    """Those of the series with points of more than a minute that begin before a time and end after.

    They ascend; points of more than an hour are not looked for.
    """
    last = start_ms // MILLISECONDS_PER_MINUTE
    minutes = list(range(last - Tier.HOUR, last + 1))
    found = [
        _ids(connection, _LONGER, {"minutes": minutes, "ids": ids, "start": start_ms})
        for ids in chunked(list(series_ids), 500)
    ]
    return np.unique(np.concatenate([np.empty(0, np.int64), *found]))


def metrics_at(connection: sa.Connection, place: Place) -> list[int]:
    """Ids of the metrics that have values at a place."""
    return metrics_of_minute(connection, place.tier, place.minute)


def values_at(
    connection: sa.Connection, places: Sequence[Place], metric_id: int
) -> tuple[IntArray, IntArray]:
    """The entities and label sets of which a metric has values at any of the places, as pairs.

    They ascend together.
    """
    pairs: set[tuple[int, int]] = set()
    for tier in Tier:
        minutes = [place.minute for place in places if place.tier is tier]
        for chunk in chunked(minutes, _PLACES_AT_ONCE):
            parameters = {"minutes": chunk, "metric": metric_id}
            pairs.update(fetch(connection, _VALUES[tier], parameters))
    columns = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    return columns[:, 0], columns[:, 1]


def _places(
    connection: sa.Connection,
    tables: Mapping[Tier, sa.Table],
    start_ms: int,
    end_ms: int,
    most: int,
) -> Places:
    # A period that ends in the range begins before its end.
    start_ms = start_ms // MILLISECONDS_PER_MINUTE * MILLISECONDS_PER_MINUTE
    first, last = start_ms // MILLISECONDS_PER_MINUTE, end_ms // MILLISECONDS_PER_MINUTE
    found = [
        Place(tier, minute)
        for tier, minutes in minutes_of_range(connection, tables, Tier.HOUR, start_ms, end_ms)
        for minute in minutes
        if tier is not Tier.MINUTE or first <= minute < last
    ]
    found.sort(key=lambda place: -place.minute)
    if len(found) <= most:
        return Places(found, all=True)
    chosen = np.unique(np.linspace(0, len(found) - 1, most).astype(np.int64))
    return Places([found[number] for number in chosen.tolist()], all=False)


def _ids(
    connection: sa.Connection, query: sa.TextClause, parameters: Mapping[str, object]
) -> IntArray:
    (ids,) = transposed(fetch(connection, query, parameters), 1)
    return integers(ids)


_SERIES = {
    tier: sa.text(f"SELECT DISTINCT series_id FROM {table.name} WHERE minute = :minute")  # noqa: S608 - constants
    for tier, table in POINTS.items()
}
_SERIES_OF = {
    tier: sa.text(
        f"SELECT DISTINCT series_id FROM {table.name}"  # noqa: S608 - constants
        " WHERE minute = :minute AND series_id IN :ids"
    ).bindparams(sa.bindparam("ids", expanding=True))
    for tier, table in POINTS.items()
}
_LONGER = sa.text(
    "SELECT DISTINCT series_id FROM point WHERE minute IN :minutes AND series_id IN :ids"
    " AND period_ms > 60000"
    " AND CAST(minute AS BIGINT) * 60000 + offset_ms + period_ms > :start"
).bindparams(sa.bindparam("minutes", expanding=True), sa.bindparam("ids", expanding=True))
_VALUES = {
    tier: sa.text(
        f"SELECT DISTINCT entity_id, label_set_id FROM {table.name}"  # noqa: S608 - constants
        " WHERE minute IN :minutes AND metric_id = :metric"
    ).bindparams(sa.bindparam("minutes", expanding=True))
    for tier, table in VALUES.items()
}
