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
class Access:
    """``variable.key`` or ``variable['key']``; a bare variable has no key."""

    variable: str
    key: "Term | None"
    place: Place


@dataclass(frozen=True, slots=True)
class Operation:
    """``left operator right`` inside a closure: ``+ == != && ||`` or ``?:``."""

    operator: str
    left: "Term"
    right: "Term"
    place: Place


@dataclass(frozen=True, slots=True)
class Not:
    """``!operand``."""

    operand: "Term"
    place: Place


@dataclass(frozen=True, slots=True)
class Ternary:
    """``test ? then : otherwise``."""

    test: "Term"
    then: "Term"
    otherwise: "Term"
    place: Place


@dataclass(frozen=True, slots=True)
class In:
    """``member in ['a', 'b']``."""

    member: "Term"
    values: tuple[str, ...]
    place: Place


Term: TypeAlias = Number | String | Constant | Access | Operation | Not | Ternary | In


@dataclass(frozen=True, slots=True)
class Assignment:
    """``variable.key = value``."""

    target: Access
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
    """``return value``."""

    value: Term | None
    place: Place


@dataclass(frozen=True, slots=True)
class Evaluate:
    """A term standing alone; as the last statement of a filter it is the filter's answer."""

    term: Term
    place: Place


Statement: TypeAlias = Assignment | If | Return | Evaluate
