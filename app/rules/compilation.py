"""The rules of a file as graphs."""

from collections.abc import Callable
from dataclasses import dataclass

from app.errors import RuleError
from app.mal import (
    CompiledExpression,
    Downsampling,
    Node,
    Select,
    Surroundings,
    ast,
    compile_expression,
)
from app.mal.closures import label_filter
from app.mal.label_functions import Selection, filtering
from app.mal.remembering import remembering
from app.mal.targets import EntityNumbers
from app.rules.definitions import MetricDefinition
from app.rules.files import Rule, RuleFile

OpenFamily = Callable[[str, Downsampling | None, bool], Node]
"""The family of a name, reduced in time by a downsampling, with the times of its samples or not."""


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule's graph, and what is known of its metric."""

    definition: MetricDefinition
    expression: CompiledExpression


def compile_rules(
    file: RuleFile,
    open_family: OpenFamily,
    *,
    on_fault: Callable[[Exception], None],
    with_filter: bool = True,
    literal: bool = False,
    entities: EntityNumbers | None = None,
) -> list[CompiledRule]:
    """Compile the rules of a file. Raises ``RuleError`` with file, line and column.

    ``on_fault`` takes the errors of closures, and of the file's filter, that fail for a series.
    ``literal`` asks for the language to the letter, see ``Surroundings``. ``entities`` are shared
    by files whose families share a vocabulary.
    """
    passing: Selection | None = None
    if file.filter and with_filter:
        passing = remembering(filtering(label_filter(file.filter)))
    filtered: dict[tuple[str, Downsampling | None, bool], Node] = {}

    def resolve(metric: ast.Metric, downsampling: Downsampling | None, timed: bool) -> Node:  # noqa: FBT001 - Resolve
        key = metric.name, downsampling, timed
        if key not in filtered:
            family = open_family(*key)
            filtered[key] = (
                Select(family, passing, on_fault=on_fault, step="filter") if passing else family
            )
        return filtered[key]

    entities = EntityNumbers() if entities is None else entities
    around = Surroundings(resolve, on_fault, literal=literal, entities=entities)
    return [_compile_rule(file, rule, around) for rule in file.rules]


def _compile_rule(file: RuleFile, rule: Rule, around: Surroundings) -> CompiledRule:
    try:
        compiled = compile_expression(rule.expression, around)
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
        compiled.percentiles,
        compiled.families,
    )
    return CompiledRule(definition, compiled)
