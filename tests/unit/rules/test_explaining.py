"""Explanations of values: every kind of step, what is left out, why there is nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from app.catalog import SeriesIdentity, load_statistic_catalog
from app.mal import ast
from app.mal.emission import Emission
from app.rules import Explainer, Explanation, MinutePoints, Wanted
from app.rules.explanation import ExplainedValue, Step
from app.rules.files import parse_rule_file
from tests.unit.rules.test_engine import BASE, Row, identity, minute

READS = f"{BASE}ConsumedReadCapacityUnits_sum"
LIMITS = f"{BASE}ProvisionedReadCapacityUnits"
PART = "part of what another sample says as a whole"

FILE = """
metricPrefix: p
filter: "{ tags -> tags.Namespace != 'Other' }"
expSuffix: service(['cloud_account_id'], Layer.L)
metricsRules:
  - name: m
    exp: %s
    unit: units
    description: What is read.
"""


def row(total: float, count: float = 1.0, offset_ms: int = 0) -> Row:
    return offset_ms, count, total, total / max(count, 1.0), total


Series = tuple[SeriesIdentity, Sequence[Row]]


@dataclass
class Case:
    """Series with points, explained under one expression."""

    expression: str
    series: Sequence[Series]
    extras: Sequence[tuple[int, str, float]] = ()
    earlier: Sequence[tuple[int, Sequence[Row]]] = ()
    wanted: Wanted = field(default_factory=Wanted)
    limit: int = 1_000
    file: str = FILE

    def explained(self) -> Explanation:
        parsed = parse_rule_file(self.file % self.expression, "f.yaml")
        explainer = Explainer([parsed], load_statistic_catalog(), "p_m")
        identities = {number: of for number, (of, _) in enumerate(self.series)}
        points = replace(minute(self.series, self.extras), minute=100)
        return explainer.explain(points, self._earlier(), identities, self.wanted, self.limit)

    def value(self) -> ExplainedValue:
        (value,) = self.explained().values
        return value

    def steps(self) -> dict[str, Step]:
        return {step.text: step for step in self.value().steps}

    def _earlier(self) -> list[MinutePoints]:
        """Points of all series in earlier minutes."""
        return [
            replace(minute([(of, rows) for of, _ in self.series], ()), minute=number)
            for number, rows in self.earlier
        ]


def reads(table: str = "orders", **dimensions: str) -> SeriesIdentity:
    return identity("ConsumedReadCapacityUnits", TableName=table, **dimensions)


def values_of(step: Step) -> list[float]:
    return [sample.value for sample in step.samples if not sample.left_out]


def left_out(step: Step) -> dict[float, str]:
    return {sample.value: sample.left_out for sample in step.samples if sample.left_out}


def test_the_rule_is_named_with_its_place_and_the_texts_of_its_file() -> None:
    (rule,) = Case(READS, [(reads(), [row(3.0)])]).explained().rules
    assert rule.definition.place == "f.yaml:6"
    assert rule.definition.expression == READS
    assert (rule.definition.unit, rule.definition.description) == ("units", "What is read.")
    assert rule.filter == "{ tags -> tags.Namespace != 'Other' }"
    assert (rule.prefix, rule.suffix) == ("", "service(['cloud_account_id'], Layer.L)")


def test_steps_go_from_the_family_to_the_end() -> None:
    expression = f"{READS}.tagEqual('Source', '').sum(['cloud_account_id']) * 2"
    value = Case(expression, [(reads(), [row(3.0)]), (reads("users"), [row(4.0)])]).value()
    assert value.value == 14.0
    assert [step.text for step in value.steps] == [
        READS,
        "filter",
        "tagEqual('Source', '')",
        "sum(['cloud_account_id'])",
        "* 2",
    ]
    assert [step.inputs for step in value.steps] == [(), (1,), (2,), (3,), (4,)]
    assert [values_of(step) for step in value.steps] == [
        [4.0, 3.0],
        [4.0, 3.0],
        [4.0, 3.0],
        [7.0],
        [14.0],
    ]


def test_tag_shows_the_labels_before_and_after() -> None:
    steps = Case(
        f"{READS}.tag({{tags -> tags.table = 'x-' + tags.TableName}})", [(reads(), [row(1.0)])]
    ).steps()
    assert "table" not in steps["filter"].samples[0].labels
    assert steps["tag({tags -> …})"].samples[0].labels["table"] == "x-orders"


def test_filtered_samples_are_counted_and_not_listed() -> None:
    series = [(reads(), [row(1.0)]), (reads("users"), [row(2.0)])]
    steps = Case(f"{READS}.tagEqual('TableName', 'orders')", series).steps()
    assert steps["filter"].family == 2
    assert steps["tagEqual('TableName', 'orders')"].family == 1
    assert values_of(steps["filter"]) == [1.0]


def test_a_breakdown_beside_its_whole_is_left_out_by_the_aggregation() -> None:
    series = [(reads(), [row(5.0)]), (reads(Source="Customer"), [row(2.0)])]
    case = Case(f"{READS}.sum(['cloud_account_id'])", series)
    steps = case.steps()
    reason = f"{PART}: left out by sum(['cloud_account_id'])"
    assert left_out(steps["filter"]) == {2.0: reason}
    assert left_out(steps[READS]) == {2.0: reason}
    assert (steps["filter"].counted, steps["filter"].left_out) == (1, 1)
    assert [(s.identity, s.left_out) for s in case.value().series] == [
        (reads(), ""),
        (reads(Source="Customer"), reason),
    ]


def test_a_breakdown_beside_its_whole_is_left_out_at_the_end() -> None:
    case = Case(READS, [(reads(), [row(5.0)]), (reads(Source="Customer"), [row(2.0)])])
    assert case.value().value == 5.0
    assert left_out(case.steps()["filter"]) == {2.0: PART}


def test_breakdowns_without_a_whole_count() -> None:
    series = [(reads(Source="Customer"), [row(5.0)]), (reads(Source="GlobalTable"), [row(2.0)])]
    step = Case(f"{READS}.sum(['cloud_account_id'])", series).steps()["filter"]
    assert values_of(step) == [5.0, 2.0]
    assert step.left_out == 0


def test_an_average_shows_its_weights_and_what_it_is_made_of() -> None:
    latency = f"{BASE}SuccessfulRequestLatency"
    series = [
        (identity("SuccessfulRequestLatency", Operation="GetItem"), [row(10.0, 4.0)]),
        (identity("SuccessfulRequestLatency", Operation="Query"), [row(30.0, 6.0)]),
    ]
    case = Case(f"{latency}.avg(['cloud_account_id'])", series)
    value = case.value()
    assert (value.value, value.numerator, value.weight) == (4.0, 40.0, 10.0)
    assert [(s.value, s.weight) for s in case.steps()["filter"].samples] == [(5.0, 6.0), (2.5, 4.0)]
    assert {use.statistic for s in value.series for use in s.uses} == {"Average"}


def test_both_sides_of_a_quotient_are_explained() -> None:
    limits = identity("ProvisionedReadCapacityUnits", TableName="orders")
    case = Case(f"{READS} / {LIMITS}", [(reads(), [row(6.0)]), (limits, [row(4.0)])])
    value = case.value()
    assert value.value == 1.5
    assert value.steps[-1].text == "step 2 / step 4"
    assert value.steps[-1].inputs == (2, 4)
    assert {s.identity.metric: s.uses[0].statistic for s in value.series} == {
        "ConsumedReadCapacityUnits": "Sum",
        "ProvisionedReadCapacityUnits": "Maximum",
    }


def test_a_left_sample_without_partner_is_left_out_of_a_quotient() -> None:
    series = [
        (reads(), [row(6.0)]),
        (reads("users"), [row(9.0)]),
        (identity("ProvisionedReadCapacityUnits", TableName="orders"), [row(4.0)]),
    ]
    case = Case(f"{READS} / {LIMITS}", series)
    assert case.value().value == 1.5
    reason = "no sample with the same labels on the other side of /"
    assert left_out(case.steps()[READS]) == {9.0: reason}


def test_nothing_by_nothing_is_told_apart_from_a_missing_partner() -> None:
    series = [
        (reads(), [row(0.0)]),
        (identity("ProvisionedReadCapacityUnits", TableName="orders"), [row(0.0)]),
    ]
    value = Case(f"{READS} / {LIMITS}", series).value()
    assert value.value is None
    assert value.steps[0].samples[0].left_out == "no number under /, as 0 / 0 is none"


def test_against_an_empty_family_a_side_stands_alone() -> None:
    case = Case(f"{READS} - {LIMITS}", [(reads(), [row(6.0)])])
    assert case.value().value == 6.0
    assert [step.counted for step in case.value().steps] == [1, 1, 0, 0, 1]


def test_samples_of_equal_labels_are_merged_before_arithmetic() -> None:
    bytes_ = SeriesIdentity(*reads().head.texts[:4], reads().dimensions, "Bytes")
    limits = identity("ProvisionedReadCapacityUnits", TableName="orders")
    series = [(reads(), [row(6.0)]), (bytes_, [row(1.0)]), (limits, [row(2.0)])]
    case = Case(f"{READS} / {LIMITS}", series)
    assert case.value().value == 3.5
    merged = case.steps()["samples of equal labels combined: sum"]
    assert values_of(merged) == [7.0]


def test_what_does_not_pass_a_value_filter_is_left_out() -> None:
    case = Case(f"{READS}.valueGreater(5)", [(reads(), [row(6.0)]), (reads("b"), [row(4.0)])])
    assert case.value().value == 6.0
    assert left_out(case.steps()["filter"]) == {4.0: "does not pass valueGreater(5)"}


def test_without_a_value_the_samples_and_their_end_are_told() -> None:
    value = Case(f"{READS}.valueGreater(5).sum(['cloud_account_id'])", [(reads(), [row(4.0)])])
    (explained,) = value.explained().values
    assert explained.value is None
    assert explained.steps[0].counted == 0
    assert left_out(explained.steps[0]) == {4.0: "does not pass valueGreater(5)"}
    assert [s.left_out for s in explained.series] == ["does not pass valueGreater(5)"]


def test_counts_show_what_was_counted() -> None:
    series = [(reads("a"), [row(4.0)]), (reads("b"), [row(5.0)])]
    case = Case(f"{READS}.count(['cloud_account_id', 'TableName'])", series)
    assert case.value().value == 2.0
    assert values_of(case.steps()["filter"]) == [5.0, 4.0]


def test_a_window_shows_the_sample_that_it_compares_with() -> None:
    case = Case(
        f"{READS}.increase('PT2M')",
        [(reads(), [row(40.0)])],
        earlier=[(98, [row(10.0)]), (99, [row(25.0)])],
    )
    assert case.value().value == 30.0
    (sample,) = case.steps()["increase('PT2M')"].samples
    assert sample.earlier == (98 * 60_000, 10.0)


def test_the_previous_sample_of_irate_is_missing_where_there_is_none() -> None:
    (sample,) = Case(f"{READS}.irate()", [(reads(), [row(4.0)])]).steps()["irate()"].samples
    assert sample.earlier is None


def test_a_histogram_is_explained_by_bucket_with_its_percentiles() -> None:
    histogram = SeriesIdentity("1", "", "", "took", (("svc", "s"),), "s", "histogram_delta")
    parsed = parse_rule_file(FILE % "took.sum(['cloud_account_id', 'le']).histogram()", "f.yaml")
    (rule,) = parsed.rules
    ranks = ast.NumberList((50.0, 90.0), ast.Place(1, 1))
    asked = ast.MethodCall(rule.expression, "histogram_percentile", (ranks,), ast.Place(1, 1))
    parsed = replace(parsed, rules=(replace(rule, expression=asked),))
    explainer = Explainer([parsed], load_statistic_catalog(), "p_m")
    extras = [(0, "le:1.0", 5.0), (0, "le:2.0", 4.0), (0, "le:inf", 1.0)]
    points = minute([(histogram, [row(9.0, 10.0)])], extras)
    explanation = explainer.explain(points, (), {0: histogram}, Wanted(), 100)
    buckets = {dict(v.labels)["le"]: v.value for v in explanation.values}
    assert buckets == {"1000": 5.0, "2000": 4.0, str(2**63 - 1): 1.0}
    (percentiles,) = explanation.percentiles
    assert percentiles.by_rank == {50: 1000.0, 90: 2000.0}
    assert explanation.values[0].series[0].uses[0].statistic == "buckets"


def test_several_points_within_the_minute_say_how_they_combine() -> None:
    value = Case(READS, [(reads(), [row(4.0), row(5.0, offset_ms=30_000)])]).value()
    assert value.value == 9.0
    assert value.series[0].uses[0].within_minute == "sum"


def test_of_two_rules_of_one_metric_the_later_ones_value_stands() -> None:
    second = f"{FILE}  - name: m\n    exp: {READS} * 2\n"
    explanation = Case(READS, [(reads(), [row(4.0)])], file=second).explained()
    assert [(v.value, v.overruled_by) for v in explanation.values] == [
        (4.0, "f.yaml:10"),
        (8.0, ""),
    ]


def test_what_is_told_is_bounded_and_the_totals_are_not() -> None:
    series = [(reads(f"t{number}"), [row(float(number))]) for number in range(50)]
    value = Case(f"{READS}.sum(['cloud_account_id'])", series, limit=10).value()
    assert value.value == sum(range(50))
    step = value.steps[0]
    assert (step.counted, len(step.samples)) == (50, 10)
    assert values_of(step) == [float(number) for number in range(49, 39, -1)]
    assert (value.series_total, len(value.series)) == (50, 10)


def test_values_are_bounded_too_and_share_the_limit() -> None:
    accounts = [identity("ConsumedReadCapacityUnits", f"{n}", TableName="t") for n in range(30)]
    explanation = Case(READS, [(a, [row(1.0)]) for a in accounts], limit=10).explained()
    assert (explanation.total, len(explanation.values)) == (30, 10)
    assert all(len(value.series) == 1 for value in explanation.values)


ENDPOINTS = FILE.replace(
    "service(['cloud_account_id'], Layer.L)",
    "endpoint(['cloud_account_id'], ['TableName'], Layer.L)",
)


def test_only_the_entity_asked_for_is_explained() -> None:
    series = [(reads("orders"), [row(1.0)]), (reads("users"), [row(2.0)])]
    explanation = Case(READS, series, wanted=Wanted(endpoint="users"), file=ENDPOINTS).explained()
    assert [value.value for value in explanation.values] == [2.0]
    assert explanation.losses == ()


def test_samples_that_a_filter_took_are_found_by_the_name() -> None:
    series = [(reads("orders"), [row(1.0)]), (reads("users", Source="x"), [row(2.0)])]
    expression = f"{READS}.tagEqual('Source', '')"
    wanted = Wanted(endpoint="users")
    explanation = Case(expression, series, wanted=wanted, file=ENDPOINTS).explained()
    assert explanation.values == ()
    (loss,) = explanation.losses
    assert (loss.step, loss.total) == ("tagEqual('Source', '')", 1)
    assert loss.samples[0].labels["Source"] == "x"


def test_samples_whose_labels_name_no_entity_are_found() -> None:
    series = [(identity("ConsumedReadCapacityUnits"), [row(1.0)])]
    explanation = Case(READS, series, wanted=Wanted(service="1"), file=ENDPOINTS).explained()
    (loss,) = explanation.losses
    assert loss.step == "endpoint: a label that names it is empty"


def test_a_misspelt_name_gets_near_ones() -> None:
    series = [(reads("orders"), [row(1.0)]), (reads("users"), [row(2.0)])]
    explanation = Case(READS, series, wanted=Wanted(endpoint="ordres"), file=ENDPOINTS).explained()
    assert [entity.endpoint for entity in explanation.near] == ["orders"]


def test_faults_of_closures_are_told() -> None:
    expression = f"{READS}.tag({{tags -> tags.a = tags.nothing}})"
    explanation = Case(expression, [(reads(), [row(1.0)])]).explained()
    assert explanation.values == ()
    assert any("null" in fault for fault in explanation.faults)


def test_a_rule_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object, __: object) -> None:
        raise ZeroDivisionError("of this test")

    monkeypatch.setattr(Emission, "evaluate", fail)
    explanation = Case(READS, [(reads(), [row(1.0)])]).explained()
    assert explanation.faults == ("f.yaml:6: of this test",)


def test_only_series_of_the_rules_families_are_needed() -> None:
    parsed = parse_rule_file(FILE % f"{READS} / {LIMITS}", "f.yaml")
    explainer = Explainer([parsed], load_statistic_catalog(), "p_m")
    assert explainer.families_of(reads()) == [READS]
    assert explainer.families_of(identity("ProvisionedReadCapacityUnits")) == [LIMITS]
    assert explainer.families_of(identity("SystemErrors")) == []


def test_a_sum_by_hand_of_the_listed_samples_is_the_value() -> None:
    numbers = np.random.default_rng(7).normal(0.0, 1e6, 300).tolist()
    series = [(reads(f"t{n}"), [row(value)]) for n, value in enumerate(numbers)]
    value = Case(f"{READS}.sum(['cloud_account_id'])", series).value()
    assert value.value == math.fsum(values_of(value.steps[0]))


def test_a_family_that_is_named_twice_is_one_step() -> None:
    case = Case(f"{READS}.valueGreater(5) / {READS}", [(reads(), [row(8.0)])])
    value = case.value()
    assert value.value == 1.0
    assert [step.text for step in value.steps] == [
        READS,
        "filter",
        "valueGreater(5)",
        "step 3 / step 2",
    ]
    assert [(step.counted, step.left_out) for step in value.steps] == [(1, 0)] * 4


def test_what_counts_on_one_way_is_not_left_out_for_another() -> None:
    # What does not pass the filter still counts for the sum of all.
    case = Case(
        f"{READS}.sum(['cloud_account_id']) - {READS}.valueGreater(5).sum(['cloud_account_id'])",
        [(reads("a"), [row(8.0)]), (reads("b"), [row(2.0)])],
    )
    assert case.value().value == 2.0
    assert (case.steps()[READS].counted, case.steps()[READS].left_out) == (2, 0)


def test_the_right_side_stands_alone_against_an_empty_left() -> None:
    value = Case(f"{LIMITS} - {READS}", [(reads(), [row(6.0)])]).value()
    assert value.value == -6.0
    assert [series.identity.metric for series in value.series] == ["ConsumedReadCapacityUnits"]
    assert value.steps[-1].inputs == (2, 4)
