"""Minutes that have points."""

import sqlalchemy as sa

from app.storage.minutes import minutes_between
from app.storage.tables import point

_BEFORE = sa.text("SELECT MAX(minute) FROM point WHERE minute < :before")


def newest_minutes(connection: sa.Connection, count: int, before: int) -> list[int]:
    """The ``count`` newest minutes before ``before`` that have points, descending."""
    found: list[int] = []
    while len(found) < count:
        minute = connection.execute(_BEFORE, {"before": before}).scalar_one()
        if minute is None:
            break
        found.append(minute)
        before = minute
    return found


def minutes_with_points(connection: sa.Connection, start_ms: int, end_ms: int) -> list[int]:
    """Minutes that overlap [``start_ms``, ``end_ms``) and have points, ascending."""
    return minutes_between(connection, point, start_ms, end_ms)
