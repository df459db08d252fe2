"""Numbers and durations where the parser stands."""

from app.promql.ast import NumberLiteral
from app.promql.parsing.cursor import Cursor
from app.promql.parsing.numbers import milliseconds_of, number_of
from app.promql.parsing.tokens import Kind


def at_number(cursor: Cursor) -> bool:
    """Whether a number or a duration is next."""
    return cursor.is_a(Kind.NUMBER, Kind.DURATION)


def number_literal(cursor: Cursor) -> NumberLiteral:
    """The number or duration that is next, which is in seconds."""
    token = cursor.advance()
    is_duration = token.kind is Kind.DURATION
    try:
        value = milliseconds_of(token.text) / 1_000 if is_duration else number_of(token.text)
    except ValueError as error:
        raise cursor.fault(token.start, str(error)) from error
    return NumberLiteral(value, is_duration, cursor.span(token.start))


def signed_number(cursor: Cursor, context: str, expected: str) -> float:
    """A number with or without a sign; the rest is for the message that there is none."""
    sign = cursor.advance().word if cursor.at("+", "-") else ""
    if not at_number(cursor):
        raise cursor.unexpected(context, expected)
    value = number_literal(cursor).value
    return -value if sign == "-" else value
