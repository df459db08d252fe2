"""Buckets of histograms as extra statistics named ``le:<upper bound>``.

A value is the count of that bucket alone, not cumulative. Bounds are written as Python writes
doubles, ``inf`` for the last one, so that they read back exactly.
"""

import math
from typing import Any

from app.otlp.points import RejectedPoint
from app.otlp.rejection import Reason

_MOST_BUCKETS = 2_000


def explicit_buckets(point: Any) -> list[tuple[str, float]]:  # noqa: ANN401 - run-time class
    """Buckets of a Histogram point; empty when it carries none."""
    counts = point.bucket_counts
    bounds = point.explicit_bounds
    if not counts:
        return []
    if len(counts) != len(bounds) + 1:
        raise RejectedPoint(
            Reason.VALUE, f"{len(counts)} bucket counts do not fit {len(bounds)} bounds"
        )
    _check_number(len(counts))
    return [
        (f"le:{bound!r}", float(count))
        for bound, count in zip([*bounds, math.inf], counts, strict=True)
    ]


def exponential_buckets(point: Any) -> list[tuple[str, float]]:  # noqa: ANN401 - run-time class
    """Buckets of an ExponentialHistogram point, and ``zero_count``.

    With base = 2^(2^-scale), positive bucket i reaches up to base^(offset+i+1), and negative bucket
    i up to -base^(offset+i) (OpenTelemetry metrics data model, ExponentialHistogram).
    """
    positive, negative = point.positive, point.negative
    _check_number(len(positive.bucket_counts) + len(negative.bucket_counts))
    buckets = [
        (f"le:{-_power(point.scale, negative.offset + i)!r}", float(count))
        for i, count in enumerate(negative.bucket_counts)
    ]
    if point.zero_count:
        buckets.append(("zero_count", float(point.zero_count)))
    buckets += [
        (f"le:{_power(point.scale, positive.offset + i + 1)!r}", float(count))
        for i, count in enumerate(positive.bucket_counts)
    ]
    return buckets


def _power(scale: int, index: int) -> float:
    try:
        return math.pow(2.0, math.ldexp(float(index), -scale))
    except OverflowError:
        return math.inf if index > 0 else 0.0


def _check_number(count: int) -> None:
    if count > _MOST_BUCKETS:
        raise RejectedPoint(Reason.VALUE, f"{count} buckets, at most {_MOST_BUCKETS} are read")
