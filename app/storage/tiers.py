"""Tiers: minutes as they came, and the longer buckets that they are rolled up into.

A bucket of a tier is marked from the commit that changes one of its minutes until the commit that
stores it anew. So the rows of a bucket without a mark are those of its minutes, exactly.
"""

from enum import IntEnum

import sqlalchemy as sa

from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.tables import (
    kept,
    metric_value,
    metric_value_1h,
    metric_value_5m,
    point,
    point_1h,
    point_5m,
)


class Tier(IntEnum):
    """The length of a tier's buckets, in minutes."""

    MINUTE = 1
    FIVE_MINUTES = 5
    HOUR = 60

    @property
    def length_ms(self) -> int:
        """Milliseconds of a bucket."""
        return self * MILLISECONDS_PER_MINUTE

    def bucket(self, minute: int) -> int:
        """The first minute of the bucket in which a minute lies."""
        return minute - minute % self


ROLLED_UP = (Tier.FIVE_MINUTES, Tier.HOUR)
"""The tiers that are computed from minutes."""

POINTS = {Tier.MINUTE: point, Tier.FIVE_MINUTES: point_5m, Tier.HOUR: point_1h}
"""The table of each tier's raw statistics."""

VALUES = {
    Tier.MINUTE: metric_value,
    Tier.FIVE_MINUTES: metric_value_5m,
    Tier.HOUR: metric_value_1h,
}
"""The table of each tier's values of metrics."""

_DAY = 1440
PARTITION_MINUTES = {Tier.MINUTE: _DAY, Tier.FIVE_MINUTES: 7 * _DAY, Tier.HOUR: 28 * _DAY}
"""Minutes of a partition of each tier's tables; they begin at multiples of it since the epoch."""


def read_kept(connection: sa.Connection) -> dict[Tier, int]:
    """The first minute from which each tier is whole; 0 where nothing has been deleted yet."""
    rows = connection.execute(sa.select(kept.c.tier, kept.c.first_minute))
    return {Tier(tier): first for tier, first in rows}


def marked_buckets(connection: sa.Connection, tier: Tier) -> frozenset[int]:
    """Buckets of a tier whose minutes have changed since they were rolled up.

    Those whose minutes are no longer whole are left out: they stay as they are.
    """
    # Marks of minutes become marks of buckets when the minute is evaluated, in one transaction.
    parameters = {"tier": int(tier), "minute_tier": int(Tier.MINUTE)}
    return frozenset(connection.execute(_MARKED, parameters).scalars())


_MARKED = sa.text("""
    SELECT minute FROM dirty_rollup WHERE tier = :tier
        AND minute >= (SELECT first_minute FROM kept WHERE tier = :minute_tier)
    UNION
    SELECT minute - minute % :tier FROM dirty_minute
    WHERE minute >= (SELECT first_minute FROM kept WHERE tier = :minute_tier)
""")
