"""The expressions of shipped alarms over a stored account, held against the account's own points.

What the alarms make of the values is tested without a database, by the test files beside the rules.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import pytest

from app.alarms.files import load_alarm_rules
from app.alarms.rules import AlarmRule, ExpressionSource
from app.clock import MILLISECONDS_PER_MINUTE as MINUTE
from app.labels import METRIC_NAME
from app.promql.engine import Engine, Limits
from app.query.prometheus import PrometheusData
from app.settings import DEFAULT_ALARM_RULES
from app.simulator import AccountModel, Format, encode_records
from app.simulator.points import Point, Series
from tests.fixtures.house import NOW_MS, House, house

RULES = {rule.name: rule for rule in load_alarm_rules(DEFAULT_ALARM_RULES).rules}
HOUR = 60 * MINUTE
END = NOW_MS - NOW_MS % HOUR
MINUTES = 30
NOT_DELIVERED = 20
DYNAMODB = "AWS/DynamoDB"
INDEX = "GlobalSecondaryIndexName"

Entity = tuple[tuple[str, str], ...]
Values = dict[tuple[Entity, int], float]


class Account:
    """Points by what they are of, as a reader of the numbers would look them up."""

    def __init__(self, points: Sequence[Point]) -> None:
        self._points: dict[str, dict[Entity, dict[int, Point]]] = {}
        for point in points:
            series = point.series
            of_metric = self._points.setdefault(series.metric, {})
            entity = (*series.dimensions, ("account", series.account), ("region", series.region))
            of_metric.setdefault(tuple(sorted(entity)), {})[point.start_ms] = point

    def entities(self, metric: str) -> list[Entity]:
        return list(self._points.get(metric, {}))

    def window(self, metric: str, entity: Entity, end_ms: int, minutes: int) -> list[Point]:
        """Points of the minutes before a time, the oldest first."""
        found = self._points.get(metric, {}).get(entity, {})
        starts = range(end_ms - minutes * MINUTE, end_ms, MINUTE)
        return [found[start] for start in starts if start in found]

    def total(self, metric: str, entity: Entity, end_ms: int, minutes: int) -> float | None:
        found = self.window(metric, entity, end_ms, minutes)
        return sum(point.sum for point in found) if found else None

    def count(self, metric: str, entity: Entity, end_ms: int, minutes: int) -> int:
        return sum(point.count for point in self.window(metric, entity, end_ms, minutes))

    def newest(self, metric: str, entity: Entity, end_ms: int, minutes: int) -> float | None:
        found = self.window(metric, entity, end_ms, minutes)
        return found[-1].maximum if found else None


Expected = Callable[[Account, Entity, int], float | None]


def of_capacity(kind: str) -> Expected:
    def expected(account: Account, entity: Entity, at: int) -> float | None:
        consumed = account.total(f"Consumed{kind}CapacityUnits", entity, at, 5)
        provisioned = account.newest(f"Provisioned{kind}CapacityUnits", entity, at, 15)
        maximum = account.newest(f"OnDemandMax{kind}RequestUnits", entity, at, 15)
        capacity = provisioned or maximum
        if "Source" in dict(entity) or consumed is None or not capacity:
            return None
        return 100 * consumed / 300 / capacity

    return expected


def of_table_limit(kind: str) -> Expected:
    def expected(account: Account, entity: Entity, at: int) -> float | None:
        taken = account.newest(f"Provisioned{kind}CapacityUnits", entity, at, 15)
        consumed = account.total(f"Consumed{kind}CapacityUnits", entity, at, 5)
        if "Source" in dict(entity) or (not taken and consumed is None):
            return None
        where = tuple(pair for pair in entity if pair[0] in {"account", "region"})
        limit = account.newest(f"AccountMaxTableLevel{kind}s", where, at, 15)
        return 100 * (taken or (consumed or 0.0) / 300) / limit if limit else None

    return expected


def of_sustained(kind: str) -> Expected:
    def expected(account: Account, entity: Entity, at: int) -> float | None:
        return float(len(account.window(f"{kind}ThrottleEvents", entity, at, 15))) or None

    return expected


def average_latency(account: Account, entity: Entity, at: int) -> float | None:
    requests = account.count("SuccessfulRequestLatency", entity, at, 5)
    total = account.total("SuccessfulRequestLatency", entity, at, 5)
    return total / requests if total is not None and requests >= 20 else None


def p99_latency(account: Account, entity: Entity, at: int) -> float | None:
    for point in account.window("SuccessfulRequestLatency", entity, at, 1):
        if point.count >= 100:
            return dict(point.percentiles)["p99"]
    return None


def system_errors(account: Account, entity: Entity, at: int) -> float | None:
    errors = account.total("SystemErrors", entity, at, 5)
    if errors is None or errors < 5:
        return None
    requests = account.count("SuccessfulRequestLatency", entity, at, 5)
    return 100 * errors / (errors + requests)


CASES: Mapping[str, tuple[str, Expected]] = {
    "DynamoDBReadUtilizationHigh": ("ConsumedReadCapacityUnits", of_capacity("Read")),
    "DynamoDBReadUtilizationCritical": ("ConsumedReadCapacityUnits", of_capacity("Read")),
    "DynamoDBWriteUtilizationHigh": ("ConsumedWriteCapacityUnits", of_capacity("Write")),
    "DynamoDBWriteUtilizationCritical": ("ConsumedWriteCapacityUnits", of_capacity("Write")),
    "DynamoDBTableReadLimit": ("ConsumedReadCapacityUnits", of_table_limit("Read")),
    "DynamoDBTableWriteLimit": ("ConsumedWriteCapacityUnits", of_table_limit("Write")),
    "DynamoDBReadThrottlingSustained": ("ReadThrottleEvents", of_sustained("Read")),
    "DynamoDBWriteThrottlingSustained": ("WriteThrottleEvents", of_sustained("Write")),
    "DynamoDBLatencyHigh": ("SuccessfulRequestLatency", average_latency),
    "DynamoDBLatencyP99High": ("SuccessfulRequestLatency", p99_latency),
    "DynamoDBSystemErrors": ("SystemErrors", system_errors),
}
OVER_DAYS = {"DynamoDBUserErrorsJump", "DynamoDBTimeToLiveBacklog", "MetricStreamSilent"}


def series(metric: str, **dimensions: str) -> Series:
    return Series("118736666877", "us-east-1", DYNAMODB, metric, tuple(sorted(dimensions.items())))


def simulated() -> Iterator[Point]:
    """Half an hour of 14 tables, with a maximum, an outage, and five minutes without capacities."""
    model = AccountModel(tables=14)
    on_demand = [table for table in model.tables if table.on_demand]
    for minute in range(MINUTES):
        start_ms = END - (MINUTES - minute) * MINUTE
        points = model.points(start_ms)
        for point in points:
            if minute == NOT_DELIVERED and point.series.metric.startswith("Provisioned"):
                continue
            failed = point.series.metric == "SystemErrors" and minute >= 20
            yield replace(point, count=40, sum=40.0) if failed else point
        if minute % 5 == 0:
            for table in on_demand[:2]:
                of_table = series("OnDemandMaxReadRequestUnits", TableName=table.name)
                yield Point(of_table, start_ms, 1, 90.0, 90.0, 90.0)


def deliver(inside: House, points: Sequence[Point]) -> None:
    inside.post(encode_records(points, Format.OPENTELEMETRY_1_0))


def values_of(inside: House, rule: AlarmRule, start_ms: int, end_ms: int) -> Values:
    """Values by entity and time; no remark may come with them."""
    assert isinstance(rule.source, ExpressionSource)
    data = PrometheusData(inside.store, dict)
    engine = Engine(Limits(), inside.clock)
    step = rule.condition.period_ms
    with data.open() as opened:
        answer = engine.range(rule.source.expression, start_ms, end_ms, step, opened.reader)
    assert (answer.warnings, answer.infos) == ((), ())
    assert answer.vector is not None
    times = range(start_ms, end_ms + 1, step)
    found: Values = {}
    for labels, row, there in zip(
        answer.vector.labels, answer.vector.values, answer.vector.present, strict=True
    ):
        entity = tuple(pair for pair in labels if pair[0] != METRIC_NAME)
        found |= {
            (entity, at): float(value)
            for at, value, present in zip(times, row, there, strict=True)
            if present
        }
    return found


def test_every_expression_is_held_against_something() -> None:
    expressions = {
        name for name, rule in RULES.items() if isinstance(rule.source, ExpressionSource)
    }
    assert expressions == {*CASES, *OVER_DAYS}


def test_expressions_compute_what_the_points_say(database_url: str) -> None:
    points = list(simulated())
    account = Account(points)
    with house(database_url, []) as inside:
        deliver(inside, points)
        for name, (metric, expected) in CASES.items():
            rule = RULES[name]
            step = rule.condition.period_ms
            start_ms = END - (MINUTES * MINUTE if step > MINUTE else 16 * MINUTE) + step
            found = values_of(inside, rule, start_ms, END)
            wanted = {
                (entity, at): value
                for entity in account.entities(metric)
                for at in range(start_ms, END + 1, step)
                if (value := expected(account, entity, at)) is not None
            }
            assert wanted, name
            assert found == pytest.approx(wanted, rel=1e-12), name


def test_user_errors_are_compared_with_the_worst_of_the_same_hour_yesterday(
    database_url: str,
) -> None:
    day = 24 * HOUR
    errors = series("UserErrors")

    def at(minutes: int, count: int) -> Point:
        return Point(errors, END + minutes * MINUTE, count, float(count), 1.0, 1.0)

    yesterday = -day // MINUTE
    points = [
        # Before and after the hour around this time yesterday; neither counts.
        at(yesterday - 33, 5000),
        at(yesterday + 31, 5000),
        at(yesterday - 30, 30),
        at(yesterday - 26, 10),
        at(yesterday + 29, 25),
        at(-5, 60),
        at(-1, 60),
    ]
    with house(database_url, []) as inside:
        deliver(inside, points)
        found = values_of(inside, RULES["DynamoDBUserErrorsJump"], END, END)
        assert found == {((("account", "118736666877"), ("region", "us-east-1")), END): 3.0}


@pytest.mark.parametrize("known", [True, False])
def test_user_errors_without_any_yesterday(database_url: str, *, known: bool) -> None:
    points = [Point(series("UserErrors"), END - MINUTE, 50, 50.0, 1.0, 1.0)]
    if known:
        limit = series("AccountMaxReads")
        points.append(Point(limit, END - 24 * HOUR, 1, 80_000.0, 80_000.0, 80_000.0))
    with house(database_url, []) as inside:
        deliver(inside, points)
        found = values_of(inside, RULES["DynamoDBUserErrorsJump"], END, END)
        # None yesterday count as 20, and nothing known of yesterday gives no value.
        assert list(found.values()) == ([2.5] if known else [])


def test_expired_items_are_compared_with_the_day_before(database_url: str) -> None:
    deleted = {
        "half": (100.0, 50.0),
        "none": (100.0, 0.0),
        "few": (30.0, 0.0),
        "deleted": (100.0, 0.0),
    }
    points = []
    for table, (before, after) in deleted.items():
        of_table = series("TimeToLiveDeletedItemCount", TableName=table)
        for hour in range(48):
            if count := before if hour < 24 else after:
                start_ms = END - (48 - hour) * HOUR + 7 * MINUTE
                points.append(Point(of_table, start_ms, int(count), count, 1.0, 1.0))
        if table != "deleted":
            written = series("ConsumedWriteCapacityUnits", TableName=table)
            points.append(Point(written, END - 40 * MINUTE, 1, 3.0, 1.0, 1.0))
    with house(database_url, []) as inside:
        deliver(inside, points)
        found = values_of(inside, RULES["DynamoDBTimeToLiveBacklog"], END, END)
        assert {dict(entity)["TableName"]: value for (entity, _), value in found.items()} == {
            "half": 50.0,
            "none": 0.0,
        }


def test_an_account_is_heard_by_its_limits_or_by_any_table(database_url: str) -> None:
    limit, consumed = series("AccountMaxReads"), series("ConsumedReadCapacityUnits", TableName="a")
    points = [
        Point(limit, END - 20 * MINUTE, 1, 80_000.0, 80_000.0, 80_000.0),
        Point(consumed, END - 11 * MINUTE, 1, 0.0, 0.0, 0.0),
    ]
    with house(database_url, []) as inside:
        deliver(inside, points)
        found = values_of(inside, RULES["MetricStreamSilent"], END - 20 * MINUTE, END)
        assert [(at - END) // MINUTE for _, at in found] == [-15, -10]
