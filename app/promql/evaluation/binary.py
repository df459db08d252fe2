"""Binary and unary operators, by the types of their operands."""

import numpy as np

from app.arrays import FloatArray
from app.promql.ast import SET_OPERATORS, Binary, Matching
from app.promql.evaluation import arithmetic, matching, sets
from app.promql.evaluation.query import Query, Value
from app.promql.evaluation.rows import without_names
from app.promql.series import Vector


def operate(node: Binary, left: Value, right: Value, query: Query) -> Value:
    """``left operator right``; strings have no operators, which the parser has checked."""
    if isinstance(left, str) or isinstance(right, str):
        raise TypeError("operators take no strings")
    if isinstance(left, Vector):
        if not isinstance(right, Vector):
            return _with_scalar(node, left, (left.values, _row(right)), query)
        how = node.matching or Matching()
        if node.operator in SET_OPERATORS:
            return sets.combine(node.operator, left, right, how)
        return matching.operate(node, how, left, right, query)
    if isinstance(right, Vector):
        return _with_scalar(node, right, (_row(left), right.values), query)
    return arithmetic.scalars(node.operator, left, right)


def negate(operand: Value, query: Query) -> Value:
    """Unary minus, which makes another metric of a vector."""
    if isinstance(operand, str):
        raise TypeError("operators take no strings")
    if isinstance(operand, Vector):
        negated = Vector(operand.labels, -operand.values, operand.present, operand.ordered)
        return without_names(negated, delayed=query.delays_names)
    return -operand


def _row(scalar: FloatArray) -> FloatArray:
    """A scalar against all series."""
    return scalar[np.newaxis, :]


def _with_scalar(
    node: Binary, vector: Vector, sides: tuple[FloatArray, FloatArray], query: Query
) -> Vector:
    values, present = arithmetic.samples(
        node.operator,
        *sides,
        vector.present,
        kept=vector.values,
        returns_bool=node.returns_bool,
    )
    result = Vector(vector.labels, values, present, vector.ordered)
    if arithmetic.drops_name(node.operator, returns_bool=node.returns_bool):
        return without_names(result, delayed=query.delays_names)
    return result
