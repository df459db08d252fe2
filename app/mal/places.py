"""Places of a text inside its file, and the size of what was read from it."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import TypeAlias

from app.errors import RuleError
from app.mal import ast

MAX_DEPTH = 200
MAX_NODES = 20_000

Locate: TypeAlias = Callable[[int], ast.Place]
"""Where in its file a character of the text stands, by its number from 0."""


def fault(place: ast.Place, message: str) -> RuleError:
    """The error of a text at ``place``."""
    return RuleError(message, line=place.line, column=place.column)


def places_in(text: str) -> Locate:
    """Places in a text that is a file of its own."""
    starts = [0, *(found + 1 for found, sign in enumerate(text) if sign == "\n")]

    def locate(offset: int) -> ast.Place:
        line = bisect_right(starts, offset)
        return ast.Place(line, offset - starts[line - 1] + 1)

    return locate


def check_size(node: object, place: ast.Place) -> int:
    """The number of nodes. Raises ``RuleError`` for an AST too deep or too large to be walked."""
    level = [node]
    depth = nodes = 0
    while level:
        depth += 1
        nodes += len(level)
        if depth > MAX_DEPTH:
            raise fault(place, f"nested or chained more than {MAX_DEPTH} levels deep")
        if nodes > MAX_NODES:
            raise fault(place, f"more than {MAX_NODES} terms, prefixes and suffixes included")
        level = [child for parent in level for child in children(parent)]
    return nodes


def children(node: object) -> Iterator[object]:
    """The nodes right below a node of the AST."""
    for name in getattr(node, "__slots__", ()):
        value = getattr(node, name)
        if type(value) is tuple:
            yield from _nodes(value)
        elif hasattr(value, "place"):
            yield value


def _nodes(values: tuple[object, ...]) -> Iterator[object]:
    for value in values:
        if type(value) is tuple:
            yield from _nodes(value)
        elif hasattr(value, "place"):
            yield value
