"""Durations in brackets and after ``offset``: literals, and arithmetic over them.

Source: "PromQL arithmetic expressions in time durations" in Prometheus' feature flags. Literals are
milliseconds at once; anything else stays an expression until ``bind``.
"""

import math
from collections.abc import Callable
from dataclasses import replace

from app.promql.ast import Duration, DurationExpression
from app.promql.parsing.cursor import Cursor
from app.promql.parsing.literals import at_number, number_literal
from app.promql.parsing.numbers import LONGEST_MS
from app.promql.parsing.tokens import Kind

MAX_TERMS = 100
"""Terms of one duration."""

_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "^": 3}
_SIGNED = 2
_HALF_A_NANOSECOND = 0.5e-6
_CHOICES = {"min": "min", "max": "max", "min_of": "min", "max_of": "max"}

Unexpected = Callable[[], Exception]


class DurationParser:
    """One duration. ``unexpected`` makes the error of a token that cannot stand in it."""

    def __init__(self, cursor: Cursor, unexpected: Unexpected) -> None:
        self._cursor = cursor
        self._unexpected = unexpected
        self._terms = 0

    def positive(self) -> Duration:
        """A window or a step of a subquery. Literals must be greater than 0."""
        start = self._cursor.token.start
        duration = reduced(self._expression(1))
        # What is less than a millisecond would be a window without width.
        if isinstance(duration, int) and duration <= 0:
            self._cursor.refuse(start, "duration must be greater than 0")
        return duration

    def offset(self) -> Duration:
        """An offset: a literal, ``step()`` and the like, or an expression in parentheses.

        What follows it belongs to the expression around it: ``x offset 5m + 1`` is
        ``(x offset 5m) + 1``.
        """
        return reduced(self._signed(atom_only=True))

    def _expression(self, least: int) -> DurationExpression:
        left = self._signed()
        while True:
            token = self._cursor.token
            precedence = _PRECEDENCE.get(token.word, 0)
            if token.kind is not Kind.OPERATOR or precedence < least:
                return left
            self._cursor.advance()
            right = self._expression(precedence + (token.word != "^"))
            if token.word in "/%" and right.operator == "number" and right.value == 0:
                name = "division" if token.word == "/" else "modulo"
                self._cursor.refuse(token.start, f"{name} by zero")
            span = self._cursor.span(left.span.start)
            left = DurationExpression(token.word, (left, right), span=span)

    def _signed(self, *, atom_only: bool = False) -> DurationExpression:
        start = self._cursor.token.start
        if not self._cursor.at("+", "-"):
            return self._atom()
        self._count()
        sign = self._cursor.advance().word
        operand = self._atom() if atom_only else self._expression(_SIGNED + 1)
        if sign == "+":
            return operand
        if operand.operator == "number":
            return replace(operand, value=-operand.value, span=self._cursor.span(start))
        return DurationExpression("-", (operand,), span=self._cursor.span(start))

    def _atom(self) -> DurationExpression:
        self._count()
        cursor = self._cursor
        token = cursor.token
        if at_number(cursor):
            return self._literal()
        word = token.text.lower()
        if token.kind is Kind.BOUND and word in {"step", "range"}:
            cursor.advance()
            self._expect("(")
            self._expect(")")
            return DurationExpression(word, span=cursor.span(token.start))
        if word in _CHOICES and token.kind in {Kind.IDENTIFIER, Kind.AGGREGATOR}:
            cursor.advance()
            self._expect("(")
            first = self._expression(1)
            self._expect(",")
            second = self._expression(1)
            self._expect(")")
            span = cursor.span(token.start)
            return DurationExpression(_CHOICES[word], (first, second), span=span)
        self._expect("(")
        inner = self._expression(1)
        self._expect(")")
        return inner

    def _literal(self) -> DurationExpression:
        literal = number_literal(self._cursor)
        # Written so that NaN is out of range too.
        if not abs(literal.value) * 1_000 <= LONGEST_MS:
            self._cursor.refuse(literal.span.start, "duration out of range")
        return DurationExpression(
            "number",
            value=literal.value,
            is_duration=literal.is_duration,
            span=literal.span,
        )

    def _expect(self, word: str) -> None:
        if not self._cursor.take(word):
            raise self._unexpected()

    def _count(self) -> None:
        self._terms += 1
        if self._terms > MAX_TERMS:
            self._cursor.refuse(
                self._cursor.token.start, f"a duration of more than {MAX_TERMS} terms"
            )


def reduced(duration: DurationExpression) -> Duration:
    """Milliseconds if the duration is nothing but a number."""
    return milliseconds(duration.value) if duration.operator == "number" else duration


def milliseconds(seconds: float) -> int:
    """Whole milliseconds, cut off after rounding to nanoseconds, as Prometheus does.

    What floating point has lost of a whole number is given back, so that literals are exact.
    """
    exact = seconds * 1_000
    nearest = round(exact)
    lost = max(_HALF_A_NANOSECOND, 2 * math.ulp(exact))
    return nearest if abs(exact - nearest) <= lost else int(exact)
