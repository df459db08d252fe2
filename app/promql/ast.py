"""The tree of a PromQL expression: frozen, typed, and with the place of each node in the text.

``parse`` makes it; ``bind`` replaces what depends on the time range of the query (``@ start()``,
durations with ``step()``) by numbers, so that the evaluator meets integers alone.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Span:
    """Characters [``start``, ``end``) of the text, from 0."""

    start: int = 0
    end: int = 0


class ValueType(StrEnum):
    """What an expression evaluates to, spelt as in the answers of the HTTP API."""

    SCALAR = "scalar"
    INSTANT_VECTOR = "vector"
    RANGE_VECTOR = "matrix"
    STRING = "string"


class MatchOperator(StrEnum):
    """How a matcher compares; regular expressions are anchored at both ends."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label; an absent label has the empty value."""

    name: str
    operator: MatchOperator
    value: str


@dataclass(frozen=True, slots=True)
class DurationExpression:
    """Arithmetic over durations: ``1h + 5m``, ``step() * 2``, ``max(step(), 1m)``.

    ``operator`` is one of ``+ - * / % ^ min max step range number``; a ``-`` with one operand is a
    sign. A ``number`` has ``value`` in seconds and no operands; ``is_duration`` if it was written
    as a duration, as of ``NumberLiteral``.
    """

    operator: str
    operands: tuple["DurationExpression", ...] = ()
    value: float = 0.0
    is_duration: bool = False
    span: Span = field(default=Span(), compare=False)


Duration: TypeAlias = int | DurationExpression
"""Milliseconds; an expression only until ``bind``."""

At: TypeAlias = int | Literal["start", "end"] | None
"""Milliseconds since the epoch of an ``@``; ``start()`` and ``end()`` only until ``bind``."""


@dataclass(frozen=True, slots=True)
class NumberLiteral:
    """A number; ``is_duration`` if it was written as one, such as 5m, which is 300."""

    value: float
    is_duration: bool = False
    span: Span = field(default=Span(), compare=False)


@dataclass(frozen=True, slots=True)
class StringLiteral:
    """A string, unescaped."""

    value: str
    span: Span = field(default=Span(), compare=False)


@dataclass(frozen=True, slots=True)
class VectorSelector:
    """Series by their labels; the metric's name is a matcher of ``__name__``, the first if bare.

    ``name`` is the name before the braces, None if there is none. ``offset`` looks into the past
    when it is positive. ``extension`` is Prometheus' experimental way to treat a window's edges.
    """

    matchers: tuple[Matcher, ...]
    name: str | None = None
    offset: Duration = 0
    at: At = None
    extension: Literal["", "anchored", "smoothed"] = ""
    span: Span = field(default=Span(), compare=False)


@dataclass(frozen=True, slots=True)
class MatrixSelector:
    """The samples of a window before each evaluation time; offset and ``@`` are the selector's."""

    selector: VectorSelector
    window: Duration
    span: Span = field(default=Span(), compare=False)


@dataclass(frozen=True, slots=True)
class Subquery:
    """An expression evaluated at steps of a window; ``step`` None means the default interval."""

    operand: "Expression"
    window: Duration
    step: Duration | None = None
    offset: Duration = 0
    at: At = None
    span: Span = field(default=Span(), compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments; those that may be left out are not filled in."""

    function: str
    arguments: tuple["Expression", ...]
    span: Span = field(default=Span(), compare=False)


@dataclass(frozen=True, slots=True)
class Aggregation:
    """``operator by (labels) (parameter, operand)``; ``without`` turns the labels round.

    ``labels`` is empty and ``without`` False where neither is written.
    """

    operator: str
    operand: "Expression"
    parameter: "Expression | None" = None
    labels: tuple[str, ...] = ()
    without: bool = False
    span: Span = field(default=Span(), compare=False)


@dataclass(frozen=True, slots=True)
class Matching:
    """How the sides of a binary operator find each other.

    ``on`` tells whether ``labels`` are those that must agree, or those that need not.
    ``include`` are the labels of ``group_left`` or ``group_right``. The fills stand for the
    value of a side that is missing.
    """

    labels: tuple[str, ...] = ()
    on: bool = False
    cardinality: Literal["one-to-one", "many-to-one", "one-to-many", "many-to-many"] = "one-to-one"
    include: tuple[str, ...] = ()
    fill_left: float | None = None
    fill_right: float | None = None


@dataclass(frozen=True, slots=True)
class Binary:
    """``left operator right``; ``matching`` is None unless both sides are instant vectors."""

    operator: str
    left: "Expression"
    right: "Expression"
    returns_bool: bool = False
    matching: Matching | None = None
    span: Span = field(default=Span(), compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """``+`` or ``-`` before an expression."""

    operator: Literal["+", "-"]
    operand: "Expression"
    span: Span = field(default=Span(), compare=False)


@dataclass(frozen=True, slots=True)
class Paren:
    """An expression in parentheses, kept for printing."""

    operand: "Expression"
    span: Span = field(default=Span(), compare=False)


Expression: TypeAlias = (
    NumberLiteral
    | StringLiteral
    | VectorSelector
    | MatrixSelector
    | Subquery
    | Call
    | Aggregation
    | Binary
    | Unary
    | Paren
)

COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
SET_OPERATORS = frozenset({"and", "or", "unless"})
ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "^", "atan2"})
