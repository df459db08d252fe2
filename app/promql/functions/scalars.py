"""Functions between scalars and vectors, and those of the query's own times."""

from collections.abc import Mapping, Sequence

import numpy as np

from app.arrays import BoolArray, FloatArray
from app.labels import METRIC_NAME, LabelSet, label_set
from app.promql.ast import MatchOperator, MatrixSelector, Paren, VectorSelector
from app.promql.functions.arithmetic import larger, smaller
from app.promql.functions.kinds import Argument, CallContext, VectorFunction
from app.promql.names import unnamed
from app.promql.series import Vector, empty_vector


def vector_argument(argument: Argument) -> Vector:
    """The argument as the vector that the signature promises."""
    assert isinstance(argument, Vector)  # noqa: S101 - the parser has checked the types
    return argument


def scalar_argument(argument: Argument) -> FloatArray:
    """The argument as the scalar at each step that the signature promises."""
    assert isinstance(argument, np.ndarray)  # noqa: S101 - the parser has checked the types
    return argument


def string_argument(argument: Argument) -> str:
    """The argument as the string that the signature promises."""
    assert isinstance(argument, str)  # noqa: S101 - the parser has checked the types
    return argument


def _absent(context: CallContext, arguments: Sequence[Argument]) -> Vector:
    """1 where the vector has no sample, with the labels that its selector demands."""
    there: BoolArray = np.logical_or.reduce(vector_argument(arguments[0]).present)
    missing = ~there[np.newaxis]
    return Vector((_demanded(context),), np.where(missing, 1.0, np.nan), missing)


def _demanded(context: CallContext) -> LabelSet:
    """Labels whose values the argument's selector fixes; none unless it is a selector alone.

    A label with more than one matcher is left out, as in Prometheus.
    """
    operand = context.call.arguments[0]
    while isinstance(operand, Paren):
        operand = operand.operand
    if isinstance(operand, MatrixSelector):
        operand = operand.selector
    if not isinstance(operand, VectorSelector):
        return ()
    labels: dict[str, str] = {}
    fixed: set[str] = set()
    for matcher in operand.matchers:
        if matcher.name == METRIC_NAME:
            continue
        if matcher.operator is MatchOperator.EQUAL and matcher.name not in fixed:
            fixed.add(matcher.name)
            labels[matcher.name] = matcher.value
        else:
            labels.pop(matcher.name, None)
    return label_set(labels)


def _scalar(_: CallContext, arguments: Sequence[Argument]) -> FloatArray:
    """The value of the only sample, NaN where there is none or more than one."""
    vector = vector_argument(arguments[0])
    alone = vector.present.sum(axis=0) == 1
    return np.where(alone, np.where(vector.present, vector.values, 0.0).sum(axis=0), np.nan)


def _vector(_: CallContext, arguments: Sequence[Argument]) -> Vector:
    values = scalar_argument(arguments[0])[np.newaxis]
    return Vector(((),), values, np.ones(values.shape, np.bool_))


def _clamp(context: CallContext, arguments: Sequence[Argument]) -> Vector:
    """Bounded values; nothing at steps at which the lower bound is above the upper one."""
    vector = vector_argument(arguments[0])
    low, high = scalar_argument(arguments[1]), scalar_argument(arguments[2])
    possible = ~(low > high)
    if not possible.any():
        return empty_vector(context.steps.count)
    present = vector.present & possible
    values = np.where(present, larger(low, smaller(high, vector.values)), np.nan)
    labels = [unnamed(labels, delayed=context.delays_names) for labels in vector.labels]
    return Vector(labels, values, present)


def _time(context: CallContext, _: Sequence[Argument]) -> FloatArray:
    seconds: FloatArray = context.steps.times / 1000
    return seconds


def _pi(context: CallContext, _: Sequence[Argument]) -> FloatArray:
    return np.full(context.steps.count, np.pi)


def _max_of(_: CallContext, arguments: Sequence[Argument]) -> FloatArray:
    return larger(scalar_argument(arguments[0]), scalar_argument(arguments[1]))


def _min_of(_: CallContext, arguments: Sequence[Argument]) -> FloatArray:
    return smaller(scalar_argument(arguments[0]), scalar_argument(arguments[1]))


SCALARS: Mapping[str, VectorFunction] = {
    "absent": _absent,
    "absent_over_time": _absent,
    "clamp": _clamp,
    "max_of": _max_of,
    "min_of": _min_of,
    "pi": _pi,
    "scalar": _scalar,
    "time": _time,
    "vector": _vector,
}
"""By name."""
