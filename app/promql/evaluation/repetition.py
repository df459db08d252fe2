"""Which selectors occur more than once in an expression."""

from collections import Counter
from collections.abc import Iterator

from app.promql.ast import (
    Aggregation,
    Binary,
    Call,
    Expression,
    MatrixSelector,
    Paren,
    Subquery,
    Unary,
    VectorSelector,
)


def repeated_selectors(tree: Expression) -> frozenset[VectorSelector]:
    """The selectors that an expression has at several places, as ``x / (x + y)`` has ``x``."""
    counts = Counter(selectors_of(tree))
    return frozenset(selector for selector, count in counts.items() if count > 1)


def selectors_of(tree: Expression) -> Iterator[VectorSelector]:
    """All selectors of an expression."""
    waiting: list[Expression | None] = [tree]
    while waiting:
        match waiting.pop():
            case VectorSelector() as node:
                yield node
            case MatrixSelector() as node:
                yield node.selector
            case Paren() | Unary() | Subquery() as node:
                waiting.append(node.operand)
            case Binary() as node:
                waiting += (node.left, node.right)
            case Aggregation() as node:
                waiting += (node.parameter, node.operand)
            case Call() as node:
                waiting += node.arguments
            case _:
                pass
