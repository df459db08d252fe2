"""What loads as a dashboard but is probably not meant: names of metrics that nothing else knows."""

import re
from collections.abc import Collection, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

from app.catalog import StatisticCatalog
from app.dashboards.model import Dashboard
from app.dashboards.placeholders import filled
from app.errors import DashboardError, similar
from app.labels import METRIC_NAME
from app.promql.ast import Expression, Matcher, MatchOperator, VectorSelector
from app.promql.parsing import parse
from app.query.prometheus.families import cloudwatch_base, percentile_of_suffix
from app.query.prometheus.naming import statistic_suffix
from app.query.statistics import STANDARD_STATISTICS
from app.rules.files import read_rule_directory

_SUFFIXES = tuple(f"_{statistic_suffix(each)}" for each in STANDARD_STATISTICS)
_PERCENTILES = ("_bucket", "_sum", "_count")
_NAMES = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")


class KnownMetrics:
    """Names of metrics that rules define, and of CloudWatch's metrics that Hydrant knows."""

    def __init__(self, of_rules: Collection[str], catalog: StatisticCatalog) -> None:
        self._of_rules = frozenset(of_rules)
        self._bases = frozenset(cloudwatch_base(*each) for each in catalog.natural)
        namespaces = {namespace for namespace, _ in catalog.natural}
        # ``aws_dynamodb_``: what begins so and is not known is a slip, and nobody's own metric.
        self._prefixes = tuple(cloudwatch_base(each, "") for each in namespaces if each)
        self._all = sorted(self._of_rules | {f"{each}_sum" for each in self._bases})

    def doubt(self, name: str) -> str | None:
        """What is odd about the name of a metric; None if nothing is."""
        if self._is_known(name):
            return None
        hint = similar(name, self._all, 1)
        if name.startswith(self._prefixes):
            return f"no rule defines {name}, nor does CloudWatch have it{hint}"
        return f"Hydrant knows no metric {name}{hint}" if hint else None

    def _is_known(self, name: str) -> bool:
        if name in self._of_rules:
            return True
        if any(name.removesuffix(suffix) in self._of_rules for suffix in _PERCENTILES):
            return True
        if any(name.removesuffix(suffix) in self._bases for suffix in _SUFFIXES):
            return True
        return any(
            name.startswith(f"{base}_") and percentile_of_suffix(name[len(base) + 1 :])
            for base in self._bases
        )


def metrics_of_rules(directory: Path) -> frozenset[str]:
    """The names that rules define. Raises ``RuleError`` if there is no such directory."""
    files, _ = read_rule_directory(directory)
    return frozenset(rule.name for file in files for rule in file.rules)


def suspicions(dashboard: Dashboard, known: KnownMetrics) -> list[DashboardError]:
    """Warnings about a dashboard, each about a metric once."""
    expressions = [each.selector for each in dashboard.variables]
    expressions += [query.expression for each in dashboard.widgets for query in each.queries]
    names = {name for text in expressions for name in metric_names(parse(filled(text)))}
    doubts = (known.doubt(name) for name in sorted(names))
    return [DashboardError(doubt, file=dashboard.place) for doubt in doubts if doubt]


def metric_names(tree: Expression) -> Iterator[str]:
    """The metrics that an expression names, as far as it names them."""
    for selector in selectors(tree):
        for matcher in selector.matchers:
            if matcher.name == METRIC_NAME:
                yield from _named(matcher)


def selectors(node: object) -> Iterator[VectorSelector]:
    """All selectors of an expression."""
    if isinstance(node, VectorSelector):
        yield node
    elif isinstance(node, tuple):
        for child in node:
            yield from selectors(child)
    elif is_dataclass(node) and not isinstance(node, type):
        for field in fields(node):
            yield from selectors(getattr(node, field.name))


def _named(matcher: Matcher) -> Iterator[str]:
    if matcher.operator is MatchOperator.EQUAL:
        texts = [matcher.value]
    elif matcher.operator is MatchOperator.REGEX:
        texts = matcher.value.split("|")
    else:
        return
    # Of other regular expressions, and of names as CloudWatch spells them, nothing is said.
    yield from (text for text in texts if _NAMES.fullmatch(text))
