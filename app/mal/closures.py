"""Closures over labels and entities, as the functions that run them.

A closure is compiled once, when its rule is loaded, to Python functions that call each other; no
code is generated. Semantics follow the specification: an absent label is null, a text plus null
ends in the text ``null``; null, false, 0 and what is empty are false; a ternary tests for null.
"""

from collections.abc import Callable, Sequence
from typing import cast

from app.mal import ast
from app.mal.closure_compiler import ClosureCompiler
from app.mal.closure_operators import GOES_ON, Execute, Scope, failure
from app.mal.entities import Entity
from app.mal.frames import Labels
from app.mal.label_functions import LabelFunction
from app.mal.masks import mask_of
from app.mal.meters import ATTRIBUTES, PROPERTIES, meter_of
from app.mal.names import check_names, parts
from app.mal.places import check_size, fault
from app.mal.registries import NOT_CONFIGURED_PROCESSES, ProcessRegistry
from app.mal.touching import touched_labels
from app.mal.values import ClosureError, Value, text_of

__all__ = [
    "ClosureError",
    "decoration",
    "element_mapping",
    "label_filter",
    "label_mapping",
    "property_extractor",
]

_MOST_STEPS = 100_000
_CHANGES_A_MAP = frozenset({"put", "putIfAbsent", "remove"})


def label_filter(closure: ast.Closure) -> LabelFunction[bool]:
    """A filter: whether labels pass.

    The answer of a single term is whether it is true; that of statements is the value of the
    ``return`` that is executed, and no without one. Raises ``RuleError`` for a closure that cannot
    be one, and as every function here ``ClosureError`` where the closure fails for some labels.
    """
    (variable,) = _parameters(closure, "the labels")
    check_names(closure, returns_nothing=False)
    compiler = ClosureCompiler()
    copy = _changes_its_map(closure)
    touches = touched_labels(closure, variable, gives_labels=False)
    match closure.body:
        case (ast.Evaluate(term),):
            run = compiler.term(term)
            return LabelFunction(
                lambda labels: bool(run({variable: _values(labels, copy=copy)})),
                touches,
                mask_of(term, variable),
            )
    execute = compiler.block(closure.body)

    def passes(labels: Labels) -> bool:
        result = execute({variable: _values(labels, copy=copy)})
        return result is not GOES_ON and bool(result)

    return LabelFunction(passes, touches)


def label_mapping(
    closure: ast.Closure, processes: ProcessRegistry = NOT_CONFIGURED_PROCESSES
) -> LabelFunction[Labels]:
    """The function of ``tag``: labels to the labels that the closure leaves behind."""
    (variable,) = _parameters(closure, "the labels")
    check_names(closure, returns_nothing=False)
    _check_returned(closure)
    execute = ClosureCompiler(processes).block(closure.body)

    def mapped(labels: Labels) -> Labels:
        scope: Scope = {variable: {**labels}}
        result = execute(scope)
        return _labels(scope[variable] if result is GOES_ON else result, closure)

    return LabelFunction(mapped, touched_labels(closure, variable, gives_labels=True))


def element_mapping(
    closure: ast.Closure,
    elements: Sequence[str],
    processes: ProcessRegistry = NOT_CONFIGURED_PROCESSES,
) -> LabelFunction[Labels]:
    """The function of ``forEach``: runs once per element, in order, on the same labels.

    ``return`` ends the run for one element.
    """
    element, variable = _parameters(closure, "an element", "the labels")
    check_names(closure, returns_nothing=True)
    steps = check_size(closure, closure.place) * len(elements)
    if steps > _MOST_STEPS:
        message = f"{steps} steps for {len(elements)} elements, at most {_MOST_STEPS} are allowed"
        raise fault(closure.place, message)
    execute = ClosureCompiler(processes).block(closure.body)

    def mapped(labels: Labels) -> Labels:
        tags: Value = {**labels}
        for value in elements:
            scope: Scope = {element: value, variable: tags}
            execute(scope)
            tags = scope[variable]
        return _labels(tags, closure)

    return LabelFunction(mapped, touched_labels(closure, variable, gives_labels=True))


