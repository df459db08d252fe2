"""Series of capacity and prices to reckon with."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import numpy as np

from app.catalog import SeriesIdentity
from app.dynamodb.cost import TableCost, cost_of_table
from app.dynamodb.cost_hours import hours_of_tables
from app.dynamodb.days import days_of, whole_hours
from app.dynamodb.prices import CapacityPrices, Prices, RegionPrices
from app.dynamodb.reader import MetricSeries

START_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
REGION = "eu-west-1"

STANDARD = CapacityPrices(
    read_capacity_unit_hour=Decimal("0.00013"),
    write_capacity_unit_hour=Decimal("0.00065"),
    replicated_write_capacity_unit_hour=Decimal("0.000975"),
    million_read_request_units=Decimal("0.125"),
    million_write_request_units=Decimal("0.625"),
    million_replicated_write_request_units=Decimal("0.9375"),
)
PRICES = Prices(
    "prices.yaml",
    date(2026, 1, 1),
    "USD",
    "a test",
    {REGION: RegionPrices(date(2026, 1, 1), "a test", STANDARD, CapacityPrices())},
)


def series(
    metric: str,
    points: Sequence[tuple[float, float]],
    *,
    table: str = "orders",
    index: str = "",
    source: str = "",
    region: str = REGION,
    period_ms: int = MINUTE_MS,
) -> MetricSeries:
    """A series of (minute after the start, sum of one sample)."""
    dimensions = [("TableName", table)]
    dimensions += [("GlobalSecondaryIndexName", index)] if index else []
    dimensions += [("Source", source)] if source else []
    identity = SeriesIdentity("1", region, "AWS/DynamoDB", metric, tuple(dimensions), "Count")
    values = np.array([value for _, value in points], np.float64)
    return MetricSeries(
        0,
        identity,
        np.array([START_MS + int(minute * MINUTE_MS) for minute, _ in points], np.int64),
        np.full(len(points), period_ms, np.int64),
        np.ones(len(points)),
        values,
        values,
        values,
        {},
    )


def settings(metric: str, value: float, minutes: range, **others: str) -> MetricSeries:
    """A setting that is reported every five minutes."""
    points = [(minute, value) for minute in minutes if minute % 5 == 0]
    return series(metric, points, **others)  # type: ignore[arg-type] # names of tables


def steady(metric: str, value: float, minutes: range, **others: str) -> MetricSeries:
    """The same consumption in every minute."""
    return series(metric, [(minute, value) for minute in minutes], **others)  # type: ignore[arg-type] # as above


def costs(
    given: Sequence[MetricSeries],
    hours: int,
    *,
    from_hour: float = 0,
    offset_ms: int = 0,
    prices: Prices = PRICES,
    target_percent: int = 70,
) -> list[TableCost]:
    """The costs of the tables in some hours."""
    start_ms = START_MS + int(from_hour * HOUR_MS)
    span = whole_hours(start_ms, start_ms + hours * HOUR_MS, offset_ms)
    days = days_of(span, offset_ms)
    return [
        cost_of_table(table, prices, span, days, target_percent)
        for table in hours_of_tables(given, span)
    ]
