"""The simulated account: reproducible, complete, and plausible in every statistic."""

import math

import pytest

from app.simulator import AccountModel, Point

START_MS = 1_727_740_800_000


def hour(model: AccountModel) -> list[Point]:
    return [point for minute in range(60) for point in model.points(START_MS + minute * 60_000)]


def test_minutes_do_not_depend_on_the_order_of_asking() -> None:
    starts = [START_MS + minute * 60_000 for minute in range(5)]
    forwards, backwards = AccountModel(7), AccountModel(7)
    expected = {start: forwards.points(start) for start in starts}
    assert {start: backwards.points(start) for start in reversed(starts)} == expected


def test_values_do_not_depend_on_the_size_of_the_account() -> None:
    small = {
        (p.series, p.start_ms): p for p in AccountModel(7, tables=10).points(START_MS + 60_000)
    }
    large = {
        (p.series, p.start_ms): p for p in AccountModel(7, tables=40).points(START_MS + 60_000)
    }
    assert small.items() <= large.items()


def test_seeds_give_different_accounts() -> None:
    assert AccountModel(1).points(START_MS) != AccountModel(2).points(START_MS)


def test_statistics_are_possible() -> None:
    for point in hour(AccountModel(5, tables=30, percentiles=("p50", "p99", "p99.9"))):
        assert point.count >= 1
        values = [point.minimum, *(value for _, value in point.percentiles), point.maximum]
        assert values == sorted(values)
        # One rounding of the mean may leave the range by a unit in the last place.
        mean = point.sum / point.count
        assert point.minimum * (1 - 1e-12) <= mean <= point.maximum * (1 + 1e-12)


def test_one_point_per_series_and_minute() -> None:
    keys = [
        (point.series, point.start_ms) for point in hour(AccountModel(5, tables=60, accounts=2))
    ]
    assert len(keys) == len(set(keys))


def test_consumption_comes_in_half_units_and_idle_tables_send_zeros() -> None:
    consumed = [p for p in hour(AccountModel(5)) if p.series.metric.startswith("Consumed")]
    assert all((2 * p.sum).is_integer() for p in consumed)
    idle = [p for p in consumed if dict(p.series.dimensions)["TableName"] == "customers"]
    assert idle
    assert {(p.count, p.sum, p.minimum, p.maximum) for p in idle} == {(1, 0.0, 0.0, 0.0)}


def test_five_minute_metrics_come_once_in_five_minutes_for_a_minute() -> None:
    limits = [p for p in hour(AccountModel(5)) if p.series.metric == "AccountMaxReads"]
    assert [(p.start_ms - START_MS) // 60_000 for p in limits] == list(range(0, 60, 5))
    assert {p.period_ms for p in limits} == {60_000}


def test_the_sources_of_a_global_table_add_up_to_its_writes() -> None:
    by_source: dict[str, dict[int, float]] = {}
    for point in hour(AccountModel(5)):
        dimensions = dict(point.series.dimensions)
        if (
            point.series.metric == "ConsumedWriteCapacityUnits"
            and dimensions["TableName"] == "orders"
            and "GlobalSecondaryIndexName" not in dimensions
        ):
            by_source.setdefault(dimensions.get("Source", ""), {})[point.start_ms] = point.sum
    assert set(by_source) == {"", "Customer", "GlobalTable"}
    for start_ms, total in by_source[""].items():
        parts = (by_source[source].get(start_ms, 0.0) for source in ("Customer", "GlobalTable"))
        assert math.fsum(parts) == total


def test_throttle_causes_add_up_to_the_events() -> None:
    events: dict[object, float] = {}
    causes: dict[object, float] = {}
    for point in hour(AccountModel(5)):
        metric = point.series.metric
        if metric.endswith("ThrottleEvents"):
            into = events if metric in ("ReadThrottleEvents", "WriteThrottleEvents") else causes
            key = (metric.startswith("Read"), point.series.dimensions, point.start_ms)
            into[key] = into.get(key, 0.0) + point.sum
    assert events
    assert events == causes


@pytest.mark.parametrize(
    "dimensions",
    [
        (),
        ("TableName",),
        ("GlobalSecondaryIndexName", "TableName"),
        ("Operation", "TableName"),
        ("Source", "TableName"),
        ("Class", "Resource", "Service", "Type"),
    ],
)
def test_every_kind_of_dimensions_occurs(dimensions: tuple[str, ...]) -> None:
    found = {tuple(name for name, _ in p.series.dimensions) for p in hour(AccountModel(5))}
    assert dimensions in found


def test_a_percentile_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="TM99"):
        AccountModel(5, percentiles=("TM99",))
