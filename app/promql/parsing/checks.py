"""What must hold of a well-formed expression: types, numbers of arguments, matchers, matching.

Source of the rules and their wording: Prometheus' parser.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from app.labels import METRIC_NAME
from app.promql import ast
from app.promql.ast import COMPARISONS, SET_OPERATORS, ValueType
from app.promql.matching import compile_matcher
from app.promql.parsing.quoting import quoted
from app.promql.signatures import Signature

_NAMES = {
    ValueType.SCALAR: "scalar",
    ValueType.STRING: "string",
    ValueType.INSTANT_VECTOR: "instant vector",
    ValueType.RANGE_VECTOR: "range vector",
}
_OPERANDS = {ValueType.SCALAR, ValueType.INSTANT_VECTOR}


class Fault(NamedTuple):
    """Something that is wrong, and the character at which to show it."""

    start: int
    reason: str


def of_selector(selector: ast.VectorSelector) -> Iterator[Fault]:
    """A selector has one name at most, and a matcher that does not match everything."""
    start = selector.span.start
    if selector.name is not None:
        for matcher in selector.matchers[1:]:
            if matcher.name == METRIC_NAME:
                yield Fault(
                    start,
                    "metric name must not be set twice:"
                    f" {quoted(selector.name)} or {quoted(matcher.value)}",
                )
    elif all(compile_matcher(matcher)("") for matcher in selector.matchers):
        yield Fault(start, _NOT_EMPTY)


def of_subquery(subquery: ast.Subquery, operand: ValueType) -> Iterator[Fault]:
    """A subquery evaluates an instant vector."""
    if operand is not ValueType.INSTANT_VECTOR:
        yield Fault(
            subquery.span.start,
            f"subquery is only allowed on instant vector, got {operand.value} instead",
        )


def of_unary(unary: ast.Unary, operand: ValueType) -> Iterator[Fault]:
    """A sign stands before something that has values."""
    if operand not in _OPERANDS:
        yield Fault(
            unary.span.start,
            "unary expression only allowed on expressions of type scalar or instant vector,"
            f" got {quoted(_NAMES[operand])}",
        )


def of_binary(
    binary: ast.Binary, left: ValueType, right: ValueType, matching: ast.Matching, operator_at: int
) -> Iterator[Fault]:
    """The rules of binary operators; ``matching`` is what was written."""
    operator, start = binary.operator, binary.span.start
    both_vectors = left == right == ValueType.INSTANT_VECTOR
    if binary.returns_bool and operator not in COMPARISONS:
        yield Fault(operator_at, "bool modifier can only be used on comparison operators")
    if operator in COMPARISONS and not binary.returns_bool and left == right == ValueType.SCALAR:
        yield Fault(operator_at, "comparisons between scalars must use BOOL modifier")
    if matching.on:
        for label in matching.labels:
            if label in matching.include:
                yield Fault(
                    operator_at,
                    f"label {quoted(label)} must not occur in ON and GROUP clause at once",
                )
    for side, value_type in ((binary.left, left), (binary.right, right)):
        if value_type not in _OPERANDS:
            yield Fault(
                side.span.start,
                "binary expression must contain only scalar and instant vector types",
            )
    fills = matching.fill_left is not None or matching.fill_right is not None
    if not both_vectors:
        if matching.labels:
            yield Fault(start, "vector matching only allowed between instant vectors")
        if fills:
            yield Fault(start, "filling in missing series only allowed between instant vectors")
    elif operator in SET_OPERATORS:
        if matching.cardinality != "many-to-many":
            yield Fault(start, f"no grouping allowed for {quoted(operator)} operation")
        if fills:
            yield Fault(start, "filling in missing series not allowed for set operators")
    if operator in SET_OPERATORS and ValueType.SCALAR in {left, right}:
        yield Fault(
            start, f"set operator {quoted(operator)} not allowed in binary scalar expression"
        )


def of_aggregation(
    aggregation: ast.Aggregation, operand: ValueType, parameter: ValueType | None
) -> Iterator[Fault]:
    """An aggregation takes an instant vector, and some a parameter."""
    yield from _expected(
        aggregation.operand, operand, ValueType.INSTANT_VECTOR, "aggregation expression"
    )
    if aggregation.parameter is not None and parameter is not None:
        wanted = ValueType.STRING if aggregation.operator == "count_values" else ValueType.SCALAR
        yield from _expected(aggregation.parameter, parameter, wanted, "aggregation parameter")


def of_call(
    call: ast.Call, signature: Signature, types: Sequence[ValueType], inner: Sequence[Fault]
) -> Iterator[Fault]:
    """A call has the arguments that its function takes; ``inner`` are the arguments' own faults."""
    start, got = call.span.start, len(types)
    in_call = f"argument(s) in call to {quoted(call.function)}, got {got}"
    if signature.least == signature.most != got:
        yield Fault(start, f"expected {signature.least} {in_call}")
    elif got < signature.least:
        yield Fault(start, f"expected at least {signature.least} {in_call}")
    elif signature.most is not None and got > signature.most:
        yield Fault(start, f"expected at most {signature.most} {in_call}")
    if call.function == "info" and len(call.arguments) > 1:
        selector = call.arguments[1]
        yield from _of_info(selector)
        # Its second argument need not have a matcher that says something.
        bare = Fault(selector.span.start, _NOT_EMPTY)
        if isinstance(selector, ast.VectorSelector):
            inner = [fault for fault in inner if fault != bare]
    yield from inner
    if not signature.arguments:
        return
    for number, (argument, value_type) in enumerate(zip(call.arguments, types, strict=True)):
        wanted = signature.argument_type(number)
        context = f"call to function {quoted(call.function)}"
        yield from _expected(argument, value_type, wanted, context)


def _of_info(selector: ast.Expression) -> Iterator[Fault]:
    if not isinstance(selector, ast.VectorSelector):
        yield Fault(selector.span.start, "expected label selectors only")
    elif selector.name is not None:
        yield Fault(
            selector.span.start, "expected label selectors only, got vector selector instead"
        )


def _expected(
    expression: ast.Expression, got: ValueType, wanted: ValueType, context: str
) -> Iterator[Fault]:
    if got is not wanted:
        yield Fault(
            expression.span.start,
            f"expected type {_NAMES[wanted]} in {context}, got {_NAMES[got]}",
        )


_NOT_EMPTY = "vector selector must contain at least one non-empty matcher"
