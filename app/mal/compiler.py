"""From the AST of an expression to nodes: operands, operators, and calls of functions."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from app.arrays import FloatArray
from app.mal import ast
from app.mal.arguments import downsampling_argument
from app.mal.arithmetic import OPERATORS, Arithmetic
from app.mal.entities import EntityRule
from app.mal.frames import Combine, Downsampling
from app.mal.label_functions import Selection
from app.mal.literal_arithmetic import LiteralArithmetic
from app.mal.nodes import Node, Scale
from app.mal.places import fault
from app.mal.registries import (
    NOT_CONFIGURED_PODS,
    NOT_CONFIGURED_PROCESSES,
    PodRegistry,
    ProcessRegistry,
)
from app.mal.scalars import NOW, Scalar, number
from app.mal.targets import EntityNumbers
from app.mal.windows import Change, Window

Resolve = Callable[[ast.Metric, Downsampling | None, bool], Node]
"""Gives the family of a metric's name, reduced in time by the rule's downsampling.

The last argument says that the family's samples need their times, below ``rate`` and its like.
"""

WINDOWS = tuple(change.value for change in Change)
"""Names of the functions whose receivers need the times of their samples."""

OnFault = Callable[[Exception], None]

SharedNodes = dict[tuple[Node, ast.MethodCall], Node]
"""Nodes of label mappings by receiver and call; places count, so only the same text is shared."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What expressions of one file share.

    ``on_fault`` takes the errors of closures that fail for the labels of a single series.
    ``shared`` keeps the nodes of label mappings, and ``selections`` the mappings themselves: the
    prefix of a file stands in each of its rules, and its closure need not run for each. Filters by
    label, which stand in many rules alike, are kept with them. ``entities`` numbers what rules
    name; rules of several files may share it. ``literal``
    asks for SkyWalking's language to the letter, where the order of samples has a meaning; without
    it figures are CloudWatch's, in any order.
    """

    resolve: Resolve
    on_fault: OnFault | None = None
    shared: SharedNodes = field(default_factory=dict)
    selections: dict[object, Selection] = field(default_factory=dict)
    entities: EntityNumbers = field(default_factory=EntityNumbers)
    processes: ProcessRegistry = NOT_CONFIGURED_PROCESSES
    pods: PodRegistry = NOT_CONFIGURED_PODS
    literal: bool = False


@dataclass(slots=True)
class Compiler:
    """State of one expression under compilation."""

    around: Surroundings
    functions: "Mapping[str, Function]"
    downsampling: Downsampling | None = None
    entity: tuple[EntityRule, Node] | None = None
    is_histogram: bool = False
    is_plain: bool = True
    percentiles: tuple[int, ...] = ()
    aggregated: set[str] = field(default_factory=set)
    families: dict[str, None] = field(default_factory=dict)
    windows: list[Window] = field(default_factory=list)
    _below_window: bool = False

    def collect(self, expression: ast.Expression) -> None:
        """Find the downsampling first, because it decides how families are reduced in time."""
        match expression:
            case ast.MethodCall(receiver, method):
                self.collect(receiver)
                if method == "downsampling":
                    self.downsampling = downsampling_argument(expression)
            case ast.FunctionCall(_, (first, *_)) if isinstance(first, ast.EXPRESSIONS):
                self.collect(first)
            case ast.Binary(_, left, right):
                self.collect(left)
                self.collect(right)
            case ast.Negate(operand):
                self.collect(operand)

    def compile(self, expression: ast.Expression) -> Node | Scalar:
        """The node of an expression, or its scalar."""
        match expression:
            case ast.Number(value):
                return number(value)
            case ast.Metric(name):
                self.families[name] = None
                family = self.around.resolve(expression, self.downsampling, self._below_window)
                self.is_plain = self.is_plain and family.plain
                return family
            case ast.Negate(operand):
                inner = self.compile(operand)
                if isinstance(inner, Scalar):
                    return inner.negated()
                return self.carry_entity(negative(inner), inner)
            case ast.Binary(symbol, left, right):
                return self.binary(expression, symbol, self.compile(left), self.compile(right))
            case ast.FunctionCall("time", ()):
                return NOW
            case ast.FunctionCall("count", (first, *rest)) if isinstance(first, ast.EXPRESSIONS):
                call = ast.MethodCall(first, "count", tuple(rest), expression.place)
                return self._method(call)
            case ast.FunctionCall(name):
                raise fault(
                    expression.place,
                    f"there is no function {name}(…); there are count(…) and time()",
                )
            case ast.MethodCall():
                return self._method(expression)

    def binary(
        self,
        place: ast.Expression,
        symbol: str,
        left: Node | Scalar,
        right: Node | Scalar,
    ) -> Node | Scalar:
        """Arithmetic of two operands, whatever they are."""
        if isinstance(left, Scalar) and isinstance(right, Scalar):
            try:
                return left.combined(symbol, right)
            except ZeroDivisionError:
                raise fault(place.place, "division by zero") from None
        apply = OPERATORS[symbol]
        if isinstance(left, Scalar):
            assert isinstance(right, Node)  # noqa: S101 - of two scalars was spoken above
            scalar, node = left, right
            falling = symbol == "-" or (symbol == "*" and scalar.is_negative) or symbol == "/"

            def of_values(values: FloatArray, now: float) -> FloatArray:
                result: FloatArray = apply(scalar.at(now), values)
                return result

            step = f"number {symbol}"
        elif isinstance(right, Scalar):
            scalar, node = right, left
            falling = symbol not in "+-" and scalar.is_negative

            def of_values(values: FloatArray, now: float) -> FloatArray:
                result: FloatArray = apply(values, scalar.at(now))
                return result

            step = f"{symbol} number"
        else:
            arithmetic = LiteralArithmetic if self.around.literal else Arithmetic
            result = arithmetic(left, right, symbol)
            return self.carry_entity(result, left, right)
        if scalar.constant is not None:
            step = step.replace("number", f"{scalar.constant:g}")
        return self.carry_entity(Scale(node, of_values, falling=falling, step=step), node)

    def carry_entity(self, result: Node, *operands: Node) -> Node:
        """What changes values after an entity function changes the entity's values."""
        if self.entity is not None and self.entity[1] in operands:
            self.entity = self.entity[0], result
        return result

    def argument(self, argument: ast.Expression) -> Node | Scalar:
        """The operand that a function takes as its argument.

        Of such an expression only the values count: its entity and labels are not the rule's.
        """
        kept = self.entity, set(self.aggregated), self.is_histogram, self.percentiles
        operand = self.compile(argument)
        self.entity, self.aggregated, self.is_histogram, self.percentiles = kept
        return operand

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Families compiled within keep the times of their samples."""
        before, self._below_window = self._below_window, True
        try:
            yield
        finally:
            self._below_window = before

    def combine_samples(self, node: Node) -> Combine:
        """How several samples of one entity combine when the rule says nothing of it.

        Of bare values nothing is known but what the rule does with time; which sample is the latest
        of several series is not told by their order.
        """
        if node.plain and self.downsampling and self.downsampling is not Downsampling.LATEST:
            return self.downsampling.combine
        return node.combine

    def _method(self, call: ast.MethodCall) -> Node:
        if call.namespace:
            raise fault(
                call.place, f"there is no extension {call.namespace}, so no {call.method} of it"
            )
        function = self.functions.get(call.method)
        if function is None:
            known = ", ".join(self.functions)
            raise fault(call.place, f"there is no function {call.method}; known are {known}")
        if call.method in WINDOWS:
            with self.timed():
                receiver = self.compile(call.receiver)
        else:
            receiver = self.compile(call.receiver)
        if not isinstance(receiver, Node):
            raise fault(call.place, f"{call.method} is called on a number")
        return function(self, call, receiver)


Function = Callable[[Compiler, ast.MethodCall, Node], Node]
"""What a call of a function on a family becomes."""


def negative(node: Node) -> Node:
    """The family with its signs turned."""
    return Scale(node, lambda values, _: -values, falling=True, step="negative")
