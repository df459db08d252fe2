"""Calls of functions: what each kind is given, and what becomes of names and labels."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from app.errors import QueryFailed
from app.promql.ast import (
    Call,
    Expression,
    MatrixSelector,
    Paren,
    Subquery,
    ValueType,
    VectorSelector,
)
from app.promql.evaluation.query import Query, TimeRange, Value
from app.promql.evaluation.rows import joined, masked, merged, without_names
from app.promql.functions import KEEPS_NAME, RANGE_FUNCTIONS, VALUE_FUNCTIONS, VECTOR_FUNCTIONS
from app.promql.functions.extended import ALLOWED
from app.promql.functions.kinds import CallContext
from app.promql.functions.scalars import scalar_argument, vector_argument
from app.promql.functions.sorting import SORTING
from app.promql.names import kept
from app.promql.parsing import value_type
from app.promql.series import Steps, Vector, Windows

_OF_SERIES = {ValueType.INSTANT_VECTOR, ValueType.RANGE_VECTOR}

_OF_QUERY: Mapping[str, Callable[[TimeRange], int]] = {
    "start": lambda times: times.start_ms,
    "end": lambda times: times.end_ms,
    "range": lambda times: times.end_ms - times.start_ms,
    "step": lambda times: times.step_ms,
}
"""What is known of the query itself, in milliseconds."""

_NO_ORDER = "sort is ineffective for range queries since results are always ordered by labels"


def unwrapped(node: Expression) -> Expression:
    """What is inside of parentheses."""
    while isinstance(node, Paren):
        node = node.operand
    return node


def range_argument(node: Call) -> MatrixSelector | Subquery | None:
    """The call's range vector; no function has two."""
    for argument in map(unwrapped, node.arguments):
        if isinstance(argument, MatrixSelector | Subquery):
            return argument
    return None


def check_extension(function: str, extension: str) -> None:
    """Raise ``QueryFailed`` for a function that cannot see beyond its windows."""
    if extension and function not in ALLOWED[extension]:
        raise QueryFailed(
            f"{extension} modifier can only be used with: {', '.join(ALLOWED[extension])}"
            f" - not with {function}"
        )


def timestamped_selector(node: Call) -> VectorSelector | None:
    """The selector whose samples' own times are asked for, which no vector of values has."""
    argument = unwrapped(node.arguments[0]) if node.function == "timestamp" else None
    return argument if isinstance(argument, VectorSelector) else None


def over_windows(
    node: Call, windows: Sequence[Windows], scalars: Sequence[Value], steps: Steps, query: Query
) -> Vector:
    """A function of range vectors, for each part of the series on its own."""
    function = RANGE_FUNCTIONS[node.function]
    context = _context(node, steps, query)
    numbers = [scalar_argument(scalar) for scalar in scalars]
    results = []
    for part in windows:
        query.budget.check_time()
        query.budget.take_samples(len(part) * steps.count)
        values, present = function(part, numbers, context)
        results.append(Vector(part.labels, masked(values, present), present))
    result = joined(results, steps.count)
    if node.function in VECTOR_FUNCTIONS:
        # What absent_over_time says depends on all series together.
        return vector_argument(VECTOR_FUNCTIONS[node.function](context, [result]))
    if node.function in KEEPS_NAME:
        # What a subquery has marked counts as a sample of its own, as in Prometheus.
        return Vector(list(map(kept, result.labels)), result.values, result.present)
    return without_names(result, delayed=query.delays_names)


def of_values(node: Call, arguments: Sequence[Value], steps: Steps, query: Query) -> Value:
    """A function of anything but range vectors."""
    if node.function in VALUE_FUNCTIONS:
        vector, *others = arguments or [_times(steps)]
        numbers = [scalar_argument(other) for other in others]
        vector = vector_argument(vector)
        values = VALUE_FUNCTIONS[node.function](vector.values, *numbers)
        present = vector.present
        result = Vector(vector.labels, masked(values, present), present, vector.ordered)
        return without_names(result, delayed=query.delays_names)
    if node.function in VECTOR_FUNCTIONS:
        if node.function in SORTING and steps.count > 1:
            query.at(node.span).warn(_NO_ORDER)
        answer = VECTOR_FUNCTIONS[node.function](_context(node, steps, query), arguments)
        return merged(answer) if isinstance(answer, Vector) else answer
    if node.function == "timestamp":
        times = _evaluation_times(vector_argument(arguments[0]), steps)
        return without_names(times, delayed=query.delays_names)
    if node.function in _OF_QUERY:
        return np.full(steps.count, _OF_QUERY[node.function](query.times) / 1000)
    raise QueryFailed(f"{node.function}() is not supported")


def _context(node: Call, steps: Steps, query: Query) -> CallContext:
    # Remarks stand at the series they are about.
    spans = [argument.span for argument in node.arguments] or [node.span]
    types = [value_type(argument) for argument in node.arguments]
    place = next(
        (span for span, kind in zip(spans, types, strict=False) if kind in _OF_SERIES), spans[0]
    )
    annotations = query.at(place, spans[0])
    return CallContext(node, steps, annotations, query.budget, query.delays_names)


def _evaluation_times(vector: Vector, steps: Steps) -> Vector:
    """What has been computed is of the time at which it was, unlike what is stored."""
    present = vector.present
    values = masked(np.broadcast_to(steps.times / 1000, present.shape), present)
    return Vector(vector.labels, values, present, vector.ordered)


def _times(steps: Steps) -> Vector:
    """``vector(time())``, of which date functions speak when they are given nothing."""
    seconds = (steps.times / 1000)[np.newaxis]
    return Vector(((),), seconds, np.ones(seconds.shape, np.bool_))
