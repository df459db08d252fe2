"""Buckets of histograms as extra statistics named ``le:<upper bound>``.

A value is the count of that bucket alone, not cumulative. Bounds are written as Python writes
doubles, ``inf`` for the last one, so that they read back exactly.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from typing import Any

from app.otlp.points import RejectedPoint, finite
from app.otlp.rejection import Reason

_MOST_BUCKETS = 2_000
_BUCKET = "le:"
ZERO_COUNT = "zero_count"
"""Observations of an exponential histogram within its zero threshold."""
ZERO_THRESHOLD = "zero_threshold"


def upper_bound(statistic: str) -> float | None:
    """The upper bound of a bucket's statistic: 0.005 of ``le:0.005``; None for other statistics."""
    return float(statistic.removeprefix(_BUCKET)) if statistic.startswith(_BUCKET) else None


def explicit_buckets(point: Any) -> list[tuple[str, float]]:  # noqa: ANN401 - run-time class
    """Buckets of a Histogram point; empty when it carries none."""
    counts: Sequence[int] = point.bucket_counts
    bounds: Sequence[float] = point.explicit_bounds
    if not counts and not bounds:
        return []
    if len(counts) != len(bounds) + 1:
        raise RejectedPoint(
            Reason.VALUE, f"{len(counts)} bucket counts do not fit {len(bounds)} bounds"
        )
    _check_number(len(counts))
    if not all(map(math.isfinite, bounds)) or any(low >= high for low, high in pairwise(bounds)):
        raise RejectedPoint(Reason.VALUE, "the bounds of the buckets are not finite and ascending")
    return _named(zip([*bounds, math.inf], counts, strict=True))


def exponential_buckets(point: Any) -> list[tuple[str, float]]:  # noqa: ANN401 - run-time class
    """Buckets of an ExponentialHistogram point, and what is known of its zero bucket.

    With base = 2^(2^-scale), positive bucket i reaches up to base^(offset+i+1), and negative bucket
    i up to -base^(offset+i) (OpenTelemetry metrics data model, ExponentialHistogram). Bounds are
    the true ones, also the last; only one beyond the range of doubles is infinite.
    """
    positive, negative = point.positive, point.negative
    _check_number(len(positive.bucket_counts) + len(negative.bucket_counts))
    scale: int = point.scale
    below = (
        (-_power(scale, negative.offset + i), count)
        for i, count in enumerate(negative.bucket_counts)
    )
    above = (
        (_power(scale, positive.offset + i + 1), count)
        for i, count in enumerate(positive.bucket_counts)
    )
    buckets = _named(chain(below, above))
    if point.zero_count:
        buckets.append((ZERO_COUNT, float(point.zero_count)))
    if point.zero_threshold:
        finite(point.zero_threshold, "the zero threshold")
        buckets.append((ZERO_THRESHOLD, point.zero_threshold))
    return buckets


def _named(buckets: Iterable[tuple[float, int]]) -> list[tuple[str, float]]:
    """Counts by name; bounds that doubles do not tell apart are one bucket."""
    counts: dict[float, int] = {}
    for bound, count in buckets:
        counts[bound] = counts.get(bound, 0) + count
    return [(f"{_BUCKET}{bound + 0.0!r}", float(count)) for bound, count in counts.items()]


def _power(scale: int, index: int) -> float:
    try:
        return math.pow(2.0, math.ldexp(float(index), -scale))
    except OverflowError:
        return math.inf if index > 0 else 0.0


def _check_number(count: int) -> None:
    if count > _MOST_BUCKETS:
        raise RejectedPoint(Reason.VALUE, f"{count} buckets, at most {_MOST_BUCKETS} are read")
