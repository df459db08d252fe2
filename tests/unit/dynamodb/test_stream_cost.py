"""The cost of a metric stream against amounts worked out by hand."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from app.catalog import SeriesIdentity
from app.dynamodb.prices import CapacityPrices, RegionPrices
from app.dynamodb.stream_cost import Counted, CountedSeries, stream_cost, updates_of_point
from app.dynamodb.stream_counting import sample
from app.streams import StreamCounts, StreamKey
from tests.unit.dynamodb.capacity import PRICES, START_MS

NOTHING = CapacityPrices()
STREAM_PRICES = replace(
    PRICES,
    regions={
        "eu-west-1": RegionPrices(
            date(2026, 1, 1), "a test", NOTHING, NOTHING, Decimal("0.003"), Decimal("0.029")
        ),
        "us-east-1": RegionPrices(date(2026, 1, 1), "a test", NOTHING, NOTHING, Decimal("0.002")),
        "eu-north-1": RegionPrices(date(2026, 1, 1), "a test", NOTHING, NOTHING),
    },
)
HOUR = Counted(START_MS, START_MS + 3_600_000, 1, 1, 60, 60)


def counted(
    metric: str,
    points: int,
    *,
    table: str = "",
    extras: int = 0,
    region: str = "eu-west-1",
    namespace: str = "AWS/DynamoDB",
) -> CountedSeries:
    dimensions = (("TableName", table),) if table else ()
    identity = SeriesIdentity("1", region, namespace, metric, dimensions, "Count")
    return CountedSeries(identity, points, extras)


@pytest.mark.parametrize(("extras", "updates"), [(0, 1), (1, 2), (5, 2), (6, 3), (10, 3), (11, 4)])
def test_each_started_block_of_five_extra_statistics_is_an_update(
    extras: int, updates: int
) -> None:
    assert updates_of_point(extras) == updates


def test_updates_are_paid_by_the_thousand() -> None:
    found = stream_cost(
        [
            counted("ConsumedReadCapacityUnits", 60, table="orders"),
            counted("SuccessfulRequestLatency", 60, table="orders", extras=3),
            counted("ConsumedReadCapacityUnits", 60, table="users"),
            counted("CPUUtilization", 12, namespace="AWS/RDS"),
        ],
        HOUR,
        STREAM_PRICES,
    )
    assert found.total.points == 192
    assert found.total.updates == 252
    assert found.total.cost == Decimal("0.000756")
    # × 730 hours
    assert found.total.cost_a_month == Decimal("0.55188")
    assert [(row.names["namespace"], row.updates) for row in found.namespaces] == [
        ("AWS/DynamoDB", 240),
        ("AWS/RDS", 12),
    ]
    assert [(row.names["metric"], row.series, row.updates) for row in found.metrics] == [
        ("ConsumedReadCapacityUnits", 2, 120),
        ("SuccessfulRequestLatency", 1, 120),
        ("CPUUtilization", 1, 12),
    ]
    assert [(row.names["table"], row.updates) for row in found.tables] == [
        ("orders", 180),
        ("users", 60),
    ]
    assert found.tables[0].share_percent == pytest.approx(100 * 180 / 252)


def test_a_sample_is_scaled_to_the_range() -> None:
    found = stream_cost(
        [counted("ConsumedReadCapacityUnits", 1000)],
        Counted(START_MS, START_MS + 240 * 3_600_000, 240, 24, 14_400, 1440),
        STREAM_PRICES,
    )
    assert not found.counted.is_complete
    assert found.total.updates == 1000
    assert found.total.cost == Decimal("0.03")
    # 1,000 × 43,800 / 1,440 × 0.003 / 1,000
    assert found.total.cost_a_month == Decimal("0.09125")


def test_every_region_has_its_own_price_or_none() -> None:
    series = [
        counted("UserErrors", 1000),
        counted("UserErrors", 1000, region="us-east-1"),
    ]
    found = stream_cost(series, HOUR, STREAM_PRICES)
    assert [(row.names["region"], row.cost) for row in found.namespaces] == [
        ("eu-west-1", Decimal("0.003")),
        ("us-east-1", Decimal("0.002")),
    ]
    assert found.total.cost == Decimal("0.005")
    assert found.unpriced_regions == []
    for region in ("eu-north-1", "eu-south-1"):
        found = stream_cost([*series, counted("UserErrors", 1, region=region)], HOUR, STREAM_PRICES)
        assert found.total.cost is None
        assert found.unpriced_regions == [region]


def test_firehose_is_paid_by_the_bytes_that_points_came_in() -> None:
    key = StreamKey("1", "eu-west-1", "arn:aws:cloudwatch:eu-west-1:1:metric-stream/a")
    # 10 requests, 2 of them had been stored before; 4,000 bytes of base64 hold 3,000.
    of_stream = StreamCounts(
        key, "", 1, 2, points=24, requests=10, duplicates=2, request_bytes=4000
    )
    linked = StreamCounts(
        key._replace(account="2"), "", 1, 2, points=6, requests=5, duplicates=1, request_bytes=2000
    )
    found = stream_cost([counted("UserErrors", 2**30)], HOUR, STREAM_PRICES, [of_stream, linked])
    (row,) = found.firehose
    # 3,000 × 8/10 bytes for 30 points.
    assert row.bytes_per_point == 80
    assert row.gigabytes == 80
    assert row.cost == Decimal("2.32")
    assert stream_cost([counted("UserErrors", 1)], HOUR, STREAM_PRICES).firehose == []


def test_nothing_costs_nothing() -> None:
    found = stream_cost([], Counted(0, 0, 0, 0, 0, 0), STREAM_PRICES)
    assert found.total.cost == found.total.updates == 0
    assert found.total.share_percent == 0.0


@pytest.mark.parametrize("days", [2, 7, 24, 30, 90])
def test_a_sample_is_spread_over_the_range_and_the_day(days: int) -> None:
    hours = sample(range(days * 24), 24)
    assert len(hours) == 24
    assert hours == sorted(set(hours))
    # One from each of 24 parts, and never always the same hours of the day.
    assert [hour // days for hour in hours] == list(range(24))
    assert len({hour % 24 for hour in hours}) >= 12
    assert sample(range(10), 24) == list(range(10))
    assert len(sample(range(30), 24)) == 24
