"""The points of a batch on their way to storage: one of each key, in the order of the key."""

import numpy as np

from app.arrays import IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.otlp import MetricBatch
from app.storage.stored_points import StoredExtras, StoredPoints


def point_columns(
    batch: MetricBatch, series_id: IntArray, *, backfilled: bool = False
) -> StoredPoints:
    """The batch's points with their series; of several with one key, the one that stands.

    ``series_id`` is that of each point. Points stand against each other within a batch by the same
    rule as against those that are stored.
    """
    minute, offset_ms = np.divmod(batch.start_ms, MILLISECONDS_PER_MINUTE)
    row = batch.extra_row
    extras = StoredExtras.empty()
    if len(row):
        names = sorted(batch.statistic_names)
        number = {name: number for number, name in enumerate(names)}
        numbers = np.array([number[name] for name in batch.statistic_names], np.int64)
        extras = StoredExtras(
            minute[row],
            series_id[row],
            offset_ms[row],
            numbers[batch.extra_statistic],
            batch.extra_value,
            batch.count[row],
            np.full(len(row), backfilled),
            tuple(names),
        )
    points = StoredPoints(
        minute,
        series_id,
        offset_ms,
        batch.period_ms,
        batch.count,
        batch.total,
        batch.minimum,
        batch.maximum,
        np.full(len(batch), backfilled),
        extras,
    )
    return StoredPoints.of_delivery(points, row)
