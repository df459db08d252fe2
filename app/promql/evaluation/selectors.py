"""Instant selectors: the last sample of each series that still stands at each step."""

import numpy as np

from app.arrays import BoolArray, FloatArray, IntArray
from app.promql.ast import Subquery, VectorSelector
from app.promql.evaluation.query import Query, milliseconds
from app.promql.evaluation.rows import joined, masked
from app.promql.reader import Selection
from app.promql.series import Samples, Steps, Vector


def instant_vector(node: VectorSelector, steps: Steps, query: Query) -> Vector:
    """The last sample in (t − lookback, t] of each series, unless the series ended after it."""
    return _selected(node, steps, query, timestamps=False)


def sample_times(node: VectorSelector, steps: Steps, query: Query) -> Vector:
    """The seconds at which the samples of ``instant_vector`` were taken."""
    return _selected(node, steps, query, timestamps=True)


def evaluation_times(node: VectorSelector | Subquery, steps: Steps) -> IntArray:
    """The times that a selector looks at, with its ``@`` and offset, in milliseconds."""
    if node.at is None:
        times = steps.times
    elif isinstance(node.at, int):
        times = np.full(steps.count, node.at, np.int64)
    else:
        raise TypeError("the tree has not been bound to the times of a query")
    return times - milliseconds(node.offset)


def selection(
    selector: VectorSelector, times: IntArray, steps: Steps, reach_ms: int, hints: tuple[int, str]
) -> Selection:
    """What a selector needs of the reader that looks ``reach_ms`` back from each of ``times``."""
    first, last = int(times[0]), int(times[-1])
    window_ms, function = hints
    return Selection(
        matchers=selector.matchers,
        start_ms=first - reach_ms,
        end_ms=last,
        first_ms=first,
        step_ms=steps.step_ms if last > first else 0,
        window_ms=window_ms,
        function=function,
    )


def _selected(node: VectorSelector, steps: Steps, query: Query, *, timestamps: bool) -> Vector:
    times = evaluation_times(node, steps)
    lookback = query.limits.lookback_ms
    selected = query.select(selection(node, times, steps, lookback, (0, "")))
    query.budget.take_samples(sum(len(part.labels) for part in selected.parts) * steps.count)
    return joined(
        [_standing(part, times, lookback, timestamps=timestamps) for part in selected.parts],
        steps.count,
    )


def _standing(part: Samples, times: IntArray, lookback: int, *, timestamps: bool) -> Vector:
    shape = (len(part.labels), len(times))
    if not part.times.size or not part.labels:
        return Vector(part.labels, np.full(shape, np.nan), np.zeros(shape, np.bool_))
    # How long a sample stands never depends on the step, or zooming would change the graph.
    oldest = times - max(lookback, part.interval_ms)
    column = np.searchsorted(part.times, times, "right") - 1
    first = np.searchsorted(part.times, oldest, "right")
    if part.present.all():
        there = np.broadcast_to((column >= first) & (column >= 0), shape)
        column = np.maximum(column, 0)
        values = (
            np.broadcast_to(part.times[column] / 1000, shape)
            if timestamps
            else _columns(part.values, column)
        )
        return Vector(part.labels, masked(values, there), there)
    chosen, there = _last_known(part, column, first)
    values = (
        part.times[chosen] / 1000 if timestamps else np.take_along_axis(part.values, chosen, axis=1)
    )
    return Vector(part.labels, masked(values, there), there)


def _columns(values: FloatArray, column: IntArray) -> FloatArray:
    """``values[:, column]``, without a copy where the columns follow one another."""
    first = int(column[0])
    if int(column[-1]) - first == len(column) - 1 and (np.diff(column) == 1).all():
        return values[:, first : first + len(column)]
    return np.ascontiguousarray(values[:, column])


def _last_known(part: Samples, column: IntArray, first: IntArray) -> tuple[IntArray, BoolArray]:
    """For each series and step the column of the sample that stands, and whether there is one."""
    known = part.present if part.stale is None else part.present | part.stale
    low, high = max(0, int(first.min())), int(column.max()) + 1
    if high <= low:
        nothing = np.zeros((len(part.labels), len(column)), np.int64)
        return nothing, np.zeros(nothing.shape, np.bool_)
    filled = np.where(known[:, low:high], np.arange(low, high), -1)
    np.maximum.accumulate(filled, axis=1, out=filled)
    chosen = filled[:, np.clip(column - low, 0, high - low - 1)]
    there = (chosen >= first) & (chosen >= 0) & (column >= first)
    chosen = np.maximum(chosen, 0)
    if part.stale is not None:
        there &= np.take_along_axis(part.present, chosen, axis=1)
    return chosen, there
