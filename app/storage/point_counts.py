"""How many points series have, counted without reading the points."""

import numpy as np
import sqlalchemy as sa

from app.arrays import IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.minutes import minutes_between
from app.storage.presence import series_of_minutes
from app.storage.tiers import POINTS, Tier


def hours_with_points(connection: sa.Connection, first: int, last: int) -> dict[int, int]:
    """The hours that have points in the minutes from ``first`` up to ``last``, ascending.

    An hour is named by its first minute; with it comes in how many of its minutes there are points.
    """
    found: dict[int, int] = {}
    table = POINTS[Tier.MINUTE]
    bounds = first * MILLISECONDS_PER_MINUTE, last * MILLISECONDS_PER_MINUTE
    for minute in minutes_between(connection, table, *bounds):
        hour = Tier.HOUR.bucket(minute)
        found[hour] = found.get(hour, 0) + 1
    return found


def count_points(connection: sa.Connection, first: int, last: int) -> tuple[IntArray, IntArray]:
    """Ids of series, ascending, and the minutes from ``first`` up to ``last`` with any point.

    A series with several points in one minute counts once for it.
    """
    found = series_of_minutes(connection, first, last)
    counts = np.bincount(np.concatenate([np.empty(0, np.int64), *found.values()]))
    ids = np.flatnonzero(counts)
    return ids, counts[ids]
