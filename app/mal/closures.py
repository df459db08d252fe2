"""Closures over labels: an interpreter of the closure AST. Nothing is ever handed to Python.

Semantics follow the specification where it is stated and null-safe value equality everywhere else:
an absent label is null, a string plus null is the text ``null``, null, false and the empty string
are false, and a ternary tests for null only.
"""

from collections.abc import Callable
from typing import TypeAlias

from app.errors import RuleError
from app.mal import ast
from app.mal.frames import Labels
from app.mal.names import check_names

Value: TypeAlias = str | float | bool | dict[str, str] | None


class ClosureError(RuleError):
    """A closure that failed for the labels of one series; the series does not enter the rule."""


class _Returned(Exception):
    def __init__(self, value: Value) -> None:
        self.value = value


def label_filter(closure: ast.Closure) -> Callable[[Labels], bool]:
    """A filter: whether labels pass.

    The answer is the value of the last condition standing alone, or of an executed ``return``.
    """
    variable = _only_parameter(closure)

    def passes(labels: Labels) -> bool:
        scope: dict[str, Value] = {variable: dict(labels)}
        try:
            return _truthy(_run(closure.body, scope))
        except _Returned as returned:
            return _truthy(returned.value)

    return passes


def label_mapping(closure: ast.Closure) -> Callable[[Labels], Labels]:
    """The function of ``tag``: labels to the labels that the closure leaves behind."""
    variable = _only_parameter(closure)

    def mapped(labels: Labels) -> Labels:
        tags = dict(labels)
        scope: dict[str, Value] = {variable: tags}
        try:
            _run(closure.body, scope)
        except _Returned as returned:
            if returned.value is not tags:
                raise ClosureError("return in tag gives back the labels themselves") from None
        return tags

    return mapped


def _only_parameter(closure: ast.Closure) -> str:
    if len(closure.parameters) == 1:
        check_names(closure)
    else:
        raise RuleError(
            "this closure takes one parameter, the labels",
            line=closure.place.line,
            column=closure.place.column,
        )
    return closure.parameters[0]


def _run(statements: tuple[ast.Statement, ...], scope: dict[str, Value]) -> Value:
    last: Value = None
    for statement in statements:
        match statement:
            case ast.Evaluate(term):
                last = _value(term, scope)
            case ast.Assignment(target, value):
                _assign(target, _value(value, scope), scope)
            case ast.If(test, then, otherwise):
                last = _run(then if _truthy(_value(test, scope)) else otherwise, scope)
            case ast.Return(value):
                raise _Returned(None if value is None else _value(value, scope))
    return last


def _assign(target: ast.Access, value: Value, scope: dict[str, Value]) -> None:
    if target.key is None:
        scope[target.variable] = value
        return
    labels = scope.get(target.variable)
    if not isinstance(labels, dict):
        raise _fault(target.place, f"{target.variable} holds no labels")
    name = _text(_value(target.key, scope))
    if value is None:
        raise _fault(target.place, f"label {name} would become null")
    labels[name] = _text(value)


def _value(term: ast.Term, scope: dict[str, Value]) -> Value:
    match term:
        case ast.String(text):
            return text
        case ast.Number(number):
            return number
        case ast.Constant(constant):
            return constant
        case ast.Access():
            return _access(term, scope)
        case ast.Operation():
            return _operation(term, scope)
        case ast.Not(operand):
            return not _truthy(_value(operand, scope))
        case ast.In(member, values):
            return _value(member, scope) in values
        case ast.Ternary(test, then, otherwise):
            return _value(then if _value(test, scope) not in (None, False) else otherwise, scope)


def _access(term: ast.Access, scope: dict[str, Value]) -> Value:
    if term.variable not in scope:
        raise _fault(term.place, f"{term.variable} is not defined")
    variable = scope[term.variable]
    if term.key is None:
        return variable
    if not isinstance(variable, dict):
        raise _fault(term.place, f"{term.variable} holds no labels")
    return variable.get(_text(_value(term.key, scope)))


def _operation(term: ast.Operation, scope: dict[str, Value]) -> Value:
    left = _value(term.left, scope)
    match term.operator:
        case "&&":
            return _truthy(left) and _truthy(_value(term.right, scope))
        case "||":
            return _truthy(left) or _truthy(_value(term.right, scope))
        case "?:":
            return left if _truthy(left) else _value(term.right, scope)
    right = _value(term.right, scope)
    match term.operator:
        case "==":
            return left == right
        case "!=":
            return left != right
        case "+":
            if isinstance(left, float) and isinstance(right, float):
                return left + right
            return _text(left) + _text(right)
    raise _fault(term.place, f"the operator {term.operator} is not known")  # pragma: no cover


def _text(value: Value) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case _:
            return str(value)


def _truthy(value: Value) -> bool:
    return bool(value)


def _fault(place: ast.Place, message: str) -> ClosureError:
    return ClosureError(message, line=place.line, column=place.column)
