"""Marks of buckets that wait to be rolled up, left by the evaluator with the values of a minute.

As marks of minutes they are only ever inserted, may be there twice, and are deleted together with
the result that was computed after they were seen.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from app.storage.chunks import chunked
from app.storage.tables import dirty_rollup
from app.storage.tiers import ROLLED_UP, Tier


def mark_rollups(connection: sa.Connection, minute: int) -> None:
    """Mark the buckets of all tiers in which a minute lies."""
    rows = [{"tier": int(tier), "minute": tier.bucket(minute)} for tier in ROLLED_UP]
    connection.execute(sa.insert(dirty_rollup), rows)


def read_rollup_marks(
    connection: sa.Connection, tier: Tier, ended_by: int, buckets: int
) -> dict[int, list[int]]:
    """Mark ids of the first ``buckets`` marked buckets that end at or before a minute."""
    due = (dirty_rollup.c.tier == int(tier)) & (dirty_rollup.c.minute <= ended_by - int(tier))
    first = sa.select(dirty_rollup.c.minute).where(due).distinct().order_by(dirty_rollup.c.minute)
    query = sa.select(dirty_rollup.c.minute, dirty_rollup.c.mark_id).where(
        due & dirty_rollup.c.minute.in_(first.limit(buckets).scalar_subquery())
    )
    marks: dict[int, list[int]] = {}
    for minute, mark_id in connection.execute(query):
        marks.setdefault(minute, []).append(mark_id)
    return marks


def delete_rollup_marks(connection: sa.Connection, mark_ids: Sequence[int]) -> None:
    """Delete marks whose buckets have been rolled up."""
    for chunk in chunked(mark_ids, 500):
        connection.execute(sa.delete(dirty_rollup).where(dirty_rollup.c.mark_id.in_(chunk)))
