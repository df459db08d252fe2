"""Families of points that are not CloudWatch's: values, deltas, histograms, summaries."""

import math

import numpy as np
import pytest

from app.catalog import SeriesIdentity
from app.mal.buckets import bucket_bound, bucket_percentiles
from app.otlp.points import (
    GAUGE,
    HISTOGRAM_CUMULATIVE,
    HISTOGRAM_DELTA,
    SUM_CUMULATIVE,
    SUM_DELTA,
    SUMMARY,
)
from tests.unit.rules.points import Given, Minutes, engine, otlp, value

MS = 60_000_000


def evaluate(points: list[Given], *expressions: str) -> list[dict[tuple[str, ...], float]]:
    found = Minutes(points).evaluate(engine(*expressions), 1_000)
    return [found[f"p_{number}"] for number in range(len(expressions))]


@pytest.mark.parametrize(
    ("kind", "expected"), [(GAUGE, 3.0), (SUM_CUMULATIVE, 3.0), (SUM_DELTA, 6.0)]
)
def test_values_of_a_minute(kind: str, expected: float) -> None:
    series = otlp("m", kind, svc="s")
    points = [value(series, MS, 2.0), value(series, MS + 30_000, 4.0)]
    assert evaluate(points, "m", "m.downsampling(MAX)") == [{("s",): expected}, {("s",): 4.0}]


def test_a_gauge_has_no_statistics_that_another_metric_may_be_called() -> None:
    points = [value(otlp("node", GAUGE, svc="s"), MS, 2.0)]
    points.append(value(otlp("node_count", GAUGE, svc="s"), MS, 7.0))
    assert evaluate(points, "node_count", "node_sum") == [{("s",): 7.0}, {}]


def test_a_value_without_weight_does_not_depend_on_others_that_have_one() -> None:
    gauges = [value(otlp("m_avg", GAUGE, svc="s", i=i), MS, v) for i, v in (("1", 2.0), ("2", 4.0))]
    histogram = [
        Given(otlp("m", HISTOGRAM_DELTA, svc=svc), MS, (2.0, 18.0, 1.0, 9.0)) for svc in "st"
    ]
    assert evaluate(gauges, "m_avg") == [{("s",): 3.0}]
    assert evaluate([*gauges, histogram[1]], "m_avg") == [{("s",): 3.0, ("t",): 9.0}]
    assert evaluate([*gauges, *histogram], "m_avg") == [{("s",): 5.0, ("t",): 9.0}]


def test_a_divisor_of_zero_has_no_sign_whether_others_are_combined_or_not() -> None:
    points = [value(otlp("x", GAUGE, svc=svc), MS, 1.0) for svc in "st"]
    zero = value(otlp("y", GAUGE, svc="s", i="1"), MS, 0.0)
    others = [value(otlp("y", GAUGE, svc="t", i=i), MS, -5.0) for i in "12"]
    quotient = "x / y.negative().tag({tags -> tags.remove('i')})"
    assert evaluate([*points, zero], quotient) == [{("s",): math.inf}]
    assert evaluate([*points, zero, *others], quotient) == [{("s",): math.inf, ("t",): 0.2}]


BUCKETS = {"le:0.005": 1.0, "le:10.0": 2.0, "le:12345678.0": 3.0, "le:inf": 4.0}


@pytest.mark.parametrize("kind", [HISTOGRAM_DELTA, HISTOGRAM_CUMULATIVE])
def test_a_histogram_has_a_sample_for_each_bucket(kind: str) -> None:
    points = [Given(otlp("h", kind, svc="s"), MS, (10.0, 55.0, 0.001, 99.0), BUCKETS)]
    by_bucket, total, count, smallest, counted = evaluate(
        points, "h.sum(['svc', 'le'])", "h_sum", "h_count", "h_min", "h.count(['svc', 'le'])"
    )
    assert by_bucket == {
        ("s", "le", "0.005"): 1.0,
        ("s", "le", "10.0"): 2.0,
        ("s", "le", "1.2345678E7"): 3.0,
        ("s", "le", "Infinity"): 4.0,
    }
    assert (total, count, smallest) == ({("s",): 55.0}, {("s",): 10.0}, {("s",): 0.001})
    assert counted == {("s",): 4.0}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(HISTOGRAM_DELTA, [3.0, 5.0, 21.0, 4.2]), (HISTOGRAM_CUMULATIVE, [2.0, 3.0, 11.0, 11 / 3])],
)
def test_of_a_histogram_that_goes_on_counting_the_last_point_counts(
    kind: str, expected: list[float]
) -> None:
    series = otlp("h", kind, svc="s")
    points = [
        Given(series, MS, (2.0, 10.0, 1.0, 9.0), {"le:1.0": 1.0, "le:inf": 1.0}),
        Given(series, MS + 30_000, (3.0, 11.0, 1.0, 9.0), {"le:1.0": 2.0, "le:inf": 1.0}),
    ]
    bucket = "h.tagEqual('le', '1.0').sum(['svc'])"
    found = evaluate(points, bucket, "h_count", "h_sum", "h_avg.avg(['svc'])", "h_min", "h_max")
    assert found == [{("s",): number} for number in [*expected, 1.0, 9.0]]


