"""Values of rule metrics over steps, combined as their statistic combines.

Sums add up, maxima take the maximum, and averages are the quotient of the sums of what they are
made of: averages are never averaged where their weights are known.
"""

from dataclasses import dataclass

import numpy as np

from app.clock import MILLISECONDS_PER_MINUTE
from app.mal import Combine, Frame
from app.mal.frames import FloatArray, IntArray
from app.mal.reduction import combine_rows
from app.storage import ValueRange


@dataclass(frozen=True, slots=True)
class MetricSeries:
    """Values of one entity and label set; timestamps are the starts of the steps."""

    entity_id: int
    label_set_id: int
    timestamps: IntArray
    values: FloatArray


def combine_steps(values: ValueRange, step_ms: int, combine: Combine) -> list[MetricSeries]:
    """Values by entity, label set and step, steps aligned to the epoch."""
    if not len(values):
        return []
    start = values.minute * MILLISECONDS_PER_MINUTE // step_ms * step_ms
    changes = (
        (np.diff(values.entity_id) != 0)
        | (np.diff(values.label_set_id) != 0)
        | (np.diff(start) != 0)
    )
    groups = np.concatenate([[0], np.cumsum(changes)])
    firsts = np.flatnonzero(np.concatenate([[True], changes]))
    combined = _combined(values, groups, firsts, combine)
    entity, labels, timestamps = (
        values.entity_id[firsts],
        values.label_set_id[firsts],
        start[firsts],
    )
    bounds = np.flatnonzero((np.diff(entity) != 0) | (np.diff(labels) != 0)) + 1
    return [
        MetricSeries(int(entity[rows[0]]), int(labels[rows[0]]), timestamps[rows], combined[rows])
        for rows in np.split(np.arange(len(firsts)), bounds)
    ]


def _combined(
    values: ValueRange, groups: IntArray, firsts: IntArray, combine: Combine
) -> FloatArray:
    size = len(firsts)
    if size == len(groups):
        return values.value
    if combine is Combine.LATEST:
        lasts = np.append(firsts[1:], len(groups)) - 1
        latest: FloatArray = values.value[lasts]
        return latest
    unweighted = combine_rows(Frame(values.value), groups, size, combine).value
    if combine is not Combine.AVERAGE:
        return unweighted
    # Each step is decided on its own: a value without weight is no reason to forget others'.
    numerator = np.where(np.isnan(values.numerator), values.value * values.weight, values.numerator)
    frame = Frame(values.value, numerator, values.weight)
    weighted = combine_rows(frame, groups, size, combine).value
    lacking = np.bincount(groups[np.isnan(values.weight)], minlength=size) > 0
    result: FloatArray = np.where(lacking, unweighted, weighted)
    return result
