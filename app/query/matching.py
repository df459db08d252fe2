"""Names and labels that people search by."""

from collections.abc import Mapping, Sequence

from app.errors import InvalidParameter

LabelPairs = tuple[tuple[str, str], ...]


def name_value_pairs(parameter: str, texts: Sequence[str]) -> LabelPairs:
    """Texts of the form ``Name:Value``, split at the first colon. Raises ``InvalidParameter``."""
    pairs = []
    for text in texts:
        name, separator, value = text.partition(":")
        if not separator or not name:
            raise InvalidParameter(parameter, f"{text!r} is not of the form Name:Value")
        pairs.append((name, value))
    return tuple(pairs)


def has_labels(labels: Mapping[str, str], wanted: LabelPairs) -> bool:
    """Whether all pairs are among the labels; an empty value is that of a label that is absent."""
    return all(labels.get(name, "") == value for name, value in wanted)


def matches_name(pattern: str, name: str) -> bool:
    """Whether a name contains the pattern or, where it has ``*`` or ``?``, is matched by it whole.

    Capitals make no difference. It takes time in proportion to the product of the lengths.
    """
    pattern, name = pattern.casefold(), name.casefold()
    if "*" not in pattern and "?" not in pattern:
        return pattern in name
    at = place = 0
    star, resumed = -1, 0
    while place < len(name):
        if at < len(pattern) and pattern[at] == "*":
            star, resumed = at, place
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", name[place]):
            at += 1
            place += 1
        elif star >= 0:
            # The last star takes one character more; what stood before it need not be tried again.
            resumed += 1
            at, place = star + 1, resumed
        else:
            return False
    return pattern[at:].strip("*") == ""
