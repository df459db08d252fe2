"""Rule metrics that are read as percentiles: their buckets, and the percentiles themselves.

Of a rule with ``histogram_percentile([50, 99])`` named X, what is stored are counts by bucket.
PromQL sees the percentiles as X with the label ``quantile``, and the buckets as ``X_bucket`` with
``le`` in milliseconds, added up as in classic histograms.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from app.arrays import BoolArray, FloatArray
from app.labels import LabelSet
from app.mal.buckets import DEFAULT_BUCKET_LABEL, bucket_bound, bucket_percentiles
from app.query.prometheus.naming import QUANTILE, number_text, with_labels
from app.storage import ValueGrid


@dataclass(frozen=True, slots=True)
class Buckets:
    """A histogram of one entity: ``counts`` (B, G) of the buckets alone, by ascending bounds."""

    labels: LabelSet
    bounds: FloatArray
    counts: FloatArray
    present: BoolArray


def histograms(grid: ValueGrid, labels: Sequence[LabelSet]) -> Iterator[Buckets]:
    """The histograms among rows that differ in their bound alone; ``labels`` are of the rows."""
    members: dict[LabelSet, list[tuple[float, int]]] = {}
    for row, labels_of_row in enumerate(labels):
        bound = bucket_bound(dict(labels_of_row))
        if bound is not None:
            rest = tuple(pair for pair in labels_of_row if pair[0] != DEFAULT_BUCKET_LABEL)
            members.setdefault(rest, []).append((bound, row))
    for rest, buckets in members.items():
        buckets.sort()
        rows = np.array([row for _, row in buckets], np.int64)
        counts = grid.values[rows]
        present: BoolArray = np.asarray(~np.isnan(counts).all(axis=0))
        bounds = np.array([bound for bound, _ in buckets], np.float64)
        yield Buckets(rest, bounds, np.nan_to_num(counts, nan=0.0), present)


def percentile_rows(
    histogram: Buckets, ranks: Sequence[int]
) -> Iterator[tuple[LabelSet, FloatArray]]:
    """Labels and values of each percentile, in milliseconds."""
    for rank in ranks:
        values = bucket_percentiles(histogram.bounds, histogram.counts, rank)
        labels = with_labels(histogram.labels, (QUANTILE, number_text(rank / 100)))
        yield labels, np.where(histogram.present, values, np.nan)


def bucket_rows(histogram: Buckets) -> Iterator[tuple[LabelSet, FloatArray]]:
    """Labels and values of each bucket, of all that lies below its bound."""
    running = np.cumsum(histogram.counts, axis=0)
    for bound, values in zip(histogram.bounds.tolist(), running, strict=True):
        if bound != math.inf:
            yield _bucket(histogram, bound, values)
    yield _bucket(histogram, math.inf, running[-1])


def _bucket(histogram: Buckets, bound: float, values: FloatArray) -> tuple[LabelSet, FloatArray]:
    labels = with_labels(histogram.labels, (DEFAULT_BUCKET_LABEL, number_text(bound)))
    return labels, np.where(histogram.present, values, np.nan)
