"""Tokens to a tree, by precedence climbing; the language is Prometheus' documentation's.

Every experimental part is always on. Syntax errors are raised where they stand; what is well formed
but makes no sense is gathered by ``checks`` and raised when the whole text has been read, as
Prometheus does.
"""

from dataclasses import replace
from typing import NamedTuple

from app.labels import METRIC_NAME
from app.promql import ast
from app.promql.ast import Expression, Matcher, MatchOperator, Span, ValueType
from app.promql.parsing import checks
from app.promql.parsing.cursor import Cursor
from app.promql.parsing.durations import DurationParser
from app.promql.parsing.joining import modifiers
from app.promql.parsing.literals import number_literal
from app.promql.parsing.modifiers import at_modifier, with_at, with_extension, with_offset
from app.promql.parsing.quoting import quoted, unquoted
from app.promql.parsing.selectors import label_list, matchers_in_braces
from app.promql.parsing.tokens import NAMES, PARAMETERS, Kind, Token
from app.promql.signatures import SIGNATURES

MAX_DEPTH = 128
"""Levels of a tree; each operator of a chain such as ``a + b + c`` is one.

Python ends at 1,000 calls within each other, and whoever walks a tree needs several for a level.
"""

_PRECEDENCE = {
    "or": 1,
    "and": 2,
    "unless": 2,
    **dict.fromkeys(ast.COMPARISONS, 3),
    "+": 4,
    "-": 4,
    "*": 5,
    "/": 5,
    "%": 5,
    "atan2": 5,
    "^": 6,
}
_SIGNED = 5
_LITERALS = "number, duration, step(), or range()"
_LITERALS_OR_END = 'number, duration, step(), range(), or "]"'


class Part(NamedTuple):
    """A parsed expression with what its parent needs to know of it."""

    expression: Expression
    value_type: ValueType
    depth: int


class _Written(NamedTuple):
    """An operator with what stands behind it."""

    operator: Token
    returns_bool: bool
    matching: ast.Matching


