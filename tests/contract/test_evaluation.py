"""From points to stored values, on both engines."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from app.pipeline import Evaluator
from app.pipeline.minutes_read import MinutesRead
from app.rules.files import parse_rule_file
from app.simulator import Format, Point, Series, encode_records
from app.storage.stored_points import StoredPoints
from tests.fixtures.house import NOW_MS, House, house
from tests.fixtures.rewriting import rewrite_points

MINUTE_MS = NOW_MS // 60_000 * 60_000
RULES = """
metricPrefix: t
filter: "{ tags -> tags.Namespace == 'AWS/DynamoDB' }"
expSuffix: endpoint(['cloud_account_id'], ['TableName'], Layer.AWS_DYNAMODB)
metricsRules:
  - name: consumed
    exp: amazonaws_com_AWS_DynamoDB_ConsumedReadCapacityUnits
  - name: latency
    exp: amazonaws_com_AWS_DynamoDB_SuccessfulRequestLatency
  - name: ratio
    exp: amazonaws_com_AWS_DynamoDB_SystemErrors_sum / amazonaws_com_AWS_DynamoDB_SystemErrors_count
"""


@pytest.fixture
def new_house(database_url: str) -> Iterator[House]:
    with house(database_url, [parse_rule_file(RULES, "t.yaml")]) as made:
        yield made


def point(metric: str, count: int, total: float, **dimensions: str) -> Point:
    region = dimensions.pop("region", "eu-west-1")
    named = {"TableName": "orders", **dimensions}
    series = Series("1", region, "AWS/DynamoDB", metric, tuple(named.items()), "Count")
    return Point(series, MINUTE_MS, count, total, 0.0, total)


def values(inside: House, metric: str) -> list[tuple[object, ...]]:
    inside.evaluator.evaluate_dirty()
    query = "SELECT service, endpoint, region, start_ms, value FROM v_values WHERE metric = '{}'"
    return inside.rows(query.format(metric))


def deliver(inside: House, request_id: str, *points: Point) -> None:
    inside.post(encode_records(points, Format.OPENTELEMETRY_0_7), request_id)


def test_an_index_is_not_mixed_into_its_table_nor_a_source_counted_twice(new_house: House) -> None:
    deliver(
        new_house,
        "1",
        point("ConsumedReadCapacityUnits", 2, 10.5),
        point("ConsumedReadCapacityUnits", 2, 99.0, GlobalSecondaryIndexName="by-date"),
        point("ConsumedReadCapacityUnits", 2, 10.5, Source="Customer"),
    )
    assert values(new_house, "t_consumed") == [("1", "orders", "eu-west-1", MINUTE_MS, 10.5)]


def test_breakdowns_count_where_there_is_no_whole(new_house: House) -> None:
    deliver(
        new_house,
        "1",
        point("ConsumedReadCapacityUnits", 2, 1.5, Source="Customer"),
        point("ConsumedReadCapacityUnits", 2, 2.0, Source="GlobalTable"),
    )
    assert values(new_house, "t_consumed") == [("1", "orders", "eu-west-1", MINUTE_MS, 3.5)]


def test_averages_weigh_by_sample_count(new_house: House) -> None:
    deliver(
        new_house,
        "1",
        point("SuccessfulRequestLatency", 1, 10.0, Operation="GetItem"),
        point("SuccessfulRequestLatency", 9, 18.0, Operation="Query"),
    )
    assert values(new_house, "t_latency")[0][-1] == 28.0 / 10.0


def test_two_regions_keep_their_tables_apart(new_house: House) -> None:
    deliver(
        new_house,
        "1",
        point("ConsumedReadCapacityUnits", 1, 1.0),
        point("ConsumedReadCapacityUnits", 1, 2.0, region="us-east-1"),
    )
    assert values(new_house, "t_consumed") == [
        ("1", "orders", "eu-west-1", MINUTE_MS, 1.0),
        ("1", "orders", "us-east-1", MINUTE_MS, 2.0),
    ]


def test_a_minute_is_summed_over_requests(new_house: House) -> None:
    deliver(new_house, "1", point("SuccessfulRequestLatency", 1, 3.0, Operation="GetItem"))
    assert values(new_house, "t_latency")[0][-1] == 3.0
    deliver(new_house, "2", point("SuccessfulRequestLatency", 2, 4.0, Operation="Query"))
    assert values(new_house, "t_latency")[0][-1] == 7.0 / 3.0


def test_a_value_that_is_no_longer_there_is_deleted(new_house: House) -> None:
    deliver(new_house, "1", point("SystemErrors", 4, 2.0, Operation="GetItem"))
    assert values(new_house, "t_ratio")[0][-1] == 0.5
    # A ratio of nothing to nothing is missing, not 0.
    minute = MINUTE_MS // 60_000

    def nothing(points: StoredPoints) -> StoredPoints:
        return replace(points, count=points.count * 0, total=points.total * 0)

    new_house.store.write(lambda c: rewrite_points(c, minute - minute % 60, nothing))
    deliver(new_house, "2", point("ConsumedReadCapacityUnits", 1, 1.0))
    assert values(new_house, "t_ratio") == []


def test_averages_keep_what_they_are_made_of(new_house: House) -> None:
    deliver(new_house, "1", point("SuccessfulRequestLatency", 3, 10.0, Operation="GetItem"))
    new_house.evaluator.evaluate_dirty()
    rows = new_house.rows(
        "SELECT value, numerator, weight FROM value_rows v JOIN metric m"
        " ON m.metric_id = v.metric_id WHERE m.name = 't_latency'"
    )
    assert rows == [(10.0 / 3.0, 10.0, 3.0)]


def test_points_without_the_entity_give_no_value(new_house: House) -> None:
    series = Series("1", "eu-west-1", "AWS/DynamoDB", "ConsumedReadCapacityUnits", (), "Count")
    deliver(new_house, "1", Point(series, MINUTE_MS, 1, 1.0, 1.0, 1.0))
    assert values(new_house, "t_consumed") == []


def test_without_rules_there_are_no_values_and_the_minutes_are_done(database_url: str) -> None:
    with house(database_url, []) as inside:
        deliver(inside, "1", point("ConsumedReadCapacityUnits", 1, 1.0))
        assert inside.evaluator.evaluate_dirty() == 1
        assert inside.evaluator.evaluate_dirty() == 0


def test_a_minute_that_fails_does_not_hold_up_the_others(
    new_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = point("ConsumedReadCapacityUnits", 1, 2.0)
    deliver(new_house, "1", point("ConsumedReadCapacityUnits", 1, 1.0))
    deliver(new_house, "2", replace(later, start_ms=MINUTE_MS + 60_000))
    evaluate = Evaluator._evaluate

    def failing(self: Evaluator, minute: int, marks: Sequence[int], read: MinutesRead) -> None:
        if minute * 60_000 == MINUTE_MS:
            raise ZeroDivisionError
        evaluate(self, minute, marks, read)

    with monkeypatch.context() as patch:
        patch.setattr(Evaluator, "_evaluate", failing)
        with pytest.raises(ZeroDivisionError):
            new_house.evaluator.evaluate_dirty()
    query = "SELECT value FROM v_values WHERE metric = 't_consumed'"
    assert new_house.rows(query) == [(2.0,)]
    new_house.evaluator.evaluate_dirty()
    assert new_house.rows(query) == [(1.0,), (2.0,)]


def test_a_minute_that_fills_while_others_are_evaluated_is_evaluated_once(
    new_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = point("ConsumedReadCapacityUnits", 1, 1.0)
    second = replace(first, start_ms=MINUTE_MS + 60_000)
    other = point("ConsumedReadCapacityUnits", 1, 2.0, TableName="others")
    deliver(new_house, "1", first)
    deliver(new_house, "2", second)
    evaluate = Evaluator._evaluate
    evaluated: list[int] = []

    def overtaken(self: Evaluator, minute: int, marks: Sequence[int], read: MinutesRead) -> None:
        if not evaluated:
            deliver(new_house, "3", replace(other, start_ms=second.start_ms))
        evaluated.append(minute)
        evaluate(self, minute, marks, read)

    monkeypatch.setattr(Evaluator, "_evaluate", overtaken)
    while new_house.evaluator.evaluate_dirty():
        pass
    assert evaluated == [MINUTE_MS // 60_000, MINUTE_MS // 60_000 + 1]
    query = "SELECT start_ms, endpoint, value FROM v_values WHERE metric = 't_consumed'"
    assert new_house.rows(query) == [
        (first.start_ms, "orders", 1.0),
        (second.start_ms, "orders", 1.0),
        (second.start_ms, "others", 2.0),
    ]
