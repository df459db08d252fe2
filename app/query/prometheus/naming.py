"""Names of Prometheus for what CloudWatch and other sources call by any text at all.

The classic names have letters, digits and underscores. What several names share after that is told
apart elsewhere (``aspects``), never here: a name depends on what it names alone.
"""

import re
from collections.abc import Iterable

from app.labels import METRIC_NAME, LabelSet, label_set
from app.promql.numbers import general

ACCOUNT, REGION = "account", "region"
BOUND, QUANTILE = "le", "quantile"
NAMESPACE, METRIC, STATISTIC = "original_namespace", "original_metric", "original_statistic"
KIND, UNIT, DIGEST = "point_kind", "unit", "series_digest"

ASPECTS = (NAMESPACE, METRIC, STATISTIC, KIND, UNIT)
"""Labels that only the series of a name have which stands for several things."""

RESERVED = frozenset({METRIC_NAME, ACCOUNT, REGION, BOUND, QUANTILE, DIGEST, *ASPECTS})
"""Labels with a meaning of their own; dimensions of these names are prefixed."""

EXPORTED = "exported_"
"""The prefix of a dimension whose name is taken, as in Prometheus' scrapes."""

_MOST_EXPONENT = 16
_NOT_IN_METRIC = re.compile(r"[^a-zA-Z0-9_:]")
_NOT_IN_LABEL = re.compile(r"[^a-zA-Z0-9_]")


def metric_name(text: str) -> str:
    """A classic metric name: other signs than letters, digits, ``_`` and ``:`` become ``_``."""
    return _not_a_digit_first(_NOT_IN_METRIC.sub("_", text))


def label_name(text: str) -> str:
    """A classic label name: other signs than letters, digits and ``_`` become ``_``."""
    return _not_a_digit_first(_NOT_IN_LABEL.sub("_", text))


def statistic_suffix(statistic: str) -> str:
    """``sum``, ``p99_9``, ``tm_25__75__``: a statistic in lower case, signs as ``_``."""
    return _NOT_IN_LABEL.sub("_", statistic.lower())


def number_text(value: float) -> str:
    """A bound or quantile as a label has it: ``0.005``, ``10``, ``+Inf``."""
    return general(value, most_exponent=_MOST_EXPONENT)


def classic_labels(
    pairs: Iterable[tuple[str, str]], reserved: frozenset[str] = RESERVED
) -> dict[str, str]:
    """Pairs of names and values under classic names, those without a value left out.

    A name that is reserved is prefixed. Of several names that come out the same, the first in
    alphabetical order keeps it and the others are numbered from 2 on, so that the names of a
    series depend on that series alone.
    """
    labels: dict[str, str] = {}
    given = sorted(pairs)
    # Names that need no change are not to be numbered because of others.
    given.sort(key=lambda pair: label_name(pair[0]) != pair[0])
    for text, value in given:
        if not value:
            continue
        wanted = _unreserved(label_name(text), reserved)
        name, number = wanted, 2
        while name in labels:
            name, number = f"{wanted}_{number}", number + 1
        labels[name] = value
    return labels


def spelt_labels(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The pairs under their own names, those without a value left out and reserved ones prefixed.

    A name that is taken after that is numbered.
    """
    labels: dict[str, str] = {}
    for text, value in sorted(pairs, key=lambda pair: (pair[0] in RESERVED, pair)):
        if value:
            wanted = _unreserved(text or "_", RESERVED)
            name, number = wanted, 2
            while name in labels:
                name, number = f"{wanted}_{number}", number + 1
            labels[name] = value
    return labels


def with_labels(labels: LabelSet, *more: tuple[str, str]) -> LabelSet:
    """The labels and further ones, sorted; empty values are left out."""
    return label_set({**dict(labels), **dict(more)})


def _unreserved(name: str, reserved: frozenset[str]) -> str:
    return f"{EXPORTED}{name}" if name in reserved else name


def _not_a_digit_first(text: str) -> str:
    return text if text and not text[0].isdigit() else f"_{text}"
