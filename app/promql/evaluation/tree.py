"""The walk over the tree: operands first, then what is done with them."""

import numpy as np

from app.errors import QueryFailed
from app.promql.ast import (
    Aggregation,
    Binary,
    Call,
    Expression,
    MatrixSelector,
    NumberLiteral,
    Paren,
    StringLiteral,
    Subquery,
    Unary,
    VectorSelector,
)
from app.promql.evaluation import aggregation, binary, calls, info, selectors, windows
from app.promql.evaluation.invariance import step_invariant
from app.promql.evaluation.query import Query, Value
from app.promql.evaluation.rows import without_names
from app.promql.functions.scalars import vector_argument
from app.promql.series import Steps, Vector, Windows


def evaluate(node: Expression, steps: Steps, query: Query) -> Value:
    """The value of an expression at all steps.

    Raises ``QueryFailed``, ``QueryTimeout``, and what the reader raises.
    """
    query.budget.check_time()
    before = query.budget.samples
    if steps.count > 1 and step_invariant(node):
        once = _evaluate(node, Steps(steps.start_ms, steps.step_ms, 1), query)
        value = _repeated(once, steps.count)
    else:
        value = _evaluate(node, steps, query)
    query.budget.keep(before, value.values.size if isinstance(value, Vector) else 0)
    return value


def range_vector(
    node: MatrixSelector | Subquery, steps: Steps, query: Query, function: str = ""
) -> list[Windows]:
    """The windows of a range vector at all steps, in parts that share their times."""
    if isinstance(node, MatrixSelector):
        return windows.selected_windows(node, steps, query, function)
    inner = windows.subquery_steps(node, steps, query)
    if inner.count == 0:
        return []
    operand = evaluate(node.operand, inner, query)
    if not isinstance(operand, Vector):
        raise TypeError("a subquery is of an instant vector")
    return [windows.subquery_windows(node, operand, inner, steps)] if len(operand) else []


def _evaluate(node: Expression, steps: Steps, query: Query) -> Value:
    match node:
        case NumberLiteral():
            return np.full(steps.count, node.value)
        case StringLiteral():
            return node.value
        case Paren():
            return evaluate(node.operand, steps, query)
        case VectorSelector():
            return selectors.instant_vector(node, steps, query)
        case Unary():
            operand = evaluate(node.operand, steps, query)
            return binary.negate(operand, query) if node.operator == "-" else operand
        case Binary():
            left = evaluate(node.left, steps, query)
            right = evaluate(node.right, steps, query)
            return binary.operate(node, left, right, query)
        case Aggregation():
            return _aggregation(node, steps, query)
        case Call():
            return _call(node, steps, query)
        case MatrixSelector() | Subquery():
            raise QueryFailed("a range vector stands where only a function can take it")


def _aggregation(node: Aggregation, steps: Steps, query: Query) -> Vector:
    parameter = None if node.parameter is None else evaluate(node.parameter, steps, query)
    operand = evaluate(node.operand, steps, query)
    if not isinstance(operand, Vector):
        raise TypeError(f"{node.operator} takes an instant vector")
    return aggregation.aggregate(node, operand, parameter, query)


def _call(node: Call, steps: Steps, query: Query) -> Value:
    selector = calls.timestamped_selector(node)
    if selector is not None:
        times = selectors.sample_times(selector, steps, query)
        return without_names(times, delayed=query.delays_names)
    if node.function == "info":
        base = evaluate(node.arguments[0], steps, query)
        return info.enrich(node, vector_argument(base), steps, query)
    ranged = calls.range_argument(node)
    others = [
        evaluate(argument, steps, query)
        for argument in node.arguments
        if calls.unwrapped(argument) is not ranged
    ]
    if ranged is None:
        return calls.of_values(node, others, steps, query)
    if isinstance(ranged, MatrixSelector):
        calls.check_extension(node.function, ranged.selector.extension)
    parts = range_vector(ranged, steps, query, node.function)
    return calls.over_windows(node, parts, others, steps, query)


def _repeated(value: Value, count: int) -> Value:
    """The value of one step at all of them, without copies."""
    if isinstance(value, Vector):
        shape = (len(value), count)
        values, present = value.values, value.present
        return Vector(value.labels, np.broadcast_to(values, shape), np.broadcast_to(present, shape))
    if isinstance(value, str):
        return value
    return np.broadcast_to(value, count)
