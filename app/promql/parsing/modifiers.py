"""``offset``, ``@``, ``anchored`` and ``smoothed``, put on the selector or subquery before them."""

from dataclasses import replace
from typing import Literal

from app.promql import ast
from app.promql.ast import At, Duration, Expression, Span
from app.promql.parsing.cursor import Cursor
from app.promql.parsing.literals import signed_number

_PRECEDED = "must be preceded by an instant vector selector or range vector selector or a subquery"


def with_offset(cursor: Cursor, target: Expression, offset: Duration, span: Span) -> Expression:
    """The selector or subquery with an offset."""
    node = _placeable(cursor, target, "offset modifier")
    if node.offset != 0:
        cursor.refuse(target.span.start, "offset may not be set multiple times")
    if isinstance(target, ast.MatrixSelector):
        return replace(target, selector=replace(target.selector, offset=offset), span=span)
    return replace(node, offset=offset, span=span)


def with_at(cursor: Cursor, target: Expression, at: At, span: Span) -> Expression:
    """The selector or subquery with a fixed time."""
    node = _placeable(cursor, target, "@ modifier")
    if node.at is not None:
        cursor.refuse(target.span.start, "@ <timestamp> may not be set multiple times")
    if isinstance(target, ast.MatrixSelector):
        return replace(target, selector=replace(target.selector, at=at), span=span)
    return replace(node, at=at, span=span)


def with_extension(cursor: Cursor, target: Expression, word: str, span: Span) -> Expression:
    """The selector with another treatment of its window's edges."""
    start = target.span.start
    if isinstance(target, ast.Subquery):
        cursor.refuse(start, f"{word} modifier is not supported for subqueries")
    if not isinstance(target, ast.VectorSelector | ast.MatrixSelector):
        cursor.refuse(start, f"{word} modifier not implemented")
    selector = target.selector if isinstance(target, ast.MatrixSelector) else target
    if selector.extension not in {"", word}:
        cursor.refuse(start, "anchored and smoothed modifiers cannot be used together")
    extension: Literal["anchored", "smoothed"] = "anchored" if word == "anchored" else "smoothed"
    if isinstance(target, ast.MatrixSelector):
        return replace(target, selector=replace(selector, extension=extension), span=span)
    return replace(target, extension=extension, span=span)


def at_modifier(cursor: Cursor, start: int) -> At:
    """What follows an ``@``; ``start`` is where the expression before it begins."""
    if cursor.at("start", "end"):
        bound = cursor.advance().word
        cursor.expect("(", "@", "timestamp")
        cursor.expect(")", "@", "timestamp")
        return "start" if bound == "start" else "end"
    seconds = signed_number(cursor, "@", "timestamp")
    # Written so that NaN is out of bounds too.
    if not abs(seconds) * 1_000 < 2**63:
        cursor.refuse(start, f"timestamp out of bounds for @ modifier: {_printed(seconds)}")
    # To the nearest, halves away from zero.
    milliseconds = int(abs(seconds) * 1_000 + 0.5)
    return -milliseconds if seconds < 0 else milliseconds


def _placeable(
    cursor: Cursor, target: Expression, modifier: str
) -> ast.VectorSelector | ast.Subquery:
    """The node that holds the offset and the time."""
    match target:
        case ast.VectorSelector() | ast.Subquery():
            return target
        case ast.MatrixSelector():
            return target.selector
    raise cursor.fault(target.span.start, f"{modifier} {_PRECEDED}")


def _printed(seconds: float) -> str:
    if abs(seconds) == float("inf"):
        return "+Inf" if seconds > 0 else "-Inf"
    return "NaN" if seconds != seconds else f"{seconds:f}"  # noqa: PLR0124
