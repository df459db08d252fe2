"""Values inside closures, and operators on them, as Java has them."""

import math
from collections.abc import Callable
from typing import TypeAlias

from app.errors import RuleError
from app.mal import ast

LONGEST_TEXT = 16_384
"""Characters of a text that a closure may build."""

_LARGEST_INTEGER = 2**63
_PLAIN_FROM = 1e-3
_PLAIN_BELOW = 1e7


class ClosureError(RuleError):
    """What failed for the labels of one series; the series does not enter the rule."""


class EnumName(str):
    """A member of an enumeration such as ``me.layer``: its name, which ``.name()`` also gives."""

    __slots__ = ()


Value: TypeAlias = "str | int | float | bool | dict[str, Value] | list[Value] | None"


def located(error: ClosureError, place: ast.Place) -> ClosureError:
    """The same error at ``place``, unless it has a place already."""
    if error.line:
        return error
    return type(error)(error.reason, line=place.line, column=place.column)


def text_of(value: Value) -> str:
    """The value as Java prints it: ``null``, ``true``, ``1``, ``1.0``, ``1.0E7``."""
    match value:
        case str():
            return value
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _double(value)
        case _:
            raise ClosureError(f"{kind_of(value)} has no text; take a label or an element of it")


def kind_of(value: Value) -> str:
    """What the value is, for messages."""
    match value:
        case None:
            return "null"
        case str():
            return "a text"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case dict():
            return "a map"
        case list():
            return "an array"


def concatenation(left: Value, right: Value) -> str:
    """Both texts joined; null is the text ``null``."""
    joined = text_of(left) + text_of(right)
    if len(joined) > LONGEST_TEXT:
        raise ClosureError(f"the text would grow beyond {LONGEST_TEXT} characters")
    return joined


def plus(left: Value, right: Value) -> Value:
    """The sum of two numbers; of anything else the concatenation."""
    if _is_number(left) and _is_number(right):
        return arithmetic("+", left, right)
    return concatenation(left, right)


def arithmetic(operator: str, left: Value, right: Value) -> Value:
    """``+ - * /`` of numbers; integers are divided as Java does, towards zero."""
    if not (_is_number(left) and _is_number(right)):
        raise ClosureError(
            f"{operator} is between numbers, not between {kind_of(left)} and {kind_of(right)}"
        )
    assert isinstance(left, int | float)  # noqa: S101 - for the type checker, as below
    assert isinstance(right, int | float)  # noqa: S101
    if operator == "/":
        return _quotient(left, right)
    try:
        result = _CALCULATE[operator](left, right)
    except OverflowError:
        result = math.inf
    if isinstance(result, int) and abs(result) >= _LARGEST_INTEGER:
        raise ClosureError("an integer of more than 64 bits")
    return result


def equal(left: Value, right: Value) -> bool:
    """Equality of values, null included; numbers are never equal to texts."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def ordered(operator: str, left: Value, right: Value) -> bool:
    """``< > <= >=`` of numbers."""
    if not (_is_number(left) and _is_number(right)):
        raise ClosureError(
            f"{operator} compares numbers, not {kind_of(left)} with {kind_of(right)}"
        )
    return _COMPARE[operator](left, right)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _quotient(left: float, right: float) -> int | float:
    if isinstance(left, int) and isinstance(right, int):
        if right == 0:
            raise ClosureError("division by zero")
        quotient = abs(left) // abs(right)
        return quotient if (left < 0) == (right < 0) else -quotient
    if right == 0:
        if left == 0 or math.isnan(left):
            return math.nan
        return math.copysign(math.inf, left) * math.copysign(1.0, right)
    return left / right


def _double(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    plain = repr(value)
    if value == 0 or _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
        return plain
    mantissa, _, exponent = f"{value!r}".partition("e")
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    power = int(exponent or 0) + len(whole) - 1 - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    return f"{'-' if value < 0 else ''}{digits[0]}.{digits[1:] or '0'}E{power}"


_CALCULATE: dict[str, Callable[[float, float], float]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
}
_COMPARE: dict[str, Callable[..., bool]] = {
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
}
