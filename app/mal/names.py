"""Names in closures, checked when a rule is loaded rather than when a series appears."""

from collections.abc import Iterator

from app.errors import RuleError
from app.mal import ast


def check_names(closure: ast.Closure) -> None:
    """Raise ``RuleError`` for a variable that nothing defines, and for ``${…}`` in a string.

    Without this, declarations of types that the language does not have would read as two
    statements, and interpolation as plain text.
    """
    _check(closure.body, set(closure.parameters))


def _check(statements: tuple[ast.Statement, ...], defined: set[str]) -> None:
    for statement in statements:
        match statement:
            case ast.Assignment(target, value):
                _check_terms(value, defined)
                if target.key is None:
                    defined.add(target.variable)
                else:
                    _check_terms(target, defined)
            case ast.If(test, then, otherwise):
                _check_terms(test, defined)
                _check(then, defined)
                _check(otherwise, defined)
            case ast.Return(None):
                pass
            case ast.Return(term) | ast.Evaluate(term):
                _check_terms(term, defined)


def _check_terms(term: ast.Term | None, defined: set[str]) -> None:
    for part in _parts(term):
        match part:
            case ast.Access(variable) if variable not in defined:
                raise _fault(part.place, f"{variable} is not defined")
            case ast.String(text) if "${" in text:
                raise _fault(part.place, "interpolation with ${…} is not supported; use +")


def _parts(term: ast.Term | None) -> Iterator[ast.Term]:
    """The term and everything in it."""
    if term is None:
        return
    yield term
    match term:
        case ast.Access(_, key):
            yield from _parts(key)
        case ast.Operation(_, left, right):
            yield from _parts(left)
            yield from _parts(right)
        case ast.Not(operand):
            yield from _parts(operand)
        case ast.Ternary(test, then, otherwise):
            for branch in (test, then, otherwise):
                yield from _parts(branch)
        case ast.In(member):
            yield from _parts(member)


def _fault(place: ast.Place, message: str) -> RuleError:
    return RuleError(message, line=place.line, column=place.column)
