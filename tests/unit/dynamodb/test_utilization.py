"""Utilisation, against numbers worked out by hand."""

import pytest

from app.dynamodb.reader import MetricSeries
from app.dynamodb.utilization import Limit, Utilization, utilization
from app.storage import Tier
from tests.fixtures.dynamodb_series import START_MS, reading, series, sums

CONSUMED = "ConsumedWriteCapacityUnits"
PROVISIONED = "ProvisionedWriteCapacityUnits"
MAXIMUM = "OnDemandMaxWriteRequestUnits"
ACCOUNT_LIMIT = "AccountMaxTableLevelWrites"


def at(minute: int) -> int:
    return START_MS + minute * 60_000


def of_orders(*found: MetricSeries, tier: Tier = Tier.MINUTE) -> Utilization:
    (only,) = utilization(reading(*found, tier=tier))
    return only


def test_consumed_is_held_against_what_was_provisioned_at_the_time() -> None:
    used = {0: 300.0, 1: 4_500.0, 5: 7_200.0, 6: 9_000.0}
    found = of_orders(
        sums(CONSUMED, used, TableName="orders"),
        # 100 units a second are 6,000 a minute; from the sixth minute on it is twice that.
        sums(PROVISIONED, {-5: 100.0, 5: 200.0}, TableName="orders"),
    )
    # 5, 75, 60 and 75 %.
    assert (found.peak, found.peak_ms) == (75.0, at(1))
    assert (found.current, found.current_ms, found.consumed) == (75.0, at(6), 150.0)
    assert (found.limited_by, found.limit) == (Limit.PROVISIONED, 200.0)
    assert found.average == 100 * 21_000 / 36_000
    assert (found.above_70, found.above_80, found.seconds) == (50.0, 0.0, 240.0)


def test_above_is_more_than() -> None:
    used = {0: 4_200.0, 1: 4_800.0, 2: 4_801.0, 3: 60.0}
    found = of_orders(
        sums(CONSUMED, used, TableName="orders"),
        sums(PROVISIONED, {0: 100.0}, TableName="orders"),
    )
    assert (found.above_70, found.above_80) == (50.0, 25.0)


def test_a_table_in_on_demand_mode_is_held_against_its_maximum_or_the_accounts() -> None:
    account = sums(ACCOUNT_LIMIT, {0: 1_000.0})
    elsewhere = sums(ACCOUNT_LIMIT, {0: 1.0}, region="us-east-1")
    consumed = sums(CONSUMED, {0: 6_000.0}, TableName="orders")
    found = of_orders(consumed, account, elsewhere)
    assert (found.limited_by, found.current) == (Limit.ACCOUNT_TABLE_LIMIT, 10.0)
    # A table that has no capacity provisioned may report 0.
    idle = sums(PROVISIONED, {0: 0.0}, TableName="orders")
    found = of_orders(consumed, account, idle)
    assert (found.limited_by, found.current) == (Limit.ACCOUNT_TABLE_LIMIT, 10.0)
    found = of_orders(consumed, account, sums(MAXIMUM, {0: 200.0}, TableName="orders"))
    assert (found.limited_by, found.current) == (Limit.ON_DEMAND_MAXIMUM, 50.0)


def test_an_index_has_its_own_limit() -> None:
    index = {"TableName": "orders", "GlobalSecondaryIndexName": "by-date"}
    first, second = utilization(
        reading(
            sums(CONSUMED, {0: 60.0}, TableName="orders"),
            sums(CONSUMED, {0: 60.0}, **index),
            sums(PROVISIONED, {0: 10.0}, TableName="orders"),
            sums(PROVISIONED, {0: 2.0}, **index),
        )
    )
    # The highest comes first.
    assert (first.resource.index, first.current) == ("by-date", 50.0)
    assert (second.resource.index, second.current) == ("", 10.0)


def test_without_a_limit_there_is_no_utilisation() -> None:
    found = of_orders(sums(CONSUMED, {0: 60.0}, TableName="orders"))
    assert (found.limited_by, found.current, found.seconds) == (Limit.NONE, None, 0.0)


def test_before_its_first_sample_a_provisioned_table_is_not_taken_to_be_on_demand() -> None:
    found = of_orders(
        sums(CONSUMED, {0: 60.0, 1: 60.0}, TableName="orders"),
        sums(PROVISIONED, {1: 10.0}, TableName="orders"),
        sums(ACCOUNT_LIMIT, {0: 1_000.0}),
    )
    assert (found.limited_by, found.average, found.seconds) == (Limit.PROVISIONED, 10.0, 60.0)


def test_a_sample_counts_for_a_quarter_of_an_hour() -> None:
    used = dict.fromkeys((14, 15, 16), 60.0)
    setting = sums(PROVISIONED, {0: 10.0}, TableName="orders")
    found = of_orders(sums(CONSUMED, used, TableName="orders"), setting)
    assert (found.current_ms, found.seconds) == (at(14), 60.0)
    # Afterwards the table is in on-demand mode.
    account = sums(ACCOUNT_LIMIT, {15: 100.0})
    found = of_orders(sums(CONSUMED, used, TableName="orders"), setting, account)
    assert (found.limited_by, found.current, found.seconds) == (Limit.ACCOUNT_TABLE_LIMIT, 1.0, 180)


@pytest.mark.parametrize(("samples", "total"), [(12, 1_200.0), (1, 100.0)])
def test_hours_are_held_against_the_average_of_their_samples(samples: int, total: float) -> None:
    hour = [(0, 60.0, 180_000.0, 0.0, 9_000.0)]
    setting = [(0, float(samples), total, 100.0, 100.0)]
    found = of_orders(
        series(CONSUMED, hour, period_ms=3_600_000, TableName="orders"),
        series(PROVISIONED, setting, period_ms=3_600_000, TableName="orders"),
        tier=Tier.HOUR,
    )
    assert (found.current, found.consumed, found.seconds) == (50.0, 50.0, 3_600.0)
