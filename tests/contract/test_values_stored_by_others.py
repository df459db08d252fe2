"""The server writes only values that differ from those it committed last, unless others wrote."""

from collections.abc import Iterator

import pytest

from app.catalog import load_statistic_catalog
from app.clock import ManualClock
from app.pipeline.backfill import Backfill
from app.rules.files import parse_rule_file
from app.simulator import Format, Point, Series, encode_records
from app.telemetry import REGISTRY
from tests.fixtures.house import NOW_MS, House, house

MINUTE_MS = NOW_MS // 60_000 * 60_000
RULES = """
metricPrefix: t
expSuffix: endpoint(['cloud_account_id'], ['TableName'], Layer.AWS_DYNAMODB)
metricsRules:
  - name: consumed
    exp: amazonaws_com_AWS_DynamoDB_ConsumedReadCapacityUnits
  - name: returned
    exp: amazonaws_com_AWS_DynamoDB_ReturnedBytes
"""


@pytest.fixture
def inside(database_url: str) -> Iterator[House]:
    with house(database_url, [parse_rule_file(RULES, "t.yaml")]) as made:
        yield made


def deliver(inside: House, request_id: str, metric: str, count: int, total: float) -> None:
    series = Series("1", "eu-west-1", "AWS/DynamoDB", metric, (("TableName", "a"),), "Count")
    point = Point(series, MINUTE_MS, count, total, 0.0, total)
    inside.post(encode_records([point], Format.OPENTELEMETRY_0_7), request_id)


def stored(inside: House) -> dict[str, float]:
    rows = inside.rows("SELECT metric, value FROM v_values")
    return {str(metric): float(str(value)) for metric, value in rows}


def written() -> float:
    return REGISTRY.get_sample_value("hydrant_values_written_total") or 0.0


def test_metrics_that_are_as_before_are_not_written(inside: House) -> None:
    deliver(inside, "1", "ConsumedReadCapacityUnits", 1, 2.0)
    deliver(inside, "2", "ReturnedBytes", 1, 100.0)
    inside.evaluator.evaluate_dirty()
    before = written()
    deliver(inside, "3", "ReturnedBytes", 2, 300.0)
    inside.evaluator.evaluate_dirty()
    assert stored(inside) == {"t_consumed": 2.0, "t_returned": 300.0}
    assert written() - before == 1.0


def test_what_others_have_stored_is_replaced(inside: House) -> None:
    deliver(inside, "1", "ConsumedReadCapacityUnits", 1, 2.0)
    inside.evaluator.evaluate_dirty()
    # Somebody evaluates the minute with other rules, in another process.
    other = RULES.replace("ConsumedReadCapacityUnits", "ConsumedReadCapacityUnits * 10")
    files = [parse_rule_file(other, "t.yaml")]
    backfill = Backfill(
        inside.store, files, load_statistic_catalog(), ManualClock(NOW_MS), ["t_consumed"]
    )
    backfill.evaluate(MINUTE_MS // 60_000)
    assert stored(inside) == {"t_consumed": 20.0}
    deliver(inside, "2", "ReturnedBytes", 1, 100.0)
    inside.evaluator.evaluate_dirty()
    assert stored(inside) == {"t_consumed": 2.0, "t_returned": 100.0}
