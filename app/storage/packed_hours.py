"""Which hours are packed: settled hours whose minutes are also stored as blocks (ADR 0028).

An hour is recorded when all of its blocks are there. A trigger forgets it in the transaction that
marks it again, whichever release does that. So an hour that is recorded, and of which no minute
waits to be evaluated, has the blocks of its rows.
"""

from collections.abc import Collection, Iterator, Sequence

import sqlalchemy as sa

from app.storage.chunks import chunked
from app.storage.dialects import insert_into
from app.storage.minutes import clamped
from app.storage.tables import dirty_rollup, packed_hour, packed_value
from app.storage.tiers import Tier, marked_buckets

# The same as in the trigger of migration 0008.
_ADVISORY_LOCK = 0x48594468


def read_packed_hours(connection: sa.Connection, first: int, last: int) -> list[int]:
    """Hours that overlap the minutes from ``first`` up to ``last`` and whose blocks count.

    What is read by it belongs into the same transaction.
    """
    query = sa.select(packed_hour.c.minute).where(
        packed_hour.c.minute > clamped(first - Tier.HOUR), packed_hour.c.minute < clamped(last)
    )
    found = connection.execute(query.order_by(packed_hour.c.minute)).scalars().all()
    if not found:
        return []
    marked = marked_buckets(connection, Tier.HOUR)
    return [hour for hour in found if hour not in marked]


def without_hours(hours: Sequence[int], first: int, last: int) -> Iterator[tuple[int, int]]:
    """The minutes from ``first`` up to ``last`` that are in none of the hours, as such ranges."""
    for hour in hours:
        if first < min(hour, last):
            yield first, min(hour, last)
        first = max(first, hour + Tier.HOUR)
    if first < last:
        yield first, last


def record_packed_hour(connection: sa.Connection, hour: int, metrics: Collection[int]) -> None:
    """Have the blocks of an hour count, unless it has been marked again while they were made.

    Goes into the transaction that deletes the marks that were seen before. Of other than these
    ``metrics`` the hour has no values.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK, hour)))
    packed = sa.select(packed_value.c.metric_id).where(packed_value.c.minute == hour).distinct()
    gone = sorted(set(connection.execute(packed).scalars()) - set(metrics))
    for chunk in chunked(gone, 500):
        connection.execute(
            sa.delete(packed_value).where(
                packed_value.c.minute == hour, packed_value.c.metric_id.in_(chunk)
            )
        )
    mark = sa.select(dirty_rollup.c.mark_id).where(
        dirty_rollup.c.tier == int(Tier.HOUR), dirty_rollup.c.minute == hour
    )
    if connection.execute(mark.limit(1)).first() is None:
        statement = insert_into(connection, packed_hour).values(minute=hour)
        connection.execute(statement.on_conflict_do_nothing())
