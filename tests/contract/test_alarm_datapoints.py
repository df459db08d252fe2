"""Datapoints of alarm rules: exact statistics, PromQL at the ends of periods, and quarantine."""

from collections.abc import Iterator

import numpy as np
import pytest

from app.alarms.datapoints import Datapoints, read_datapoints
from app.alarms.files import read_alarm_files
from app.alarms.reach import reach_ms
from app.alarms.rules import AlarmRule
from app.errors import QueryFailed
from app.query.prometheus import PrometheusData
from app.simulator import Format, Point, Series, encode_records
from tests.fixtures.house import House, house

MINUTE_MS = 60_000
T0 = 29_000_000 * MINUTE_MS
METRIC = """
    metric: {{namespace: AWS/DynamoDB, name: {name}, statistic: {statistic}}}
    for_each: [{for_each}]
"""


def rule(tmp_path_factory: pytest.TempPathFactory, source: str, period: str = "1m") -> AlarmRule:
    path = tmp_path_factory.mktemp("rules") / "a.yaml"
    path.write_text(
        f"alarms:\n  - name: A\n    severity: info\n{source}    comparison: '>'\n"
        f"    threshold: 1\n    period: {period}\n    evaluation_periods: 1\n"
    )
    found = read_alarm_files({str(path): path})
    assert found.errors == ()
    (loaded,) = found.rules.rules
    return loaded


def point(
    minute: int,
    total: float,
    *,
    count: int = 1,
    table: str = "orders",
    metric: str = "ConsumedReadCapacityUnits",
    offset_ms: int = 0,
    index: str = "",
    percentiles: tuple[tuple[str, float], ...] = (),
) -> Point:
    dimensions = [("TableName", table), *([("GlobalSecondaryIndexName", index)] if index else [])]
    series = Series("1", "eu-west-1", "AWS/DynamoDB", metric, tuple(sorted(dimensions)), "Count")
    start_ms = T0 + minute * MINUTE_MS + offset_ms
    mean = total / count
    return Point(series, start_ms, count, total, mean - 0.25, mean + 0.5, percentiles)


@pytest.fixture
def inside(database_url: str) -> Iterator[House]:
    with house(database_url) as made:
        yield made


def read(inside: House, of: AlarmRule, first: int, last: int) -> Datapoints:
    data = PrometheusData(inside.store, lambda: inside.rules.current().definitions)
    with data.open() as opened:
        return read_datapoints(
            opened.connection, opened, of, T0 + first * MINUTE_MS, T0 + last * MINUTE_MS
        )


def rows(found: Datapoints) -> dict[str, list[float | None]]:
    return {
        dict(entity)["TableName"]: [None if np.isnan(value) else value for value in row]
        for entity, row in zip(found.entities, found.values.tolist(), strict=True)
    }


def test_a_datapoint_has_what_begins_in_its_period(
    inside: House, tmp_path_factory: pytest.TempPathFactory
) -> None:
    points = [
        point(0, 1.0),
        point(1, 2.0),
        point(3, 4.0),
        point(1, 9.0, table="carts"),
        point(1, 7.0, index="by-day"),
        point(1, 7.0, metric="ReadThrottleEvents"),
    ]
    inside.post(encode_records(points, Format.JSON))
    source = METRIC.format(name="ConsumedReadCapacityUnits", statistic="Sum", for_each="TableName")
    found = read(inside, rule(tmp_path_factory, source), 1, 4)
    assert found.times_ms.tolist() == [T0 + minute * MINUTE_MS for minute in (1, 2, 3, 4)]
    assert rows(found) == {"orders": [1.0, 2.0, None, 4.0], "carts": [None, 9.0, None, None]}
    assert found.entities[0] == (
        ("TableName", "carts"),
        ("account", "1"),
        ("region", "eu-west-1"),
    )


OF_FIVE_MINUTES: dict[str, list[float | None]] = {
    # Rounded once: 0.1 + 0.2 + 0.3 from left to right is 0.6000000000000001.
    "Sum": [0.6, 5.0],
    "SampleCount": [6.0, 2.0],
    "Average": [0.6 / 6, 2.5],
    "Minimum": [0.3 / 3 - 0.25, 2.25],
    "Maximum": [0.1 + 0.5, 3.0],
    # There are two in the first five minutes, and percentiles cannot be combined.
    "p99": [None, 2.9],
}


