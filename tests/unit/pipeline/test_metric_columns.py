"""Columns of metrics: in the order of storage, whatever order targets were met in."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog import load_statistic_catalog
from app.mal.emission import Outputs
from app.mal.targets import EntityNumbers, Targets
from app.pipeline.metric_columns import MetricColumnMaker
from app.pipeline.targets import NewTargets, TargetIds
from app.rules import MetricValues, RuleEngine
from app.rules.files import parse_rule_file
from app.storage import MetricColumns

RULES = """
metricPrefix: t
expSuffix: endpoint(['cloud_account_id'], ['TableName'], Layer.AWS_DYNAMODB)
metricsRules:
  - name: one
    exp: amazonaws_com_AWS_DynamoDB_ConsumedReadCapacityUnits
  - name: two
    exp: amazonaws_com_AWS_DynamoDB_ConsumedWriteCapacityUnits
"""
ENGINE = RuleEngine([parse_rule_file(RULES, "t.yaml")], load_statistic_catalog())
DEFINITIONS = ENGINE.definitions
METRIC_IDS = {"t_one": 7, "t_two": 3}
TARGETS = Targets(EntityNumbers())

Rows = dict[int, float]
Key = tuple[int, int, int]


def values(rule: int, metric: str, rows: Rows, weight: float = np.nan) -> MetricValues:
    row = np.array(sorted(rows), np.int64)
    value = np.array([rows[number] for number in sorted(rows)], np.float64)
    weights = np.full(len(row), weight)
    outputs = Outputs(row, value, value * weights, weights)
    return MetricValues(DEFINITIONS[metric], rule, TARGETS, outputs, {})


def ids_of(rule: int, row: int) -> tuple[int, int]:
    """Ids that fall while rows rise, in part; of two rules alike."""
    return (row * 37 + 11) % 101, (row * 5 + rule) % 2


def known(*rules: int) -> TargetIds:
    targets = TargetIds()
    targets.learn(new({(rule, row): ids_of(rule, row) for rule in rules for row in range(60)}))
    return targets


def new(ids: dict[tuple[int, int], tuple[int, int]]) -> NewTargets:
    """Ids of (rule, row) as they are when they have been registered."""
    rules = {rule for rule, _ in ids}
    rows = {rule: sorted(row for of_rule, row in ids if of_rule == rule) for rule in rules}
    return NewTargets(
        {rule: np.array(rows[rule], np.int64) for rule in rules},
        {rule: np.array([ids[rule, row] for row in rows[rule]], np.int64) for rule in rules},
        {},
        {},
    )


def found(columns: Sequence[MetricColumns]) -> dict[Key, float]:
    for each in columns:
        keys = list(zip(each.entity_id.tolist(), each.label_set_id.tolist(), strict=True))
        assert keys == sorted(set(keys))
        assert len(each.value) == len(each) > 0
    return {
        (each.metric_id, entity_id, label_set_id): value
        for each in columns
        for entity_id, label_set_id, value in zip(
            each.entity_id.tolist(), each.label_set_id.tolist(), each.value.tolist(), strict=True
        )
    }


def expected(given_values: Sequence[MetricValues]) -> dict[Key, float]:
    rows: dict[Key, float] = {}
    for each in given_values:
        metric_id = METRIC_IDS[each.definition.name]
        for row, value in zip(each.outputs.row.tolist(), each.outputs.value.tolist(), strict=True):
            rows[metric_id, *ids_of(each.rule, row)] = value
    return rows


SOME_ROWS = st.dictionaries(st.integers(0, 59), st.floats(0, 9), max_size=60)


@given(minutes=st.lists(st.tuples(SOME_ROWS, SOME_ROWS, SOME_ROWS), min_size=1, max_size=4))
def test_columns_are_those_of_all_rows_whatever_came_before(
    minutes: list[tuple[Rows, Rows, Rows]],
) -> None:
    maker = MetricColumnMaker(known(0, 1, 2))
    for one, two, other in minutes:
        of_minute = [values(0, "t_one", one), values(1, "t_two", two), values(2, "t_one", other)]
        columns = maker.columns(of_minute, METRIC_IDS, new({}))
        assert [each.metric_id for each in columns] == sorted(each.metric_id for each in columns)
        assert found(columns) == expected(of_minute)


def test_the_later_of_two_rules_of_a_metric_stands() -> None:
    maker = MetricColumnMaker(known(0, 2))
    both = [values(0, "t_one", {1: 1.0, 2: 2.0}), values(2, "t_one", {2: 20.0, 3: 30.0}, 2.0)]
    (columns,) = maker.columns(both, METRIC_IDS, new({}))
    assert found([columns]) == expected(both)
    assert columns.weight is not None
    assert sorted(columns.weight[~np.isnan(columns.weight)].tolist()) == [2.0, 2.0]


def test_ids_that_are_not_committed_are_not_remembered() -> None:
    targets = known(0)
    maker = MetricColumnMaker(targets)
    of_minute = [values(0, "t_one", {59: 1.0, 60: 2.0})]
    for number in (1000, 2000):
        learnt = new({(0, 60): (number, 0)})
        (columns,) = maker.columns(of_minute, METRIC_IDS, learnt)
        assert columns.entity_id.tolist() == [ids_of(0, 59)[0], number]
    targets.learn(new({(0, 60): (3000, 0)}))
    (columns,) = maker.columns(of_minute, METRIC_IDS, new({}))
    assert columns.entity_id.tolist() == [ids_of(0, 59)[0], 3000]


@pytest.mark.parametrize("weight", [np.nan, 4.0])
def test_parts_that_are_absent_throughout_are_left_out(weight: float) -> None:
    maker = MetricColumnMaker(known(0))
    (columns,) = maker.columns([values(0, "t_one", {1: 1.0}, weight)], METRIC_IDS, new({}))
    assert (columns.numerator is None, columns.weight is None) == (np.isnan(weight),) * 2


def test_metrics_without_values_have_no_columns() -> None:
    maker = MetricColumnMaker(known(0, 1))
    assert (
        maker.columns([values(0, "t_one", {}), values(1, "t_two", {})], METRIC_IDS, new({})) == []
    )


def test_columns_of_the_same_rows_share_their_ids() -> None:
    rows = {5: 1.0, 9: 2.0}
    maker = MetricColumnMaker(known(0))
    of_rule = values(0, "t_one", rows)
    (one,) = maker.columns([of_rule], METRIC_IDS, new({}))
    (other,) = maker.columns([of_rule], METRIC_IDS, new({}))
    assert one.entity_id is other.entity_id
    assert one.label_set_id is other.label_set_id
