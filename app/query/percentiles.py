"""Percentiles of a histogram, read from the values of its buckets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.arrays import FloatArray, IntArray
from app.mal.buckets import DEFAULT_BUCKET_LABEL, bucket_bound, bucket_percentiles

PERCENTILE_LABEL = "p"
"""Holds the rank, as in SkyWalking: ``{"p": "99"}``."""


@dataclass(frozen=True, slots=True)
class LabelledSeries:
    """Values of one entity by labels; timestamps ascend.

    Of percentiles, ``last_bound`` is the largest finite bound of their buckets: what is infinite
    lies beyond it.
    """

    entity_id: int
    labels: Mapping[str, str]
    timestamps: IntArray
    values: FloatArray
    last_bound: float | None = None


def percentiles_of_buckets(
    buckets: Iterable[LabelledSeries], ranks: Sequence[int]
) -> list[LabelledSeries]:
    """One series for each rank, of all buckets that differ in their bound alone.

    Values are bounds in milliseconds: infinity where a percentile lies beyond the last bound, 0
    where all buckets are empty. Series without a bound, as of a rule that was none of a histogram,
    are left out.
    """
    histograms: dict[tuple[int, tuple[tuple[str, str], ...]], list[LabelledSeries]] = {}
    for bucket in buckets:
        if bucket_bound(bucket.labels) is not None:
            rest = (pair for pair in bucket.labels.items() if pair[0] != DEFAULT_BUCKET_LABEL)
            histograms.setdefault((bucket.entity_id, tuple(sorted(rest))), []).append(bucket)
    result = []
    for (entity_id, labels), of_histogram in histograms.items():
        times = np.unique(np.concatenate([bucket.timestamps for bucket in of_histogram]))
        counts = np.zeros((len(of_histogram), len(times)))
        for row, bucket in zip(counts, of_histogram, strict=True):
            row[np.searchsorted(times, bucket.timestamps)] = bucket.values
        bounds = np.array([bucket_bound(bucket.labels) for bucket in of_histogram], np.float64)
        finite = bounds[np.isfinite(bounds)]
        last_bound = float(finite.max()) if len(finite) else None
        for rank in ranks:
            named = {**dict(labels), PERCENTILE_LABEL: str(rank)}
            values = bucket_percentiles(bounds, counts, rank)
            result.append(LabelledSeries(entity_id, named, times, values, last_bound))
    return result
