"""The reader of DynamoDB's metrics on both engines: what it finds, and what it reads of it."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from app.dynamodb.latency import EXTRAS, METRICS, latency_by_operation
from app.dynamodb.reader import MetricSeries, read_metrics
from app.dynamodb.scope import read_scope, scope_of
from app.errors import NotFound, ResultTooLarge
from app.pipeline import Maintenance, Retention
from app.simulator import Point
from app.storage import Tier, expire
from tests.fixtures.databases import Copy
from tests.fixtures.house import House, house
from tests.fixtures.rollups import HOUR_MS, START_MS, capacity, deliver, latency, rules

MINUTE_MS = 60_000
END_MS = START_MS + 2 * HOUR_MS
CAPACITY = "ConsumedReadCapacityUnits"
LATENCY = "SuccessfulRequestLatency"


def operation(point: Point) -> Point:
    dimensions = (("Operation", "GetItem"), ("TableName", "orders"))
    return replace(point, series=replace(point.series, dimensions=dimensions))


def some_minutes(url: str) -> None:
    """Capacity of two tables, and latencies of which one has percentiles; rolled up."""
    with house(url, rules()) as made:
        deliver(
            made,
            *(capacity(minute, 2.0**minute) for minute in (0, 1, 7, 59, 60)),
            capacity(3, 5.0, table="users"),
            operation(latency(0, 8.0, count=2)),
            replace(operation(latency(7, 30.0, count=3)), percentiles=(("p50", 9.0), ("p99", 9.5))),
            operation(latency(8, 9.0, count=1)),
            request_id="1",
        )
        made.rollups.run_once()


@pytest.fixture
def inside(database_copy: Copy) -> Iterator[House]:
    with house(database_copy(some_minutes), rules()) as made:
        yield made


def read(inside: House, *wanted: str, end_ms: int = END_MS, **more: str) -> list[MetricSeries]:
    with inside.store.read() as connection:
        return read_metrics(connection, wanted, START_MS, end_ms, limit=None, **more)  # type: ignore[arg-type]


def test_series_come_metric_by_metric_with_their_points_in_order(inside: House) -> None:
    found = read(inside, LATENCY, CAPACITY)
    tables = [(each.identity.metric, dict(each.identity.dimensions)["TableName"]) for each in found]
    assert tables == [(LATENCY, "orders"), (CAPACITY, "orders"), (CAPACITY, "users")]
    latencies, orders, _ = found
    assert orders.starts_ms.tolist() == [START_MS + n * MINUTE_MS for n in (0, 1, 7, 59, 60)]
    assert orders.total.tolist() == [1.0, 2.0, 128.0, 2.0**59, 2.0**60]
    assert set(orders.period_ms.tolist()) == {MINUTE_MS}
    assert orders.extra == {}
    assert latencies.count.tolist() == [2.0, 3.0, 1.0]
    assert (latencies.minimum.tolist(), latencies.maximum.tolist()) == (
        [3.75, 9.75, 8.75],
        [4.5, 10.5, 9.5],
    )
    nan = float("nan")
    np.testing.assert_array_equal(latencies.extra["p99"], [nan, 9.5, nan])


def test_filters_and_the_end_leave_out_what_is_not_wanted(inside: House) -> None:
    assert len(read(inside, CAPACITY, table="users")) == 1
    assert read(inside, CAPACITY, region="us-east-1") == []
    assert read(inside, CAPACITY, account="2") == []
    assert read(inside, CAPACITY, namespace="AWS/DAX") == []
    # A series without points in the range is not there.
    (orders,) = read(inside, CAPACITY, end_ms=START_MS + MINUTE_MS)
    assert orders.total.tolist() == [1.0]


def test_too_many_points_are_refused(inside: House) -> None:
    with inside.store.read() as connection, pytest.raises(ResultTooLarge):
        read_metrics(connection, [CAPACITY], START_MS, END_MS, limit=5)


@pytest.mark.parametrize(
    ("kept", "resolution"), [({}, 60), ({1: 120}, 300), ({1: 120, 5: 120}, 3_600)]
)
def test_when_minutes_are_gone_longer_buckets_have_the_same_sums(
    inside: House, kept: dict[int, int], resolution: int
) -> None:
    first = START_MS // MINUTE_MS
    gone = {Tier(tier): first + minute for tier, minute in kept.items()}
    inside.store.write(lambda connection: expire(connection, gone))
    forever = dict.fromkeys(Tier, 0)
    Maintenance(inside.store, inside.clock, inside.lease, Retention(48, 30, forever)).run_once()
    orders, users = read(inside, CAPACITY)
    assert orders.total.sum() == 131.0 + 2.0**59 + 2.0**60
    assert set(orders.period_ms.tolist()) == {resolution * 1000}
    assert users.total.tolist() == [5.0]
    scope = scope_of(0, start_ms=START_MS + MINUTE_MS, end_ms=END_MS)
    with inside.store.read() as connection:
        reading = read_scope(connection, scope, METRICS, most_points=1_000, extras=EXTRAS)
    (found,) = latency_by_operation(reading)
    widened = START_MS if resolution > 60 else START_MS + MINUTE_MS
    assert (reading.start_ms, reading.tier.length_ms) == (widened, resolution * 1000)
    # The first minute belongs to the bucket, though not to the range.
    assert found.requests == (6.0 if resolution > 60 else 4.0)
    # Buckets have no percentiles, and none is made up.
    assert (found.percentiles == {}) is (resolution > 60)


def test_a_table_without_any_series_is_not_found(inside: House) -> None:
    with inside.store.read() as connection:
        none = scope_of(0, table="nowhere", start_ms=START_MS, end_ms=END_MS)
        with pytest.raises(NotFound, match="'nowhere'"):
            read_scope(connection, none, METRICS, most_points=10)
        # One that has other metrics is there, and has nothing to say.
        other = scope_of(0, table="users", start_ms=START_MS, end_ms=END_MS)
        reading = read_scope(connection, other, METRICS, most_points=10)
    assert latency_by_operation(reading) == []
