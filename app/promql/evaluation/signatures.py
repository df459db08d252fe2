"""Which series of two vectors belong together: the labels by which a binary operator matches."""

from collections.abc import Callable, Sequence

import numpy as np

from app.arrays import BoolArray, IntArray
from app.labels import METRIC_NAME, LabelSet
from app.promql.ast import Matching
from app.promql.series import Vector


def signature(matching: Matching) -> Callable[[LabelSet], LabelSet]:
    """The part of a series' labels that must agree."""
    listed = frozenset(matching.labels)
    if matching.on:
        return lambda labels: tuple(pair for pair in labels if pair[0] in listed)
    ignored = listed | {METRIC_NAME}
    return lambda labels: tuple(pair for pair in labels if pair[0] not in ignored)


class Signatures:
    """The rows of a vector by their signature."""

    def __init__(self, vector: Vector, matching: Matching) -> None:
        of = signature(matching)
        self.vector = vector
        self.keys: Sequence[LabelSet] = [of(labels) for labels in vector.labels]
        self.rows: dict[LabelSet, list[int]] = {}
        for row, key in enumerate(self.keys):
            self.rows.setdefault(key, []).append(row)

    def present(self, keys: Sequence[LabelSet]) -> BoolArray:
        """Where at least one series of each of the signatures has a sample, (len(keys), T)."""
        present = self.vector.present
        single = np.array(
            [rows[0] if (rows := self.rows.get(key)) else -1 for key in keys], np.int64
        )
        found = single >= 0
        result = np.zeros((len(keys), present.shape[1]), np.bool_)
        result[found] = present[single[found]]
        for index, key in enumerate(keys):
            if len(rows := self.rows.get(key, [])) > 1:
                result[index] = present[rows].any(axis=0)
        return result


def taken(matrix: np.ndarray, rows: IntArray) -> np.ndarray:
    """``matrix[rows]``, without a copy if these are all rows as they stand."""
    if len(rows) == len(matrix) and (rows == np.arange(len(rows))).all():
        return matrix
    return matrix[rows]
