"""Filters by label: ``tagEqual``, ``tagNotEqual``, ``tagMatch``, ``tagNotMatch``.

A missing label counts as the empty string. A repeated label name: the last pair wins.
"""

import re
from collections.abc import Callable, Sequence

from app.errors import RuleError
from app.mal import ast
from app.mal.frames import Labels

_LONGEST_PATTERN = 4_096


def tag_filter(
    method: str, pairs: Sequence[tuple[str, str | None]], place: ast.Place
) -> Callable[[Labels], bool]:
    """The filter that a call stands for. Raises ``RuleError`` for a bad regular expression."""
    wanted = {name: value or "" for name, value in pairs}
    match method:
        case "tagEqual":
            return lambda labels: all(
                labels.get(name, "") == value for name, value in wanted.items()
            )
        case "tagNotEqual":
            return lambda labels: all(
                labels.get(name, "") != value for name, value in wanted.items()
            )
    patterns = [(name, _compile(value, place)) for name, value in wanted.items()]
    expected = method == "tagMatch"
    return lambda labels: all(
        (pattern.fullmatch(labels.get(name, "")) is not None) is expected
        for name, pattern in patterns
    )


def _compile(pattern: str, place: ast.Place) -> re.Pattern[str]:
    try:
        if len(pattern) > _LONGEST_PATTERN:
            raise RuleError(f"a pattern of {len(pattern)} characters", line=place.line)
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise RuleError(
            f"{pattern!r} is not a regular expression: {error}",
            line=place.line,
            column=place.column,
        ) from error
