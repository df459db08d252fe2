"""Retention: rows of big tables are deleted by ranges of their key, a bounded number at a time.

First ``kept`` says from where on a tier is whole, in a transaction of its own; from then on nobody
reads what is older. Then the rows go. A crash in between leaves rows that the next run deletes.
"""

from collections.abc import Mapping

import sqlalchemy as sa

from app.storage.tables import (
    dirty_minute,
    dirty_rollup,
    kept,
    packed_hour,
    packed_point,
    packed_value,
    point_batch,
    quarantine,
)
from app.storage.tiers import POINTS, ROLLED_UP, VALUES, Tier, read_kept

_QUARANTINED_AT_ONCE = 200


def expire(connection: sa.Connection, wanted: Mapping[Tier, int]) -> dict[Tier, int]:
    """Move the first minutes that are kept up to those ``wanted``; returns those in force.

    They are cut at whole hours. Where marks say that a bucket has not been rolled up, minutes are
    kept; no tier is cut beyond a finer one. Nothing is moved back here.
    """
    in_force = read_kept(connection)
    finest = in_force[Tier.MINUTE]
    # Marks below what is kept are of data that came too late; they hold up nothing.
    bound = _first_mark(connection, finest)
    for tier in (Tier.MINUTE, *ROLLED_UP):
        first = wanted.get(tier, 0)
        if bound is not None:
            first = min(first, bound)
        first = max(in_force[tier], Tier.HOUR.bucket(first))
        if first > in_force[tier]:
            _keep(connection, tier, first)
        bound = in_force[tier] = first
    return in_force


def keep_from_now(connection: sa.Connection, now: int) -> bool:
    """Move first minutes that lie after the minute ``now`` back to its hour; False without any.

    A clock that was ahead has left them there, and what comes now would be taken for too old.
    """
    ahead = [tier for tier, first in read_kept(connection).items() if first > now]
    for tier in ahead:
        _keep(connection, tier, Tier.HOUR.bucket(now))
    return bool(ahead)


def _keep(connection: sa.Connection, tier: Tier, first: int) -> None:
    connection.execute(sa.update(kept).where(kept.c.tier == int(tier)).values(first_minute=first))
    if tier is Tier.MINUTE:
        # Its blocks are about to go.
        connection.execute(sa.delete(packed_hour).where(packed_hour.c.minute < first))


def _first_mark(connection: sa.Connection, kept_from: int) -> int | None:
    minutes = (
        connection.execute(
            sa.select(sa.func.min(table.c.minute)).where(table.c.minute >= kept_from)
        ).scalar_one()
        for table in (dirty_minute, dirty_rollup)
    )
    return min((minute for minute in minutes if minute is not None), default=None)


def tables_of(tier: Tier) -> list[str]:
    """Names of the tables that hold a tier."""
    more = (point_batch, packed_value, packed_point) if tier is Tier.MINUTE else ()
    return [table.name for table in (POINTS[tier], VALUES[tier], *more)]


def delete_before(
    connection: sa.Connection, table: str, minute: int, *, after: int, rows: int
) -> tuple[int, int | None]:
    """Delete rows of the oldest minutes below ``minute``, until ``rows`` or more are gone.

    ``table`` may also be one of a table's partitions. Minutes up to ``after`` are known to be
    empty. Returns how many rows were deleted, and the last minute that is empty now; None when
    nothing is left to delete.
    """
    rows_of = sa.table(table, sa.column("minute", sa.Integer))
    deleted = 0
    while deleted < rows:
        # With the lower bound PostgreSQL does not walk over what was deleted a moment ago.
        oldest = connection.execute(
            sa.select(sa.func.min(rows_of.c.minute)).where(
                rows_of.c.minute > after, rows_of.c.minute < minute
            )
        ).scalar_one()
        if oldest is None:
            return deleted, None
        deleted += connection.execute(sa.delete(rows_of).where(rows_of.c.minute == oldest)).rowcount
        after = oldest
    return deleted, after


def forget_quarantine(connection: sa.Connection, before_ms: int) -> int:
    """Delete rows of the quarantine last received before a time, some at a time; returns how many.

    There may be more as long as it is not 0.
    """
    old = (
        sa.select(quarantine.c.quarantine_id)
        .where(quarantine.c.last_received_ms < before_ms)
        .limit(_QUARANTINED_AT_ONCE)
    )
    return connection.execute(
        sa.delete(quarantine).where(quarantine.c.quarantine_id.in_(old.scalar_subquery()))
    ).rowcount
