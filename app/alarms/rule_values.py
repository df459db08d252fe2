"""Values of alarm rules by type, each refused at its place in the file."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import Final, TypeVar

from app.alarms.patterns import LabelPatterns
from app.clock import MILLISECONDS_PER_MINUTE
from app.errors import RuleError, similar
from app.promql.parsing.numbers import milliseconds_of
from app.rules.documents import Item

DAY_MS: Final = 24 * 60 * MILLISECONDS_PER_MINUTE
_MOST_PATTERNS = 1000
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,127}")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_BOOLEANS = {"true": True, "false": False}
_WHOLE = re.compile(r"[0-9]{1,6}")

_Word = TypeVar("_Word", bound=StrEnum)


def unknown(what: str, name: str, known: Sequence[str]) -> str:
    """``unknown key 'treshold'; similar: threshold; known are …``."""
    return f"unknown {what} {name!r}{similar(name, known, 1)}; known are {', '.join(known)}"


def name(item: Item) -> str:
    """The name of an alarm."""
    text = item.text()
    if not _NAME.fullmatch(text):
        raise item.fault(
            f"{text[:200]!r} is not a name of an alarm: a letter, then letters, digits, _ and -,"
            " at most 128 characters"
        )
    return text


def label(item: Item) -> str:
    """A classic name of a label."""
    text = item.text()
    if not _LABEL.fullmatch(text):
        raise item.fault(f"{text[:200]!r} is not a label: letters, digits and _, no digit first")
    return text


def word(item: Item, words: type[_Word]) -> _Word:
    """One of a few words."""
    text = item.text()
    try:
        return words(text)
    except ValueError:
        known = [each.value for each in words]
        hint = similar(text, known, 1)
        raise item.fault(f"{text!r} is none of {', '.join(known)}{hint}") from None


def boolean(item: Item) -> bool:
    """True or false."""
    value = _BOOLEANS.get(item.text().lower())
    if value is None:
        raise item.fault("true or false is expected")
    return value


def whole(item: Item, least: int, most: int) -> int:
    """A whole number within bounds, both included."""
    text = item.text()
    if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
        raise item.fault(f"a whole number from {least} to {most} is expected")
    return int(text)


def duration_ms(item: Item) -> int:
    """A duration such as 5m or 1h30m, in milliseconds."""
    return duration_of(item, item.text())


def duration_of(item: Item, text: str) -> int:
    """A duration that is all or part of an item's text, in milliseconds."""
    try:
        return milliseconds_of(text)
    except ValueError:
        reason = f"{text[:200]!r} is not a duration such as 1m, 1h30m or 1d"
        raise item.fault(reason) from None


def minutes_ms(item: Item, most_ms: int) -> int:
    """A duration of whole minutes, at least one."""
    value = duration_ms(item)
    if value % MILLISECONDS_PER_MINUTE or not MILLISECONDS_PER_MINUTE <= value <= most_ms:
        most = most_ms // DAY_MS
        raise item.fault(f"a multiple of 1m is expected, from 1m to {most}d")
    return value


def texts(item: Item, what: str) -> tuple[str, ...]:
    """A list of texts, none empty, none twice."""
    found: list[str] = []
    for entry in item.items():
        text = entry.text()
        if not text:
            raise entry.fault(f"the name of a {what} is empty")
        if text in found:
            raise entry.fault(f"the {what} {text!r} is given twice")
        found.append(text)
    return tuple(found)


def patterns(item: Item, known: Sequence[str] | None) -> LabelPatterns:
    """Patterns by label: a text or a list of texts. ``known`` are the labels there can be."""
    found: dict[str, tuple[str, ...]] = {}
    for key, value in item.pairs(" of labels and patterns"):
        text = key.text()
        if known is not None and text not in known:
            raise key.fault(unknown("label", text, known))
        if text in found:
            raise key.fault(f"{text} is given twice")
        entries = value.items() if value.is_list else [value]
        if not entries:
            raise value.fault("a list of patterns is empty, so nothing could match it")
        if len(entries) > _MOST_PATTERNS:
            raise value.fault(f"more than {_MOST_PATTERNS} patterns of one label")
        found[text] = tuple(_pattern(entry) for entry in entries)
    return LabelPatterns(tuple(sorted(found.items())))


def _pattern(item: Item) -> str:
    text = item.text()
    for place, sign in enumerate(text):
        if sign == "[" and "]" not in text[place + 2 :]:
            raise item.fault_at(
                place, f"the [ of the pattern {text!r} is not closed; [[] stands for one"
            )
        if sign == "[":
            return text
    if not text:
        raise item.fault("a pattern is empty; * stands for any text")
    return text


class Members:
    """The members of a mapping; unknown and repeated keys go to ``errors`` and not further.

    A key that is missing because it is misspelt is told as that, once more: at one place one error
    of a kind is enough.
    """

    def __init__(self, item: Item, known: Sequence[str], errors: list[RuleError]) -> None:
        self.item = item
        self._members: dict[str, Item] = {}
        self._misspelt: dict[str, RuleError] = {}
        for key, value in item.pairs(f" with the keys {', '.join(known)}"):
            text = key.text()
            if text not in known:
                errors.append(key.fault(unknown("key", text, known)))
                for meant in get_close_matches(text, known, 1):
                    self._misspelt[meant] = errors[-1]
            elif text in self._members:
                errors.append(key.fault(f"{text} is given twice"))
            else:
                self._members[text] = value

    def __contains__(self, key: str) -> bool:
        return key in self._members

    def __getitem__(self, key: str) -> Item:
        """The member; ``RuleError`` at the mapping where it is missing."""
        if key in self._misspelt and key not in self._members:
            raise self._misspelt[key]
        if key not in self._members:
            raise self.item.fault(f"{key} is missing")
        return self._members[key]

    def get(self, key: str) -> Item | None:
        """The member, None where it is missing."""
        return self._members.get(key)

    def text(self, key: str) -> str:
        """The text of a member, empty where it is missing."""
        return self._members[key].text() if key in self._members else ""


def pairs(item: Item) -> Mapping[str, str]:
    """A mapping of texts none of which is empty."""
    found: dict[str, str] = {}
    for key, value in item.pairs():
        if key.text() in found:
            raise key.fault(f"{key.text()} is given twice")
        if not value.text():
            raise value.fault(f"the value of {key.text()} is empty")
        found[key.text()] = value.text()
    return found
