"""Values of rule metrics over steps, combined as their statistic combines.

Sums add up, maxima take the maximum, and averages are the quotient of the sums of what they are
made of: averages are never averaged where their weights are known.
"""

from dataclasses import dataclass

import numpy as np

from app.arrays import FloatArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.mal import Combine
from app.pipeline.combining import combine_values, neighbours
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
    groups = neighbours(values.entity_id, values.label_set_id, start)
    combined = combine_values(values, groups, combine).value
    firsts = groups.first_row
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
