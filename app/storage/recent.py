"""The newest minutes that have points."""

import sqlalchemy as sa

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
