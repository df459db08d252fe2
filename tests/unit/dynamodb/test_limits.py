"""Time to limit of tables, indexes and accounts, and hours that have been rolled up in part."""

import random

import numpy as np
import pytest

from app.dynamodb.hours import by_hours
from app.dynamodb.limits import METRICS, Of, TimeToLimit, time_to_limits
from app.dynamodb.projection import Outcome
from app.dynamodb.reader import MetricSeries
from app.dynamodb.resources import Resource
from app.storage import Tier
from tests.fixtures.dynamodb_series import ACCOUNT, NAN, REGION, START_MS, reading, series

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
DAYS = 14
CONSUMED, PROVISIONED = "ConsumedReadCapacityUnits", "ProvisionedReadCapacityUnits"
INDEX = {"TableName": "orders", "GlobalSecondaryIndexName": "by-date"}


def hourly(metric: str, by_hour: list[float], **dimensions: str) -> MetricSeries:
    """A value for every hour: the Sum of one sample that is Minimum and Maximum, too."""
    samples = [(60 * hour, 1.0, value, value, value) for hour, value in enumerate(by_hour)]
    return series(metric, samples, region=REGION, period_ms=HOUR_MS, extra=None, **dimensions)


def growing(first: float, of: float = 100.0, more: float = 1.0) -> list[float]:
    """Units of hours; the highest of a day is at ``first`` % of ``of``, and ``more`` each day."""
    hours = [0.2 * of * 3600] * (24 * DAYS)
    for day in range(DAYS):
        hours[24 * day + 7] = (first + more * day) / 100 * of * 3600
    return hours


def always(value: float) -> list[float]:
    return [value] * (24 * DAYS)


def found_of(*given: MetricSeries) -> list[TimeToLimit]:
    return time_to_limits(reading(*given, minutes=DAYS * 24 * 60, tier=Tier.HOUR))


def test_a_table_reaches_what_it_has_provisioned() -> None:
    (found,) = found_of(
        hourly(CONSUMED, growing(60.0), TableName="orders"),
        hourly(PROVISIONED, always(100.0), TableName="orders"),
    )
    assert (found.of, found.direction, found.limited_by) == (Of.TABLE, "read", "provisioned")
    assert found.resource == Resource(ACCOUNT, REGION, "orders")
    assert found.limit == 100.0
    # 73 % in the middle of the last day, and 27 days more.
    projection = found.projection
    assert projection.outcome is Outcome.PROJECTED
    assert projection.reached_ms == START_MS + (DAYS - 0.5 + 27) * DAY_MS
    assert projection.growth == pytest.approx(1.0)


def test_the_soonest_comes_first_and_what_cannot_be_told_last() -> None:
    found = found_of(
        hourly(CONSUMED, always(40.0 * 3600), TableName="flat"),
        hourly(PROVISIONED, always(100.0), TableName="flat"),
        hourly(CONSUMED, growing(60.0), TableName="orders"),
        hourly(PROVISIONED, always(100.0), TableName="orders"),
        # From 72 %, below the table, to the limit in half of the table's time.
        hourly(CONSUMED, growing(46.0, of=10.0, more=2.0), **INDEX),
        hourly(PROVISIONED, always(10.0), **INDEX),
        hourly(CONSUMED, always(5.0 * 3600), TableName="full"),
        hourly(PROVISIONED, always(4.0), TableName="full"),
        hourly(CONSUMED, growing(60.0), TableName="nobody-knows-its-limit"),
    )
    places = [(each.resource.name, each.projection.outcome.value) for each in found]
    assert places == [
        ("full", "reached"),
        ("orders/by-date", "projected"),
        ("orders", "projected"),
        ("flat", "not_growing"),
    ]


def test_an_account_reaches_its_limits() -> None:
    percent = [50.0 + hour // 24 for hour in range(24 * DAYS)]
    largest = [30.0 + hour // 24 for hour in range(24 * DAYS)]
    account, table = found_of(
        hourly("AccountProvisionedWriteCapacityUtilization", percent),
        hourly("AccountMaxWrites", always(80_000.0)),
        hourly("MaxProvisionedTableWriteCapacityUtilization", largest),
        hourly("AccountMaxTableLevelWrites", always(40_000.0)),
    )
    assert (account.of, account.limited_by, account.limit) == (
        Of.ACCOUNT,
        "account_limit",
        80_000.0,
    )
    assert account.resource == Resource(ACCOUNT, REGION, "")
    assert account.projection.reached_ms == START_MS + (DAYS - 0.5 + 37) * DAY_MS
    assert (table.of, table.limited_by, table.limit) == (
        Of.LARGEST_TABLE,
        "account_table_limit",
        40_000.0,
    )
    # 57 days from the last one: more than three times fourteen.
    assert table.projection.outcome is Outcome.TOO_FAR


def test_a_higher_limit_of_the_account_begins_a_new_line() -> None:
    percent = [70.0] * 24 * 7 + [35.0] * 24 * 7
    (found,) = found_of(
        hourly("AccountProvisionedReadCapacityUtilization", percent),
        hourly("AccountMaxReads", [40_000.0] * 24 * 7 + [80_000.0] * 24 * 7),
    )
    assert (found.projection.outcome, found.projection.periods) == (Outcome.LIMIT_CHANGED, 7)
    # Where the limit is not delivered, its change is a fall.
    (found,) = found_of(hourly("AccountProvisionedReadCapacityUtilization", percent))
    assert (found.limit, found.projection.outcome) == (None, Outcome.NOT_GROWING)


def test_another_capacity_mode_is_another_limit() -> None:
    hours = 24 * DAYS
    (found,) = found_of(
        hourly(CONSUMED, growing(60.0), TableName="orders"),
        hourly(PROVISIONED, always(100.0)[: hours // 2], TableName="orders"),
        hourly("OnDemandMaxReadRequestUnits", always(100.0), TableName="orders"),
    )
    assert found.limited_by == "on_demand_maximum"
    # The samples of the other mode count for two hours.
    assert (found.projection.outcome, found.projection.periods) == (Outcome.LIMIT_CHANGED, 6)


def test_minutes_of_an_hour_are_put_together_as_a_rollup_does_it() -> None:
    minutes = [(0, 2.0, 5.0, 1.0, 4.0), (1, 1.0, NAN, NAN, NAN), (59, 1.0, 7.0, 0.5, 7.0)]
    mixed = series(CONSUMED, [*minutes, (60, 1.0, NAN, 3.0, NAN)], TableName="orders")
    (found,) = by_hours(reading(mixed, tier=Tier.HOUR)).of(CONSUMED)
    assert found.starts_ms.tolist() == [START_MS, START_MS + HOUR_MS]
    assert found.period_ms.tolist() == [HOUR_MS, HOUR_MS]
    assert found.count.tolist() == [4.0, 1.0]
    np.testing.assert_array_equal(found.total, [12.0, NAN])
    assert found.minimum.tolist() == [0.5, 3.0]
    np.testing.assert_array_equal(found.maximum, [7.0, NAN])


def test_the_order_of_what_was_read_does_not_matter() -> None:
    given = [
        hourly(CONSUMED, growing(60.0 + number), TableName=f"t{number}") for number in range(5)
    ] + [hourly(PROVISIONED, always(100.0), TableName=f"t{number}") for number in range(5)]
    expected = found_of(*given)
    random.Random(3).shuffle(given)
    assert found_of(*given) == expected
    assert [each.resource.table for each in expected] == ["t4", "t3", "t2", "t1", "t0"]


def test_all_metrics_are_read_once() -> None:
    assert len(set(METRICS)) == len(METRICS) == 14
