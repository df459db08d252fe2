"""``and``, ``or`` and ``unless``: series of one vector by what there is in another."""

import numpy as np

from app.promql.ast import Matching
from app.promql.evaluation.rows import in_label_order, masked, merged
from app.promql.evaluation.signatures import Signatures
from app.promql.series import Vector


def combine(operator: str, left: Vector, right: Vector, matching: Matching) -> Vector:
    """The result of a set operator, decided anew at each step."""
    lefts, rights = Signatures(left, matching), Signatures(right, matching)
    if operator == "or":
        there = right.present & ~lefts.present(rights.keys)
        return in_label_order(
            merged(
                Vector(
                    [*left.labels, *right.labels],
                    np.concatenate([left.values, masked(right.values, there)]),
                    np.concatenate([left.present, there]),
                )
            )
        )
    other = rights.present(lefts.keys)
    there = left.present & (other if operator == "and" else ~other)
    return Vector(left.labels, masked(left.values, there), there, left.ordered)