def property_extractor(closure: ast.Closure) -> Callable[[Labels], dict[str, str]]:
    """The function of ``instance``: labels to the properties of an instance.

    A map literal standing alone is the answer, or a map that is returned; otherwise the labels that
    the closure leaves behind. Properties that are null are left out.
    """
    (variable,) = _parameters(closure, "the labels")
    check_names(closure, returns_nothing=False)
    compiler = ClosureCompiler()
    execute: Execute
    match closure.body:
        case (ast.Evaluate(ast.MapLiteral() as literal),):
            execute = compiler.term(literal)
        case _:
            execute = compiler.block(closure.body)

    def properties(labels: Labels) -> dict[str, str]:
        scope: Scope = {variable: {**labels}}
        result = execute(scope)
        found = _map(scope[variable] if result is GOES_ON else result, closure)
        return {name: text_of(value) for name, value in found.items() if value is not None}

    return properties


def decoration(closure: ast.Closure) -> Callable[[Entity], dict[str, str]]:
    """The function of ``decorate``: an entity to its attributes, in the order of their writing.

    The closure reads ``serviceName``, ``layer`` and so on, and writes ``attr0`` to ``attr5``.
    """
    (variable,) = _parameters(closure, "an entity")
    check_names(closure, returns_nothing=True)
    _check_attributes(closure, variable)
    execute = ClosureCompiler(null_can_be_written=True).block(closure.body)

    def attributes(entity: Entity) -> dict[str, str]:
        meter = meter_of(entity)
        execute({variable: meter})
        return {
            name: text_of(value)
            for name, value in meter.items()
            if name in ATTRIBUTES and value is not None
        }

    return attributes


def _parameters(closure: ast.Closure, *meanings: str) -> tuple[str, ...]:
    if len(closure.parameters) != len(meanings):
        count = ("one parameter", "two parameters")[len(meanings) - 1]
        raise fault(closure.place, f"this closure takes {count}: {', '.join(meanings)}")
    if len(set(closure.parameters)) != len(meanings):
        raise fault(closure.place, "two parameters of one name")
    return closure.parameters


def _values(labels: Labels, *, copy: bool) -> dict[str, Value]:
    if copy or type(labels) is not dict:
        return {**labels}
    return cast("dict[str, Value]", labels)


def _changes_its_map(closure: ast.Closure) -> bool:
    """Whether a filter needs labels of its own, because it changes them."""
    return any(
        (isinstance(part, ast.Assignment) and part.key is not None)
        or (isinstance(part, ast.Call) and part.method in _CHANGES_A_MAP)
        for part in parts(closure)
    )


def _check_returned(closure: ast.Closure) -> None:
    """Raise ``RuleError`` where ``return`` in ``tag`` cannot give back labels."""
    for part in parts(closure):
        match part:
            case ast.Return(ast.Variable() | ast.MapLiteral() | ast.Ternary() | None):
                pass
            case ast.Return(_, place):
                raise fault(place, "return in tag gives back the labels themselves")


def _check_attributes(closure: ast.Closure, variable: str) -> None:
    """Raise ``RuleError`` for what an entity does not have."""
    for part in parts(closure):
        match part:
            case ast.Assignment(name, key, _, place) if name == variable:
                if not isinstance(key, ast.Literal) or key.value not in ATTRIBUTES:
                    message = (
                        f"decorate writes {ATTRIBUTES[0]} to {ATTRIBUTES[-1]} and nothing else"
                    )
                    raise fault(place, message)
            case ast.Field(ast.Variable(name), field, _, place) if name == variable:
                if field not in PROPERTIES:
                    known = ", ".join(sorted(PROPERTIES))
                    raise fault(place, f"an entity has no {field}; it has {known}")
            case ast.Call(ast.Variable(name), method, _, _, place) if name == variable:
                raise fault(
                    place, f"an entity has no method {method}; write {variable}.serviceName"
                )


def _labels(value: object, closure: ast.Closure) -> Labels:
    """The labels that a closure leaves behind, each a text."""
    labels = _map(value, closure)
    for name, label in labels.items():
        if type(label) is not str:
            if label is None:
                raise failure(closure.place, f"label {name} would become null")
            labels = {**labels, name: text_of(label)}
    return cast("dict[str, str]", labels)


def _map(value: object, closure: ast.Closure) -> dict[str, Value]:
    if not isinstance(value, dict):
        raise failure(closure.place, "the closure gives back something else than labels")
    return value
