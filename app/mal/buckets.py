"""Buckets of histograms: bounds as labels, and percentiles over them."""

import math
from collections.abc import Sequence

from app.mal.frames import Labels

DEFAULT_BUCKET_LABEL = "le"
LAST_BOUND = 2**63 - 1
"""The bound of the last bucket once bounds are whole milliseconds, as SkyWalking writes it."""


def bucket_labels(labels: Labels, label: str, unit_ms: float) -> Labels:
    """Labels with the bound of the bucket as ``le``, in whole milliseconds, cut off.

    ``label`` holds the bound in units of ``unit_ms``; labels without it are left alone. Raises
    ``ValueError`` for a bound that is no number.
    """
    bound = labels.get(label, "")
    if not bound:
        return labels
    rest = {name: value for name, value in labels.items() if name != label}
    milliseconds = float(bound) * unit_ms
    if math.isnan(milliseconds):
        raise ValueError(f"the bound of a bucket is {bound!r}")
    if abs(milliseconds) >= LAST_BOUND:
        whole = LAST_BOUND if milliseconds > 0 else -LAST_BOUND - 1
    else:
        whole = math.trunc(milliseconds)
    return {**rest, DEFAULT_BUCKET_LABEL: str(whole)}


def bucket_percentile(buckets: Sequence[tuple[float, float]], rank: int) -> float:
    """The bound of the bucket in which the percentile lies; 0 when the buckets are empty.

    ``buckets`` are (bound, count of that bucket alone). The first bucket, by bound, at which the
    running count reaches total x rank / 100, rounded half up, is the one.
    """
    total = math.fsum(count for _, count in buckets)
    if total <= 0:
        return 0.0
    roof = math.floor(total * rank / 100 + 0.5)
    running = 0.0
    for bound, count in sorted(buckets):
        running += count
        if running >= roof:
            return bound
    return max(bound for bound, _ in buckets)
