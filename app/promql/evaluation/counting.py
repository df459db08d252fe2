"""``count_values``: how many series have each value."""

import numpy as np

from app.errors import QueryFailed
from app.labels import LabelSet
from app.promql.evaluation.grouping import Groups
from app.promql.evaluation.query import Query
from app.promql.names import kept
from app.promql.numbers import positional
from app.promql.parsing.quoting import quoted
from app.promql.series import Vector, empty_vector


def count_values(label: str, operand: Vector, groups: Groups, query: Query) -> Vector:
    """A series for each group and value, with the value in ``label``.

    Raises ``QueryFailed`` for a label that cannot be one.
    """
    if not _valid(label):
        raise QueryFailed(f"invalid label name {quoted(label)}")
    steps = operand.values.shape[1]
    targets: dict[LabelSet, int] = {}
    cells = []
    for labels, rows in zip(groups.labels, groups.rows, strict=True):
        query.budget.check_time()
        present = operand.present[rows]
        at = np.nonzero(present)[1]
        # By their bits, because −0 is another value than 0 and NaN is equal to nothing.
        bits = operand.values[rows][present].view(np.int64)
        distinct, which = np.unique(bits, return_inverse=True)
        # Groups that differ only in the label that takes the value become one.
        rest = tuple(pair for pair in labels if pair[0] != label)
        target = [
            targets.setdefault(
                tuple(sorted((*kept(rest), (label, positional(float(value)))))), len(targets)
            )
            for value in distinct.view(np.float64)
        ]
        query.budget.take_samples(len(distinct) * steps)
        cells.append(np.array(target, np.int64)[which] * steps + at)
    if not targets:
        return empty_vector(steps)
    counts = np.bincount(np.concatenate(cells), minlength=len(targets) * steps)
    counts = counts.reshape(len(targets), steps)
    present = counts > 0
    return Vector(list(targets), np.where(present, counts, np.nan), present)


def _valid(label: str) -> bool:
    """Any UTF-8 text can be a label's name, as long as there is some."""
    return bool(label) and not any("\ud800" <= character <= "\udfff" for character in label)
