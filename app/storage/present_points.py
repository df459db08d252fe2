"""Which series have points somewhere, told without reading the points."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import sqlalchemy as sa

from app.arrays import IntArray, ascending
from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.id_sets import is_in
from app.storage.packed_hours import read_packed_hours
from app.storage.packed_points import COUNT, SPARSE, read_packed_points
from app.storage.point_rows import read_series
from app.storage.series_choice import SeriesChoice
from app.storage.standing_points import listed, read_standing
from app.storage.stored_points import StoredPoints
from app.storage.tiers import POINTS, Tier


def series_with_points(
    connection: sa.Connection, tier: Tier, minute: int, choice: SeriesChoice
) -> IntArray:
    """Those of the series that have points in a minute or bucket, ascending."""
    this = f"minute = {int(minute)}"
    conditions = {POINTS[tier].name: f"{this}{choice.condition}"}
    if tier is Tier.MINUTE:
        conditions = {"point_batch": this, **conditions}
    found = [
        series_id
        for table, condition in conditions.items()
        for _, series_id in read_series(connection, table, condition, choice.series_ids)
    ]
    if tier is Tier.MINUTE:
        for minutes, series_id in _packed(connection, [minute], choice):
            found += [series_id] if minute == minutes else []
    every = ascending(np.concatenate([np.empty(0, np.int64), *found]))
    return every[is_in(every, choice.series_ids)]


def newest_with_points(
    connection: sa.Connection, minutes: Sequence[int], choice: SeriesChoice
) -> int | None:
    """The newest of some minutes, which ascend, with a point of any of the series."""
    rows = {
        "point_batch": f"minute {listed(minutes)}",
        POINTS[Tier.MINUTE].name: f"minute {listed(minutes)}{choice.condition}",
    }
    found = {
        minute
        for table, condition in rows.items()
        for minute, _ in read_series(connection, table, condition, choice.series_ids)
    }
    for minute, series_id in _packed(connection, minutes, choice):
        if minute not in found and is_in(series_id, choice.series_ids).any():
            found.add(minute)
    return max(found.intersection(minutes), default=None)


def read_longer(
    connection: sa.Connection, first: int, last: int, choice: SeriesChoice, columns: Collection[str]
) -> StoredPoints:
    """Points of more than a minute that begin in the minutes from ``first`` up to ``last``."""
    given = f"minute >= {int(first)} AND minute < {int(last)} AND period_ms IS NOT NULL"
    rows = {"point_batch": given, POINTS[Tier.MINUTE].name: f"{given}{choice.condition}"}
    minutes = {
        minute
        for table, condition in rows.items()
        for minute, _ in read_series(connection, table, condition, choice.series_ids)
    }
    for hour in read_packed_hours(connection, first, last):
        for block in read_packed_points(
            connection,
            [hour],
            choice=choice,
            statistics={COUNT},
            condition=SPARSE,
        ):
            minutes.update(minute for minute, _ in block.series_by_minute())
    wanted = [minute for minute in sorted(minutes) if first <= minute < last]
    points = read_standing(connection, wanted, choice, columns)
    return points.where(points.period_ms > MILLISECONDS_PER_MINUTE)


def _packed(
    connection: sa.Connection, minutes: Sequence[int], choice: SeriesChoice
) -> Iterator[tuple[int, IntArray]]:
    """Minutes of packed hours and series that have points in them, perhaps others too."""
    wanted = {Tier.HOUR.bucket(minute) for minute in minutes}
    hours = read_packed_hours(connection, minutes[0], minutes[-1] + 1)
    for block in read_packed_points(
        connection,
        [hour for hour in hours if hour in wanted],
        choice=choice,
        statistics={COUNT},
    ):
        yield from block.series_by_minute()
