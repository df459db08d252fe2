"""What an expression of a dashboard names, and what the rules say there is."""

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from app.catalog import load_statistic_catalog
from app.clock import ManualClock
from app.dashboards.suspicions import KnownMetrics
from app.labels import METRIC_NAME
from app.mal import Scope
from app.promql.ast import Aggregation, Binary, MatchOperator, VectorSelector
from app.promql.parsing import parse
from app.rules import MetricDefinition, RuleBook
from app.rules.directory import RuleDirectory
from app.settings import DEFAULT_RULES

_EVERY_ENTITY = frozenset({"account", "service", "layer"})
_OF_SCOPE = {
    Scope.SERVICE: _EVERY_ENTITY,
    Scope.SERVICE_INSTANCE: _EVERY_ENTITY | {"instance"},
    Scope.ENDPOINT: _EVERY_ENTITY | {"endpoint", "region"},
}
# What the rules' entity functions use up, by the names that the rules give it.
_USED_UP = frozenset(
    {
        *("host_name", "TableName", "cloud_region", "DeliveryStreamName", "MetricStreamName"),
        *("bucket", "cluster", "NodeName", "Service", "service_name", "route"),
    }
)
_OF_CLOUDWATCH = KnownMetrics((), load_statistic_catalog())
_GROUPED = re.compile(r"\[([^]]*)\]")
_VARIABLES = {"$__interval": "1m", "$__range": "1h"}


def shipped_definitions() -> dict[str, MetricDefinition]:
    """The metrics of mal_rules/."""
    directory = RuleDirectory(DEFAULT_RULES)
    directory.changes()
    contents = directory.changes()
    assert contents
    book = RuleBook((), load_statistic_catalog(), ManualClock())
    book.update(contents)
    return dict(book.current().definitions)


def filled_in(expression: str) -> str:
    """An expression as Grafana sends it, with everything chosen."""
    for variable, value in _VARIABLES.items():
        expression = expression.replace(variable, value)
    return re.sub(r"\$\w+", ".+", expression)


def faults(expression: str, definitions: dict[str, MetricDefinition]) -> list[str]:
    """Metrics that no rule defines and labels that a metric does not have; empty if all is well."""
    found = []
    for selector, grouping in _selectors(parse(filled_in(expression)), frozenset()):
        for name in _names(selector):
            definition = definitions.get(name)
            if definition is None:
                found += [f"no rule defines {name}"] if _OF_CLOUDWATCH.doubt(name) else []
                continue
            asked = {m.name for m in selector.matchers if m.name != METRIC_NAME} | grouping
            found += [f"{name} has no label {label}" for label in asked - labels_of(definition)]
    return found


def labels_of(definition: MetricDefinition) -> frozenset[str]:
    """The labels that series of a rule metric have."""
    labels = _OF_SCOPE[definition.scope]
    if definition.labelled:
        named = ",".join(_GROUPED.findall(definition.expression))
        labels |= set(re.findall(r"'([^']+)'", named)) - _USED_UP
    return labels


def _names(selector: VectorSelector) -> list[str]:
    (matcher,) = [m for m in selector.matchers if m.name == METRIC_NAME]
    if matcher.operator is MatchOperator.EQUAL:
        return [matcher.value]
    return matcher.value.split("|")


def _selectors(
    node: object, grouping: frozenset[str]
) -> Iterator[tuple[VectorSelector, frozenset[str]]]:
    """Selectors with the labels that aggregations and matchings around them name."""
    if isinstance(node, VectorSelector):
        yield node, grouping
        return
    if isinstance(node, Aggregation):
        grouping |= set(node.labels)
    if isinstance(node, Binary) and node.matching is not None and node.matching.on:
        grouping |= set(node.matching.labels)
    for child in _children(node):
        yield from _selectors(child, grouping)


def _children(node: object) -> Iterator[object]:
    if isinstance(node, tuple):
        yield from node
    elif is_dataclass(node) and not isinstance(node, type):
        yield from (getattr(node, field.name) for field in fields(node))
