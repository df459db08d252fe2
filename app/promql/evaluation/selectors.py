"""Instant selectors: the last sample of each series that still stands at each step."""

from typing import TypeVar

import numpy as np

from app.arrays import BoolArray, FloatArray, IntArray
from app.promql.ast import Subquery, VectorSelector
from app.promql.evaluation.query import Query, milliseconds
from app.promql.evaluation.rows import joined, masked
from app.promql.functions.extended import interpolated
from app.promql.reader import Selection
from app.promql.series import Samples, Steps, Vector

_Matrix = TypeVar("_Matrix", FloatArray, BoolArray)


def instant_vector(node: VectorSelector, steps: Steps, query: Query) -> Vector:
    """The last sample in (t − lookback, t] of each series, unless the series ended after it."""
    if node.extension == "smoothed":
        return _smoothed(node, steps, query)
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
    selector: VectorSelector,
    times: IntArray,
    steps: Steps,
    reach_ms: tuple[int, int],
    hints: tuple[int, str],
) -> Selection:
    """What a selector needs of the reader.

    It looks ``reach_ms`` back from each of ``times``, and forward.
    """
    first, last = int(times[0]), int(times[-1])
    window_ms, function = hints
    back_ms, ahead_ms = reach_ms
    return Selection(
        matchers=selector.matchers,
        start_ms=first - back_ms,
        end_ms=last + ahead_ms,
        first_ms=first,
        step_ms=steps.step_ms if last > first else 0,
        window_ms=window_ms,
        function=function,
    )


def _selected(node: VectorSelector, steps: Steps, query: Query, *, timestamps: bool) -> Vector:
    times = evaluation_times(node, steps)
    lookback = query.limits.lookback_ms
    selected = query.select(node, selection(node, times, steps, (lookback, 0), (0, "")))
    query.budget.take_samples(sum(len(part.labels) for part in selected.parts) * steps.count)
    return joined(
        [_standing(part, times, lookback, timestamps=timestamps) for part in selected.parts],
        steps.count,
    )


def _smoothed(node: VectorSelector, steps: Steps, query: Query) -> Vector:
    """The value on the line from the last sample up to t to the first one behind it.

    Both lie within the lookback of t; without a later one the last sample stands.
    """
    times = evaluation_times(node, steps)
    lookback = query.limits.lookback_ms
    selected = query.select(node, selection(node, times, steps, (lookback, lookback), (0, "")))
    query.budget.take_samples(sum(len(part.labels) for part in selected.parts) * steps.count)
    parts = []
    for part in (part for part in selected.parts if part.values.size):
        most = len(part.times)
        low, middle, high = (
            np.searchsorted(part.times, times + shift, "right")
            for shift in (-lookback, 0, lookback)
        )
        columns = np.arange(most)
        before = np.maximum.accumulate(np.where(part.present, columns, -1), axis=1)
        after = np.minimum.accumulate(np.where(part.present, columns, most)[:, ::-1], axis=1)
        earlier = np.where(middle > 0, before[:, middle - 1], -1)
        later = np.where(middle < most, after[:, ::-1][:, np.minimum(middle, most - 1)], most)
        there = earlier >= low
        earlier, found = np.maximum(earlier, 0), there & (later < high)
        later = np.where(found, later, earlier)
        value = np.take_along_axis(part.values, earlier, axis=1)
        following = np.take_along_axis(part.values, later, axis=1)
        since, until = part.times[earlier], part.times[later]
        between = found & (since < times)
        line = interpolated(value, following, (times - since) / np.maximum(until - since, 1))
        parts.append(Vector(part.labels, masked(np.where(between, line, value), there), there))
    return joined(parts, steps.count)


def _standing(part: Samples, times: IntArray, lookback: int, *, timestamps: bool) -> Vector:
    shape = (len(part.labels), len(times))
    if not part.times.size or not part.labels:
        return Vector(part.labels, np.full(shape, np.nan), np.zeros(shape, np.bool_))
    # How long a sample stands never depends on the step, or zooming would change the graph.
    oldest = times - max(lookback, part.interval_ms)
    column = np.searchsorted(part.times, times, "right") - 1
    first = np.searchsorted(part.times, oldest, "right")
    reached = (column >= first) & (column >= 0)
    column = np.maximum(column, 0)
    # Most series have a sample at most times: only for the others is there something to look for.
    values, there = _columns(part.values, column), _columns(part.present, column) & reached
    taken = np.broadcast_to(column.astype(np.int32), shape)
    missing = np.flatnonzero(~there & reached)
    if missing.size:
        row, step = np.divmod(missing, len(times))
        last = _last_known(part, row, column[step])
        found = (last >= first[step]) & (last >= 0)
        if part.stale is not None:
            found &= part.present[row, last]
        row, step, last = row[found], step[found], last[found]
        values, there = values.copy(), there.copy()
        values[row, step] = part.values[row, last]
        there[row, step] = True
        if timestamps:
            taken = taken.copy()
            taken[row, step] = last
    return Vector(
        part.labels, masked(part.times[taken] / 1000 if timestamps else values, there), there
    )


def _columns(matrix: _Matrix, column: IntArray) -> _Matrix:
    """``matrix[:, column]``, without a copy where the columns follow one another."""
    first = int(column[0])
    if int(column[-1]) - first == len(column) - 1 and (np.diff(column) == 1).all():
        return matrix[:, first : first + len(column)]
    return np.ascontiguousarray(matrix[:, column])


def _last_known(part: Samples, row: IntArray, column: IntArray) -> IntArray:
    """The last columns, up to those given, in which rows have a sample or an end; −1 for none."""
    known = part.present if part.stale is None else part.present | part.stale
    last = np.where(known, np.arange(known.shape[1], dtype=np.int32), np.int32(-1))
    np.maximum.accumulate(last, axis=1, out=last)
    return last[row, column].astype(np.int64)
