"""Which minutes a big table has rows for, found by hopping along its key."""

from typing import Literal

import sqlalchemy as sa

from app.clock import MILLISECONDS_PER_MINUTE
from app.errors import ResultTooLarge

_HOP = """
    WITH RECURSIVE hop(minute) AS (
        SELECT MIN(minute) FROM {table} WHERE minute >= :first AND minute < :last
        UNION ALL
        SELECT (SELECT MIN(minute) FROM {table} t WHERE t.minute > hop.minute AND t.minute < :last)
        FROM hop WHERE hop.minute IS NOT NULL
    )
    SELECT minute FROM hop WHERE minute IS NOT NULL
"""

_QUERIES = {table: sa.text(_HOP.format(table=table)) for table in ("point", "metric_value")}


def minutes_between(
    connection: sa.Connection,
    table: Literal["point", "metric_value"],
    start_ms: int,
    end_ms: int,
) -> list[int]:
    """Minutes with rows, ascending, that begin before ``end_ms`` and end after ``start_ms``."""
    bounds = {
        "first": _clamped(start_ms // MILLISECONDS_PER_MINUTE),
        "last": _clamped(-(-end_ms // MILLISECONDS_PER_MINUTE)),
    }
    return list(connection.execute(_QUERIES[table], bounds).scalars())


def check_limit(count: int, limit: int) -> None:
    """Raise ``ResultTooLarge`` when a query has found more than it may."""
    if count > limit:
        raise ResultTooLarge(
            f"the answer holds more than {limit} points; narrow the time range or the filters,"
            " or raise HYDRANT_QUERY_MAX_POINTS"
        )


def _clamped(minute: int) -> int:
    return max(-(2**31), min(minute, 2**31 - 1))
