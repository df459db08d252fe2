"""Operators between two vectors: the series of both sides that match, and what becomes of them.

One side has at most one series of each signature at a step, the other has one (one-to-one) or any
number (``group_left``, ``group_right``). Which series that is may change from step to step, so all
pairs of rows with equal signatures are computed, and a pair is there where both rows are.
"""

from dataclasses import dataclass

import numpy as np

from app.arrays import BoolArray, FloatArray
from app.errors import QueryFailed
from app.labels import LabelSet
from app.promql.ast import Binary, Matching
from app.promql.evaluation import arithmetic
from app.promql.evaluation.query import Query
from app.promql.evaluation.rows import in_label_order, merged, text
from app.promql.evaluation.signatures import Signatures, signature, taken
from app.promql.names import kept, unnamed
from app.promql.series import Vector, empty_vector

_NOT_EXPLICIT = (
    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
)
_NOT_UNIQUE = "multiple matches for labels: grouping labels must ensure unique matches"


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Operands of equal shape (P, T), where both are, and the labels of each side's row."""

    many: FloatArray
    one: FloatArray
    present: BoolArray
    many_labels: list[LabelSet]
    one_labels: list[LabelSet]


def operate(node: Binary, matching: Matching, left: Vector, right: Vector, query: Query) -> Vector:
    """``left operator right`` for arithmetic and comparisons.

    Raises ``QueryFailed`` where the match is not unique.
    """
    swapped = matching.cardinality == "one-to-many"
    many, one = (right, left) if swapped else (left, right)
    fills = (matching.fill_left, matching.fill_right)
    fill_one, fill_many = fills if swapped else (fills[1], fills[0])
    many_side, one_side = Signatures(many, matching), Signatures(one, matching)
    _check_one_side(one_side, many, matching, always=fill_one is not None or fill_many is not None)

    groups = [_matched(many_side, one_side, query)]
    if fill_one is not None:
        groups.append(_without_one(many_side, one_side, fill_one, query))
    if fill_many is not None:
        groups.append(_without_many(many_side, one_side, fill_many, query))
    delayed = query.delays_names
    results = [_result(node, matching, pairs, (swapped, delayed)) for pairs in groups]
    steps = left.values.shape[1]
    if not any(labels for _, labels, _, _ in results):
        return empty_vector(steps)
    keys = [key for keys, _, _, _ in results for key in keys]
    labels = [row for _, rows, _, _ in results for row in rows]
    values = np.concatenate([values for _, _, values, _ in results])
    present = np.concatenate([present for _, _, _, present in results])
    matched = np.concatenate([pairs.present for pairs in groups])
    _check_many_side(matching, keys, labels, matched)
    return in_label_order(merged(Vector(labels, values, present)))


def _matched(many: Signatures, one: Signatures, query: Query) -> _Pairs:
    pairs = [(row, other) for row, key in enumerate(many.keys) for other in one.rows.get(key, ())]
    steps = many.vector.values.shape[1]
    query.budget.take_samples(2 * len(pairs) * steps)
    query.budget.check_time()
    rows = np.array([row for row, _ in pairs], np.int64)
    others = np.array([other for _, other in pairs], np.int64)
    return _Pairs(
        taken(many.vector.values, rows),
        taken(one.vector.values, others),
        taken(many.vector.present, rows) & taken(one.vector.present, others),
        [many.vector.labels[row] for row in rows],
        [one.vector.labels[row] for row in others],
    )


def _without_one(many: Signatures, one: Signatures, fill: float, query: Query) -> _Pairs:
    """Series of the many side where the other has none, against the fill."""
    vector = many.vector
    query.budget.take_samples(vector.values.size)
    present = vector.present & ~one.present(many.keys)
    filled = np.full(vector.values.shape, fill)
    return _Pairs(vector.values, filled, present, list(vector.labels), list(many.keys))


def _without_many(many: Signatures, one: Signatures, fill: float, query: Query) -> _Pairs:
    """Series of the one side where the other has none, against the fill."""
    vector = one.vector
    query.budget.take_samples(vector.values.size)
    present = vector.present & ~many.present(one.keys)
    filled = np.full(vector.values.shape, fill)
    return _Pairs(filled, vector.values, present, list(one.keys), list(vector.labels))


def _result(
    node: Binary, matching: Matching, pairs: _Pairs, how: tuple[bool, bool]
) -> tuple[list[LabelSet], list[LabelSet], FloatArray, BoolArray]:
    swapped, delayed = how
    left, right = (pairs.one, pairs.many) if swapped else (pairs.many, pairs.one)
    values, present = arithmetic.samples(
        node.operator, left, right, pairs.present, kept=left, returns_bool=node.returns_bool
    )
    of = signature(matching)
    drop = arithmetic.drops_name(node.operator, returns_bool=False)
    labels = [
        _labels(many, one, matching, drop=drop)
        for many, one in zip(pairs.many_labels, pairs.one_labels, strict=True)
    ]
    # A name is dropped by arithmetic at once; a comparison without bool keeps one that was marked.
    if node.returns_bool:
        labels = [unnamed(each, delayed=delayed) for each in labels]
    elif delayed:
        labels = list(map(kept, labels))
    return [of(many) for many in pairs.many_labels], labels, values, present


def _labels(many: LabelSet, one: LabelSet, matching: Matching, *, drop: bool) -> LabelSet:
    """The labels of a result."""
    if drop:
        many = unnamed(many, delayed=False)
    if matching.cardinality == "one-to-one":
        listed = frozenset(matching.labels)
        return tuple(pair for pair in many if (pair[0] in listed) is matching.on)
    if not matching.include:
        return many
    included = frozenset(matching.include)
    rest = [pair for pair in many if pair[0] not in included]
    return tuple(sorted([*rest, *(pair for pair in one if pair[0] in included)]))


def _check_one_side(one: Signatures, many: Vector, matching: Matching, *, always: bool) -> None:
    """Raise where two series of one signature are there at once.

    Where the other side has no series at all and nothing is filled in, nothing is wrong.
    """
    shared = [(key, rows) for key, rows in one.rows.items() if len(rows) > 1]
    if not shared:
        return
    matched = np.ones(many.values.shape[1], np.bool_) if always else many.present.any(axis=0)
    for key, rows in shared:
        present = one.vector.present[rows]
        clash = np.flatnonzero((present.sum(axis=0) > 1) & matched)
        if clash.size:
            earlier, later, *_ = np.flatnonzero(present[:, clash[0]])
            side = "left" if matching.cardinality == "one-to-many" else "right"
            labels = one.vector.labels
            raise QueryFailed(
                f"found duplicate series for the match group {text(key)} on the {side} "
                f"hand-side of the operation: [{text(labels[rows[later]])}, "
                f"{text(labels[rows[earlier]])}];many-to-many matching not allowed: "
                "matching labels must be unique on one side"
            )


def _check_many_side(
    matching: Matching, keys: list[LabelSet], labels: list[LabelSet], present: BoolArray
) -> None:
    """Raise where two matches of one signature cannot be told apart, also if neither is kept."""
    single = matching.cardinality == "one-to-one"
    rows: dict[object, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key if single else (key, labels[row]), []).append(row)
    for shared in rows.values():
        if len(shared) > 1 and (present[shared].sum(axis=0) > 1).any():
            raise QueryFailed(_NOT_EXPLICIT if single else _NOT_UNIQUE)
