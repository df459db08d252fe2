"""What an expression evaluates to."""

from app.promql import ast
from app.promql.ast import Expression, ValueType
from app.promql.signatures import SIGNATURES


def value_type(expression: Expression) -> ValueType:
    """The type of a parsed expression."""
    match expression:
        case ast.NumberLiteral():
            return ValueType.SCALAR
        case ast.StringLiteral():
            return ValueType.STRING
        case ast.VectorSelector() | ast.Aggregation():
            return ValueType.INSTANT_VECTOR
        case ast.MatrixSelector() | ast.Subquery():
            return ValueType.RANGE_VECTOR
        case ast.Call():
            return SIGNATURES[expression.function].result
        case ast.Unary() | ast.Paren():
            return value_type(expression.operand)
        case ast.Binary():
            if expression.matching is not None:
                return ValueType.INSTANT_VECTOR
            sides = {value_type(expression.left), value_type(expression.right)}
            return ValueType.SCALAR if sides == {ValueType.SCALAR} else ValueType.INSTANT_VECTOR
