"""Figures of reports, against numbers worked out by hand."""

import pytest

from app.dynamodb.figure_kinds import FIGURES
from app.dynamodb.measured import Figure
from app.dynamodb.report import report_of_accounts, report_of_resources, top_resources
from app.dynamodb.resources import Resource
from tests.fixtures.dynamodb_series import (
    ACCOUNT,
    NAN,
    REGION,
    START_MS,
    reading,
    series,
    sums,
)

READS = "ConsumedReadCapacityUnits"
LATENCY = "SuccessfulRequestLatency"
ORDERS = Resource(ACCOUNT, REGION, "orders")
BY_DATE = Resource(ACCOUNT, REGION, "orders", "by-date")


def at(minute: int) -> int:
    return START_MS + minute * 60_000


def test_a_rate_is_the_sum_over_the_seconds_that_have_points() -> None:
    consumed = sums(READS, {0: 600.0, 1: 1_200.0, 5: 60.0}, TableName="orders")
    (found,) = report_of_resources(reading(consumed))
    # 1860 units in 180 seconds: the minutes 2, 3 and 4 are missing, and not 0.
    figure = Figure(1860 / 180, 1860.0, 1.0, at(5), 20.0, at(1), 180.0)
    assert found.resource == ORDERS
    assert found.figures == {"consumed_read_capacity": figure}


def test_an_index_is_apart_from_its_table_and_source_is_not_counted_again() -> None:
    found = report_of_resources(
        reading(
            sums(READS, {0: 600.0}, TableName="orders"),
            sums(READS, {0: 500.0}, TableName="orders", Source="Customer"),
            sums(READS, {0: 100.0}, TableName="orders", Source="GlobalTable"),
            sums(READS, {0: 60.0}, TableName="orders", GlobalSecondaryIndexName="by-date"),
        )
    )
    values = {each.resource: each.figures["consumed_read_capacity"].total for each in found}
    assert values == {ORDERS: 600.0, BY_DATE: 60.0}


def test_requests_and_latency_are_of_all_operations_minute_by_minute() -> None:
    samples = [(0, 30.0, 90.0, 1.0, 9.0), (1, 10.0, 60.0, 2.0, 20.0)]
    get = series(LATENCY, samples, TableName="orders", Operation="Get")
    put = series(LATENCY, [(1, 50, 300, 1, 8)], TableName="orders", Operation="Put")
    streams = series(
        LATENCY, [(0, 7, 7, 1, 99)], TableName="orders", Operation="GetRecords", StreamLabel="x"
    )
    (found,) = report_of_resources(reading(get, put, streams))
    # 90 requests in two minutes, of which the second has 60.
    assert found.figures["request_rate"] == Figure(0.75, 90.0, 1.0, at(1), 1.0, at(1), 120.0)
    # (90 + 60 + 300) / 90, and not the average of the averages 3, 6 and 6.
    assert found.figures["latency"] == Figure(5.0, None, 6.0, at(1), 20.0, at(1), 120.0)


def test_a_setting_without_a_sample_in_the_range_is_that_of_the_newest_before() -> None:
    setting = {"TableName": "orders"}
    before = sums("ProvisionedReadCapacityUnits", {-10: 100.0, -5: 200.0}, **setting)
    (found,) = report_of_resources(reading(before, minutes=3))
    assert found.figures["provisioned_read_capacity"].value == 200.0
    inside = sums("ProvisionedReadCapacityUnits", {-5: 200.0, 0: 300.0}, **setting)
    (found,) = report_of_resources(reading(inside, minutes=3))
    assert found.figures["provisioned_read_capacity"].value == 300.0


def test_a_point_without_a_sum_is_missing() -> None:
    consumed = series(READS, [(0, 1, NAN, NAN, NAN), (1, 1, 120, 1, 1)], TableName="orders")
    (found,) = report_of_resources(reading(consumed))
    assert found.figures["consumed_read_capacity"].value == 2.0
    assert (
        report_of_resources(reading(series(READS, [(0, 1, NAN, NAN, NAN)], TableName="orders")))
        == []
    )


def test_sums_are_rounded_once() -> None:
    consumed = sums(READS, {0: 1e16, 1: 1.0, 2: 1.0, 3: -1e16}, TableName="orders")
    (found,) = report_of_resources(reading(consumed))
    assert found.figures["consumed_read_capacity"].total == 2.0


def test_an_account_is_its_tables_and_indexes_together() -> None:
    index = {"TableName": "orders", "GlobalSecondaryIndexName": "by-date"}
    provisioned = "ProvisionedReadCapacityUnits"
    (found, other) = report_of_accounts(
        reading(
            sums(READS, {0: 600.0, 1: 60.0}, TableName="orders"),
            sums(READS, {0: 600.0}, **index),
            sums(READS, {0: 999.0}, TableName="orders", Source="Customer"),
            # Samples of different minutes.
            sums(provisioned, {0: 10.0, 5: 30.0}, TableName="orders"),
            sums(provisioned, {2: 5.0}, **index),
            sums("AccountMaxReads", {0: 40_000.0, 5: 80_000.0}),
            sums("UserErrors", {3: 4.0}),
            sums(READS, {0: 60.0}, region="us-east-1", TableName="orders"),
        )
    )
    assert (found.account, found.region, found.tables, found.indexes) == (ACCOUNT, REGION, 1, 1)
    figures = found.figures
    # 1260 units in two minutes; the first has 1200 of them.
    consumed = Figure(10.5, 1260.0, 1.0, at(1), 20.0, at(0), 120.0)
    assert figures["consumed_read_capacity"] == consumed
    provisioned_of_all = Figure(25.0, None, 35.0, at(5), None, None, 120.0)
    assert figures["provisioned_read_capacity"] == provisioned_of_all
    assert figures["account_max_reads"].value == 80_000.0
    assert figures["user_errors"].total == 4.0
    assert (other.region, other.figures["consumed_read_capacity"].value) == ("us-east-1", 1.0)


@pytest.mark.parametrize("ascending", [False, True])
def test_tables_are_ranked_by_value_and_equal_ones_by_name(*, ascending: bool) -> None:
    values = {"b": 60.0, "a": 60.0, "c": 600.0}
    given = [sums(READS, {0: value}, TableName=name) for name, value in values.items()]
    index = sums(READS, {0: 6000.0}, TableName="a", GlobalSecondaryIndexName="i")
    kind = FIGURES["consumed_read_capacity"]
    found = top_resources(reading(*given, index), kind, ascending=ascending)
    order = ["a", "b", "c"] if ascending else ["c", "a", "b"]
    assert [resource.table for resource, _ in found] == order
    ((resource, figure),) = top_resources(reading(*given, index), kind, indexes=True)
    assert (resource.index, figure.value) == ("i", 100.0)
