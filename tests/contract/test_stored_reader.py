"""What PromQL reads of the database: raw series and rule metrics, on both engines."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
    Summary,
    SummaryDataPoint,
)

from app.clock import ManualClock
from app.labels import LabelSet
from app.otlp import Encoding
from app.promql.engine import Engine, Limits
from app.query.prometheus import PrometheusData
from app.rules.files import parse_rule_file
from app.simulator import Format, Point, Series, encode_records
from tests.fixtures.exports import attributes, export, gauge
from tests.fixtures.house import House, house
from tests.fixtures.postgresql import PostgresqlServer
from tests.fixtures.rollups import START_MS, capacity, deliver, rules
from tests.fixtures.selecting import selected

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
ORDERS = {"TableName": "orders", "account": "1", "region": "eu-west-1"}
EXTRAS = (("p99", 5.0), ("p99.9", 6.0), ("TM(25%:75%)", 7.0))
CAPACITY = "aws_dynamodb_ConsumedReadCapacityUnits"
SHOP = """
metricPrefix: shop
expSuffix: service(['service_name'], Layer.GENERAL)
metricsRules:
  - name: latency
    exp: took.sum(['le', 'service_name', 'route']).histogram().histogram_percentile([50, 99])
"""


@contextmanager
def the_house(database: str) -> Iterator[House]:
    with house(database, [*rules(), parse_rule_file(SHOP, "shop.yaml")]) as made:
        yield made


@pytest.fixture
def inside(database_url: str) -> Iterator[House]:
    with the_house(database_url) as made:
        yield made


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrometheusData]:
    """A database with something of everything, which no test changes."""
    server: PostgresqlServer | None = None
    name = "stored_reader_of_everything"
    url = f"sqlite:///{tmp_path_factory.mktemp('stored') / 'hydrant.db'}"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        assert server is not None
        server.create_database(name)
        url = server.url(name)
    with the_house(url) as made:
        deliver(
            made,
            replace(capacity(0, 8.0, count=4), percentiles=EXTRAS),
            capacity(2, 6.0, count=3),
            capacity(0, 2.0, table="users"),
            a_point("a b", namespace="My App"),
            a_point("a_b", namespace="my/app"),
            request_id="1",
        )
        observe(made, *numbers_of_a_shop(), service__name="shop")
        observe(made, a_histogram(0, 6, 3, 1), a_histogram(1, 2, 0, 0), service__name="shop")
        observe(made, an_exponential_histogram(), a_summary())
        yield data_of(made)
    if server is not None:
        server.drop_database(name)


def data_of(inside: House) -> PrometheusData:
    return PrometheusData(inside.store, lambda: inside.rules.current().definitions)


def labels(name: str, **more: str) -> LabelSet:
    return tuple(sorted({"__name__": name, **more}.items()))


def values(opened: PrometheusData, selector: str) -> dict[LabelSet, list[float]]:
    """Values of three hours by series, in the order of time."""
    found = selected(opened, selector, START_MS, START_MS + 3 * HOUR_MS)
    return {each: list(samples.values()) for each, samples in found.items()}


def observe(inside: House, *metrics: Metric, **resource: str) -> None:
    body = export(*metrics, **resource).SerializeToString()
    inside.ingest.store(inside.ingest.open_export(body, Encoding.PROTOBUF))
    inside.evaluator.evaluate_dirty()


def nanoseconds(minute: float) -> int:
    return int((START_MS + minute * MINUTE_MS) * 1_000_000)


def a_point(metric: str, unit: str = "Count", namespace: str = "AWS/DynamoDB") -> Point:
    dimensions = (("TableName", "orders"),)
    series = Series("1", "eu-west-1", namespace, metric, dimensions, unit)
    return Point(series, START_MS, 1, 4.0, 4.0, 4.0)


def numbers_of_a_shop() -> list[Metric]:
    delta = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
    cumulative = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    point = NumberDataPoint(
        attributes=attributes(http__route="/buy", account="mine"),
        start_time_unix_nano=nanoseconds(0),
        time_unix_nano=nanoseconds(1),
        as_int=7,
    )
    return [
        gauge("queue.length", 3.0, 4.0, start_ms=START_MS + MINUTE_MS),
        Metric(name="sent", sum=Sum(data_points=[point], aggregation_temporality=delta)),
        Metric(name="total", sum=Sum(data_points=[point], aggregation_temporality=cumulative)),
    ]


def a_histogram(minute: int, *counts: int) -> Metric:
    """Counts of up to 0.1, 0.5 and more seconds."""
    point = HistogramDataPoint(
        attributes=attributes(route="/buy"),
        start_time_unix_nano=nanoseconds(minute),
        time_unix_nano=nanoseconds(minute + 1),
        count=sum(counts),
        sum=1.5,
        bucket_counts=counts,
        explicit_bounds=[0.1, 0.5],
    )
    delta = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
    return Metric(
        name="took", histogram=Histogram(data_points=[point], aggregation_temporality=delta)
    )


def an_exponential_histogram() -> Metric:
    """Two buckets, and later one of the next bound."""
    points = [
        ExponentialHistogramDataPoint(
            start_time_unix_nano=nanoseconds(0),
            time_unix_nano=nanoseconds(minute),
            count=1 + sum(counts),
            sum=4.5,
            scale=0,
            zero_count=1,
            positive=ExponentialHistogramDataPoint.Buckets(offset=offset, bucket_counts=counts),
        )
        for minute, offset, counts in ((1, 0, [2, 3]), (2, 1, [4]))
    ]
    cumulative = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    histogram = ExponentialHistogram(data_points=points, aggregation_temporality=cumulative)
    return Metric(name="size", exponential_histogram=histogram)


def a_summary() -> Metric:
    quantiles = [
        SummaryDataPoint.ValueAtQuantile(quantile=quantile, value=value)
        for quantile, value in ((0.0, 0.5), (0.5, 1.0), (0.99, 2.0))
    ]
    point = SummaryDataPoint(
        start_time_unix_nano=nanoseconds(0),
        time_unix_nano=nanoseconds(1),
        count=4,
        sum=3.0,
        quantile_values=quantiles,
    )
    return Metric(name="rpc", summary=Summary(data_points=[point]))


def test_a_statistic_stands_at_the_end_of_its_period(opened: PrometheusData) -> None:
    for suffix, numbers in (
        ("sum", [8.0, 6.0]),
        ("samplecount", [4.0, 3.0]),
        ("average", [2.0, 2.0]),
        ("minimum", [1.75, 1.75]),
        ("maximum", [2.5, 2.5]),
    ):
        selector = f'{CAPACITY}_{suffix}{{TableName="orders"}}'
        found = selected(opened, selector, START_MS, START_MS + HOUR_MS)
        times = [START_MS + MINUTE_MS, START_MS + 3 * MINUTE_MS]
        expected = dict(zip(times, numbers, strict=True))
        assert found == {labels(f"{CAPACITY}_{suffix}", **ORDERS): expected}
    # The start is not part of the range, the end is.
    for start, end, count in ((0, 1, 1), (1, 2, 0), (0, 3, 2), (2, 3, 1)):
        bounds = START_MS + start * MINUTE_MS, START_MS + end * MINUTE_MS
        selector = f'{CAPACITY}_sum{{TableName="orders"}}'
        samples = selected(opened, selector, *bounds).values()
        assert sum(map(len, samples)) == count


def test_percentiles_have_names_of_their_own(opened: PrometheusData) -> None:
    for suffix, value in (("p99", 5.0), ("p99_9", 6.0), ("tm_25__75__", 7.0)):
        name = f"{CAPACITY}_{suffix}"
        assert values(opened, name) == {labels(name, **ORDERS): [value]}
    assert values(opened, f"{CAPACITY}_p90") == {}
    named = values(opened, f'{{__name__=~"{CAPACITY}_[pt].*"}}')
    assert len(named) == 3


def test_a_series_is_found_as_cloudwatch_spells_it(opened: PrometheusData) -> None:
    for statistic, numbers in (("Sum", [8.0, 6.0]), ("p99.9", [6.0])):
        name = f"AWS/DynamoDB/ConsumedReadCapacityUnits/{statistic}"
        found = values(opened, f'{{"{name}", TableName="orders"}}')
        assert found == {labels(name, **ORDERS): numbers}
    everything = values(opened, '{__name__=~".*ConsumedReadCapacityUnits.*"}')
    assert not [each for each in everything if "AWS/" in dict(each)["__name__"]]
    assert values(opened, '{"AWS/DynamoDB/ConsumedReadCapacityUnits/Sum", TableName="x"}') == {}


def test_matchers_are_of_labels_that_may_be_absent(opened: PrometheusData) -> None:
    for matchers, tables in (
        ('TableName="orders"', ["orders"]),
        ('TableName!="orders"', ["users"]),
        ('TableName=~"or.*|us.*"', ["orders", "users"]),
        ('TableName=~"order"', []),
        ('TableName!~"u.*",account="1"', ["orders"]),
        ('Operation=""', ["orders", "users"]),
        ('Operation!=""', []),
        ('unit=""', ["orders", "users"]),
        ('unit="Count"', []),
    ):
        found = values(opened, f"{CAPACITY}_sum{{{matchers}}}")
        assert sorted(dict(each)["TableName"] for each in found) == tables


def test_metrics_of_one_name_are_told_apart(opened: PrometheusData) -> None:
    found = values(opened, "my_app_a_b_sum")
    assert set(found) == {
        labels("my_app_a_b_sum", original_namespace=namespace, original_metric=metric, **ORDERS)
        for namespace, metric in (("My App", "a b"), ("my/app", "a_b"))
    }
    (only,) = values(opened, 'my_app_a_b_sum{original_namespace="My App"}')
    assert dict(only)["original_metric"] == "a b"


def test_a_metric_of_a_rule_has_the_labels_of_its_entity(opened: PrometheusData) -> None:
    own = {"service": "1", "region": "eu-west-1", "layer": "AWS_DYNAMODB"}
    orders, users = (labels("t_sum", endpoint=name, **own) for name in ("orders", "users"))
    assert values(opened, "t_sum") == {orders: [8.0, 6.0], users: [2.0]}
    found = selected(opened, 't_sum{endpoint="orders"}', START_MS, START_MS + MINUTE_MS)
    assert found == {orders: {START_MS + MINUTE_MS: 8.0}}
    for matchers, count in (
        ('endpoint="orders"', 1),
        ('endpoint!="orders"', 1),
        ('endpoint="carts"', 0),
        ('layer=~"AWS_.*"', 2),
        ('Operation=""', 2),
        ('Operation!=""', 0),
    ):
        assert len(values(opened, f"t_sum{{{matchers}}}")) == count


def test_everything_of_a_name_is_found(opened: PrometheusData) -> None:
    found = {dict(each)["__name__"] for each in values(opened, '{__name__=~"t_.*|aws_.*_sum"}')}
    assert found == {"t_sum", "t_latest", "t_plain", f"{CAPACITY}_sum"}
    found = {dict(each)["__name__"] for each in values(opened, '{endpoint="orders"}')}
    assert found == {"t_sum", "t_latest", "t_plain"}


def test_gauges_and_sums_of_other_sources(opened: PrometheusData) -> None:
    found = selected(opened, "queue_length", START_MS, START_MS + HOUR_MS)
    at = START_MS + MINUTE_MS
    expected = {at: 3.0, at + 1000: 4.0}
    assert found == {labels("queue_length", service_name="shop"): expected}
    spelt = selected(opened, '{"queue.length"}', START_MS, START_MS + HOUR_MS)
    assert spelt == {(("__name__", "queue.length"), ("service.name", "shop")): expected}
    own = {"service_name": "shop", "http_route": "/buy", "exported_account": "mine"}
    for name in ("sent", "total"):
        found = selected(opened, name, START_MS, START_MS + HOUR_MS)
        assert found == {labels(name, **own): {at: 7.0}}


def test_a_histogram_is_a_classic_one(opened: PrometheusData) -> None:
    own = {"service_name": "shop", "route": "/buy"}
    assert values(opened, "took_bucket") == {
        labels("took_bucket", le="0.1", **own): [6.0, 2.0],
        labels("took_bucket", le="0.5", **own): [9.0, 2.0],
        labels("took_bucket", le="+Inf", **own): [10.0, 2.0],
    }
    assert list(values(opened, 'took_bucket{le="0.5"}').values()) == [[9.0, 2.0]]
    assert values(opened, "took_count") == {labels("took_count", **own): [10.0, 2.0]}
    assert values(opened, "took_sum") == {labels("took_sum", **own): [1.5, 1.5]}
    query = "histogram_quantile(0.9, sum_over_time(took_bucket[5m]))"
    engine = Engine(Limits(), ManualClock(START_MS))
    with opened.open() as now:
        answer = engine.instant(query, START_MS + 2 * MINUTE_MS, now.reader)
    assert answer.vector is not None
    # Of 12 observations 10.8 lie below it: 8 are below 0.1, and 3 between 0.1 and 0.5.
    assert answer.vector.values.tolist() == [[pytest.approx(0.1 + 0.4 * 2.8 / 3)]]


def test_an_exponential_histogram_has_its_bounds(opened: PrometheusData) -> None:
    assert values(opened, "size_bucket") == {
        labels("size_bucket", le="2"): [3.0, 1.0],
        labels("size_bucket", le="4"): [6.0, 5.0],
        labels("size_bucket", le="+Inf"): [6.0, 5.0],
    }


def test_a_summary_has_quantiles(opened: PrometheusData) -> None:
    assert values(opened, "rpc") == {
        labels("rpc", quantile=text): [value]
        for text, value in (("0", 0.5), ("0.5", 1.0), ("0.99", 2.0))
    }
    assert values(opened, "rpc_count") == {labels("rpc_count"): [4.0]}
    assert values(opened, 'rpc{quantile="0.5"}') == {labels("rpc", quantile="0.5"): [1.0]}


def test_percentiles_of_a_rule_are_quantiles_and_buckets(opened: PrometheusData) -> None:
    own = {"service": "shop", "layer": "GENERAL", "route": "/buy"}
    assert values(opened, "shop_latency") == {
        labels("shop_latency", quantile="0.5", **own): [100.0, 100.0],
        labels("shop_latency", quantile="0.99", **own): [float("inf"), 100.0],
    }
    name = "shop_latency_bucket"
    assert values(opened, name) == {
        labels(name, le="100", **own): [6.0, 2.0],
        labels(name, le="500", **own): [9.0, 2.0],
        labels(name, le="+Inf", **own): [10.0, 2.0],
    }
    selector = 'shop_latency{quantile="0.5",route="/buy"}'
    assert list(values(opened, selector)) == [labels("shop_latency", quantile="0.5", **own)]
    assert list(values(opened, f'{name}{{le="100"}}')) == [labels(name, le="100", **own)]


@pytest.mark.parametrize("first", ["Count", "Bytes"])
def test_units_of_one_metric_are_told_apart_whichever_came_first(inside: House, first: str) -> None:
    name, even = "aws_dynamodb_Odd_sum", "aws_dynamodb_Even_sum"
    second = {"Count": "Bytes", "Bytes": "Count"}[first]
    data = data_of(inside)
    deliver(inside, a_point("Odd", first), a_point("Even", first), request_id="1")
    assert list(values(data, name)) == [labels(name, **ORDERS)]
    deliver(inside, a_point("Odd", second), request_id="2")
    found = values(data, name)
    assert set(found) == {labels(name, unit=unit, **ORDERS) for unit in ("Count", "Bytes")}
    of_bytes = values(data, f'{name}{{unit="Bytes"}}')
    assert list(of_bytes) == [labels(name, unit="Bytes", **ORDERS)]
    assert list(values(data, even)) == [labels(even, **ORDERS)]


def test_what_came_since_the_last_query_is_found(inside: House) -> None:
    data = data_of(inside)
    for number, table in enumerate(("orders", "users", "carts"), start=1):
        # Points are there before their minute is evaluated.
        inside.post(encode_records([capacity(0, 1.0, table=table)], Format.JSON), table)
        assert len(values(data, f"{CAPACITY}_sum")) == number
        assert len(values(data, "t_sum")) == number - 1
        inside.evaluator.evaluate_dirty()
        assert len(values(data, "t_sum")) == number


def test_of_another_database_nothing_is_taken_for_known(
    inside: House, tmp_path_factory: pytest.TempPathFactory
) -> None:
    deliver(inside, capacity(0, 1.0), capacity(0, 1.0, table="users"), request_id="1")
    data = data_of(inside)
    assert len(values(data, f"{CAPACITY}_sum")) == len(values(data, "t_sum")) == 2
    other = tmp_path_factory.mktemp("other") / "hydrant.db"
    with the_house(f"sqlite:///{other}") as made:
        deliver(made, capacity(0, 1.0, table="carts"), request_id="1")
        # What the store does when it finds itself with another database.
        data._store = made.store
        data._forget()
        found = [*values(data, f"{CAPACITY}_sum"), *values(data, "t_sum")]
    assert [dict(each).get("TableName", dict(each).get("endpoint")) for each in found] == [
        "carts",
        "carts",
    ]
