"""Reads what costs are worked out from, as finely as a limit of points allows."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.catalog import SeriesIdentity
from app.clock import MILLISECONDS_PER_MINUTE
from app.dynamodb.cost_hours import CONSUMED, MARGIN_MS, METRICS, Span, TableHours, hours_of_tables
from app.dynamodb.reader import find_series, finest_tier, read_found
from app.dynamodb.scope import SAMPLED_MINUTES
from app.errors import NotFound
from app.storage import Connection, Tier, check_limit


@dataclass(frozen=True, slots=True)
class ReadHours:
    """The hours of tables, and how fine the points are that they were worked out from."""

    tables: list[TableHours]
    tier: Tier


def read_hours(
    connection: Connection,
    span: Span,
    *,
    account: str | None = None,
    region: str | None = None,
    table: str | None = None,
    most_points: int,
) -> ReadHours:
    """The hours of the tables in a span.

    Points are minutes, or where that would be more than ``most_points`` the buckets of a longer
    tier: what was consumed and provisioned is the same, the highest minute is the highest mean of a
    bucket. Raises ``ResultTooLarge`` where even hours are too many, ``NotFound`` for a table of
    whose capacity there is nothing.
    """
    start_ms, end_ms = max(0, span.start_ms - MARGIN_MS), span.end_ms + MARGIN_MS
    found = find_series(connection, METRICS, account=account, region=region, table=table)
    if table is not None and not found:
        raise NotFound(
            f"nothing has come of the capacity of a table {table!r} here: neither"
            " ConsumedReadCapacityUnits nor ProvisionedReadCapacityUnits or those of writes"
        )
    tier = finest_tier(connection, start_ms)
    while (points := _points(found, tier, end_ms - start_ms)) > most_points and tier < Tier.HOUR:
        tier = Tier.FIVE_MINUTES if tier is Tier.MINUTE else Tier.HOUR
    check_limit(points, most_points)
    series = read_found(connection, found, start_ms, end_ms, limit=None, tier=tier)
    return ReadHours(hours_of_tables(series, span), tier)


def _points(found: Sequence[tuple[int, SeriesIdentity]], tier: Tier, length_ms: int) -> int:
    """How many points there are at most."""
    minutes = length_ms // MILLISECONDS_PER_MINUTE
    consumed = sum(identity.metric in CONSUMED for _, identity in found)
    settings = len(found) - consumed
    return consumed * minutes // tier + settings * minutes // max(tier, SAMPLED_MINUTES)
