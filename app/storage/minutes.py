"""Which minutes of which table hold the rows of a range, found by hopping along the key.

Minutes of packed hours are told by a bit mask. In both, some may turn out to be empty.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import sqlalchemy as sa

from app.clock import MILLISECONDS_PER_MINUTE
from app.errors import ResultTooLarge
from app.storage.tables import packed_hour, point_batch
from app.storage.tiers import PARTITION_MINUTES, POINTS, VALUES, Tier, marked_buckets

# The next minute is looked for in the partition of the last one first: a look into each of them, at
# every step, would take ten times as long.
_HOP = """
    WITH RECURSIVE hop(minute) AS (
        SELECT MIN(minute) FROM {table} WHERE minute >= :first AND minute < :last
        UNION ALL
        SELECT COALESCE(
            (SELECT MIN(minute) FROM {table} t WHERE t.minute > hop.minute AND t.minute < :last
             AND t.minute < CAST(hop.minute AS BIGINT) - hop.minute % {length} + {length}),
            (SELECT MIN(minute) FROM {table} t WHERE t.minute > hop.minute AND t.minute < :last)
        )
        FROM hop WHERE hop.minute IS NOT NULL
    )
    SELECT minute FROM hop WHERE minute IS NOT NULL
"""

_MINUTE_TABLES = {
    POINTS[Tier.MINUTE].name: (point_batch.name, POINTS[Tier.MINUTE].name),
    VALUES[Tier.MINUTE].name: (VALUES[Tier.MINUTE].name,),
}
"""Where rows of minutes are that are not packed."""
_MASKS = {
    POINTS[Tier.MINUTE].name: packed_hour.c.point_minutes,
    VALUES[Tier.MINUTE].name: packed_hour.c.value_minutes,
}
_QUERIES = {
    name: sa.text(_HOP.format(table=name, length=PARTITION_MINUTES[tier]))
    for tables in (POINTS, VALUES)
    for tier, table in tables.items()
    for name in _MINUTE_TABLES.get(table.name, (table.name,))
}
_NEXT = {
    name: sa.text(
        f"SELECT MIN(minute) FROM {name} WHERE minute >= :first AND minute < :last"  # noqa: S608 - constants
    )
    for names in _MINUTE_TABLES.values()
    for name in names
}


RangeMinutes: TypeAlias = dict[tuple[Tier, int, int], list[tuple[Tier, list[int]]]]
"""What ``minutes_of_range`` has found in one transaction, by tier and range."""


def minutes_of_range(
    connection: sa.Connection,
    tables: Mapping[Tier, sa.Table],
    tier: Tier,
    start_ms: int,
    end_ms: int,
) -> list[tuple[Tier, list[int]]]:
    """The tiers to read and the minutes with rows in each, ascending.

    The rows begin before ``end_ms`` and end after ``start_ms``. Where minutes have changed since
    their bucket was rolled up, they are read themselves: what is read is always up to date.
    """
    if tier is Tier.MINUTE:
        return [(tier, minutes_between(connection, tables[tier], start_ms, end_ms))]
    first = tier.bucket(clamped(start_ms // MILLISECONDS_PER_MINUTE))
    last = clamped(-(-end_ms // MILLISECONDS_PER_MINUTE))
    marked = {bucket for bucket in marked_buckets(connection, tier) if first <= bucket < last}
    buckets = _between(connection, tables[tier], first, last)
    minutes = []
    for begin, end in _runs(marked, tier):
        minutes += _between(connection, tables[Tier.MINUTE], begin, end)
    return [(tier, [b for b in buckets if b not in marked]), (Tier.MINUTE, minutes)]


def minutes_between(
    connection: sa.Connection, table: sa.Table, start_ms: int, end_ms: int
) -> list[int]:
    """Minutes of a tier's table, ascending, that overlap [``start_ms``, ``end_ms``).

    Those of ``point`` and ``metric_value`` are all minutes with points and values.
    """
    first = clamped(start_ms // MILLISECONDS_PER_MINUTE)
    last = clamped(-(-end_ms // MILLISECONDS_PER_MINUTE))
    return _between(connection, table, first, last)


def hours_between(
    connection: sa.Connection, table: sa.Table, first: int, last: int
) -> Iterator[range]:
    """The minutes from ``first`` up to ``last``, hour by hour; hours without rows are left out.

    Of ``point`` and ``metric_value``: what is packed has no rows.
    """
    first, last = clamped(first), clamped(last)
    while first < last:
        bounds = {"first": first, "last": last}
        each = (
            connection.execute(_NEXT[name], bounds).scalar_one()
            for name in _MINUTE_TABLES[table.name]
        )
        found = [minute for minute in each if minute is not None]
        if not found:
            return
        hour = Tier.HOUR.bucket(min(found))
        yield range(max(first, hour), min(last, hour + Tier.HOUR))
        first = hour + Tier.HOUR


def check_limit(count: int, limit: int | None) -> None:
    """Raise ``ResultTooLarge`` when a query has found more than it may; None is no limit."""
    if limit is not None and count > limit:
        raise ResultTooLarge(
            f"the answer holds more than {limit} points; narrow the time range or the filters,"
            " or raise HYDRANT_QUERY_MAX_POINTS"
        )


def _between(connection: sa.Connection, table: sa.Table, first: int, last: int) -> list[int]:
    bounds = {"first": first, "last": last}
    names = _MINUTE_TABLES.get(table.name, (table.name,))
    found = {
        minute for name in names for minute in connection.execute(_QUERIES[name], bounds).scalars()
    }
    if table.name in _MASKS:
        found.update(_packed(connection, _MASKS[table.name], first, last))
    return sorted(found)


def _packed(
    connection: sa.Connection, mask: sa.ColumnElement[int], first: int, last: int
) -> Iterator[int]:
    """The minutes from ``first`` up to ``last`` that packed hours have."""
    hour = packed_hour.c.minute
    query = sa.select(hour, mask).where(hour > clamped(first - Tier.HOUR), hour < clamped(last))
    for begin, bits in connection.execute(query):
        for minute in range(max(begin, first), min(begin + Tier.HOUR, last)):
            if bits >> (minute - begin) & 1:
                yield minute


def _runs(buckets: set[int], tier: Tier) -> list[tuple[int, int]]:
    """Neighbouring buckets as ranges [begin, end) of minutes."""
    runs: list[tuple[int, int]] = []
    for bucket in sorted(buckets):
        if runs and runs[-1][1] == bucket:
            runs[-1] = runs[-1][0], bucket + tier
        else:
            runs.append((bucket, bucket + tier))
    return runs


def clamped(minute: int) -> int:
    """The minute, or the nearest that a column of minutes can hold."""
    return max(-(2**31), min(minute, 2**31 - 1))
