"""``label_replace`` and ``label_join``."""

import re
from collections.abc import Callable, Mapping, Sequence

import regex

from app.errors import QueryFailed
from app.labels import LabelSet, label_set
from app.promql.functions.kinds import Argument, CallContext, VectorFunction
from app.promql.functions.scalars import string_argument, vector_argument
from app.promql.matching import capturing
from app.promql.reader import Budget
from app.promql.series import Vector

LONGEST_MADE_LABEL = 65_536
"""Characters. Nested calls could double a label at each level."""

_CHARACTERS_OF_A_SAMPLE = 8
_REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<braced>\w+)\}|(?P<bare>\w+))")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")


def _label_replace(context: CallContext, arguments: Sequence[Argument]) -> Vector:
    """Where the pattern matches the whole source label, the destination is set to the expansion."""
    vector = vector_argument(arguments[0])
    destination, replacement, source, text = map(string_argument, arguments[1:])
    try:
        pattern = capturing(text)
    except ValueError as error:
        raise QueryFailed(f"invalid regular expression in label_replace(): {text}") from error
    if not destination:
        raise QueryFailed(f"invalid destination label name in label_replace(): {destination}")
    expand = expansion(replacement, pattern.compiled)
    expanded: dict[str, str | None] = {}
    made = _Made(context.budget)

    def replaced(labels: LabelSet) -> LabelSet:
        named = dict(labels)
        value = named.get(source, "")
        if value not in expanded:
            found = pattern.match(value)
            expanded[value] = None if found is None else made.joined("", expand(found))
        result = expanded[value]
        return labels if result is None else label_set(named | {destination: result})

    return _with_labels(vector, replaced)


def expansion(
    template: str, pattern: "regex.Pattern[str]"
) -> Callable[["regex.Match[str]"], list[str]]:
    """The parts of what a match makes of a template, as Go's ``Regexp.Expand``.

    ``$1``, ``${1}``, ``$name`` and ``${name}`` stand for groups, a name being as long as possible;
    a group that does not exist or took no part is empty. ``$$`` is a dollar sign.
    """
    parts: list[str | int] = []
    end = 0
    for found in _REFERENCE.finditer(template):
        parts.append(template[end : found.start()])
        end = found.end()
        name = found["braced"] or found["bare"]
        if name is None:
            parts.append("$")
        elif _NUMBER.fullmatch(name):
            parts += [int(name)] if int(name) <= pattern.groups else []
        elif name in pattern.groupindex:
            parts.append(pattern.groupindex[name])
    parts.append(template[end:])
    return lambda match: [
        part if isinstance(part, str) else match.group(part) or "" for part in parts
    ]


def _label_join(context: CallContext, arguments: Sequence[Argument]) -> Vector:
    """The values of the source labels, with the separator between them."""
    vector = vector_argument(arguments[0])
    destination, separator, *sources = map(string_argument, arguments[1:])
    made = _Made(context.budget)
    if not all(sources):
        raise QueryFailed("invalid source label name in label_join(): ")
    if not destination:
        raise QueryFailed(f"invalid destination label name in label_join(): {destination}")

    def joined(labels: LabelSet) -> LabelSet:
        named = dict(labels)
        parts = [named.get(source, "") for source in sources]
        value = made.joined(separator, parts)
        return label_set(named | {destination: value})

    return _with_labels(vector, joined)


class _Made:
    """The texts of labels that a call has made, counted before they are."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def joined(self, separator: str, parts: Sequence[str]) -> str:
        """The parts with the separator between them. Raises ``QueryFailed`` if that is too long."""
        length = sum(map(len, parts)) + len(separator) * (len(parts) - 1)
        if length > LONGEST_MADE_LABEL:
            raise QueryFailed(
                f"a label would be {length} characters long, and at most {LONGEST_MADE_LABEL} are"
                " made by label_replace and label_join; take a shorter replacement"
            )
        samples = length // _CHARACTERS_OF_A_SAMPLE
        self._budget.take_samples(samples)
        self._budget.pin(samples)
        return separator.join(parts)


def _with_labels(vector: Vector, change: Callable[[LabelSet], LabelSet]) -> Vector:
    labels = [change(labels) for labels in vector.labels]
    return Vector(labels, vector.values, vector.present, vector.ordered)


RELABELLING: Mapping[str, VectorFunction] = {
    "label_join": _label_join,
    "label_replace": _label_replace,
}
"""By name."""
