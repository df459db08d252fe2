"""The engine over the points of a minute: families, statistics, time, faults."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from app.arrays import IntArray
from app.catalog import SeriesIdentity, load_statistic_catalog
from app.rules import MinutePoints, RuleEngine
from app.rules.files import parse_rule_file

FILE = """
metricPrefix: p
filter: "{{ tags -> {filter} }}"
expSuffix: service(['cloud_account_id'], Layer.L)
metricsRules:
  - name: m
    exp: {expression}
"""
BASE = "amazonaws_com_AWS_DynamoDB_"

Row = tuple[int, float, float, float, float]
"""offset_ms, count, sum, minimum, maximum"""


def evaluate(
    expression: str,
    series: Sequence[tuple[SeriesIdentity, Sequence[Row]]],
    extras: Sequence[tuple[int, str, float]] = (),
    passes: str = "true",
) -> dict[str, float]:
    """Values by service."""
    text = FILE.format(expression=expression, filter=passes)
    engine = RuleEngine([parse_rule_file(text, "f.yaml")], load_statistic_catalog())
    values, faults = engine.evaluate(
        minute(series, extras), lambda ids: [series[i][0] for i in ids]
    )
    assert not faults
    (of_metric,) = values
    outputs = of_metric.outputs
    services = [of_metric.targets[row][0].service for row in outputs.row.tolist()]
    return dict(zip(services, outputs.value.tolist(), strict=True))


def minute(
    series: Sequence[tuple[SeriesIdentity, Sequence[Row]]],
    extras: Sequence[tuple[int, str, float]],
) -> MinutePoints:
    rows = [(number, *row) for number, (_, points) in enumerate(series) for row in points]
    columns = list(zip(*rows, strict=True))
    return MinutePoints(
        minute=1,
        series_id=np.array(columns[0], np.int64),
        offset_ms=np.array(columns[1], np.int64),
        count=np.array(columns[2], np.float64),
        total=np.array(columns[3], np.float64),
        minimum=np.array(columns[4], np.float64),
        maximum=np.array(columns[5], np.float64),
        extra_row=np.array([row for row, _, _ in extras], np.int64),
        extra_name=tuple(name for _, name, _ in extras),
        extra_value=np.array([value for _, _, value in extras], np.float64),
    )


def identity(metric: str, account: str = "1", **dimensions: str) -> SeriesIdentity:
    return SeriesIdentity(
        account, "eu-west-1", "AWS/DynamoDB", metric, tuple(dimensions.items()), "Count"
    )


LATENCY = identity("SuccessfulRequestLatency", Operation="GetItem")
POINT: Row = (0, 4.0, 10.0, 1.0, 7.0)


@pytest.mark.parametrize(
    ("suffix", "expected"),
    [("", 2.5), ("_avg", 2.5), ("_sum", 10.0), ("_count", 4.0), ("_min", 1.0), ("_max", 7.0)],
)
def test_statistics_by_suffix(suffix: str, expected: float) -> None:
    result = evaluate(f"{BASE}SuccessfulRequestLatency{suffix}", [(LATENCY, [POINT])])
    assert result == {"1": expected}


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("ConsumedReadCapacityUnits", 10.0),
        ("ProvisionedReadCapacityUnits", 7.0),
        ("AccountProvisionedReadCapacityUtilization", 2.5),
        ("ThisMetricIsNotListed", 2.5),
    ],
)
def test_a_bare_name_is_the_natural_statistic(metric: str, expected: float) -> None:
    assert evaluate(BASE + metric, [(identity(metric), [POINT])]) == {"1": expected}


def test_percentiles_are_families() -> None:
    series = [(LATENCY, [POINT])]
    extras = [(0, "p99", 6.5), (0, "p99.9", 6.9), (0, "TM(25%:75%)", 2.0)]
    base = f"{BASE}SuccessfulRequestLatency"
    assert evaluate(f"{base}_p99", series, extras) == {"1": 6.5}
    assert evaluate(f"{base}_p99_9", series, extras) == {"1": 6.9}
    assert evaluate(f"{base}_TM_25__75__", series, extras) == {"1": 2.0}
    assert evaluate(f"{base}_p50", series, extras) == {}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("SuccessfulRequestLatency", 16.0 / 6.0),
        ("SuccessfulRequestLatency_sum", 16.0),
        ("SuccessfulRequestLatency_max", 7.0),
        ("SuccessfulRequestLatency_min", 0.5),
        ("SuccessfulRequestLatency_sum.downsampling(AVG)", 8.0),
        ("SuccessfulRequestLatency_sum.downsampling(MAX)", 10.0),
        ("SuccessfulRequestLatency_sum.downsampling(MIN)", 6.0),
        ("SuccessfulRequestLatency_sum.downsampling(LATEST)", 6.0),
        ("SuccessfulRequestLatency_max.downsampling(SUM)", 12.0),
    ],
)
def test_samples_within_the_minute_are_reduced_in_time_first(
    expression: str, expected: float
) -> None:
    points: list[Row] = [(0, 4.0, 10.0, 1.0, 7.0), (30_000, 2.0, 6.0, 0.5, 5.0)]
    assert evaluate(BASE + expression, [(LATENCY, points)]) == {"1": expected}


def test_an_average_of_no_samples_is_missing() -> None:
    assert evaluate(f"{BASE}SuccessfulRequestLatency", [(LATENCY, [(0, 0.0, 0.0, 0.0, 0.0)])]) == {}


def test_an_unknown_minimum_is_missing() -> None:
    row = (0, 1.0, 1.0, math.nan, math.nan)
    assert evaluate(f"{BASE}SuccessfulRequestLatency_min", [(LATENCY, [row])]) == {}


@pytest.mark.parametrize(
    ("passes", "expected"),
    [
        ("tags.Namespace == 'AWS/DynamoDB'", {"1": 10.0, "2": 10.0}),
        ("tags.cloud_account_id == '2' && tags.cloud_region == 'eu-west-1'", {"2": 10.0}),
        ("tags.MetricName == 'SystemErrors'", {}),
        ("tags.Operation == 'GetItem' && tags.cloud_provider == 'aws'", {"1": 10.0, "2": 10.0}),
    ],
)
def test_the_file_filter_sees_the_labels(passes: str, expected: dict[str, float]) -> None:
    series = [
        (identity("SuccessfulRequestLatency", account, Operation="GetItem"), [POINT])
        for account in ("1", "2")
    ]
    assert evaluate(f"{BASE}SuccessfulRequestLatency_sum", series, passes=passes) == expected


def test_a_filter_that_fails_costs_its_series_only() -> None:
    series = [(LATENCY, [POINT]), (identity("SuccessfulRequestLatency", "2"), [POINT])]
    passes = "tags.note = tags.Operation\n return true"
    result = evaluate(f"{BASE}SuccessfulRequestLatency_sum", series, passes=passes)
    assert result == {"1": 10.0}


@pytest.mark.parametrize(
    ("suffix", "expected"), [("_p99", 7.0), ("_p99_9", 7.5), ("_TM_25__75__", 3.0), ("_IQM", 2.0)]
)
@pytest.mark.parametrize("metric", ["SuccessfulRequestLatency", "ThisMetricIsNotListed"])
def test_percentiles_of_several_series_are_never_averaged(
    metric: str, suffix: str, expected: float
) -> None:
    series = [(identity(metric, Operation=name), [POINT]) for name in ("GetItem", "Query")]
    names = ("p99", "p99.9", "TM(25%:75%)", "IQM")
    extras = [(0, name, 1.0) for name in names]
    extras += [(1, name, value) for name, value in zip(names, (7.0, 7.5, 3.0, 2.0), strict=True)]
    assert evaluate(f"{BASE}{metric}{suffix}", series, extras) == {"1": expected}


def test_metrics_of_other_sources_appear_under_their_own_name() -> None:
    gauge = SeriesIdentity("1", "", "", "cpu.load", (("service.name", "web"),), "1", "gauge")
    expression = "cpu_load.tagEqual('service_name', 'web')"
    assert evaluate(expression, [(gauge, [(0, 1.0, 0.5, 0.5, 0.5)])]) == {"1": 0.5}


def test_a_gauge_read_several_times_a_minute_is_averaged() -> None:
    gauge = SeriesIdentity("1", "", "", "load", (), "1", "gauge")
    points: list[Row] = [(0, 1.0, 2.0, 2.0, 2.0), (15_000, 1.0, 4.0, 4.0, 4.0)]
    assert evaluate("load", [(gauge, points)]) == {"1": 3.0}
    assert evaluate("load.downsampling(SUM)", [(gauge, points)]) == {"1": 6.0}


def test_a_dimension_named_namespace_gives_way() -> None:
    series = [(identity("ConsumedReadCapacityUnits", Namespace="kube-system"), [POINT])]
    expression = f"{BASE}ConsumedReadCapacityUnits.tagEqual('dimension_Namespace', 'kube-system')"
    result = evaluate(expression, series, passes="tags.Namespace == 'AWS/DynamoDB'")
    assert result == {"1": 10.0}


def test_a_rule_that_fails_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    text = FILE.format(expression=f"{BASE}SuccessfulRequestLatency", filter="true")
    text += f"  - name: n\n    exp: {BASE}SuccessfulRequestLatency_sum\n"
    engine = RuleEngine([parse_rule_file(text, "f.yaml")], load_statistic_catalog())
    broken = engine.rules[0].expression.emission

    def fail(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(broken, "evaluate", fail)
    values, faults = engine.evaluate(minute([(LATENCY, [POINT])], ()), lambda _: [LATENCY])
    assert [fault.definition.name for fault in faults] == ["p_m"]
    assert [v.outputs.value.tolist() for v in values] == [[10.0]]


def test_labels_are_seen_once_per_series() -> None:
    text = FILE.format(expression=f"{BASE}SuccessfulRequestLatency", filter="true")
    engine = RuleEngine([parse_rule_file(text, "f.yaml")], load_statistic_catalog())
    asked: list[list[int]] = []

    def identities(ids: Sequence[int]) -> list[SeriesIdentity]:
        asked.append(list(ids))
        return [LATENCY for _ in ids]

    for _ in range(3):
        engine.evaluate(minute([(LATENCY, [POINT])], ()), identities)
    assert asked == [[0]]


def test_rows_with_values_are_the_same_array_as_long_as_they_are_the_same() -> None:
    text = FILE.format(expression=f"{BASE}SuccessfulRequestLatency", filter="true")
    engine = RuleEngine([parse_rule_file(text, "f.yaml")], load_statistic_catalog())
    series = [(identity("SuccessfulRequestLatency", account), [POINT]) for account in "ab"]

    def rows(*present: int) -> IntArray:
        given = [(series[number][0], series[number][1]) for number in present]
        (of_metric,), _ = engine.evaluate(
            replace(minute(given, ()), series_id=np.array(present, np.int64)),
            lambda ids: [series[number][0] for number in ids],
        )
        return of_metric.outputs.row

    both = rows(0, 1)
    assert rows(0, 1) is both
    one = rows(1)
    assert (both.tolist(), one.tolist()) == ([0, 1], [1])
    assert rows(1) is one


def values_of(
    engine: RuleEngine,
    series: Sequence[tuple[SeriesIdentity, Sequence[Row]]],
    present: Sequence[int],
) -> dict[str, tuple[float, float, float]]:
    """Value, numerator and weight by service, of a minute with points of some of the series."""
    known = {number: identity for number, (identity, _) in enumerate(series)}
    some = [(known[number], series[number][1]) for number in present]
    points = minute(some, ())
    ids = np.array(present, np.int64)[points.series_id]
    points = replace(points, series_id=ids)
    (of_metric,), _ = engine.evaluate(points, lambda wanted: [known[i] for i in wanted])
    outputs = of_metric.outputs
    columns = zip(outputs.row, outputs.value, outputs.numerator, outputs.weight, strict=True)
    return {
        of_metric.targets[row][0].service: (float(value), float(numerator), float(weight))
        for row, value, numerator, weight in columns
    }


def new_engine(expression: str) -> RuleEngine:
    text = FILE.format(expression=expression, filter="true")
    return RuleEngine([parse_rule_file(text, "f.yaml")], load_statistic_catalog())


@pytest.mark.parametrize(
    "expression",
    [
        f"{BASE}SuccessfulRequestLatency",
        f"{BASE}SuccessfulRequestLatency * 2",
        f"{BASE}SuccessfulRequestLatency_max * {BASE}SuccessfulRequestLatency_count",
        f"{BASE}SuccessfulRequestLatency_sum / {BASE}SuccessfulRequestLatency_count",
        f"{BASE}SuccessfulRequestLatency_max",
        f"{BASE}SuccessfulRequestLatency_avg.avg(['cloud_account_id']).downsampling(MAX)",
    ],
)
def test_a_value_depends_neither_on_history_nor_on_other_accounts(expression: str) -> None:
    """What is stored for a minute is the same whatever the engine has seen, and sees beside it."""
    series: list[tuple[SeriesIdentity, Sequence[Row]]] = [
        (
            identity("SuccessfulRequestLatency", "1", Operation="GetItem"),
            [(0, 3.0, 10.0, 1.0, 7.0)],
        ),
        (identity("SuccessfulRequestLatency", "1", Operation="Query"), [(0, 9.0, 30.0, 1.0, 8.0)]),
        (
            identity("SuccessfulRequestLatency", "2", Operation="GetItem"),
            [(0, 7.0, 1.0, 0.1, 0.2), (30_000, 2.0, 5.0, 1.0, 4.0)],
        ),
    ]
    alone = values_of(new_engine(expression), series, [0])["1"]
    experienced = new_engine(expression)
    together = values_of(experienced, series, [0, 1, 2])
    for present in ([0], [0, 2]):
        assert repr(values_of(experienced, series, present)["1"]) == repr(alone)
    assert repr(values_of(new_engine(expression), series, [0, 1])["1"]) == repr(together["1"])


def test_a_metric_whose_name_begins_with_another_is_a_metric_of_its_own() -> None:
    def agent(metric: str, account: str) -> SeriesIdentity:
        return SeriesIdentity(account, "r", "CWAgent", metric, (), "Percent")

    expression = "amazonaws_com_CWAgent_mem_used_percent"
    series = [
        (agent("mem_used", "1"), [(0, 1.0, 5.0, 5.0, 5.0)]),
        (agent("mem_used_percent", "2"), [(0, 1.0, 22.0, 22.0, 22.0)]),
        (agent("mem_used_percent", "1"), [(0, 1.0, 11.0, 11.0, 11.0)]),
    ]
    assert evaluate(expression, series) == {"1": 11.0, "2": 22.0}


def test_one_family_may_come_from_two_metrics() -> None:
    """``load_sum`` is the Sum of ``load``, and there is a metric ``load_sum`` too."""

    def custom(metric: str, account: str) -> SeriesIdentity:
        return SeriesIdentity(account, "r", "N", metric, (), "Count")

    series = [
        (custom("load", "1"), [(0, 2.0, 10.0, 5.0, 5.0)]),
        (custom("load_sum", "2"), [(0, 2.0, 8.0, 4.0, 4.0)]),
        (custom("load", "3"), [(0, 2.0, 30.0, 15.0, 15.0)]),
    ]
    assert evaluate("amazonaws_com_N_load_sum", series) == {"1": 10.0, "2": 4.0, "3": 30.0}
