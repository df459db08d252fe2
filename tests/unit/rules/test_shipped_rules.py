"""The shipped rules: their test files pass, cover them, and leave no metric of DynamoDB out."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from app.catalog import SeriesIdentity, load_statistic_catalog
from app.mal import Entity, Scope
from app.rules import MinutePoints, RuleEngine, load_rule_directory
from app.rules.cases import find_case_files
from app.rules.checking import check_rule_files, find_rule_files
from app.rules.testing import run_case_file
from app.settings import DEFAULT_RULES

CASE_FILES = find_case_files(DEFAULT_RULES)
RULE_FILES = find_rule_files([DEFAULT_RULES])

METRICS: dict[str, dict[str, list[list[str]]]] = yaml.safe_load(
    (Path(__file__).resolve().parents[2] / "fixtures" / "dynamodb-metrics.yaml").read_text("utf-8")
)
LEVELS = [
    (namespace, metric, dimensions)
    for namespace, metrics in METRICS.items()
    for metric, levels in metrics.items()
    for dimensions in levels
]
USAGE = (
    "TableCount",
    "AccountProvisionedReadCapacityUnits",
    "AccountProvisionedWriteCapacityUnits",
)
# Dimensions of which the table's own figure must not hear.
APART = {
    "DelegatedOperation",
    "GlobalSecondaryIndexName",
    "ReceivingRegion",
    "Source",
    "StreamLabel",
}


def relative(path: Path) -> str:
    return str(path.relative_to(DEFAULT_RULES))


@pytest.mark.parametrize("path", CASE_FILES, ids=relative)
def test_the_tests_of_shipped_rules_pass(path: Path) -> None:
    result = run_case_file(path, load_statistic_catalog())
    assert [difference for case in result.cases for difference in case.differences] == []
    assert result.metrics - result.covered == set(), "metrics of which no value is expected"


def test_every_rule_file_has_a_test_file() -> None:
    tested = {path.stem.removesuffix(".test") for path in CASE_FILES}
    assert {path.stem for path in RULE_FILES} == tested


def test_the_shipped_rules_have_neither_errors_nor_warnings() -> None:
    report = check_rule_files(RULE_FILES, load_statistic_catalog())
    assert [*map(str, report.errors), *map(str, report.warnings)] == []
    assert report.files == len(RULE_FILES)


def test_every_metric_has_a_unit_and_says_what_it_means() -> None:
    for definition in engine().definitions.values():
        assert definition.unit, definition.name
        assert definition.description.endswith("."), definition.name


def test_there_are_44_metrics_of_dynamodb_and_3_of_its_usage() -> None:
    assert len(METRICS["AWS/DynamoDB"]) == 44
    natural = load_statistic_catalog().natural
    assert {metric for of, metric in natural if of == "AWS/DynamoDB"} == set(
        METRICS["AWS/DynamoDB"]
    )
    assert len(USAGE) == 3


@pytest.mark.parametrize(
    ("namespace", "metric", "dimensions"),
    LEVELS,
    ids=[f"{metric}-{'-'.join(dimensions)}" for _, metric, dimensions in LEVELS],
)
def test_every_metric_is_told_at_every_level_and_mixed_into_no_other(
    namespace: str, metric: str, dimensions: list[str]
) -> None:
    operations = ("GetRecords",) if "StreamLabel" in dimensions else ("GetItem", "PutItem")
    for operation in operations if "Operation" in dimensions else ("",):
        for resource in USAGE if "Resource" in dimensions else ("",):
            values = {name: f"the-{name}" for name in dimensions}
            values |= {"Operation": operation, "Resource": resource, "Service": "DynamoDB"}
            found = told(namespace, metric, {name: values[name] for name in dimensions})
            at_level = [labels for entity, labels in found if says(entity, labels, dimensions)]
            assert at_level, f"no shipped rule tells {metric} by {dimensions} {resource}"
            apart = APART.intersection(dimensions)
            for entity, labels in found:
                assert apart <= labels.keys(), f"{metric} by {dimensions} is mixed into {entity}"


def says(entity: Entity, labels: dict[str, str], dimensions: Sequence[str]) -> bool:
    """Whether a value is about exactly the level of these dimensions."""
    if "TableName" not in dimensions:
        return entity.scope is Scope.SERVICE and not labels
    return entity.endpoint == "the-TableName" and set(labels) == set(dimensions) - {
        "TableName",
        *({"Operation"} if "StreamLabel" in dimensions else ()),
    }


@cache
def engine() -> RuleEngine:
    return RuleEngine(load_rule_directory(DEFAULT_RULES), load_statistic_catalog())


SEEN: list[SeriesIdentity] = []


def told(
    namespace: str, metric: str, dimensions: dict[str, str]
) -> list[tuple[Entity, dict[str, str]]]:
    """Entities and labels of the values that the shipped rules make of one point."""
    identity = SeriesIdentity(
        "1", "eu-west-1", namespace, metric, tuple(dimensions.items()), "Count"
    )
    SEEN.append(identity)
    values, faults = engine().evaluate(point_of(len(SEEN) - 1), lambda ids: [SEEN[i] for i in ids])
    assert not faults
    found: list[tuple[Entity, dict[str, str]]] = []
    for of_metric in values:
        targets = (of_metric.targets[row] for row in of_metric.outputs.row.tolist())
        found += [(entity, dict(labels)) for entity, labels in targets]
    return found


def point_of(series_id: int) -> MinutePoints:
    def column(*values: float) -> Any:  # noqa: ANN401 - arrays of either type
        return np.array(values, np.float64)

    return MinutePoints(
        minute=1,
        series_id=np.array([series_id], np.int64),
        offset_ms=np.array([0], np.int64),
        count=column(2.0),
        total=column(6.0),
        minimum=column(2.0),
        maximum=column(4.0),
        extra_row=np.array([], np.int64),
        extra_name=(),
        extra_value=column(),
    )
