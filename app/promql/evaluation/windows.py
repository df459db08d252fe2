"""Range vectors: the windows of range selectors and of subqueries."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter

import numpy as np

from app.arrays import IntArray
from app.promql.ast import MatrixSelector, Subquery
from app.promql.evaluation.query import Query, milliseconds
from app.promql.evaluation.selectors import evaluation_times, selection
from app.promql.functions.extended import edge_samples
from app.promql.series import Samples, Steps, Vector, Windows


def selected_windows(
    node: MatrixSelector, steps: Steps, query: Query, function: str = ""
) -> list[Windows]:
    """The windows (t − window, t] of a range selector, for each part of the series it selects."""
    window = milliseconds(node.window)
    ends = evaluation_times(node.selector, steps)
    extension, lookback = node.selector.extension, query.limits.lookback_ms
    back, ahead = (
        lookback if extension else 0,
        lookback if extension == "smoothed" else 0,
    )
    # What is around the window is not for a reader that would choose by the function.
    hints = (window + back, "" if extension else function)
    wanted = selection(node.selector, ends, steps, (window + back, ahead), hints)
    parts = query.select(node.selector, wanted).parts
    found = [
        replace(
            _windows(Vector(part.labels, part.values, part.present), part.times, ends, window),
            starts=part.starts,
        )
        for part in parts
        if part.values.size
    ]
    if not extension:
        return found
    return [
        replace(
            part,
            extension=extension,
            low=_behind(part.times, part.starts_ms - back),
            high=_behind(part.times, ends + ahead),
        )
        for part in found
    ]


def subquery_steps(node: Subquery, steps: Steps, query: Query) -> Steps:
    """The times at which a subquery's operand is evaluated.

    They are multiples of its step since the epoch, whatever the time of the query, so that the
    same samples are seen by all steps and by the next query.
    """
    step = query.limits.subquery_step_ms if node.step is None else milliseconds(node.step)
    ends = evaluation_times(node, steps)
    first = (int(ends[0]) - milliseconds(node.window)) // step * step + step
    count = max(0, (int(ends[-1]) - first) // step + 1)
    # The times themselves take memory, even if there turn out to be no series.
    query.budget.take_samples(count)
    return Steps(first, step, count)


def subquery_windows(node: Subquery, operand: Vector, inner: Steps, steps: Steps) -> Windows:
    """The windows of a subquery over its operand at the steps ``inner``."""
    return _windows(operand, inner.times, evaluation_times(node, steps), milliseconds(node.window))


def window_samples(windows: Sequence[Windows]) -> list[Samples]:
    """The samples within the windows of a single step, sorted by labels over all parts."""
    if any(part.extension for part in windows):
        extended = (samples for part in windows for samples in edge_samples(part))
        return sorted(extended, key=lambda samples: samples.labels[0])
    rows = sorted(
        (labels, number, row)
        for number, part in enumerate(windows)
        for row, labels in enumerate(part.labels)
    )
    parts = []
    for number, run in groupby(rows, key=itemgetter(1)):
        part = windows[number]
        members = [row for _, _, row in run]
        inside = slice(int(part.low[0]), int(part.high[0]))
        parts.append(
            Samples(
                [part.labels[row] for row in members],
                part.times[inside],
                part.values[members, inside],
                part.present[members, inside],
            )
        )
    return parts


def _windows(series: Vector, times: IntArray, ends: IntArray, window: int) -> Windows:
    starts = ends - window
    return Windows(
        labels=series.labels,
        times=times,
        values=series.values,
        present=series.present,
        low=_behind(times, starts),
        high=_behind(times, ends),
        starts_ms=starts,
        ends_ms=ends,
    )


def _behind(times: IntArray, bounds: IntArray) -> IntArray:
    """The first columns behind the bounds."""
    return np.searchsorted(times, bounds, "right").astype(np.int64)
