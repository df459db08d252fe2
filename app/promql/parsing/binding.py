"""What depends on a query's time range, replaced by numbers: ``@ start()``, ``[step() * 2]``."""

import math
from dataclasses import replace
from typing import TypeVar

from app.errors import QuerySyntaxError
from app.promql import ast
from app.promql.ast import At, Duration, DurationExpression, Expression
from app.promql.parsing.durations import milliseconds
from app.promql.parsing.numbers import LONGEST_MS

_Node = TypeVar("_Node", ast.VectorSelector, ast.Subquery)


def bind(expression: Expression, start_ms: int, end_ms: int, step_ms: int) -> Expression:
    """The same expression with integers alone, for a query from ``start_ms`` to ``end_ms``.

    ``step()`` and ``range()`` are 0 in an instant query, whose ``step_ms`` is 0. Raises
    ``QuerySyntaxError`` for a duration that comes out as nothing usable.
    """
    return _Binding(start_ms, end_ms, step_ms).of(expression)


class _Binding:
    def __init__(self, start_ms: int, end_ms: int, step_ms: int) -> None:
        self._start_ms = start_ms
        self._end_ms = end_ms
        self._step_seconds = step_ms / 1_000
        self._range_seconds = (end_ms - start_ms) / 1_000

    def of(self, expression: Expression) -> Expression:
        match expression:
            case ast.NumberLiteral() | ast.StringLiteral():
                return expression
            case ast.VectorSelector():
                return self._placed(expression)
            case ast.MatrixSelector():
                return replace(
                    expression,
                    selector=self._placed(expression.selector),
                    window=self._positive(expression.window),
                )
            case ast.Subquery():
                step = None if expression.step is None else self._positive(expression.step)
                bound = replace(
                    expression,
                    operand=self.of(expression.operand),
                    window=self._positive(expression.window),
                    step=step,
                )
                return self._placed(bound)
            case ast.Call():
                return replace(
                    expression, arguments=tuple(self.of(each) for each in expression.arguments)
                )
            case ast.Aggregation():
                parameter = expression.parameter
                return replace(
                    expression,
                    operand=self.of(expression.operand),
                    parameter=None if parameter is None else self.of(parameter),
                )
            case ast.Binary():
                return replace(
                    expression, left=self.of(expression.left), right=self.of(expression.right)
                )
            case ast.Unary() | ast.Paren():
                return replace(expression, operand=self.of(expression.operand))

    def _placed(self, node: _Node) -> _Node:
        return replace(node, offset=self._duration(node.offset), at=self._at(node.at))

    def _at(self, at: At) -> At:
        if at == "start":
            return self._start_ms
        return self._end_ms if at == "end" else at

    def _positive(self, duration: Duration) -> int:
        bound = self._duration(duration)
        if bound <= 0:
            raise QuerySyntaxError(
                f"duration must be greater than 0, here it is {bound / 1_000:g} seconds"
            )
        return bound

    def _duration(self, duration: Duration) -> int:
        if isinstance(duration, int):
            return duration
        seconds = self._seconds(duration)
        # Written so that NaN is out of range too.
        if not abs(seconds) * 1_000 <= LONGEST_MS:
            raise QuerySyntaxError("duration out of range")
        return milliseconds(seconds)

    def _seconds(self, duration: DurationExpression) -> float:
        operands = [self._seconds(operand) for operand in duration.operands]
        match duration.operator, operands:
            case "number", []:
                return duration.value
            case "step", []:
                return self._step_seconds
            case "range", []:
                return self._range_seconds
            case "-", [only]:
                return -only
            case operator, [left, right]:
                return _calculated(operator, left, right)
        raise AssertionError(duration)


def _calculated(operator: str, left: float, right: float) -> float:
    if operator in "/%" and right == 0:
        raise QuerySyntaxError("division by zero" if operator == "/" else "modulo by zero")
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left / right
        case "%":
            return math.fmod(left, right) if math.isfinite(left) else math.nan
        case "^":
            return _power(left, right)
        case "min":
            return min(left, right)
        case "max":
            return max(left, right)
    raise AssertionError(operator)


def _power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except (OverflowError, ValueError):
        return math.nan
