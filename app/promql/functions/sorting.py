"""``sort`` and its like: the order of series in the answer to an instant query."""

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from app.labels import LabelSet
from app.promql.functions.kinds import Argument, CallContext, VectorFunction
from app.promql.functions.scalars import string_argument, vector_argument
from app.promql.series import Vector

_Key = tuple[list[list[tuple[str, int]]], LabelSet]
_DIGITS = "0123456789"
_LONGEST = 18
"""Digits of a number of 64 bits; longer ones are compared as texts, as by Prometheus."""
_CHUNKS = re.compile(r"[0-9]+|[^0-9]+")


def _by_value(*, descending: bool) -> VectorFunction:
    """NaN stand last in both orders, equal values in the order in which they came."""

    def applied(_: CallContext, arguments: Sequence[Argument]) -> Vector:
        vector = vector_argument(arguments[0])
        if vector.values.shape[1] != 1:
            return vector
        rows = np.flatnonzero(vector.present[:, 0])
        values = vector.values[rows, 0]
        order = np.argsort(-values if descending else values, kind="stable")
        return _ordered(vector, rows[order].tolist())

    return applied


def _by_label(*, descending: bool) -> VectorFunction:
    """Numbers within the labels' values are compared as numbers; all labels decide in the end."""

    def applied(_: CallContext, arguments: Sequence[Argument]) -> Vector:
        vector = vector_argument(arguments[0])
        if vector.values.shape[1] != 1:
            return vector
        names = [string_argument(argument) for argument in arguments[1:]]
        rows: list[int] = np.flatnonzero(vector.present[:, 0]).tolist()
        key = _label_key(names)
        rows.sort(key=lambda row: key(vector.labels[row]), reverse=descending)
        return _ordered(vector, rows)

    return applied


def _label_key(names: Sequence[str]) -> Callable[[LabelSet], _Key]:
    def key(labels: LabelSet) -> _Key:
        values = dict(labels)
        return [natural(values.get(name, "")) for name in names], labels

    return key


def natural(text: str) -> list[tuple[str, int]]:
    """A key by which texts sort as people expect it: ``a2`` before ``a10``."""
    return [
        # A number stands where the digit 0 does among other characters.
        ("0", int(chunk)) if chunk[0] in _DIGITS and len(chunk) <= _LONGEST else (chunk, -1)
        for chunk in _CHUNKS.findall(text)
    ]


def _ordered(vector: Vector, rows: Sequence[int]) -> Vector:
    labels = [vector.labels[row] for row in rows]
    return Vector(labels, vector.values[rows], vector.present[rows], ordered=True)


SORTING: Mapping[str, VectorFunction] = {
    "sort": _by_value(descending=False),
    "sort_by_label": _by_label(descending=False),
    "sort_by_label_desc": _by_label(descending=True),
    "sort_desc": _by_value(descending=True),
}
"""By name."""