def test_bounds_of_a_histogram_become_milliseconds() -> None:
    points = [Given(otlp("h", HISTOGRAM_DELTA, svc="s"), MS, (10.0, 55.0, 0.0, 99.0), BUCKETS)]
    (found,) = evaluate(points, "h.histogram().histogram_percentile([50, 99])")
    assert found == {
        ("s", "le", "5"): 1.0,
        ("s", "le", "10000"): 2.0,
        ("s", "le", "12345678000"): 3.0,
        ("s", "le", "9223372036854775807"): 4.0,
    }
    (found,) = evaluate(points, "h.histogram('le', TimeUnit.MILLISECONDS)")
    assert set(found) >= {("s", "le", "0"), ("s", "le", "10")}


def test_percentiles_and_kind_are_known_of_the_metric() -> None:
    rules = engine("h.histogram().histogram_percentile([50, 99.9])", "h.histogram()", "h")
    shapes = [(d.percentiles, d.labelled) for d in rules.definitions.values()]
    assert shapes == [((50, 99), True), ((), True), ((), False)]


def test_a_summary_has_a_sample_for_each_quantile() -> None:
    extras = {"p99.9": 9.0, "p50": 3.0}
    points = [Given(otlp("q", SUMMARY, svc="s"), MS, (4.0, 20.0, 1.0, 10.0), extras)]
    by_quantile, average, p50 = evaluate(points, "q.max(['svc', 'quantile'])", "q_avg", "q_p50")
    assert by_quantile == {
        ("s", "quantile", "0.0"): 1.0,
        ("s", "quantile", "0.5"): 3.0,
        ("s", "quantile", "0.999"): 9.0,
        ("s", "quantile", "1.0"): 10.0,
    }
    assert (average, p50) == ({("s",): 5.0}, {("s",): 3.0})


def test_of_several_summaries_in_a_minute_the_last_counts() -> None:
    series = otlp("q", SUMMARY, svc="s")
    points = [
        Given(series, MS, (4.0, 20.0, 1.0, 10.0), {"p50": 3.0}),
        Given(series, MS + 30_000, (5.0, 22.0, 1.0, 9.0), {"p50": 2.5}),
    ]
    found = evaluate(points, "q_sum", "q_count", "q_avg", "q.tagEqual('quantile', '0.5')", "q_max")
    assert found == [{("s",): number} for number in (22.0, 5.0, 4.4, 2.5, 10.0)]


def test_new_buckets_may_appear_at_any_time() -> None:
    series = otlp("h", HISTOGRAM_DELTA, svc="s")
    points = Minutes(
        [
            Given(series, MS, (1.0, 1.0, 1.0, 1.0), {"le:1.0": 1.0}),
            Given(series, MS + 60_000, (2.0, 2.0, 1.0, 1.0), {"le:1.0": 1.0, "le:2.0": 1.0}),
        ]
    )
    rules = engine("h.sum(['svc', 'le'])")
    assert points.evaluate(rules, 1_000) == {"p_0": {("s", "le", "1.0"): 1.0}}
    assert points.evaluate(rules, 1_001)["p_0"] == {
        ("s", "le", "1.0"): 1.0,
        ("s", "le", "2.0"): 1.0,
    }
    assert points.evaluate(rules, 1_000) == {"p_0": {("s", "le", "1.0"): 1.0}}


