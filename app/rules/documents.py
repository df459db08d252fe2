"""Values of a YAML document, asked for by type: what is something else is a clear error."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from app.errors import RuleError
from app.mal.places import fault
from app.rules import yaml_nodes
from app.rules.files import read_rule_text
from app.rules.yaml_nodes import Node, Scalar, read_yaml

_WORDS = {".inf": math.inf, "-.inf": -math.inf}


class Item:
    """A value of a YAML document: a mapping, a list or a scalar.

    Every method that does not find what it asks for raises ``RuleError`` at the value's place.
    """

    def __init__(self, node: Node) -> None:
        self._node = node

    @property
    def line(self) -> int:
        """The line of the file, from 1."""
        return self._node.place.line

    def fault(self, reason: str) -> RuleError:
        """An error about this value."""
        return fault(self._node.place, reason)

    def fault_at(self, offset: int, reason: str) -> RuleError:
        """An error about the character of this text with a number from 0."""
        place = self._node.locate(offset) if isinstance(self._node, Scalar) else self._node.place
        return fault(place, reason)

    def mapping(self, known: Sequence[str] = ()) -> "dict[str, Item]":
        """The members of a mapping by name; of none but ``known`` ones, if any are given."""
        members: dict[str, Item] = {}
        for key, value in self.pairs(f" with the keys {', '.join(known)}" if known else ""):
            name = key.text()
            if known and name not in known:
                raise key.fault(f"unknown key {name!r}; known are {', '.join(known)}")
            if name in members:
                raise key.fault(f"{name} is given twice")
            members[name] = value
        return members

    def pairs(self, kind: str = "") -> "list[tuple[Item, Item]]":
        """Keys and values of a mapping; ``kind`` says more of it in an error."""
        if not isinstance(self._node, yaml_nodes.Mapping):
            raise self.fault(f"a mapping{kind} is expected")
        return [(Item(key), Item(value)) for key, value in self._node.pairs]

    def over(self, default: "Item") -> "Item":
        """This mapping with the members that only ``default`` has; other values stand alone."""
        mine, theirs = self._node, default._node  # noqa: SLF001 - the same class
        if not (isinstance(mine, yaml_nodes.Mapping) and isinstance(theirs, yaml_nodes.Mapping)):
            return self
        own = {key.value for key, _ in mine.pairs}
        rest = [pair for pair in theirs.pairs if pair[0].value not in own]
        return Item(yaml_nodes.Mapping(rest + mine.pairs, mine.place))

    def items(self) -> "list[Item]":
        """The elements of a list."""
        if not isinstance(self._node, yaml_nodes.Sequence):
            raise self.fault("a list is expected")
        return [Item(node) for node in self._node.items]

    def text(self) -> str:
        """A scalar as it is written, whatever type YAML would give it."""
        if not isinstance(self._node, Scalar):
            raise self.fault("a text is expected")
        return self._node.value

    def texts(self) -> dict[str, str]:
        """A mapping of texts, such as dimensions or labels."""
        return {name: member.text() for name, member in self.mapping().items()}

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self._node, yaml_nodes.Sequence)

    def number(self) -> float:
        """A number; ``.inf`` is one."""
        text = self.text()
        try:
            value = _WORDS.get(text.lower())
            value = float(text) if value is None else value
        except ValueError:
            raise self.fault("a number is expected") from None
        if math.isnan(value):
            raise self.fault("a number is expected")
        return value

    def finite(self) -> float:
        """A number that is not infinite."""
        value = self.number()
        if not math.isfinite(value):
            raise self.fault("a finite number is expected")
        return value

    def time_ms(self) -> int:
        """A time such as 2026-01-31T12:00:00Z, in milliseconds; without an offset it is UTC."""
        try:
            moment = datetime.fromisoformat(self.text())
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return round(moment.timestamp() * 1000)
        except (ValueError, OverflowError):
            raise self.fault("a time such as 2026-01-31T12:00:00Z is expected") from None


def merged(defaults: Mapping[str, Item], own: Mapping[str, Item]) -> dict[str, Item]:
    """``own`` over ``defaults``; where a member is a mapping in both, its members are merged."""
    both = {**defaults, **own}
    for name in defaults.keys() & own.keys():
        both[name] = own[name].over(defaults[name])
    return both


def read_document(path: Path, name: str) -> tuple[Item, str]:
    """The one document of a file and its text. Raises ``RuleError`` with the file's ``name``."""
    text = read_rule_text(path, name)
    try:
        return Item(read_yaml(text)), text
    except RuleError as error:
        raise error.in_file(name, text) from error
