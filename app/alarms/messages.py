"""Templates of messages: text with ``{label}``, ``{value}`` and a few other names in braces."""

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
class Message:
    """A template; ``parts`` are texts and, marked by True, names of placeholders."""

    text: str
    parts: tuple[tuple[str, bool], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The placeholders, in their order."""
        return tuple(part for part, is_name in self.parts if is_name)

    def offset(self, name: str) -> int:
        """Where in the text the placeholder begins."""
        return self.text.find(f"{{{name}}}")

    def render(self, labels: Mapping[str, str], words: Mapping[str, str | float | None]) -> str:
        """The text with labels and ``WORDS`` filled in; a label that is not there is ``-``."""
        return "".join(
            _word(words[part])
            if is_name and part in words
            else labels.get(part, NO_LABEL)
            if is_name
            else part
            for part, is_name in self.parts
        )


def read_message(text: str) -> Message:
    """Read a template; ``{{`` and ``}}`` are braces. Raises ``TemplateError``."""
    parts: list[tuple[str, bool]] = []
    try:
        pieces = list(Formatter().parse(text))
    except ValueError as error:
        raise TemplateError(f"{error}; a brace itself is written twice", 0) from None
    for literal, name, specification, conversion in pieces:
        if literal:
            parts.append((literal, False))
        if name is None:
            continue
        if specification or conversion or not name or not name.replace("_", "a").isalnum():
            shown = f"{{{name}{'!' + conversion if conversion else ''}"
            raise TemplateError(
                "a placeholder is a name in braces such as {value}, and nothing else",
                max(text.find(shown), 0),
            )
        parts.append((name, True))
    return Message(text, tuple(parts))


def _word(word: str | float | None) -> str:
    if word is None:
        return NO_VALUE
    return word if isinstance(word, str) else number_text(word)
