"""Rows of vectors and their labels: order, names dropped, equal label sets merged."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from app.arrays import BoolArray, FloatArray
from app.errors import QueryFailed
from app.labels import METRIC_NAME, LabelSet, without_name
from app.promql.names import METADATA, parted, unnamed
from app.promql.parsing.quoting import quoted
from app.promql.series import Vector, empty_vector

SAME_LABELSET = "vector cannot contain metrics with the same labelset"


def label_order(labels: Sequence[LabelSet]) -> list[int] | None:
    """The rows sorted by labels; None if they are."""
    if all(one <= other for one, other in pairwise(labels)):
        return None
    return sorted(range(len(labels)), key=labels.__getitem__)


def in_label_order(vector: Vector) -> Vector:
    """The same series sorted by labels; all that counts or breaks ties by order starts here."""
    order = label_order(vector.labels)
    if order is None:
        return vector
    labels = [vector.labels[row] for row in order]
    return Vector(labels, vector.values[order], vector.present[order])


def joined(vectors: Sequence[Vector], steps: int) -> Vector:
    """The rows of all vectors, sorted by labels."""
    if not vectors:
        return empty_vector(steps)
    if len(vectors) == 1:
        return in_label_order(vectors[0])
    labels = [labels for vector in vectors for labels in vector.labels]
    values = np.concatenate([vector.values for vector in vectors])
    present = np.concatenate([vector.present for vector in vectors])
    return in_label_order(Vector(labels, values, present))


def without_names(vector: Vector, *, delayed: bool) -> Vector:
    """The series without their metric names, or with them marked if their removal is delayed.

    Raises ``QueryFailed`` when that makes two of them equal at some step.
    """
    labels = [unnamed(labels, delayed=delayed) for labels in vector.labels]
    renamed = Vector(labels, vector.values, vector.present, vector.ordered)
    # Series of one metric differ in their other labels, and are in the order of these.
    if delayed or _one_name(vector.labels):
        return renamed
    whole = merged(renamed)
    return whole if vector.ordered else in_label_order(whole)


def with_names_removed(vector: Vector) -> Vector:
    """The series without the names that are marked.

    Raises ``QueryFailed`` when that makes two of them equal at some step.
    """
    labels = [parted(labels) for labels in vector.labels]
    return merged(Vector(labels, vector.values, vector.present, vector.ordered))


def _one_name(rows: Sequence[LabelSet]) -> bool:
    metadata = {tuple(pair for pair in labels if pair[0] in METADATA) for labels in rows}
    return len(metadata) == 1 and () not in metadata


def merged(vector: Vector, message: str = SAME_LABELSET) -> Vector:
    """The vector with rows of equal labels made one.

    Raises ``QueryFailed`` with ``message`` when two of them have a sample at the same step.
    """
    first: dict[LabelSet, int] = {}
    targets = [first.setdefault(labels, len(first)) for labels in vector.labels]
    if len(first) == len(targets):
        return vector
    count, steps = len(first), vector.values.shape[1]
    values = np.full((count, steps), np.nan)
    present = np.zeros((count, steps), np.bool_)
    for row, target in enumerate(targets):
        here = vector.present[row]
        if (present[target] & here).any():
            raise QueryFailed(message)
        present[target] |= here
        values[target][here] = vector.values[row][here]
    return Vector(list(first), values, present, vector.ordered)


def masked(values: FloatArray, present: BoolArray) -> FloatArray:
    """The values, NaN where nothing is present."""
    return values if present.all() else np.where(present, values, np.nan)


def text(labels: LabelSet) -> str:
    """Labels as Prometheus prints them in messages: ``name{a="b"}``."""
    name = next((value for label, value in labels if label == METRIC_NAME), "")
    rest = ", ".join(f"{label}={quoted(value)}" for label, value in without_name(labels))
    return f"{name}{{{rest}}}" if rest or not name else name