class Parser:
    """One text."""

    def __init__(self, text: str) -> None:
        """Raises ``QuerySyntaxError`` for a text that is too long."""
        self._cursor = Cursor(text)
        self._faults: list[checks.Fault] = []
        self._contexts: list[str] = [""]
        self._nesting = 0

    def parse(self) -> Expression:
        """The tree. Raises ``QuerySyntaxError`` for the first thing that is wrong."""
        cursor = self._cursor
        if cursor.is_a(Kind.END):
            cursor.refuse(0, "no expression found in input")
        part = self._expression(1)
        if not cursor.is_a(Kind.END):
            raise cursor.unexpected()
        if self._faults:
            cursor.refuse(*self._faults[0])
        return part.expression

    # -- operators

    def _expression(self, least: int) -> Part:
        """An expression whose operators bind at least as strongly as that."""
        self._nesting += 1
        self._check_depth(self._nesting)
        left = self._signed()
        while True:
            operator = self._cursor.token
            precedence = _PRECEDENCE.get(operator.word, 0)
            if operator.kind is not Kind.OPERATOR or precedence < least:
                break
            self._cursor.advance()
            returns_bool, matching = modifiers(self._cursor)
            right = self._expression(precedence + (operator.word != "^"))
            written = _Written(operator, returns_bool, matching)
            left = self._binary(left, written, right)
        self._nesting -= 1
        return left

    def _binary(self, left: Part, written: "_Written", right: Part) -> Part:
        operator, matching = written.operator.word, written.matching
        both_vectors = left.value_type == right.value_type == ValueType.INSTANT_VECTOR
        if operator in ast.SET_OPERATORS and matching.cardinality == "one-to-one":
            matching = replace(matching, cardinality="many-to-many")
        binary = ast.Binary(
            operator,
            left.expression,
            right.expression,
            written.returns_bool,
            matching if both_vectors else None,
            Span(left.expression.span.start, right.expression.span.end),
        )
        self._faults += checks.of_binary(
            binary, left.value_type, right.value_type, matching, written.operator.start
        )
        scalars = left.value_type == right.value_type == ValueType.SCALAR
        value_type = ValueType.SCALAR if scalars else ValueType.INSTANT_VECTOR
        return self._part(binary, value_type, left, right)

    def _signed(self) -> Part:
        cursor = self._cursor
        if not cursor.at("+", "-"):
            return self._suffixed(self._primary())
        sign = cursor.advance()
        operand = self._expression(_SIGNED + 1)
        span = Span(sign.start, operand.expression.span.end)
        if isinstance(operand.expression, ast.NumberLiteral):
            value = operand.expression.value
            literal = replace(
                operand.expression, value=-value if sign.word == "-" else value, span=span
            )
            return operand._replace(expression=literal)
        unary = ast.Unary("-" if sign.word == "-" else "+", operand.expression, span)
        self._faults += checks.of_unary(unary, operand.value_type)
        return self._part(unary, operand.value_type, operand)

    # -- suffixes

    def _suffixed(self, part: Part) -> Part:
        """The expression with its brackets, ``offset``, ``@``, ``anchored`` and ``smoothed``."""
        cursor = self._cursor
        while True:
            start = part.expression.span.start
            if cursor.at("["):
                part = self._bracketed(part)
            elif cursor.at("offset"):
                cursor.advance()
                offset = DurationParser(
                    cursor, lambda: cursor.unexpected("offset", _LITERALS)
                ).offset()
                span = cursor.span(start)
                part = part._replace(expression=with_offset(cursor, part.expression, offset, span))
            elif cursor.at("@"):
                cursor.advance()
                at = at_modifier(cursor, start)
                span = cursor.span(start)
                part = part._replace(expression=with_at(cursor, part.expression, at, span))
            elif cursor.at("anchored", "smoothed"):
                word = cursor.advance().word
                span = cursor.span(start)
                part = part._replace(expression=with_extension(cursor, part.expression, word, span))
            else:
                return part

    def _bracketed(self, part: Part) -> Part:
        """A window or a subquery after an expression."""
        cursor = self._cursor
        operand = part.expression
        bracket = cursor.advance()
        window = DurationParser(
            cursor,
            lambda: cursor.unexpected("subquery or range selector", _LITERALS),
        ).positive()
        if cursor.take("]"):
            if not isinstance(operand, ast.VectorSelector):
                cursor.refuse(bracket.start, "ranges only allowed for vector selectors")
            if operand.offset != 0:
                cursor.refuse(bracket.start, "no offset modifiers allowed before range")
            if operand.at is not None:
                cursor.refuse(bracket.start, "no @ modifiers allowed before range")
            matrix = ast.MatrixSelector(operand, window, cursor.span(operand.span.start))
            return self._part(matrix, ValueType.RANGE_VECTOR, part)
        cursor.expect(":", "subquery or range", '":" or "]"')
        step = None
        if not cursor.take("]"):
            step = DurationParser(
                cursor,
                lambda: cursor.unexpected("subquery selector", _LITERALS_OR_END),
            ).positive()
            cursor.expect("]", "subquery selector", '"]"')
        subquery = ast.Subquery(operand, window, step, span=cursor.span(operand.span.start))
        self._faults += checks.of_subquery(subquery, part.value_type)
        return self._part(subquery, ValueType.RANGE_VECTOR, part)

    # -- what stands by itself

    def _primary(self) -> Part:
        cursor = self._cursor
        token = cursor.token
        match token.kind:
            case Kind.NUMBER | Kind.DURATION:
                return self._part(number_literal(cursor), ValueType.SCALAR)
            case Kind.STRING:
                cursor.advance()
                literal = ast.StringLiteral(unquoted(token.text), cursor.span(token.start))
                return self._part(literal, ValueType.STRING)
            case Kind.SIGN if token.word == "(":
                return self._parenthesised()
            case Kind.SIGN if token.word == "{":
                return self._selector(None)
            case Kind.AGGREGATOR | Kind.IDENTIFIER | Kind.METRIC_IDENTIFIER | Kind.BOUND:
                return self._named()
            case _ if token.word in NAMES:
                return self._named()
        raise self._unexpected()

    def _named(self) -> Part:
        cursor = self._cursor
        token = cursor.advance()
        if token.kind is Kind.AGGREGATOR and cursor.at("(", "by", "without"):
            return self._aggregation(token.word, token.start)
        if token.kind in {Kind.IDENTIFIER, Kind.BOUND} and cursor.at("("):
            return self._call(token.word, token.start)
        return self._selector(token.text, token.start)

    def _parenthesised(self) -> Part:
        start = self._cursor.advance().start
        inner = self._expression(1)
        self._expect(")")
        paren = ast.Paren(inner.expression, self._cursor.span(start))
        return self._part(paren, inner.value_type, inner)

    def _selector(self, name: str | None, start: int | None = None) -> Part:
        cursor = self._cursor
        start = cursor.token.start if start is None else start
        matchers: tuple[Matcher, ...] = ()
        if name is not None:
            matchers = (Matcher(METRIC_NAME, MatchOperator.EQUAL, name),)
        if cursor.at("{"):
            matchers += matchers_in_braces(cursor)
        selector = ast.VectorSelector(matchers, name, span=cursor.span(start))
        self._faults += checks.of_selector(selector)
        return self._part(selector, ValueType.INSTANT_VECTOR)

    def _call(self, name: str, start: int) -> Part:
        first_fault = len(self._faults)
        arguments = self._arguments()
        signature = SIGNATURES.get(name)
        if signature is None:
            self._cursor.refuse(start, f"unknown function with name {quoted(name)}")
        expressions = tuple(argument.expression for argument in arguments)
        call = ast.Call(name, expressions, self._cursor.span(start))
        inner = self._faults[first_fault:]
        types = [argument.value_type for argument in arguments]
        self._faults[first_fault:] = checks.of_call(call, signature, types, inner)
        return self._part(call, signature.result, *arguments)

    def _arguments(self) -> list[Part]:
        cursor = self._cursor
        cursor.advance()
        arguments: list[Part] = []
        while not cursor.at(")"):
            arguments.append(self._expression(1))
            if cursor.at(")"):
                break
            comma = self._expect(",")
            if cursor.at(")"):
                cursor.refuse(comma, "trailing commas not allowed in function call args")
        cursor.advance()
        return arguments

    def _aggregation(self, operator: str, start: int) -> Part:
        cursor = self._cursor
        self._contexts.append("aggregation")
        grouping = self._grouping()
        if not cursor.at("("):
            raise self._unexpected()
        arguments = self._arguments()
        end = cursor.last_end
        self._contexts.pop()
        if grouping is None:
            grouping = self._grouping()
            end = cursor.last_end if grouping else end
        without, labels = grouping or (False, ())
        if not arguments:
            cursor.refuse(start, "no arguments for aggregate expression provided")
        wanted = 2 if operator in PARAMETERS else 1
        if len(arguments) != wanted:
            cursor.refuse(
                start,
                "wrong number of arguments for aggregate expression provided,"
                f" expected {wanted}, got {len(arguments)}",
            )
        operand = arguments[-1]
        parameter = arguments[0] if wanted == 2 else None  # noqa: PLR2004
        aggregation = ast.Aggregation(
            operator,
            operand.expression,
            parameter.expression if parameter else None,
            labels,
            without,
            Span(start, end),
        )
        self._faults += checks.of_aggregation(
            aggregation, operand.value_type, parameter.value_type if parameter else None
        )
        return self._part(aggregation, ValueType.INSTANT_VECTOR, *arguments)

    def _grouping(self) -> tuple[bool, tuple[str, ...]] | None:
        if not self._cursor.at("by", "without"):
            return None
        without = self._cursor.advance().word == "without"
        return without, label_list(self._cursor)

    # -- errors and limits

    def _unexpected(self) -> Exception:
        return self._cursor.unexpected(self._contexts[-1])

    def _expect(self, word: str) -> int:
        """Go past a sign that must be there; where it stands."""
        if not self._cursor.at(word):
            raise self._unexpected()
        return self._cursor.advance().start

    def _part(self, expression: Expression, value_type: ValueType, *below: Part) -> Part:
        depth = 1 + max((part.depth for part in below), default=0)
        self._check_depth(depth)
        return Part(expression, value_type, depth)

    def _check_depth(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            self._cursor.refuse(
                self._cursor.token.start, f"nested or chained more than {MAX_DEPTH} levels deep"
            )
