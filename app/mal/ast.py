"""The abstract syntax of MAL: frozen values with the place in the text where each begins."""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias


class Place(NamedTuple):
    """Line and column, both from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number literal."""

    value: float
    place: Place


@dataclass(frozen=True, slots=True)
class Metric:
    """A sample family by name."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class MethodCall:
    """``receiver.method(arguments)``; an extension's function has a namespace, ``ns::method``."""

    receiver: "Expression"
    method: str
    arguments: tuple["Argument", ...]
    place: Place
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """``name(arguments)`` without a receiver: ``count(…)`` and ``time()``."""

    name: str
    arguments: tuple["Argument", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Binary:
    """``left operator right`` with one of ``+ - * /``."""

    operator: str
    left: "Expression"
    right: "Expression"
    place: Place


@dataclass(frozen=True, slots=True)
class Negate:
    """``-operand``."""

    operand: "Expression"
    place: Place


Expression: TypeAlias = Number | Metric | MethodCall | FunctionCall | Binary | Negate
EXPRESSIONS = (Number, Metric, MethodCall, FunctionCall, Binary, Negate)


@dataclass(frozen=True, slots=True)
class String:
    """A string literal."""

    value: str
    place: Place


@dataclass(frozen=True, slots=True)
class StringList:
    """``['a', 'b']``."""

    values: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class NumberList:
    """``[50, 75, 99]``."""

    values: tuple[float, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class EnumRef:
    """``Layer.AWS_DYNAMODB``."""

    enum: str
    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class Constant:
    """``true``, ``false`` or ``null``."""

    value: bool | None
    place: Place


@dataclass(frozen=True, slots=True)
class Closure:
    """``{ parameter -> statements }``; ``it`` where no parameter is named."""

    parameters: tuple[str, ...]
    body: tuple["Statement", ...]
    place: Place


Argument: TypeAlias = Expression | String | StringList | NumberList | EnumRef | Constant | Closure


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, a number, ``true``, ``false`` or ``null`` inside a closure."""

    value: str | int | float | bool | None
    place: Place


@dataclass(frozen=True, slots=True)
class Variable:
    """A parameter, a local variable, or a class such as ``ProcessRegistry``."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class Field:
    """``owner.name``; ``safe`` for ``owner?.name``."""

    owner: "Term"
    name: str
    safe: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Index:
    """``owner[key]``."""

    owner: "Term"
    key: "Term"
    place: Place


@dataclass(frozen=True, slots=True)
class Call:
    """``owner.method(arguments)``; ``safe`` for ``owner?.method(arguments)``."""

    owner: "Term"
    method: str
    arguments: tuple["Term", ...]
    safe: bool
    place: Place


@dataclass(frozen=True, slots=True)
class MapLiteral:
    """``['key': value, …]``."""

    entries: tuple[tuple[str, "Term"], ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Operation:
    """``left operator right``: ``|| && == != < > <= >= ?: - + / *``."""

    operator: str
    left: "Term"
    right: "Term"
    place: Place


@dataclass(frozen=True, slots=True)
class Match:
    """``subject =~ /pattern/``."""

    subject: "Term"
    pattern: str
    place: Place


@dataclass(frozen=True, slots=True)
class In:
    """``member in ['a', 'b']``."""

    member: "Term"
    values: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Not:
    """``!operand``."""

    operand: "Term"
    place: Place


@dataclass(frozen=True, slots=True)
class Minus:
    """``-operand``."""

    operand: "Term"
    place: Place


@dataclass(frozen=True, slots=True)
class Ternary:
    """``test ? then : otherwise``."""

    test: "Term"
    then: "Term"
    otherwise: "Term"
    place: Place


Term: TypeAlias = (
    Literal
    | Variable
    | Field
    | Index
    | Call
    | MapLiteral
    | Operation
    | Match
    | In
    | Not
    | Minus
    | Ternary
)


@dataclass(frozen=True, slots=True)
class Declaration:
    """``def name = value`` or ``Type name = value``; the type has no effect."""

    name: str
    value: Term
    place: Place


@dataclass(frozen=True, slots=True)
class Assignment:
    """``variable = value``, or with a key ``variable.key = value`` or ``variable[key] = value``."""

    variable: str
    key: Term | None
    value: Term
    place: Place


@dataclass(frozen=True, slots=True)
class If:
    """``if (test) { then } else { otherwise }``."""

    test: Term
    then: tuple["Statement", ...]
    otherwise: tuple["Statement", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Return:
    """``return value``, or ``return`` alone."""

    value: Term | None
    place: Place


@dataclass(frozen=True, slots=True)
class Evaluate:
    """A term standing alone; alone in a filter it is the filter's answer."""

    term: Term
    place: Place


Statement: TypeAlias = Declaration | Assignment | If | Return | Evaluate
