"""Reads what costs are worked out from, as finely as a limit of points allows."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.clock import MILLISECONDS_PER_MINUTE
from app.dynamodb.hours import CONSUMED, MARGIN_MS, METRICS, Span, TableHours, hours_of_tables
from app.dynamodb.reader import finest_tier, read_metrics
from app.dynamodb.resources import NAMESPACE, TABLE
from app.storage import Connection, SeriesFilter, Tier, search_series

# ProvisionedReadCapacityUnits and its like have a point in five minutes.
_BETWEEN_SETTINGS = 5


@dataclass(frozen=True, slots=True)
class ReadHours:
    """The hours of tables, and how fine the points are that they were worked out from."""

    tables: list[TableHours]
    resolution_ms: int


def read_hours(
    connection: Connection,
    span: Span,
    *,
    account: str | None = None,
    region: str | None = None,
    table: str | None = None,
    limit: int,
) -> ReadHours:
    """The hours of the tables in a span.

    Points are minutes, or where that would be more than ``limit`` the buckets of a longer tier:
    what was consumed and provisioned is the same, the highest minute is the highest mean of a
    bucket. Raises ``ResultTooLarge`` where even hours are too many.
    """
    start_ms, end_ms = max(0, span.start_ms - MARGIN_MS), span.end_ms + MARGIN_MS
    dimensions = () if table is None else ((TABLE, table),)
    numbers = {
        metric: len(
            search_series(connection, SeriesFilter(NAMESPACE, metric, account, region, dimensions))
        )
        for metric in METRICS
    }
    finest = finest_tier(connection, start_ms)
    tier = next(
        (
            tier
            for tier in Tier
            if tier >= finest and _points(numbers, tier, end_ms - start_ms) <= limit
        ),
        Tier.HOUR,
    )
    series = read_metrics(
        connection,
        METRICS,
        start_ms,
        end_ms,
        account=account,
        region=region,
        table=table,
        limit=limit,
        tier=tier,
    )
    return ReadHours(hours_of_tables(series, span), tier.length_ms)


def _points(series: Mapping[str, int], tier: Tier, length_ms: int) -> int:
    """How many points so many series of each metric have at most, unless some were filled in."""
    minutes = length_ms // MILLISECONDS_PER_MINUTE
    return sum(
        number * minutes // (tier if metric in CONSUMED else max(tier, _BETWEEN_SETTINGS))
        for metric, number in series.items()
    )
