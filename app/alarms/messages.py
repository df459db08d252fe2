"""Templates of messages: text with ``{label}``, ``{value}`` and a few other names in braces.

``{label: (of {})}`` is the text with the label's value in it, and nothing without the label.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

from app.alarms.numbers import number_text

WORDS = ("value", "threshold", "alarm", "severity", "state")
"""Placeholders that every rule has; labels of the entity come besides, and give way to these."""

NO_VALUE = "no data"
NO_LABEL = "-"


class TemplateError(ValueError):
    """A template that cannot be read; ``offset`` is the character at which that shows."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a template: a text, or the ``name`` of a placeholder.

    A placeholder may have a text around its value, of which ``before`` and ``after`` stand where
    the entity has such a label, and nothing at all where it has not.
    """

    text: str = ""
    name: str | None = None
    before: str = ""
    after: str = ""
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A template."""

    text: str
    parts: tuple[Part, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The placeholders, in their order."""
        return tuple(part.name for part in self.parts if part.name is not None)

    def offset(self, name: str) -> int:
        """Where in the text the placeholder begins."""
        return max(self.text.find(f"{{{name}}}"), self.text.find(f"{{{name}:"))

    def render(self, labels: Mapping[str, str], words: Mapping[str, str | float | None]) -> str:
        """The text with labels and ``WORDS`` filled in; a label that is not there is ``-``."""
        return "".join(_rendered(part, labels, words) for part in self.parts)


def read_message(text: str) -> Message:
    """Read a template; ``{{`` and ``}}`` are braces. Raises ``TemplateError``."""
    parts: list[Part] = []
    try:
        pieces = list(Formatter().parse(text))
    except ValueError as error:
        raise TemplateError(f"{error}; a brace itself is written twice", 0) from None
    for literal, name, around, conversion in pieces:
        if literal:
            parts.append(Part(literal))
        if name is None:
            continue
        if conversion or not name or not name.replace("_", "a").isalnum():
            shown = f"{{{name}{'!' + conversion if conversion else ''}"
            raise TemplateError(
                "a placeholder is a name in braces such as {value}, and nothing else",
                max(text.find(shown), 0),
            )
        if not around:
            parts.append(Part(name=name))
            continue
        before, value, after = around.partition("{}")
        if not value or "{" in before + after or name in WORDS:
            raise TemplateError(
                "what follows a colon is the text around the value of a label, with {} for the"
                " value: {GlobalSecondaryIndexName: (index {})}",
                max(text.find(f"{{{name}:"), 0),
            )
        parts.append(Part(name=name, before=before, after=after, is_optional=True))
    return Message(text, tuple(parts))


def _rendered(
    part: Part, labels: Mapping[str, str], words: Mapping[str, str | float | None]
) -> str:
    if part.name is None:
        return part.text
    if part.name in words:
        return _word(words[part.name])
    value = labels.get(part.name)
    if value is None:
        return "" if part.is_optional else NO_LABEL
    return f"{part.before}{value}{part.after}"


def _word(word: str | float | None) -> str:
    if word is None:
        return NO_VALUE
    return word if isinstance(word, str) else number_text(word)
