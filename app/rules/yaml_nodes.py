"""YAML with the place of every text, down to the characters of folded and escaped scalars.

Read from the parser's events: nothing recurses, an alias is the node that it names and not a copy,
and what is nested too deep is refused when that depth is reached.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TypeAlias

import yaml

from app.errors import RuleError
from app.mal import ast
from app.mal.places import fault

MAX_DEPTH = 20

_QUOTED_UNITS = {
    '"': re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|\r?\n|.)|\S", re.DOTALL),
    "'": re.compile(r"''|\S"),
}
_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)+")
_UNITS = re.compile(r"\S")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_ESCAPES = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "t": "\t",
    "n": "\n",
    "v": "\v",
    "f": "\f",
    "r": "\r",
    "e": "\x1b",
    "N": "\x85",
    "_": "\xa0",
    "L": "\u2028",
    "P": "\u2029",
}


class Document:
    """A file's text, and places in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        lengths = (len(line) for line in text.splitlines(keepends=True))
        self._line_starts = list(accumulate(lengths, initial=0))

    def place(self, offset: int) -> ast.Place:
        """Line and column of a character by its number from 0."""
        line = bisect_right(self._line_starts, min(offset, max(len(self.text) - 1, 0)))
        return ast.Place(line, offset - self._line_starts[line - 1] + 1)


@dataclass(frozen=True)
class Scalar:
    """A text. ``start`` and ``end`` delimit it in the file, ``style`` is how it is quoted."""

    value: str
    style: str
    start: int
    end: int
    document: Document

    @property
    def place(self) -> ast.Place:
        """Where it begins."""
        return self.document.place(self.start)

    @property
    def is_null(self) -> bool:
        """Whether it says that there is nothing."""
        return not self.style and self.value in _NULLS

    def locate(self, offset: int) -> ast.Place:
        """Where in the file the character of ``value`` with this number stands."""
        offsets = self._offsets
        if offset < len(offsets):
            return self.document.place(offsets[offset])
        return self.document.place(offsets[-1] + 1 if offsets else self.start)

    @cached_property
    def _offsets(self) -> list[int]:
        """The place in the file of each character.

        What is no space comes in the value as it comes in the file, however lines are folded. Of
        spaces, which folding adds and drops, a place close by is told.
        """
        units = self._units()
        following = next(units, None)
        offsets: list[int] = []
        previous = self.start
        for character in self.value:
            if following is not None and following[1] == character:
                previous = following[0]
                following = next(units, None)
            else:
                previous = min(previous + 1, following[0]) if following else previous + 1
            offsets.append(previous)
        return offsets

    def _units(self) -> Iterator[tuple[int, str]]:
        """Offset and character of what is no space, or an escaped one."""
        start, text = self.start, self.document.text
        if self.style in ("|", ">"):
            start = text.find("\n", start) + 1
        elif self.style:
            start += 1
        for found in _QUOTED_UNITS.get(self.style, _UNITS).finditer(text, start, self.end):
            unit = found.group()
            if len(unit) == 1:
                yield found.start(), unit
            elif unit == "''":
                yield found.start(), "'"
            elif unit[1] in "xuU":
                yield found.start(), chr(int(f"0x{unit[2:]}", 0))
            elif unit[1] not in "\r\n":
                yield found.start(), _ESCAPES.get(unit[1], unit[1])


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: list["Node"]
    place: ast.Place


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values, in their order; a key may come twice."""

    pairs: list[tuple[Scalar, "Node"]]
    place: ast.Place


Node: TypeAlias = Scalar | Sequence | Mapping


def read_yaml(text: str) -> Node:
    """The one document of a text; an empty text is an empty scalar.

    Raises ``RuleError`` with line and column.
    """
    document = Document(text)
    composer = _Composer(document)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = document.place(mark.index if mark else 0)
        raise fault(place, f"not valid YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise RuleError(f"not valid YAML: {error}", line=1, column=1) from error
    return composer.root or Scalar("", "", 0, 0, document)


def _past_properties(text: str, start: int) -> int:
    """Where a scalar's text begins whose anchor or tag begins at ``start``."""
    properties = _PROPERTIES.match(text, start)
    return properties.end() if properties else start


class _Composer:
    """Builds nodes from events; open collections stand on a stack of its own."""

    def __init__(self, document: Document) -> None:
        self.root: Node | None = None
        self._document = document
        self._open: list[Sequence | Mapping] = []
        self._keys: list[Scalar | None] = []
        self._anchors: dict[str, Node] = {}

    def take(self, event: yaml.Event) -> None:
        start = event.start_mark.index if event.start_mark else 0
        place = self._document.place(start)
        match event:
            case yaml.ScalarEvent():
                end = event.end_mark.index if event.end_mark else start
                style = event.style or ""
                if event.anchor or event.tag:
                    start = _past_properties(self._document.text, start)
                scalar = Scalar(event.value, style, start, end, self._document)
                self._add(scalar, event.anchor, place)
            case yaml.AliasEvent():
                if event.anchor not in self._anchors:
                    raise fault(place, f"not valid YAML: undefined alias {event.anchor}")
                self._add(self._anchors[event.anchor], None, place)
            case yaml.SequenceStartEvent():
                self._begin(Sequence([], place), event.anchor)
            case yaml.MappingStartEvent():
                self._begin(Mapping([], place), event.anchor)
            case yaml.CollectionEndEvent():
                self._open.pop()
                self._keys.pop()
            case yaml.DocumentStartEvent() if self.root is not None:
                raise fault(place, "a second document; a file has one")

    def _begin(self, node: Sequence | Mapping, anchor: str | None) -> None:
        if len(self._open) == MAX_DEPTH:
            raise fault(node.place, f"nested more than {MAX_DEPTH} levels deep")
        self._add(node, anchor, node.place)
        self._open.append(node)
        self._keys.append(None)

    def _add(self, node: Node, anchor: str | None, place: ast.Place) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
            return
        key = self._keys[-1]
        if key is not None:
            parent.pairs.append((key, node))
            self._keys[-1] = None
        elif isinstance(node, Scalar):
            self._keys[-1] = node
        else:
            raise fault(place, "a key is a text")
