"""Names in closures, checked when a rule is loaded rather than when a series appears."""

from collections.abc import Iterator, Mapping, Sequence

from app.mal import ast
from app.mal.java_methods import arities_of
from app.mal.places import children, fault

PROCESS_REGISTRY = "ProcessRegistry"
PROCESS_METHODS: Mapping[str, int] = {
    "generateVirtualLocalProcess": 2,
    "generateVirtualRemoteProcess": 3,
    "generateVirtualProcess": 3,
}
"""Methods of ``ProcessRegistry``, the one class that closures know, and their arguments."""


def check_names(closure: ast.Closure, *, returns_nothing: bool) -> None:
    """Raise ``RuleError`` for a variable or a method that does not exist.

    ``returns_nothing`` says whether ``return`` may stand alone.
    """
    if PROCESS_REGISTRY in closure.parameters:
        raise fault(closure.place, f"{PROCESS_REGISTRY} is a class and cannot be a parameter")
    _check(closure.body, set(closure.parameters), returns_nothing=returns_nothing)


def parts(node: object) -> Iterator[object]:
    """The node and everything below it."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        waiting.extend(children(part))


def _check(
    statements: Sequence[ast.Statement], defined: set[str], *, returns_nothing: bool
) -> None:
    for statement in statements:
        match statement:
            case ast.Declaration(name, value, place) | ast.Assignment(name, None, value, place):
                _check_term(value, defined)
                if name == PROCESS_REGISTRY:
                    raise fault(place, f"{name} is a class and cannot be a variable")
                defined.add(name)
            case ast.Assignment(variable, key, value, place):
                if variable not in defined:
                    raise fault(place, f"{variable} is not defined")
                _check_term(key, defined)
                _check_term(value, defined)
            case ast.If(test, then, otherwise):
                _check_term(test, defined)
                # What a block declares ends with the block.
                for block in (then, otherwise):
                    _check(block, set(defined), returns_nothing=returns_nothing)
            case ast.Return(None, place):
                if not returns_nothing:
                    raise fault(place, "return needs a value here")
            case ast.Return(term) | ast.Evaluate(term):
                _check_term(term, defined)


def _check_term(term: ast.Term | None, defined: set[str]) -> None:
    registry_calls = set()
    for part in parts(term):
        match part:
            case ast.Call(ast.Variable(name) as owner, method, arguments, _, place) if (
                name == PROCESS_REGISTRY
            ):
                registry_calls.add(id(owner))
                _check_registry_call(method, len(arguments), place)
            case ast.Call(ast.Variable(name, place)) if name not in defined:
                raise fault(place, f"{name} is not defined")
            case ast.Call(_, method, arguments, _, place):
                _check_method(method, len(arguments), place)
            case ast.Variable(name, place) if (
                name not in defined and id(part) not in registry_calls
            ):
                raise fault(place, f"{name} is not defined")


def _check_registry_call(method: str, arity: int, place: ast.Place) -> None:
    if method not in PROCESS_METHODS:
        known = ", ".join(PROCESS_METHODS)
        raise fault(place, f"{PROCESS_REGISTRY} has no method {method}; it has {known}")
    if arity != PROCESS_METHODS[method]:
        raise fault(place, f"{method} takes {PROCESS_METHODS[method]} arguments, not {arity}")


def _check_method(method: str, arity: int, place: ast.Place) -> None:
    arities = arities_of(method)
    if not arities:
        raise fault(place, f"there is no method {method} of texts, maps and arrays")
    if arity not in arities:
        counts = " or ".join(map(str, sorted(arities)))
        raise fault(place, f"{method} takes {counts} arguments, not {arity}")
