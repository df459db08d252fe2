"""Aggregations that keep some series of each group: topk, bottomk, limitk, limit_ratio."""

from collections.abc import Sequence

import numpy as np

from app.arrays import BoolArray, FloatArray
from app.errors import QueryFailed
from app.labels import LabelSet
from app.promql.annotations import Annotations
from app.promql.evaluation.grouping import Batch, Groups
from app.promql.hashing import hash_of
from app.promql.numbers import general
from app.promql.series import Vector, empty_vector

CHOOSERS = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})

_INT64 = 2.0**63


def choose(
    operator: str,
    parameter: FloatArray,
    operand: Vector,
    groups: Groups,
    annotations: Annotations,
) -> Vector:
    """The chosen series with all their labels, decided anew at each step.

    At a single step, ``topk`` and ``bottomk`` leave each group's series in the order of their
    values. Ties go to the series whose labels come first. Raises ``QueryFailed`` for a parameter
    that is not a number of series.
    """
    chosen = np.zeros(operand.present.shape, np.bool_)
    if operator == "limit_ratio":
        ratio = _ratios(parameter, annotations)
        positions = _positions(operand.labels)[:, np.newaxis]
        kept = np.where(ratio >= 0, positions < ratio, positions >= 1.0 + ratio)
        return _where(operand, operand.present & kept)
    limit = _limits(parameter)
    for batch in groups.batches(operand):
        if operator == "limitk":
            picked = batch.present & (np.cumsum(batch.present, axis=1) <= limit)
        else:
            picked = _extremes(batch, -batch.values if operator == "topk" else batch.values, limit)
        chosen[batch.rows] = picked
    if operator == "limitk" or operand.values.shape[1] != 1:
        return _where(operand, chosen)
    sign = -1 if operator == "topk" else 1
    return _in_value_order(operand, chosen[:, 0], groups, sign)


def _extremes(batch: Batch, keys: FloatArray, limit: FloatArray) -> BoolArray:
    """The smallest ``limit`` keys of each group; NaN only when there is too little else."""
    nan = np.isnan(keys)
    numbers = batch.present & ~nan
    count = numbers.sum(axis=1)
    # Where a group has fewer numbers than the limit, all of them are chosen.
    last = np.clip(np.minimum(limit, count) - 1, 0, keys.shape[1] - 1).astype(np.int64)
    ordered = np.sort(np.where(numbers, keys, np.inf), axis=1)
    threshold = np.take_along_axis(ordered, last[:, np.newaxis, :], axis=1)
    below = numbers & (keys < threshold)
    tied = numbers & (keys == threshold)
    room = limit - below.sum(axis=1)
    picked = below | (tied & (np.cumsum(tied, axis=1) <= room[:, np.newaxis, :]))
    not_numbers = batch.present & nan
    if not_numbers.any():
        room = limit - count
        picked |= not_numbers & (np.cumsum(not_numbers, axis=1) <= room[:, np.newaxis, :])
    return np.asarray(picked)


def _in_value_order(operand: Vector, chosen: BoolArray, groups: Groups, sign: int) -> Vector:
    rows: list[int] = []
    for members in groups.rows:
        kept = members[chosen[members]]
        # NaN sorts last whatever the sign.
        rows.extend(kept[np.argsort(sign * operand.values[kept, 0], kind="stable")].tolist())
    if not rows:
        return empty_vector(1)
    labels = [operand.labels[row] for row in rows]
    return Vector(labels, operand.values[rows], operand.present[rows], ordered=True)


def _where(operand: Vector, chosen: BoolArray) -> Vector:
    """The rows that are chosen at some step."""
    rows: list[int] = np.flatnonzero(chosen.any(axis=1)).tolist()
    labels = [operand.labels[row] for row in rows]
    there = chosen[rows]
    return Vector(labels, np.where(there, operand.values[rows], np.nan), there)


def _limits(parameter: FloatArray) -> FloatArray:
    if (parameter < 1).all():
        return np.trunc(parameter)
    if np.isnan(parameter).any():
        raise QueryFailed("Parameter value is NaN")
    for value, wrong, how in (
        (parameter.min(), parameter.min() <= -_INT64, "underflows"),
        (parameter.max(), parameter.max() >= _INT64, "overflows"),
    ):
        if wrong:
            raise QueryFailed(f"Scalar value {general(float(value))} {how} int64")
    return np.trunc(parameter)


def _ratios(parameter: FloatArray, annotations: Annotations) -> FloatArray:
    if np.isnan(parameter).any():
        raise QueryFailed("Ratio value is NaN")
    for value, bound, wrong in (
        (parameter.max(), 1.0, parameter.max() > 1),
        (parameter.min(), -1.0, parameter.min() < -1),
    ):
        if wrong:
            annotations.warn(
                f"ratio value should be between -1 and 1, got {general(float(value))}, "
                f"capping to {general(bound)}"
            )
    return np.clip(parameter, -1.0, 1.0)


def _positions(labels: Sequence[LabelSet]) -> FloatArray:
    """A place in [0, 1) for each series, which its labels alone decide.

    So a ratio r and its complement r − 1 divide the series among them, in every query, and as
    Prometheus divides them.
    """
    return np.array([float(hash_of(pairs)) for pairs in labels], np.float64) / 2.0**64
