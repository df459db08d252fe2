"""Buckets of histograms: bounds as labels, and percentiles over them."""

import math

import numpy as np

from app.arrays import FloatArray
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


def bucket_bound(labels: Labels) -> float | None:
    """The bound of the bucket of these labels, in whole milliseconds; infinity for the last one.

    None where the labels have no bound.
    """
    try:
        bound = float(labels.get(DEFAULT_BUCKET_LABEL, ""))
    except ValueError:
        return None
    return math.copysign(math.inf, bound) if abs(bound) >= LAST_BOUND else bound


def bucket_percentiles(bounds: FloatArray, counts: FloatArray, rank: int) -> FloatArray:
    """The bound of the bucket in which the percentile lies, by column; 0 where all are empty.

    ``counts`` has a row for each of ``bounds``, with the count of that bucket alone. The first
    bucket, by bound, at which the running count reaches total x rank / 100, rounded half up, is
    the one.
    """
    order = np.argsort(bounds, kind="stable")
    bounds = bounds[order]
    with np.errstate(invalid="ignore", over="ignore"):
        running = np.cumsum(counts[order], axis=0)
        total = running[-1]
        reached = running >= np.floor(total * rank / 100 + 0.5)
    # Rounded up, what is to be reached may be more than there is.
    reached[-1] = True
    return np.where(total > 0, bounds[np.argmax(reached, axis=0)], 0.0)
