"""Which expressions have the same value at every step."""

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

_OF_EVALUATION_TIME = frozenset({"time", "timestamp", "predict_linear"})
_OF_TIME_WITHOUT_ARGUMENT = frozenset(
    {
        "day_of_month",
        "day_of_week",
        "day_of_year",
        "days_in_month",
        "hour",
        "minute",
        "month",
        "year",
    }
)


def step_invariant(node: Expression) -> bool:
    """Whether the steps of the query do not matter, because every selector has an ``@``."""
    match node:
        case NumberLiteral() | StringLiteral():
            return True
        case VectorSelector() | Subquery():
            return node.at is not None
        case MatrixSelector():
            return node.selector.at is not None
        case Paren() | Unary():
            return step_invariant(node.operand)
        case Binary():
            return step_invariant(node.left) and step_invariant(node.right)
        case Aggregation():
            return step_invariant(node.operand) and (
                node.parameter is None or step_invariant(node.parameter)
            )
        case Call():
            if node.function in _OF_EVALUATION_TIME:
                return False
            if node.function in _OF_TIME_WITHOUT_ARGUMENT and not node.arguments:
                return False
            return all(step_invariant(argument) for argument in node.arguments)
