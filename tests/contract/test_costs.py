"""Costs of tables and of the stream, on both engines, against what the simulator delivered.

The expectations are reckoned here with fractions, from the points that the simulator made.
"""

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import pytest

from app.dynamodb.cost import TableCost, cost_of_table
from app.dynamodb.cost_hours import HOUR_MS, Mode, Span
from app.dynamodb.cost_reading import read_hours
from app.dynamodb.days import days_of
from app.dynamodb.prices import load_prices
from app.dynamodb.stream_cost import Counted, stream_cost
from app.dynamodb.stream_counting import count_series
from app.simulator import AccountModel, Format, Point, encode_records
from app.simulator.ledger import Ledger
from tests.fixtures.house import NOW_MS, House, house

HOURS = 2
START_MS = NOW_MS // HOUR_MS * HOUR_MS - 4 * HOUR_MS
SPAN = Span(START_MS, HOURS)
REGION = "us-east-1"
TABLES = 7
LIMIT = 1_000_000


def delivered() -> list[list[Point]]:
    """Minute by minute, also half an hour before and after the span."""
    model = AccountModel(seed=7, tables=TABLES)
    starts = range(START_MS - HOUR_MS // 2, SPAN.end_ms + HOUR_MS // 2, 60_000)
    return [model.points(start_ms) for start_ms in starts]


MINUTES = delivered()
INSIDE = [
    point for minute in MINUTES for point in minute if SPAN.start_ms <= point.start_ms < SPAN.end_ms
]


@pytest.fixture
def inside(database_url: str) -> Iterator[House]:
    """A house that everything was delivered to, late minutes first, and some of it twice."""
    with house(database_url, files=[]) as inside:
        for number in range(0, len(MINUTES), 20):
            some = [point for minute in MINUTES[number : number + 20][::-1] for point in minute]
            records = encode_records(some, Format.OPENTELEMETRY_1_0)
            inside.post(records, f"r{number}")
            if number % 40 == 0:
                inside.post(records, f"again{number}")
        yield inside


def costs(inside: House, span: Span = SPAN, limit: int = LIMIT) -> dict[str, TableCost]:
    prices = load_prices()
    days = days_of(span, 0)
    with inside.store.read() as connection:
        read = read_hours(connection, span, most_points=limit)
    return {table.table.table: cost_of_table(table, prices, span, days) for table in read.tables}


def settle(inside: House) -> None:
    """Have hours rolled up and packed."""
    inside.evaluator.evaluate_dirty()
    inside.clock.advance(2 * 3600)
    inside.rollups.run_once()


def points_of(inside: House) -> tuple[Counted, dict[tuple[str, str], int]]:
    """Points by metric and dimensions."""
    with inside.store.read() as connection:
        counted, series = count_series(connection, SPAN.start_ms, SPAN.end_ms)
    return counted, {
        (one.identity.metric, json.dumps(dict(one.identity.dimensions), sort_keys=True)): one.points
        for one in series
    }


def sums(metric: str, table: str, index: str = "") -> Fraction:
    wanted = {"TableName": table} | ({"GlobalSecondaryIndexName": index} if index else {})
    return sum(
        (
            Fraction(point.sum)
            for point in INSIDE
            if point.series.metric == metric and dict(point.series.dimensions) == wanted
        ),
        Fraction(0),
    )


def test_costs_are_those_of_what_was_delivered(inside: House) -> None:
    found = costs(inside)
    model = AccountModel(seed=7, tables=TABLES)
    assert sorted(found) == sorted(table.name for table in model.tables)
    standard = load_prices().regions[REGION].standard
    assert standard.million_read_request_units is not None
    assert standard.million_write_request_units is not None
    assert standard.read_capacity_unit_hour is not None
    assert standard.write_capacity_unit_hour is not None
    for table in model.tables:
        cost = found[table.name]
        resources = {one.resource.index: one for one in cost.resources}
        assert set(resources) == {"", *table.indexes}
        on_demand = Fraction(0)
        for index, one in resources.items():
            reads = sums("ConsumedReadCapacityUnits", table.name, index)
            writes = sums("ConsumedWriteCapacityUnits", table.name, index)
            # Units are halves: their sums are exact.
            assert one.total.quantities.consumed_read_units == reads
            assert one.total.quantities.consumed_write_units == writes
            on_demand += reads * Fraction(standard.million_read_request_units)
            on_demand += writes * Fraction(standard.million_write_request_units)
        amounts = cost.total.amounts
        assert amounts.if_on_demand is not None
        assert abs(Fraction(amounts.if_on_demand) - on_demand / 1_000_000) < Fraction(1, 10**10)
        if table.on_demand:
            assert [run.mode for run in cost.modes] == [Mode.ON_DEMAND]
            assert amounts.cost == amounts.if_on_demand
            continue
        assert [run.mode for run in cost.modes] == [Mode.PROVISIONED]
        own = resources[""].total
        assert own.quantities.provisioned_read_unit_hours == HOURS * table.read_capacity
        assert own.quantities.provisioned_write_unit_hours == HOURS * table.write_capacity
        assert own.amounts.cost == HOURS * (
            Decimal(table.read_capacity) * standard.read_capacity_unit_hour
            + Decimal(table.write_capacity) * standard.write_capacity_unit_hour
        )
        assert cost.total.quantities.missing_minutes == 0


def test_costs_stay_the_same_when_hours_are_packed_and_points_rolled_up(inside: House) -> None:
    before, points = costs(inside), points_of(inside)
    settle(inside)
    assert inside.rows("SELECT COUNT(*) FROM packed_hour") != [(0,)]
    assert costs(inside) == before
    assert points_of(inside) == points
    # So few points may be read that only hours are left: what is paid is the same.
    hourly = costs(inside, limit=1_000)
    for name, table in before.items():
        assert hourly[name].total.amounts.cost == table.total.amounts.cost
        assert hourly[name].total.amounts.if_on_demand == table.total.amounts.if_on_demand


def test_points_of_the_stream_are_counted_once(inside: House) -> None:
    counted, found = points_of(inside)
    assert (counted.start_ms, counted.end_ms) == (SPAN.start_ms, SPAN.end_ms)
    assert (counted.hours, counted.counted_hours) == (HOURS, HOURS)
    assert counted.minutes == counted.counted_minutes == HOURS * 60
    ledger = Ledger()
    ledger.add(INSIDE)
    assert found == {
        (entry["metric"], json.dumps(entry["dimensions"], sort_keys=True)): entry["points"]
        for entry in ledger.content()["series"]  # type: ignore[attr-defined] # a list
    }


def test_extra_statistics_are_paid_for(inside: House) -> None:
    with inside.store.read() as connection:
        counted, series = count_series(connection, SPAN.start_ms, SPAN.end_ms)
    found = stream_cost(series, counted, load_prices())
    updates = Counter[str]()
    for point in INSIDE:
        updates[point.series.metric] += 2 if point.percentiles else 1
    assert {row.names["metric"]: row.updates for row in found.metrics} == updates
    total = sum(updates.values())
    assert found.total.updates == total
    assert found.total.cost == total * Decimal("0.003") / 1000
    assert found.total.cost_a_month == (total * 730 * Decimal("0.003") / 2000).quantize(
        Decimal("1E-12")
    )
    assert updates["SuccessfulRequestLatency"] > 0


def test_a_sample_counts_some_hours(inside: House) -> None:
    with inside.store.read() as connection:
        counted, series = count_series(connection, SPAN.start_ms, SPAN.end_ms, most_hours=1)
    assert (counted.hours, counted.counted_hours, counted.counted_minutes) == (HOURS, 1, 60)
    found = stream_cost(series, counted, load_prices())
    assert found.total.updates < len(INSIDE)
    assert found.total.cost == found.total.updates * HOURS * Decimal("0.003") / 1000
