"""What PromQL reads of the database: raw series and rule metrics, on both engines."""

from collections.abc import Iterator

import pytest

from app.query.prometheus import PrometheusData
from tests.fixtures.house import House, house
from tests.fixtures.rollups import START_MS, capacity, deliver, rules
from tests.fixtures.selecting import selected

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
ORDERS = {"TableName": "orders", "account": "1", "region": "eu-west-1"}
CAPACITY = "aws_dynamodb_ConsumedReadCapacityUnits"


@pytest.fixture
def inside(database_url: str) -> Iterator[House]:
    with house(database_url, rules()) as made:
        yield made


def data(inside: House) -> PrometheusData:
    return PrometheusData(inside.store, lambda: inside.rules.current().definitions)


def test_a_statistic_stands_at_the_end_of_its_period(inside: House) -> None:
    deliver(inside, capacity(0, 8.0, count=4), capacity(2, 6.0, count=3), request_id="1")
    opened = data(inside)
    for suffix, values in (
        ("sum", [8.0, 6.0]),
        ("samplecount", [4.0, 3.0]),
        ("average", [2.0, 2.0]),
        ("minimum", [1.75, 1.75]),
        ("maximum", [2.5, 2.5]),
    ):
        found = selected(opened, f"{CAPACITY}_{suffix}", START_MS, START_MS + HOUR_MS)
        labels = {"__name__": f"{CAPACITY}_{suffix}", **ORDERS}
        times = [START_MS + MINUTE_MS, START_MS + 3 * MINUTE_MS]
        assert found == {tuple(sorted(labels.items())): dict(zip(times, values, strict=True))}
