"""Latency by operation, against numbers worked out by hand."""

from typing import Any

from app.dynamodb.latency import DeliveredPercentile, OperationLatency, latency_by_operation
from app.dynamodb.resources import Resource
from tests.fixtures.dynamodb_series import ACCOUNT, NAN, REGION, START_MS, reading, series, sums

LATENCY = "SuccessfulRequestLatency"
ORDERS = Resource(ACCOUNT, REGION, "orders")


def at(minute: int) -> int:
    return START_MS + minute * 60_000


def test_an_operation_over_a_range() -> None:
    latency = series(
        LATENCY,
        [(0, 10, 20, 1, 8), (3, 30, 300, 2, 40), (4, 20, 100, 0.5, 12)],
        extra={"p99": [7.5, 39.5, NAN], "p50": [2.0, 9.0, 5.0], "TM(25%:75%)": [1.0, 1.0, 1.0]},
        TableName="orders",
        Operation="GetItem",
    )
    of = {"TableName": "orders", "Operation": "GetItem"}
    (found,) = latency_by_operation(
        reading(
            latency,
            sums("ThrottledRequests", {3: 2.0, 4: 5.0}, **of),
            sums("SystemErrors", {3: 1.0}, **of),
        )
    )
    assert found == OperationLatency(
        ORDERS,
        "GetItem",
        requests=60.0,
        requests_per_second=60 / 180,
        # Not the average of 2, 10 and 5.
        average=7.0,
        minimum=0.5,
        maximum=40.0,
        maximum_ms=at(3),
        percentiles={
            "p50": DeliveredPercentile(9.0, at(3), 5.0, at(4)),
            "p99": DeliveredPercentile(39.5, at(3), 39.5, at(3)),
        },
        throttled_requests=7.0,
        system_errors=1.0,
    )
    assert list(found.percentiles) == ["p50", "p99"]


def test_slowest_first_and_what_has_no_latency_last() -> None:
    of_stream: dict[str, Any] = {"TableName": "a", "Operation": "GetRecords"}
    found = latency_by_operation(
        reading(
            series(LATENCY, [(0, 1, 5, 5, 5)], TableName="b", Operation="Scan"),
            series(LATENCY, [(0, 1, 5, 5, 5)], TableName="a", Operation="Scan"),
            series(LATENCY, [(0, 1, 9, 9, 9)], TableName="b", Operation="Query"),
            sums("SystemErrors", {0: 3.0}, TableName="a", Operation="PutItem"),
            series(LATENCY, [(0, 9, 9, 9, 99)], StreamLabel="s", **of_stream),
        )
    )
    assert [(each.table.table, each.operation) for each in found] == [
        ("b", "Query"),
        ("a", "Scan"),
        ("b", "Scan"),
        ("a", "PutItem"),
    ]
    last = found[-1]
    assert (last.requests, last.average, last.system_errors) == (None, None, 3.0)
    # What was not delivered is not 0.
    assert found[0].throttled_requests is None
