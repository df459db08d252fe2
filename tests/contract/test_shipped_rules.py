"""Every shipped metric, with the number that CloudWatch's statistics give for a small account.

One table, two regions, an index, two sources and all operations; the expected values are worked
out by hand from the points below. Add a line here with every rule.
"""

from collections.abc import Iterator

import pytest

from app.catalog import load_statistic_catalog
from app.rules import RuleEngine, load_rule_directory
from app.settings import DEFAULT_RULES
from app.simulator import Format, Point, Series, encode_records
from tests.fixtures.house import NOW_MS, House, house

MINUTE_MS = NOW_MS // 60_000 * 60_000
ACCOUNT = "111122223333"
Values = dict[tuple[str, str, str], float]
"""Values by (endpoint, region, labels)."""


def point(metric: str, count: int, total: float, region: str = "eu-west-1", **names: str) -> Point:
    """A point whose Minimum is its mean less 1 and whose Maximum is its mean plus 1."""
    dimensions = tuple(names.items())
    series = Series(ACCOUNT, region, "AWS/DynamoDB", metric, dimensions, "Count")
    mean = total / count
    return Point(series, MINUTE_MS, count, total, mean - 1, mean + 1)


def limit(metric: str, value: float, region: str = "eu-west-1", **names: str) -> Point:
    """A point of one sample."""
    dimensions = tuple(names.items())
    series = Series(ACCOUNT, region, "AWS/DynamoDB", metric, dimensions, "Count")
    return Point(series, MINUTE_MS, 1, value, value, value)


def account_points() -> Iterator[Point]:
    for number, metric in enumerate(
        (
            "AccountMaxReads",
            "AccountMaxWrites",
            "AccountMaxTableLevelReads",
            "AccountMaxTableLevelWrites",
            "AccountProvisionedReadCapacityUtilization",
            "AccountProvisionedWriteCapacityUtilization",
            "MaxProvisionedTableReadCapacityUtilization",
            "MaxProvisionedTableWriteCapacityUtilization",
        )
    ):
        yield limit(metric, 10.0 * number)
        yield limit(metric, 10.0 * number + 5, "us-east-1")
    yield point("UserErrors", 3, 3.0)
    yield point("UserErrors", 4, 4.0, "us-east-1")


def table_points() -> Iterator[Point]:
    tables = (("orders", "eu-west-1"), ("orders", "us-east-1"), ("users", "eu-west-1"))
    for number, (table, region) in enumerate(tables, start=1):
        for way in ("Read", "Write"):
            extra = 0.5 if way == "Write" else 0.0
            consumed = f"Consumed{way}CapacityUnits"
            yield point(consumed, 10, 100.0 * number + extra, region, TableName=table)
            yield point(consumed, 10, 100.0 * number, region, TableName=table, Source="Customer")
            yield limit(f"Provisioned{way}CapacityUnits", 7.0 * number, region, TableName=table)
            yield point(f"{way}ThrottleEvents", 2, 2.0 * number, region, TableName=table)
        for metric in (
            "ConditionalCheckFailedRequests",
            "TransactionConflict",
            "TimeToLiveDeletedItemCount",
        ):
            yield point(metric, 2, 3.0 * number, region, TableName=table)
    for way in ("Read", "Write"):
        index = {"TableName": "orders", "GlobalSecondaryIndexName": "by-date"}
        yield point(f"Consumed{way}CapacityUnits", 10, 1000.0, **index)
        yield limit(f"Provisioned{way}CapacityUnits", 500.0, **index)
        yield point(f"{way}ThrottleEvents", 2, 300.0, **index)


OPERATIONS = (
    "GetItem",
    "BatchGetItem",
    "PutItem",
    "BatchWriteItem",
    "UpdateItem",
    "DeleteItem",
    "Query",
    "Scan",
    "TransactGetItems",
    "TransactWriteItems",
)


def operation_points() -> Iterator[Point]:
    for number, operation in enumerate(OPERATIONS, start=1):
        for table, factor in (("orders", 1), ("users", 2)):
            names = {"TableName": table, "Operation": operation}
            yield point("SuccessfulRequestLatency", number * factor, 3.0 * number, **names)
            yield point("ThrottledRequests", 1, 1.0 * number, **names)
            yield point("SystemErrors", 1, 2.0 * number, **names)
            if operation in {"Query", "Scan"}:
                yield point("ReturnedItemCount", 1, 10.0 * number, **names)


def of_account(value: float) -> Values:
    return {("", "", "{}"): value}


def of_tables(orders: float, orders_us: float | None, users: float) -> Values:
    values = {("orders", "eu-west-1", "{}"): orders, ("users", "eu-west-1", "{}"): users}
    if orders_us is not None:
        values["orders", "us-east-1", "{}"] = orders_us
    return values


def of_operations(orders: float, users: float) -> dict[str, Values]:
    """An account's and its tables' values of an operation metric, summed over operations."""
    return {"": of_account(orders + users), "endpoint_": of_tables(orders, None, users)}


