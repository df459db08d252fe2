"""From the AST of a rule to a graph of nodes that ends in entities."""

from dataclasses import dataclass

from app.errors import RuleError
from app.mal import ast
from app.mal.compiler import Compiler, Surroundings
from app.mal.emission import Emission
from app.mal.entities import EntityRule
from app.mal.frames import Combine
from app.mal.functions import FUNCTIONS
from app.mal.nodes import Node
from app.mal.places import fault
from app.mal.windows import Window


def _over_time(compiler: Compiler, node: Node) -> Combine:
    """How minutes combine into longer periods.

    That the rule adds bare values up across series does not say that they add up over time: used
    memory does not. They average, as in SkyWalking, unless the rule says otherwise.
    """
    if compiler.downsampling:
        return compiler.downsampling.combine
    if compiler.is_plain and not compiler.is_histogram:
        return Combine.AVERAGE
    return node.combine


@dataclass(frozen=True, slots=True)
class CompiledExpression:
    """A graph, and what can be said of it without data.

    ``combine`` is how minutes combine into longer periods: the rule's downsampling, or the
    statistic's own rule where the rule names none. ``percentiles`` are the ranks that a histogram
    is asked for; ``windows`` the nodes that look at earlier samples.
    """

    emission: Emission
    entity_rule: EntityRule
    combine: Combine
    labelled: bool
    families: tuple[str, ...]
    percentiles: tuple[int, ...]
    windows: tuple[Window, ...]
    is_histogram: bool = False


def compile_expression(expression: ast.Expression, around: Surroundings) -> CompiledExpression:
    """Compile an expression. Raises ``RuleError`` with the place of the fault."""
    compiler = Compiler(around, FUNCTIONS)
    compiler.collect(expression)
    root = compiler.compile(expression)
    if not isinstance(root, Node):
        raise RuleError("the expression is a number; it names no sample family", line=1, column=1)
    if compiler.entity is None:
        raise fault(
            expression.place, "no entity: the expression needs service(…), endpoint(…) or the like"
        )
    if compiler.percentiles and not compiler.is_histogram:
        raise fault(expression.place, "histogram_percentile needs histogram() before it")
    rule, node = compiler.entity
    if rule.decorate and compiler.is_histogram:
        raise fault(expression.place, "decorate is not for histograms")
    labelled = compiler.is_histogram or bool(compiler.aggregated - rule.keys)
    emission = Emission(
        node,
        rule,
        labelled=labelled,
        combine=compiler.combine_samples(node),
        on_fault=around.on_fault,
        entities=around.entities,
    )
    return CompiledExpression(
        emission,
        rule,
        _over_time(compiler, node),
        labelled,
        tuple(compiler.families),
        compiler.percentiles,
        tuple(compiler.windows),
        compiler.is_histogram,
    )
