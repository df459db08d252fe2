"""Names of metrics that a query drops, at once or when its answer is ready.

Source: ``promql-delayed-name-removal`` among the feature flags of Prometheus. A name that will be
dropped stays among the labels until the end, so that ``by (__name__)`` and ``label_replace`` see
it; it is a text like any other, marked by its type.
"""

from app.labels import METRIC_NAME, LabelSet

METADATA = frozenset({METRIC_NAME, "__type__", "__unit__"})
"""Labels that say what a metric is; what computes other values takes them all away."""


class Parting(str):
    """The value of a label that will be dropped from the answer."""

    __slots__ = ()


def unnamed(labels: LabelSet, *, delayed: bool) -> LabelSet:
    """The labels without the metric's name, type and unit, or with those marked."""
    if delayed:
        return tuple(
            (name, Parting(text)) if name in METADATA else (name, text) for name, text in labels
        )
    return tuple(pair for pair in labels if pair[0] not in METADATA)


def is_parting(labels: LabelSet) -> bool:
    """Whether the labels have something that will be dropped."""
    return any(isinstance(text, Parting) for _, text in labels)


def kept(labels: LabelSet) -> LabelSet:
    """The labels with nothing marked any more."""
    if not is_parting(labels):
        return labels
    return tuple((name, str(text)) for name, text in labels)


def parted(labels: LabelSet) -> LabelSet:
    """The labels without what is marked."""
    if not is_parting(labels):
        return labels
    return tuple(pair for pair in labels if not isinstance(pair[1], Parting))