@pytest.mark.parametrize(
    ("rank", "expected"), [(0, 1.0), (10, 1.0), (50, 2.0), (70, 3.0), (99, 4.0), (100, 4.0)]
)
def test_percentiles_of_buckets(rank: int, expected: float) -> None:
    bounds = np.array([4.0, 1.0, 2.0, 3.0])
    counts = np.array([[3.0], [1.0], [4.0], [2.0]])
    assert bucket_percentiles(bounds, counts, rank).tolist() == [expected]


def test_percentiles_of_empty_and_of_falling_buckets() -> None:
    counts = np.array([[0.0, 5.0, -9.0], [0.0, -4.0, 1.0]])
    assert bucket_percentiles(np.array([5.0, 7.0]), counts, 100).tolist() == [0.0, 5.0, 0.0]


@pytest.mark.parametrize(
    ("bound", "expected"),
    [("5", 5.0), (str(2**63 - 1), math.inf), (str(-(2**63)), -math.inf), ("", None), ("x", None)],
)
def test_the_bound_of_a_bucket(bound: str, expected: float | None) -> None:
    assert bucket_bound({"le": bound}) == expected


def cloudwatch(metric: str, account: str, region: str = "eu-west-1", **dims: str) -> SeriesIdentity:
    return SeriesIdentity(account, region, "AWS/DynamoDB", metric, tuple(dims.items()), "Count")


B = "amazonaws_com_AWS_DynamoDB_"


def test_empty_is_decided_for_each_resource() -> None:
    points = [
        value(cloudwatch("ReadThrottleEvents", "1", TableName="t"), MS, 1.0),
        value(cloudwatch("ReadThrottleEvents", "2", TableName="t"), MS, 2.0),
        value(cloudwatch("WriteThrottleEvents", "2", TableName="t"), MS, 10.0),
        value(cloudwatch("ReadThrottleEvents", "2", TableName="u"), MS, 4.0),
        value(cloudwatch("WriteThrottleEvents", "3", TableName="t"), MS, 20.0),
        value(cloudwatch("ReadThrottleEvents", "2", "us-east-1", TableName="u"), MS, 100.0),
    ]
    end = "endpoint(['cloud_account_id'], ['TableName'], Layer.L)"
    by_table = "sum(['cloud_account_id', 'TableName'])"
    plus, minus, by_account = (
        Minutes(points).evaluate(engine(expression, end=end), 1_000)["p_0"]
        for expression in (
            f"{B}ReadThrottleEvents_sum + {B}WriteThrottleEvents_sum",
            f"{B}ReadThrottleEvents_sum - {B}WriteThrottleEvents_sum",
            f"{B}ReadThrottleEvents_sum.{by_table} + {B}WriteThrottleEvents_sum.{by_table}",
        )
    )
    # In account 2, eu-west-1, there are write throttles, so its table u has no partner.
    assert plus == {("1", "t"): 1.0, ("2", "t"): 12.0, ("2", "u"): 100.0, ("3", "t"): 20.0}
    assert minus == {("1", "t"): 1.0, ("2", "t"): -8.0, ("2", "u"): 100.0, ("3", "t"): -20.0}
    assert by_account == {("1", "t"): 1.0, ("2", "t"): 12.0, ("3", "t"): 20.0}


ENDPOINT = "endpoint(['cloud_account_id'], ['TableName'], Layer.L)"


@pytest.mark.parametrize("first", ["Read", "Write"])
def test_a_part_of_a_sum_meets_the_sum_whichever_came_first(first: str) -> None:
    second = {"Read": "Write", "Write": "Read"}[first]
    series = {
        kind: cloudwatch(f"{kind}ThrottleEvents", "1", TableName="t") for kind in ("Read", "Write")
    }
    points = [
        value(series[first], MS, 3.0),
        value(series["Read"], MS + 60_000, 3.0),
        value(series["Write"], MS + 60_000, 5.0),
        value(series[second], MS + 120_000, 5.0),
    ]
    read, write = f"{B}ReadThrottleEvents_sum", f"{B}WriteThrottleEvents_sum"
    rules = engine(f"{read} / ({read} + {write})", f"{write} / ({read} + {write})", end=ENDPOINT)
    minutes = Minutes(points)
    found = [minutes.evaluate(rules, 1_000 + n) for n in range(3)]
    shares = [{kind: result[kind].get(("1", "t")) for kind in result} for result in found]
    only_read, only_write = {"p_0": 1.0, "p_1": None}, {"p_0": None, "p_1": 1.0}
    both = {"p_0": 3.0 / 8.0, "p_1": 5.0 / 8.0}
    alone = [only_read, only_write] if first == "Read" else [only_write, only_read]
    assert shares == [alone[0], both, alone[1]]


