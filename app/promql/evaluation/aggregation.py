"""Aggregations: many series to one for each group, or some of each group's series."""

from collections.abc import Callable, Mapping

import numpy as np

from app.arrays import BoolArray, FloatArray
from app.promql.ast import Aggregation
from app.promql.evaluation import choosing, counting, summation
from app.promql.evaluation.grouping import Batch, Groups, group
from app.promql.evaluation.query import Query, Value
from app.promql.evaluation.rows import in_label_order
from app.promql.numbers import general
from app.promql.series import Vector, empty_vector

_Reduction = Callable[[Batch], FloatArray]

_REDUCTIONS: Mapping[str, _Reduction] = {
    "sum": lambda batch: summation.sums(batch.values, batch.present),
    "avg": lambda batch: summation.means(batch.values, batch.present, batch.counts),
    # A NaN is a minimum or maximum only of nothing but NaN, and NaN stands where nothing is.
    "min": lambda batch: np.fmin.reduce(batch.values, axis=1),
    "max": lambda batch: np.fmax.reduce(batch.values, axis=1),
    "count": lambda batch: batch.counts.astype(np.float64),
    "group": lambda batch: np.ones(batch.counts.shape),
    "stdvar": lambda batch: summation.variances(batch.values, batch.present, batch.counts),
    "stddev": lambda batch: np.sqrt(summation.variances(batch.values, batch.present, batch.counts)),
}


def aggregate(node: Aggregation, operand: Vector, parameter: Value | None, query: Query) -> Vector:
    """The groups' series, sorted by labels; ``topk`` and its like in their order at one step."""
    groups = group(node, operand.labels)
    place = node.parameter.span if node.parameter is not None else node.span
    annotations = query.at(place)
    if node.operator == "count_values" and isinstance(parameter, str):
        return in_label_order(counting.count_values(parameter, operand, groups, query))
    if node.operator in choosing.CHOOSERS and isinstance(parameter, np.ndarray):
        return choosing.choose(node.operator, parameter, operand, groups, annotations)
    if node.operator == "quantile" and isinstance(parameter, np.ndarray):
        for wrong in _wrong_quantiles(parameter):
            annotations.warn(f"quantile value should be between 0 and 1, got {general(wrong)}")
        return _reduced(operand, groups, lambda batch: _quantiles(batch, parameter), query)
    return _reduced(operand, groups, _REDUCTIONS[node.operator], query)


def _reduced(operand: Vector, groups: Groups, reduction: _Reduction, query: Query) -> Vector:
    steps = operand.values.shape[1]
    if not groups.labels:
        return empty_vector(steps)
    values = np.empty((len(groups.labels), steps))
    present = np.empty(values.shape, np.bool_)
    query.budget.take_samples(operand.values.size + values.size)
    for batch in groups.batches(operand):
        query.budget.check_time()
        there: BoolArray = np.asarray(batch.present.any(axis=1))
        present[batch.groups] = there
        reduced = reduction(batch)
        values[batch.groups] = reduced if there.all() else np.where(there, reduced, np.nan)
    return in_label_order(Vector(groups.labels, values, present))


def _wrong_quantiles(parameter: FloatArray) -> list[float]:
    """The values that Prometheus names when a quantile leaves its range at some steps."""
    wrong = []
    if np.isnan(parameter).any():
        wrong.append(np.nan)
    if (parameter > 1).any():
        wrong.append(float(np.nanmax(parameter)))
    if (parameter < 0).any():
        wrong.append(float(np.nanmin(parameter)))
    return wrong


def _quantiles(batch: Batch, parameter: FloatArray) -> FloatArray:
    """Quantiles with linear interpolation; NaN sorts before all numbers."""
    nothing = np.isnan(batch.values)
    nan = nothing & batch.present
    ordered = np.sort(np.where(nan, -np.inf, batch.values), axis=1)
    counts = batch.counts
    inside = np.clip(np.where(np.isnan(parameter), 0.0, parameter), 0.0, 1.0)
    rank = inside * np.maximum(counts - 1, 0)
    low = np.floor(rank).astype(np.int64)
    high = np.minimum(np.maximum(counts - 1, 0), low + 1)
    lower, upper = (
        np.where(
            index < nan.sum(axis=1),
            np.nan,
            np.take_along_axis(ordered, index[:, np.newaxis, :], axis=1)[:, 0, :],
        )
        for index in (low, high)
    )
    weight = rank - low
    result = lower * (1 - weight) + upper * weight
    result = np.where(parameter < 0, -np.inf, np.where(parameter > 1, np.inf, result))
    return np.where(np.isnan(parameter), np.nan, result)