def test_several_minutes_are_combined_exactly(
    inside: House, tmp_path_factory: pytest.TempPathFactory
) -> None:
    points = [
        point(0, 0.1, count=1, percentiles=(("p99", 0.1),)),
        point(1, 0.2, count=2, percentiles=(("p99", 0.2),)),
        point(4, 0.3, count=3),
        point(7, 5.0, count=2, percentiles=(("p99", 2.9),)),
    ]
    inside.post(encode_records(points, Format.OPENTELEMETRY_1_0))
    for statistic, expected in OF_FIVE_MINUTES.items():
        source = METRIC.format(
            name="ConsumedReadCapacityUnits", statistic=statistic, for_each="TableName"
        )
        found = read(inside, rule(tmp_path_factory, source, "5m"), 5, 10)
        assert rows(found) == {"orders": expected}, statistic


def test_points_within_one_minute_are_one_datapoint(
    inside: House, tmp_path_factory: pytest.TempPathFactory
) -> None:
    points = [point(0, 1.0), point(0, 2.0, offset_ms=30_000)]
    inside.post(encode_records(points, Format.JSON))
    source = METRIC.format(name="ConsumedReadCapacityUnits", statistic="Sum", for_each="TableName")
    assert rows(read(inside, rule(tmp_path_factory, source), 1, 1)) == {"orders": [3.0]}


def test_an_expression_is_evaluated_at_the_end_of_each_period(
    inside: House, tmp_path_factory: pytest.TempPathFactory
) -> None:
    inside.post(encode_records([point(0, 1.0), point(9, 2.0)], Format.JSON))
    source = (
        "    expression: sum by (account, region, TableName)"
        " (aws_dynamodb_ConsumedReadCapacityUnits_sum) * 2\n"
    )
    found = read(inside, rule(tmp_path_factory, source, "5m"), 5, 15)
    # A sample stands for five minutes: that of the first minute until the end of the fifth.
    assert rows(found) == {"orders": [2.0, 4.0, None]}


def test_an_expression_without_the_labels_of_for_each_fails(
    inside: House, tmp_path_factory: pytest.TempPathFactory
) -> None:
    inside.post(encode_records([point(0, 1.0)], Format.JSON))
    source = (
        "    expression: aws_dynamodb_ConsumedReadCapacityUnits_sum * 2\n"
        "    for_each: [GlobalSecondaryIndexName]\n"
    )
    with pytest.raises(QueryFailed, match="for_each asks for GlobalSecondaryIndexName"):
        read(inside, rule(tmp_path_factory, source), 1, 1)


def test_quarantine_is_counted_by_the_firehose(
    inside: House, tmp_path_factory: pytest.TempPathFactory
) -> None:
    arn = "arn:aws:firehose:eu-west-1:123456789012:deliverystream/metrics"
    begin_ms = inside.clock.now_ms() // MINUTE_MS * MINUTE_MS
    inside.post([b"\xff1", b"\xff2"], "a", source=arn)
    inside.post([b"\xff3"], "b", source=arn)
    inside.post([b"\xff3"], "b", source=arn)
    of = rule(tmp_path_factory, "    quarantined: records\n")
    minute = (begin_ms - T0) // MINUTE_MS
    found = read(inside, of, minute, minute + 2)
    assert found.entities == ((("account", "123456789012"), ("region", "eu-west-1")),)
    assert [None if np.isnan(each) else each for each in found.values[0]] == [None, 3.0, None]


@pytest.mark.parametrize(
    ("expression", "minutes"),
    [
        ("x", 5),
        ("x offset 1h", 65),
        ("rate(x[10m])", 10),
        ("rate(x[10m] offset 1d) / x", 1450),
        ("max_over_time((x)[1h:5m])", 70),
        ("vector(time())", 0),
    ],
)
def test_how_far_an_expression_looks_back(expression: str, minutes: int) -> None:
    assert reach_ms(expression) == minutes * MINUTE_MS


@pytest.mark.parametrize(
    ("expression", "reason"), [("x offset -5m", "after its time"), ("x @ 0", "fixed time")]
)
def test_expressions_that_no_data_time_can_have(expression: str, reason: str) -> None:
    with pytest.raises(QueryFailed, match=reason):
        reach_ms(expression)
