"""From the AST of a rule to a graph of nodes that ends in entities."""

from collections.abc import Callable
from dataclasses import dataclass, field

from app.errors import RuleError
from app.mal import ast
from app.mal.arguments import (
    downsampling_argument,
    entity_rule,
    names_argument,
    only_closure,
    tag_pairs,
)
from app.mal.arithmetic import OPERATORS, Arithmetic
from app.mal.closures import label_mapping
from app.mal.emission import Emission
from app.mal.entities import EntityRule, IsBreakdown
from app.mal.frames import Combine, Downsampling
from app.mal.matching import tag_filter
from app.mal.nodes import Aggregate, Node, Scale, Select

_AGGREGATIONS = {
    "sum": Combine.SUM,
    "avg": Combine.AVERAGE,
    "max": Combine.MAXIMUM,
    "min": Combine.MINIMUM,
}
_TAG_FILTERS = ("tagEqual", "tagNotEqual", "tagMatch", "tagNotMatch")
_ENTITY_FUNCTIONS = ("service", "endpoint")

FUNCTIONS = (*_AGGREGATIONS, *_TAG_FILTERS, *_ENTITY_FUNCTIONS, "tag", "downsampling")
"""Names of all functions that an expression may call."""

Resolve = Callable[[ast.Metric, Downsampling | None], Node]
"""Gives the family of a metric's name, reduced in time by the rule's downsampling."""


SharedNodes = dict[tuple[Node, ast.Closure], Node]
"""Nodes of ``tag`` calls by receiver and closure; places count, so only the same text is shared."""


@dataclass(frozen=True, slots=True)
class CompiledExpression:
    """A graph, and what can be said of it without data.

    ``combine`` is how minutes combine into longer periods: the rule's downsampling, or the
    statistic's own rule where the rule names none.
    """

    emission: Emission
    entity_rule: EntityRule
    combine: Combine
    labelled: bool
    families: tuple[str, ...]


def compile_expression(
    expression: ast.Expression,
    resolve: Resolve,
    *,
    is_breakdown: IsBreakdown,
    on_fault: Callable[[Exception], None] | None = None,
    shared: SharedNodes | None = None,
) -> CompiledExpression:
    """Compile an expression. Raises ``RuleError`` with the place of the fault.

    ``on_fault`` takes the errors of closures that fail for the labels of a single series.
    ``shared`` keeps the nodes of ``tag`` calls between expressions that are compiled with it: the
    prefix of a file stands in each of its rules, and its closure need not run for each.
    """
    compiler = _Compiler(resolve, on_fault, {} if shared is None else shared)
    compiler.collect(expression)
    root = compiler.compile(expression)
    if not isinstance(root, Node):
        raise RuleError("the expression is a number; it names no sample family", line=1, column=1)
    if compiler.entity is None:
        place = expression.place
        raise RuleError(
            "no entity: the expression needs service(…) or endpoint(…)",
            line=place.line,
            column=place.column,
        )
    rule, node = compiler.entity
    labelled = bool(compiler.aggregated - rule.keys)
    emission = Emission(node, rule, labelled=labelled, is_breakdown=is_breakdown)
    downsampling = compiler.downsampling
    combine = downsampling.combine if downsampling else node.combine
    return CompiledExpression(emission, rule, combine, labelled, tuple(compiler.families))


@dataclass(slots=True)
class _Compiler:
    resolve: Resolve
    on_fault: Callable[[Exception], None] | None
    shared: SharedNodes
    downsampling: Downsampling | None = None
    entity: tuple[EntityRule, Node] | None = None
    aggregated: set[str] = field(default_factory=set)
    families: dict[str, None] = field(default_factory=dict)

    def collect(self, expression: ast.Expression) -> None:
        """Find the downsampling first, because it decides how families are reduced in time."""
        match expression:
            case ast.MethodCall(receiver, method, _, _):
                self.collect(receiver)
                if method == "downsampling":
                    self.downsampling = downsampling_argument(expression)
            case ast.Binary(_, left, right, _):
                self.collect(left)
                self.collect(right)
            case ast.Negate(operand, _):
                self.collect(operand)

    def compile(self, expression: ast.Expression) -> Node | float:
        match expression:
            case ast.Number(value, _):
                return value
            case ast.Metric(name, _):
                self.families[name] = None
                return self.resolve(expression, self.downsampling)
            case ast.Negate(operand, _):
                inner = self.compile(operand)
                if not isinstance(inner, Node):
                    return -inner
                return self._carry_entity(Scale(inner, lambda v: -v, falling=True), inner)
            case ast.Binary():
                return self._binary(expression)
            case ast.MethodCall():
                return self._method(expression)
            case ast.FunctionCall(name):
                raise _fault(expression, f"there is no function {name}")

    def _binary(self, expression: ast.Binary) -> Node | float:
        left, right = self.compile(expression.left), self.compile(expression.right)
        apply = OPERATORS[expression.operator]
        if isinstance(left, Node):
            if isinstance(right, Node):
                result = Arithmetic(left, right, expression.operator)
                return self._carry_entity(result, left, right)
            falling = expression.operator in "*/" and right < 0
            scaled = Scale(left, lambda v: apply(v, right), falling=falling)
            return self._carry_entity(scaled, left)
        if isinstance(right, Node):
            operator = expression.operator
            falling = operator == "-" or (operator == "*" and left < 0) or operator == "/"
            scaled = Scale(right, lambda v: apply(left, v), falling=falling)
            return self._carry_entity(scaled, right)
        return _fold(expression, left, right)

    def _carry_entity(self, result: Node, *operands: Node) -> Node:
        """Arithmetic after an entity function changes the entity's values, as one would expect."""
        if self.entity is not None and self.entity[1] in operands:
            self.entity = self.entity[0], result
        return result

    def _method(self, call: ast.MethodCall) -> Node:
        receiver = self.compile(call.receiver)
        if not isinstance(receiver, Node):
            raise _fault(call, f"{call.method} is called on a number")
        method = call.method
        if method in _AGGREGATIONS:
            names = names_argument(call)
            self.aggregated.update(names)
            return Aggregate(receiver, _AGGREGATIONS[method], names)
        if method in _TAG_FILTERS:
            passes = tag_filter(method, tag_pairs(call), call.place)
            return Select(receiver, passes=passes)
        if method == "tag":
            closure = only_closure(call)
            key = receiver, closure
            if key not in self.shared:
                mapping = label_mapping(closure)
                self.shared[key] = Select(receiver, mapping=mapping, on_fault=self.on_fault)
            return self.shared[key]
        if method == "downsampling":
            return receiver
        if method in _ENTITY_FUNCTIONS:
            self.entity = entity_rule(call), receiver
            return receiver
        raise _fault(call, f"there is no function {method}; known are {', '.join(FUNCTIONS)}")


def _fold(expression: ast.Binary, left: float, right: float) -> float:
    try:
        folded: float = OPERATORS[expression.operator](left, right)
    except ZeroDivisionError:
        raise _fault(expression, "division by zero") from None
    return folded


def _fault(node: ast.Expression, message: str) -> RuleError:
    return RuleError(message, line=node.place.line, column=node.place.column)
