"""Filters by label: ``tagEqual``, ``tagNotEqual``, ``tagMatch``, ``tagNotMatch``.

A missing label counts as the empty string. A repeated label name: the last pair wins.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from app.arrays import BoolArray
from app.mal import ast
from app.mal.frames import Labels
from app.mal.label_block import LabelBlock
from app.mal.label_functions import LabelFunction
from app.mal.patterns import Allowance, Pattern
from app.mal.values import ClosureError, located


def tag_filter(
    method: str, pairs: Sequence[tuple[str, str | None]], place: ast.Place
) -> LabelFunction[bool]:
    """The filter that a call stands for.

    Raises ``RuleError`` for a bad regular expression; the filter raises ``ClosureError`` for labels
    at which one takes too long.
    """
    wanted = {name: value or "" for name, value in pairs}
    touches = frozenset(wanted)
    match method:
        case "tagEqual":
            return LabelFunction(
                lambda labels: all(labels.get(name, "") == value for name, value in wanted.items()),
                touches,
                lambda labels: np.logical_and.reduce(_equal(labels, wanted)),
            )
        case "tagNotEqual":
            return LabelFunction(
                lambda labels: all(labels.get(name, "") != value for name, value in wanted.items()),
                touches,
                lambda labels: ~np.logical_or.reduce(_equal(labels, wanted)),
            )
    allowance = Allowance()
    patterns = [(name, Pattern(value, place, allowance)) for name, value in wanted.items()]
    expected = method == "tagMatch"

    def passes(labels: Labels) -> bool:
        try:
            return all(
                pattern.matches(labels.get(name, "")) is expected for name, pattern in patterns
            )
        except ClosureError as error:
            raise located(error, place) from None

    return LabelFunction(passes, touches)


def _equal(labels: LabelBlock, wanted: Mapping[str, str]) -> BoolArray:
    """Which rows have the value that is wanted of a label, by label and row."""
    code = labels.vocabulary.code
    equal = [labels.filled(name) == code(value) for name, value in wanted.items()]
    return np.array(equal, np.bool_).reshape(len(wanted), labels.size)
