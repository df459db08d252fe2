"""``RuleEngine``: all rules over the points of one minute."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.catalog import SeriesIdentity, StatisticCatalog
from app.errors import RuleError
from app.mal import CompiledExpression, Downsampling, Labels, ast, compile_expression
from app.mal.closures import label_filter
from app.mal.compiler import SharedNodes
from app.mal.emission import LabelSet, Outputs
from app.mal.entities import Entity
from app.mal.nodes import Evaluation, Node, Select
from app.rules.definitions import MetricDefinition
from app.rules.families import FamilyNames
from app.rules.files import Rule, RuleFile
from app.rules.minute import MinutePoints
from app.rules.sources import SourceTable
from app.telemetry import counter

RULE_FAULTS = counter(
    "rule_faults_total",
    "Rules that failed for a minute, and rules or filters that failed for a series' labels",
    "rule",
)


@dataclass(frozen=True, slots=True)
class MetricValues:
    """A metric's values in one minute.

    ``outputs.row`` indexes ``targets``, which only ever grows while the engine lives; ``rule`` is
    the number of the rule, so that (rule, row) identifies a target for good.
    """

    definition: MetricDefinition
    rule: int
    targets: Sequence[tuple[Entity, LabelSet]]
    outputs: Outputs


@dataclass(frozen=True, slots=True)
class RuleFault:
    """A rule that failed for this minute; the others went on."""

    definition: MetricDefinition
    error: Exception


@dataclass(frozen=True, slots=True)
class _Compiled:
    definition: MetricDefinition
    expression: CompiledExpression


class RuleEngine:
    """Compiled rules and the series they have seen. Not thread-safe: one evaluator owns it."""

    def __init__(self, files: Sequence[RuleFile], catalog: StatisticCatalog) -> None:
        names = FamilyNames(catalog)
        self._sources = SourceTable(names)
        self._catalog = catalog
        self._compiled: list[_Compiled] = []
        self.definitions: dict[str, MetricDefinition] = {}
        for file in files:
            self._compile_file(file)

    def evaluate(
        self,
        points: MinutePoints,
        identities: Callable[[Sequence[int]], Sequence[SeriesIdentity]],
    ) -> tuple[list[MetricValues], list[RuleFault]]:
        """Evaluate every rule. ``identities`` is asked for series that have not been seen yet."""
        unknown = self._sources.unknown(points.series_id)
        if unknown:
            for series_id, identity in zip(unknown, identities(unknown), strict=True):
                self._sources.add(series_id, identity)
        evaluation = Evaluation(self._sources.frames(points))
        values: list[MetricValues] = []
        faults: list[RuleFault] = []
        for number, rule in enumerate(self._compiled):
            emission = rule.expression.emission
            try:
                outputs = emission.evaluate(evaluation)
            except Exception as error:  # noqa: BLE001 - one rule must not stop the others
                RULE_FAULTS.labels(rule.definition.name).inc()
                faults.append(RuleFault(rule.definition, error))
            else:
                values.append(MetricValues(rule.definition, number, emission.targets, outputs))
        return values, faults

    def _compile_file(self, file: RuleFile) -> None:
        passes = label_filter(file.filter) if file.filter else None
        faults = RULE_FAULTS.labels(file.path)
        filtered: dict[tuple[str, Downsampling | None], Node] = {}

        def resolve(metric: ast.Metric, downsampling: Downsampling | None) -> Node:
            key = metric.name, downsampling
            if key not in filtered:
                source = self._sources.source(*key)
                filtered[key] = (
                    Select(source, passes=passes, on_fault=lambda _: faults.inc())
                    if passes
                    else source
                )
            return filtered[key]

        shared: SharedNodes = {}
        for rule in file.rules:
            self._compile_rule(file, rule, resolve, shared)

    def _compile_rule(
        self,
        file: RuleFile,
        rule: Rule,
        resolve: Callable[[ast.Metric, Downsampling | None], Node],
        shared: SharedNodes,
    ) -> None:
        try:
            compiled = compile_expression(
                rule.expression,
                resolve,
                is_breakdown=self._is_breakdown,
                on_fault=lambda _: RULE_FAULTS.labels(file.path).inc(),
                shared=shared,
            )
        except RuleError as error:
            raise error.in_file(file.path, file.text) from error
        definition = MetricDefinition(
            rule.name,
            compiled.entity_rule.scope,
            compiled.entity_rule.layer,
            compiled.combine,
            compiled.labelled,
            rule.text,
            f"{file.path}:{rule.line}",
            rule.unit,
            rule.description,
        )
        known = self.definitions.setdefault(rule.name, definition)
        if not known.same_shape(definition):
            reason = (
                f"{rule.name} is already defined at {known.place} with another scope,"
                " downsampling or labels"
            )
            raise RuleError(reason, line=rule.line, column=1).in_file(file.path, file.text)
        self._compiled.append(_Compiled(definition, compiled))

    def _is_breakdown(self, labels: Labels) -> bool:
        present = (name for name, value in labels.items() if value)
        return self._catalog.is_breakdown(labels.get("Namespace", ""), present)
