"""Which rows of a vector an aggregation takes together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from app.arrays import BoolArray, FloatArray, IntArray
from app.labels import METRIC_NAME, LabelSet
from app.promql.ast import Aggregation
from app.promql.names import METADATA, is_parting, unnamed
from app.promql.series import Vector


@dataclass(frozen=True, slots=True)
class Batch:
    """Groups of equal size: ``rows`` (k, n) of the ``groups`` (k,), and the rows' samples.

    ``values`` and ``present`` have shape (k, n, T). With equal sizes every aggregation is a
    reduction of the middle axis, and there are far fewer sizes than groups.
    """

    groups: IntArray
    rows: IntArray
    values: FloatArray
    present: BoolArray

    @property
    def counts(self) -> IntArray:
        """The samples of each group at each step, (k, T)."""
        return np.asarray(self.present.sum(axis=1, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of an aggregation: their labels, in order of their first rows, and the rows."""

    labels: Sequence[LabelSet]
    rows: Sequence[IntArray]

    def batches(self, vector: Vector) -> Iterator[Batch]:
        """All groups, those of equal size together."""
        by_size: dict[int, list[int]] = {}
        for group, rows in enumerate(self.rows):
            by_size.setdefault(len(rows), []).append(group)
        for groups in by_size.values():
            rows = np.stack([self.rows[group] for group in groups])
            whole = len(groups) == 1 and rows.shape[1] == len(vector)
            # The rows of a group ascend, so all rows of the only group need no copy.
            values = vector.values[np.newaxis] if whole else vector.values[rows]
            present = vector.present[np.newaxis] if whole else vector.present[rows]
            yield Batch(np.array(groups, np.int64), rows, values, present)


def group(node: Aggregation, labels: Sequence[LabelSet]) -> Groups:
    """Rows by the labels that ``by`` names, or by all that ``without`` does not."""
    if not node.labels and not node.without:
        return Groups([()], [np.arange(len(labels))]) if labels else Groups([], [])
    listed = frozenset(node.labels) | ({METRIC_NAME} if node.without else frozenset())
    grouped: dict[LabelSet, list[int]] = {}
    marked: set[LabelSet] = set()
    names = not node.without and not METADATA.isdisjoint(listed)
    for row, pairs in enumerate(labels):
        key = tuple([pair for pair in pairs if (pair[0] in listed) is not node.without])
        grouped.setdefault(key, []).append(row)
        if names and is_parting(key):
            marked.add(key)
    keys = [unnamed(key, delayed=True) if key in marked else key for key in grouped]
    return Groups(keys, [np.array(rows, np.int64) for rows in grouped.values()])
