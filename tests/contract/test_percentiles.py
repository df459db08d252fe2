"""Percentiles of histograms over REST, on both engines: read from stored buckets."""

from collections.abc import Iterator

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
)

from app.otlp import Encoding
from app.rules.files import parse_rule_file
from tests.fixtures.exports import TIME_MS, attributes, export
from tests.fixtures.house import House, house
from tests.fixtures.rest import get

RULES = """
metricPrefix: shop
expSuffix: service(['service_name'], Layer.GENERAL)
metricsRules:
  - name: latency
    exp: took.sum(['le', 'service_name', 'route']).histogram().histogram_percentile([50, 90, 99])
  - name: buckets
    exp: took.sum(['le', 'service_name']).histogram()
"""
MINUTE_MS = 60_000
START_MS = TIME_MS // (5 * MINUTE_MS) * 5 * MINUTE_MS


@pytest.fixture
def inside(database_url: str) -> Iterator[House]:
    with house(database_url, [parse_rule_file(RULES, "shop.yaml")]) as made:
        yield made


def took(route: str, minute: int, *counts: int) -> Metric:
    """Counts of up to 0.1, 0.5 and more seconds."""
    start_ms = START_MS + minute * MINUTE_MS
    point = HistogramDataPoint(
        attributes=attributes(route=route),
        start_time_unix_nano=start_ms * 1_000_000,
        time_unix_nano=(start_ms + MINUTE_MS) * 1_000_000,
        count=sum(counts),
        sum=1.0,
        bucket_counts=counts,
        explicit_bounds=[0.1, 0.5],
    )
    delta = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
    return Metric(
        name="took", histogram=Histogram(data_points=[point], aggregation_temporality=delta)
    )


def answers(inside: House, metric: str, step: int) -> dict[tuple[str, ...], list[float | None]]:
    """Values by route or bucket, and rank."""
    status, answer = get(inside, f"/api/v1/metrics/{metric}?step={step}")
    assert status == 200
    return {tuple(item["labels"].values()): item["values"] for item in answer["series"]}


def test_percentiles_are_read_from_the_buckets_of_each_step(inside: House) -> None:
    metrics = [took("/buy", 0, 6, 3, 1), took("/buy", 1, 20, 0, 0), took("/sell", 1, 0, 0, 0)]
    body = export(*metrics, service__name="shop").SerializeToString()
    inside.ingest.store(inside.ingest.open_export(body, Encoding.PROTOBUF))
    inside.evaluator.evaluate_dirty()
    # Nine in ten of the first minute's 10 are below 500 ms; its slowest beyond the last bound.
    assert answers(inside, "shop_latency", 60) == {
        ("/buy", "50"): [100.0, 100.0],
        ("/buy", "90"): [500.0, 100.0],
        ("/buy", "99"): [None, 100.0],
        ("/sell", "50"): [0.0],
        ("/sell", "90"): [0.0],
        ("/sell", "99"): [0.0],
    }
    # 26 of 30 are below 100 ms and 29 below 500: buckets are added up, never percentiles merged.
    over_five_minutes = answers(inside, "shop_latency", 300)
    assert [over_five_minutes["/buy", rank] for rank in ("50", "90", "99")] == [
        [100.0],
        [500.0],
        [None],
    ]
    assert answers(inside, "shop_buckets", 300) == {
        ("100",): [26.0],
        ("500",): [3.0],
        (str(2**63 - 1),): [1.0],
    }


def test_the_list_of_metrics_names_the_ranks(inside: House) -> None:
    _, answer = get(inside, "/api/v1/metrics")
    ranks = {item["name"]: item["percentiles"] for item in answer["metrics"]}
    assert ranks == {"shop_latency": [50, 90, 99], "shop_buckets": []}


def test_what_lies_beyond_the_last_bound_is_told_with_it(inside: House) -> None:
    metrics = [took("/buy", 0, 6, 3, 1), took("/buy", 1, 20, 0, 0), took("/sell", 1, 0, 0, 5)]
    body = export(*metrics, service__name="shop").SerializeToString()
    inside.ingest.store(inside.ingest.open_export(body, Encoding.PROTOBUF))
    inside.evaluator.evaluate_dirty()
    _, answer = get(inside, "/api/v1/metrics/shop_latency?label=p:99")
    assert [(i["labels"]["route"], i["values"], i["last_bound"]) for i in answer["series"]] == [
        ("/buy", [None, 100.0], 500.0),
        ("/sell", [None], 500.0),
    ]
    _, answer = get(inside, "/api/v1/metrics/shop_buckets")
    assert not any("last_bound" in item for item in answer["series"])
    # Of both minutes together 26 of 30 are in the first bucket, 29 in the first two.
    _, answer = get(inside, "/api/v1/top/shop_latency?label=p:90")
    assert [(i["labels"]["route"], i["value"], i["last_bound"]) for i in answer["top"]] == [
        ("/sell", None, 500.0),
        ("/buy", 500.0, 500.0),
    ]
    _, answer = get(inside, "/api/v1/top/shop_latency?by=service&label=p:50")
    (whole,) = answer["top"]
    assert whole == {
        "service": "shop",
        "labels": {"p": "50"},
        "value": 100.0,
        "series": 6,
        "last_bound": 500.0,
    }
