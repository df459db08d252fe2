"""Label sets: sorted pairs of name and value, the one form in which labels are compared."""

LabelSet = tuple[tuple[str, str], ...]
"""Pairs of label name and value, sorted by name, names distinct. An empty value is no label."""

METRIC_NAME = "__name__"
"""The label that Prometheus keeps a series' name in."""


def label_set(labels: dict[str, str]) -> LabelSet:
    """The label set of a mapping; labels with empty values are left out, as Prometheus does."""
    return tuple(sorted((name, value) for name, value in labels.items() if value))


def without_name(labels: LabelSet) -> LabelSet:
    """The labels without the metric's name."""
    return tuple(pair for pair in labels if pair[0] != METRIC_NAME)
