"""Reads what costs are worked out from, as finely as a limit of points allows."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.catalog import SeriesIdentity
from app.clock import MILLISECONDS_PER_MINUTE
from app.dynamodb.cost_hours import (
    CONSUMED,
    HOUR_MS,
    MARGIN_MS,
    METRICS,
    Span,
    TableHours,
    hours_of_tables,
)
from app.dynamodb.cost_parts import joined, parts_of
from app.dynamodb.reader import find_series, finest_tier, read_found
from app.dynamodb.scope import SAMPLED_MINUTES
from app.errors import NotFound
from app.storage import Connection, Tier, check_limit

MOST_PARTS = 8
"""Parts that a range is read in at most, each with as many points as may be read at once."""


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

    Points are minutes, or where those would be too many the buckets of a longer tier: what was
    consumed and provisioned is the same, the highest minute is the highest mean of a bucket. They
    are read in parts of ``most_points`` at most, and in ``MOST_PARTS`` parts. Raises
    ``ResultTooLarge`` where even hours are too many, ``NotFound`` for a table of whose capacity
    there is nothing.
    """
    found = find_series(connection, METRICS, account=account, region=region, table=table)
    if table is not None and not found:
        raise NotFound(
            f"nothing has come of the capacity of a table {table!r} here: neither"
            " ConsumedReadCapacityUnits nor ProvisionedReadCapacityUnits or those of writes"
        )
    tier = finest_tier(connection, max(0, span.start_ms - MARGIN_MS))
    while (hours := _hours_at_once(found, tier, span, most_points)) == 0 and tier < Tier.HOUR:
        tier = Tier.FIVE_MINUTES if tier is Tier.MINUTE else Tier.HOUR
    if not hours:
        check_limit(most_points + 1, most_points)
    parts = []
    for part in parts_of(span, hours):
        series = read_found(
            connection,
            found,
            max(0, part.start_ms - MARGIN_MS),
            part.end_ms + MARGIN_MS,
            limit=None,
            tier=tier,
        )
        parts.append((part, hours_of_tables(series, part)))
    return ReadHours(parts[0][1] if len(parts) == 1 else joined(parts, span), tier)


def _hours_at_once(
    found: Sequence[tuple[int, SeriesIdentity]], tier: Tier, span: Span, most_points: int
) -> int:
    """How many hours make a part with as many points as may be read at once; 0 is too few."""
    if _points(found, tier, span.hours) <= most_points:
        return span.hours
    hours = -(-span.hours // MOST_PARTS)
    return hours if _points(found, tier, hours) <= most_points else 0


def _points(found: Sequence[tuple[int, SeriesIdentity]], tier: Tier, hours: int) -> int:
    """How many points so many hours have at most, with the margins."""
    minutes = (hours * HOUR_MS + 2 * MARGIN_MS) // MILLISECONDS_PER_MINUTE
    consumed = sum(identity.metric in CONSUMED for _, identity in found)
    settings = len(found) - consumed
    return consumed * minutes // tier + settings * minutes // max(tier, SAMPLED_MINUTES)
