"""Filters that need no text: they compare codes of labels, all rows of a block at once.

Whether a label is there, whether it is empty, and whether it is one of some texts; joined by
``&&``, ``||`` and ``!``. That is what most filters of rules are, and nothing of it can fail.
"""

from collections.abc import Callable, Iterable

import numpy as np

from app.arrays import BoolArray
from app.mal import ast
from app.mal.label_block import LabelBlock
from app.mal.vocabulary import ABSENT, EMPTY

Mask = Callable[[LabelBlock], BoolArray]
"""Which rows of a block pass."""


def mask_of(term: ast.Term, variable: str) -> Mask | None:
    """The mask of a filter's term, whose labels are ``variable``; None where it needs texts."""
    match term:
        case ast.Operation("&&", left, right):
            return _joined(np.logical_and, mask_of(left, variable), mask_of(right, variable))
        case ast.Operation("||", left, right):
            return _joined(np.logical_or, mask_of(left, variable), mask_of(right, variable))
        case ast.Not(operand):
            inner = mask_of(operand, variable)
            return None if inner is None else lambda labels: ~inner(labels)
        case ast.In(member, values):
            name = _label(member, variable)
            return None if name is None else labels_in(name, values)
        case ast.Operation("==" | "!=" as operator, left, ast.Literal(None | str() as value)):
            name = _label(left, variable)
            if name is None:
                return None
            equal = _absent(name) if value is None else labels_in(name, [value])
            return equal if operator == "==" else lambda labels: ~equal(labels)
    name = _label(term, variable)
    if name is None:
        return None
    return lambda labels: labels.column(name) > EMPTY


def labels_in(name: str, texts: Iterable[str]) -> Mask:
    """Rows that have the label, with one of these texts as value."""
    wanted = list(texts)

    def mask(labels: LabelBlock) -> BoolArray:
        codes = labels.column(name)
        passes = np.zeros(labels.size, np.bool_)
        for code in labels.vocabulary.codes(wanted).tolist():
            passes |= codes == code
        return passes

    return mask


def _absent(name: str) -> Mask:
    return lambda labels: labels.column(name) == ABSENT


def _label(term: ast.Term, variable: str) -> str | None:
    match term:
        case ast.Field(ast.Variable(owner), name) if owner == variable:
            return name
        case ast.Index(ast.Variable(owner), ast.Literal(str(name))) if owner == variable:
            return name
    return None


def _joined(
    operation: Callable[[BoolArray, BoolArray], BoolArray], left: Mask | None, right: Mask | None
) -> Mask | None:
    if left is None or right is None:
        return None
    return lambda labels: operation(left(labels), right(labels))