def test_a_sum_goes_on_when_one_of_its_parts_is_missing() -> None:
    read = cloudwatch("ReadThrottleEvents", "1", TableName="t")
    write = cloudwatch("WriteThrottleEvents", "1", TableName="t")
    points = [value(read, MS, 3.0), value(read, MS + 60_000, 4.0), value(write, MS + 60_000, 5.0)]
    points.append(value(write, MS + 120_000, 6.0))
    both = f"({B}ReadThrottleEvents_sum + {B}WriteThrottleEvents_sum)"
    rules = engine(f"{both}.increase('PT1M')", end=ENDPOINT)
    minutes = Minutes(points)
    found = [minutes.evaluate(rules, 1_000 + n)["p_0"] for n in range(3)]
    assert found == [{("1", "t"): 0.0}, {("1", "t"): 6.0}, {("1", "t"): -3.0}]


def test_a_zero_has_no_sign_whatever_else_has_been_seen() -> None:
    table = {"TableName": "t"}
    whole = cloudwatch("ReadThrottleEvents", "1", **table)
    part = cloudwatch("ReadThrottleEvents", "1", **table, GlobalSecondaryIndexName="i")
    reads = cloudwatch("ConsumedReadCapacityUnits", "1", **table)
    points = [value(part, MS - 60_000, 1.0), value(whole, MS, 0.0), value(reads, MS, 2.0)]
    unindexed = "tag({tags -> tags.remove('GlobalSecondaryIndexName')})"
    zero = f"{B}ReadThrottleEvents_sum.{unindexed}.negative()"
    rule = f"{B}ConsumedReadCapacityUnits_sum / {zero}", f"1 / {zero}.max(['TableName'])"
    seen, new = (
        engine(*rule, end=ENDPOINT.replace("['cloud_account_id']", "['TableName']"))
        for _ in range(2)
    )
    minutes = Minutes(points)
    minutes.evaluate(seen, 999)
    expected = {"p_0": {("t", "t"): math.inf}, "p_1": {("t", "t"): math.inf}}
    assert minutes.evaluate(seen, 1_000) == minutes.evaluate(new, 1_000) == expected


def test_an_explicit_sum_leaves_breakdowns_out_where_their_whole_is() -> None:
    table = {"TableName": "t"}
    index = {**table, "GlobalSecondaryIndexName": "i"}
    metric = "ConsumedWriteCapacityUnits"
    points = [
        value(cloudwatch(metric, "1", **table), MS, 10.0),
        value(cloudwatch(metric, "1", **table, Source="Customer"), MS, 7.0),
        value(cloudwatch(metric, "1", **table, Source="GlobalTable"), MS, 3.0),
        value(cloudwatch(metric, "1", **index), MS, 5.0),
        value(cloudwatch(metric, "1", **index, Source="Customer"), MS, 5.0),
    ]
    by_table, by_index, by_source = evaluate_accounts(
        points,
        f"{B}{metric}.sum(['cloud_account_id', 'TableName'])",
        f"{B}{metric}.sum(['cloud_account_id', 'GlobalSecondaryIndexName'])",
        f"{B}{metric}.sum(['cloud_account_id', 'GlobalSecondaryIndexName', 'Source'])"
        ".tagNotEqual('Source', '')",
    )
    assert by_table == {("1", "TableName", "t"): 10.0}
    assert by_index == {("1",): 10.0, ("1", "GlobalSecondaryIndexName", "i"): 5.0}
    assert by_source == {
        ("1", "Source", "Customer"): 7.0,
        ("1", "Source", "GlobalTable"): 3.0,
        ("1", "GlobalSecondaryIndexName", "i", "Source", "Customer"): 5.0,
    }


def evaluate_accounts(points: list[Given], *expressions: str) -> list[dict[tuple[str, ...], float]]:
    rules = engine(*expressions, end="service(['cloud_account_id'], Layer.L)")
    found = Minutes(points).evaluate(rules, 1_000)
    return [found[f"p_{number}"] for number in range(len(expressions))]
