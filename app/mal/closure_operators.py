"""Operators of closures over compiled operands."""

from collections.abc import Callable
from typing import Final, TypeAlias

from app.mal import ast
from app.mal.values import LONGEST_TEXT, ClosureError, Value, equal, located, plus

Scope: TypeAlias = dict[str, Value]
"""Variables by name."""

Run: TypeAlias = Callable[[Scope], Value]
"""A compiled term."""

Execute: TypeAlias = Callable[[Scope], object]
"""A compiled statement: gives back the value of a ``return``, or ``GOES_ON``."""

GOES_ON: Final = object()
"""What a statement gives back that executed no ``return``."""


def ternary(test: Run, then: Run, otherwise: Run) -> Run:
    """``test ? then : otherwise``: null and false take ``otherwise``, an empty text does not."""

    def run(scope: Scope) -> Value:
        value = test(scope)
        return otherwise(scope) if value is None or value is False else then(scope)

    return run


def branch(test: Run, then: Execute, otherwise: Execute) -> Execute:
    """``if``."""
    return lambda scope: then(scope) if test(scope) else otherwise(scope)


def equality(operation: ast.Operation, left: Run, right: Run) -> Run:
    """``==`` and ``!=``."""
    wanted = operation.operator == "=="
    match operation.right:
        case ast.Literal(str(text)):
            if wanted:
                return lambda scope: left(scope) == text
            return lambda scope: left(scope) != text
    return lambda scope: equal(left(scope), right(scope)) is wanted


def addition(operation: ast.Operation, left: Run, right: Run) -> Run:
    """``+``."""
    place = operation.place

    def run(scope: Scope) -> Value:
        one, other = left(scope), right(scope)
        if type(one) is str and type(other) is str and len(one) + len(other) <= LONGEST_TEXT:
            return one + other
        try:
            return plus(one, other)
        except ClosureError as error:
            raise located(error, place) from None

    return run


def placed(place: ast.Place, run: Run) -> Run:
    """The same function, its errors at ``place``."""

    def run_placed(scope: Scope) -> Value:
        try:
            return run(scope)
        except ClosureError as error:
            raise located(error, place) from None

    return run_placed


def failure(place: ast.Place, message: str) -> ClosureError:
    """The failure of one series at ``place``."""
    return ClosureError(message, line=place.line, column=place.column)