def by_operation(table: str, region: str, values: list[float]) -> Values:
    return {
        (table, region, f'{{"Operation":"{operation}"}}'): value
        for operation, value in zip(OPERATIONS, values, strict=True)
    }


def expected() -> dict[str, Values]:
    counts = [float(number) for number in range(1, 11)]
    per_index = ("orders", "eu-west-1", '{"GlobalSecondaryIndexName":"by-date"}')
    table: dict[str, Values] = {}
    for prefix, make in (("", lambda a, b, c: of_account(a + b + c)), ("endpoint_", of_tables)):
        table |= {
            f"{prefix}consumed_read_capacity_units": make(100.0, 200.0, 300.0),
            f"{prefix}consumed_write_capacity_units": make(100.5, 200.5, 300.5),
            f"{prefix}provisioned_read_capacity_units": make(7.0, 14.0, 21.0),
            f"{prefix}provisioned_write_capacity_units": make(7.0, 14.0, 21.0),
            f"{prefix}read_throttle_events": make(2.0, 4.0, 6.0),
            f"{prefix}write_throttle_events": make(2.0, 4.0, 6.0),
            f"{prefix}conditional_check_failed_requests": make(3.0, 6.0, 9.0),
            f"{prefix}transaction_conflict": make(3.0, 6.0, 9.0),
            f"{prefix}time_to_live_deleted_item_count": make(3.0, 6.0, 9.0),
        }
    for name, orders, users in (
        ("successful_requests", 55.0, 110.0),
        # GetItem 1, BatchGetItem 2, Query 7, Scan 8; PutItem 3, BatchWriteItem 4, UpdateItem 5,
        # DeleteItem 6; TransactGetItems 9 and TransactWriteItems 10 count for errors only.
        ("read_throttled_requests", 18.0, 18.0),
        ("write_throttled_requests", 18.0, 18.0),
        ("read_system_errors", 54.0, 54.0),
        ("write_system_errors", 56.0, 56.0),
        ("query_returned_item_count", 70.0, 70.0),
        ("scan_returned_item_count", 80.0, 80.0),
    ):
        for prefix, values in of_operations(orders, users).items():
            table[f"{prefix}{name}"] = values
    # Sum 3n over n requests of orders and 2n of users: 3 and 1.5 ms, together 6n over 3n.
    for name in ("get", "put", "update", "delete", "query", "scan"):
        table[f"{name}_successful_request_latency"] = of_account(2.0)
        table[f"endpoint_{name}_successful_request_latency"] = of_tables(3.0, None, 1.5)
    table |= {
        "operation_latency": by_operation("", "", [2.0] * 10),
        "operation_requests": by_operation("", "", [3 * n for n in counts]),
        "endpoint_operation_latency": by_operation("orders", "eu-west-1", [3.0] * 10)
        | by_operation("users", "eu-west-1", [1.5] * 10),
        "endpoint_operation_requests": by_operation("orders", "eu-west-1", counts)
        | by_operation("users", "eu-west-1", [2 * n for n in counts]),
        "endpoint_index_consumed_read_capacity_units": {per_index: 1000.0},
        "endpoint_index_consumed_write_capacity_units": {per_index: 1000.0},
        "endpoint_index_provisioned_read_capacity_units": {per_index: 500.0},
        "endpoint_index_provisioned_write_capacity_units": {per_index: 500.0},
        "account_max_reads": of_account(5.0),
        "account_max_writes": of_account(15.0),
        "account_max_table_level_reads": of_account(25.0),
        "account_max_table_level_writes": of_account(35.0),
        "account_provisioned_read_capacity_utilization": of_account(45.0),
        "account_provisioned_write_capacity_utilization": of_account(55.0),
        "max_provisioned_read_capacity_utilization": of_account(65.0),
        "max_provisioned_write_capacity_utilization": of_account(75.0),
        "user_errors": of_account(7.0),
    }
    return {f"aws_dynamodb_{name}": values for name, values in table.items()}


@pytest.fixture
def account(database_url: str) -> Iterator[House]:
    with house(database_url) as inside:
        points = [*account_points(), *table_points(), *operation_points()]
        for number, format_ in enumerate(Format):
            inside.post(encode_records(points[number::3], format_), str(number))
        inside.evaluator.evaluate_dirty()
        yield inside


def test_every_shipped_metric_has_the_right_value(account: House) -> None:
    found: dict[str, Values] = {}
    for row in account.rows("SELECT metric, endpoint, region, labels, value FROM v_values"):
        name, endpoint, region, labels, value = row
        assert isinstance(value, float)
        found.setdefault(str(name), {})[str(endpoint), str(region), str(labels)] = value
    wanted = expected()
    for name in sorted(wanted):
        assert found.get(name) == wanted[name], name
    assert found.keys() == wanted.keys()


def test_every_shipped_metric_is_in_the_table() -> None:
    engine = RuleEngine(load_rule_directory(DEFAULT_RULES), load_statistic_catalog())
    assert engine.definitions.keys() == expected().keys()
