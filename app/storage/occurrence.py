"""What occurs in a range of time, told by looking at hours, and at minutes where these are newer.

For lists of names and series, which people want at once and not to the minute. The places to look
at are the hours that the range touches, as they were rolled up, and the minutes of hours that have
changed since; of many, some are chosen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from app.arrays import IntArray, ascending
from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.buckets import metrics_of_minute
from app.storage.id_sets import id_set
from app.storage.minutes import minutes_of_range
from app.storage.point_rows import WITHOUT_EXTRAS
from app.storage.present_points import read_longer, series_with_points
from app.storage.series_choice import SeriesChoice
from app.storage.tiers import POINTS, VALUES, Tier
from app.storage.value_minutes import read_entities, read_packed_minutes
from app.storage.values import ID


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
    choice = SeriesChoice(connection, id_set(series_ids))
    return series_with_points(connection, place.tier, place.minute, choice)


def series_of_longer_periods(
    connection: sa.Connection, series_ids: Sequence[int], start_ms: int
) -> IntArray:
    """Those of the series with points of more than a minute that begin before a time and end after.

    They ascend; points of more than an hour are not looked for.
    """
    last = start_ms // MILLISECONDS_PER_MINUTE
    choice = SeriesChoice(connection, id_set(series_ids))
    points = read_longer(connection, last - Tier.HOUR, last + 1, choice, WITHOUT_EXTRAS)
    return np.unique(points.series_id[points.start_ms + points.period_ms > start_ms])


def metrics_at(connection: sa.Connection, place: Place) -> list[int]:
    """Ids of the metrics that have values at a place."""
    return metrics_of_minute(connection, place.tier, place.minute)


def values_at(
    connection: sa.Connection, places: Sequence[Place], metric_id: int
) -> tuple[IntArray, IntArray]:
    """The entities and label sets of which a metric has values at any of the places, as pairs.

    They ascend together.
    """
    found = [np.empty(0, np.int64)]
    for tier in Tier:
        minutes = sorted(place.minute for place in places if place.tier is tier)
        left = set(minutes)
        before: tuple[object, object] | None = None
        for minute, *ids in read_entities(connection, tier, metric_id, minutes):
            left.discard(minute)
            # From one row to the next they mostly are the same arrays.
            if before is None or ids[0] is not before[0] or ids[1] is not before[1]:
                before = ids[0], ids[1]
                found.append(ids[0] * ID + ids[1])
        if tier is Tier.MINUTE:
            blocks = read_packed_minutes(connection, metric_id, sorted(left), parts=False)
            for block in blocks:
                present = ~np.isnan(block.value).all(axis=1)
                found.append((block.entity_id * ID + block.label_set_id)[present])
    keys = ascending(np.concatenate(found))
    return keys // ID, keys % ID


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
