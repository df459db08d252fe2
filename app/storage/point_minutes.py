"""Minutes that have points."""

import sqlalchemy as sa

from app.storage.minutes import clamped, minutes_between
from app.storage.tables import packed_hour, point
from app.storage.tiers import Tier

_BEFORE = tuple(
    sa.text(f"SELECT MAX(minute) FROM {table} WHERE minute < :before")  # noqa: S608 - constants
    for table in ("point_batch", "point")
)
_LAST_MINUTE = 2**31 - 1


def newest_minutes(connection: sa.Connection, count: int, before: int) -> list[int]:
    """The ``count`` newest minutes before ``before`` that have points, descending."""
    found: list[int] = []
    while len(found) < count:
        minute = _last_before(connection, before)
        if minute is None:
            break
        found.append(minute)
        before = minute
    return found


def newest_minute_of_points(connection: sa.Connection) -> int | None:
    """The newest minute that has points; None without any."""
    return _last_before(connection, _LAST_MINUTE)


def minutes_with_points(connection: sa.Connection, start_ms: int, end_ms: int) -> list[int]:
    """Minutes that overlap [``start_ms``, ``end_ms``) and have points, ascending."""
    return minutes_between(connection, point, start_ms, end_ms)


def _last_before(connection: sa.Connection, before: int) -> int | None:
    bounds = {"before": clamped(before)}
    found = [connection.execute(query, bounds).scalar_one() for query in _BEFORE]
    hour, mask = packed_hour.c.minute, packed_hour.c.point_minutes
    query = sa.select(hour, mask).where(hour < clamped(before), mask != 0)
    # All of the newest hour's may be later, none of the one before it.
    for begin, bits in connection.execute(query.order_by(hour.desc()).limit(2)):
        found += [
            begin + minute
            for minute in range(Tier.HOUR)
            if bits >> minute & 1 and begin + minute < before
        ]
    return max((minute for minute in found if minute is not None), default=None)
