"""Sample families: under which names, labels and statistics a series appears in rules.

A CloudWatch metric X of namespace N gives the families ``amazonaws_com_N_X`` (its natural
statistic) and the same with ``_sum``, ``_count``, ``_min``, ``_max``, ``_avg`` and, for each extra
statistic, ``_p99`` and the like; ``/`` and ``.`` in names become ``_``. Metrics of other sources
appear under their own name: gauges and sums as values, histograms as one sample per bucket and
summaries as one per quantile, both with the suffixes beside.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from app.catalog import SeriesIdentity, Statistic, StatisticCatalog
from app.mal import Combine, Labels
from app.otlp.points import (
    GAUGE,
    HISTOGRAM_CUMULATIVE,
    HISTOGRAM_DELTA,
    SUM_CUMULATIVE,
    SUM_DELTA,
    SUMMARY,
)

CLOUDWATCH_PREFIX = "amazonaws_com_"


class Column(StrEnum):
    """Which value of a point a family shows."""

    SUM = "sum"
    COUNT = "count"
    MINIMUM = "min"
    MAXIMUM = "max"
    AVERAGE = "avg"
    EXTRA = "extra"
    VALUE = "value"
    """The one value of a gauge or a sum."""
    BUCKET = "bucket"
    """The buckets of a histogram, a sample each, with the upper bound as label ``le``."""
    QUANTILE = "quantile"
    """The quantiles of a summary that is not CloudWatch's, a sample each, with that label."""


EXPANSIONS = {Column.BUCKET: "le", Column.QUANTILE: "quantile"}
"""Columns of which a point gives several samples, and the label that tells these apart."""


class Shape(StrEnum):
    """What kind of points a series has, which decides the families that it gives."""

    CLOUDWATCH = "cloudwatch"
    VALUE = "value"
    DELTA = "delta"
    HISTOGRAM = "histogram"
    CUMULATIVE_HISTOGRAM = "cumulative_histogram"
    SUMMARY = "summary"


_SHAPES = {
    GAUGE: Shape.VALUE,
    SUM_CUMULATIVE: Shape.VALUE,
    SUM_DELTA: Shape.DELTA,
    HISTOGRAM_DELTA: Shape.HISTOGRAM,
    HISTOGRAM_CUMULATIVE: Shape.CUMULATIVE_HISTOGRAM,
    SUMMARY: Shape.SUMMARY,
}
_BARE = {
    Shape.VALUE: Column.VALUE,
    Shape.DELTA: Column.SUM,
    Shape.HISTOGRAM: Column.BUCKET,
    Shape.CUMULATIVE_HISTOGRAM: Column.BUCKET,
    Shape.SUMMARY: Column.QUANTILE,
}


def shape_of(identity: SeriesIdentity) -> Shape:
    """What kind of points a series has."""
    return shape_of_kind(identity.namespace, identity.kind)


def shape_of_kind(namespace: str, kind: str) -> Shape:
    """What kind of points series of a namespace and point type have."""
    return Shape.CLOUDWATCH if namespace else _SHAPES[kind]


_COMBINE = {
    Column.SUM: Combine.SUM,
    Column.COUNT: Combine.SUM,
    Column.MINIMUM: Combine.MINIMUM,
    Column.MAXIMUM: Combine.MAXIMUM,
    Column.AVERAGE: Combine.AVERAGE,
    # Percentiles cannot be merged; of several, the largest is a bound that holds.
    Column.EXTRA: Combine.MAXIMUM,
    Column.VALUE: Combine.AVERAGE,
    Column.BUCKET: Combine.SUM,
    Column.QUANTILE: Combine.MAXIMUM,
}

# What goes on counting: of several points in a minute the last says it all. Summaries have no
# temporality; those that OpenTelemetry carries come from Prometheus, which counts on.
_COUNTED = frozenset({Column.SUM, Column.COUNT, Column.AVERAGE, Column.BUCKET, Column.QUANTILE})
_COUNTING = frozenset({Shape.CUMULATIVE_HISTOGRAM, Shape.SUMMARY})

_BY_SUFFIX: dict[str, Column] = {
    column.value: column
    for column in (Column.SUM, Column.COUNT, Column.MINIMUM, Column.MAXIMUM, Column.AVERAGE)
}

# Extra statistics as suffixes: p99, p99_9, tm99, TM_25__75__, IQM.
_EXTRA_SUFFIX = re.compile(r"(?:p|tm|wm|tc|ts|TM|WM|TC|TS|PR)[0-9_]+|IQM")
_ENDS_IN_EXTRA = re.compile(rf"_(?:{_EXTRA_SUFFIX.pattern})$")

_OF_STATISTIC = {
    Statistic.SUM: Column.SUM,
    Statistic.SAMPLE_COUNT: Column.COUNT,
    Statistic.MINIMUM: Column.MINIMUM,
    Statistic.MAXIMUM: Column.MAXIMUM,
    Statistic.AVERAGE: Column.AVERAGE,
}


@dataclass(frozen=True, slots=True)
class Selection:
    """A family's value of each point; ``extra`` is the sanitised name of an extra statistic.

    A ``running`` value counts from the start of its source on, not from the point before.
    """

    column: Column
    extra: str = ""
    running: bool = False

    @property
    def combine(self) -> Combine:
        """How samples of a series within a minute combine when nothing else is said."""
        return Combine.LATEST if self.running else _COMBINE[self.column]


class FamilyNames:
    """Relates family names to metrics, by the catalogue of natural statistics."""

    def __init__(self, catalog: StatisticCatalog) -> None:
        self._catalog = catalog
        self._natural = {
            base_name(namespace, metric): _OF_STATISTIC[statistic]
            for (namespace, metric), statistic in catalog.natural.items()
        }

    def base(self, identity: SeriesIdentity) -> str:
        """The name under which a series' bare family appears."""
        return base_name(identity.namespace, identity.metric)

    def selection(self, name: str, base: str, shape: Shape) -> Selection | None:
        """What family ``name`` shows of a series whose bare family is ``base``; None: nothing."""
        if name == base:
            if shape is Shape.CLOUDWATCH:
                return Selection(self._natural.get(base, Column.AVERAGE))
            return _selection(_BARE[shape], shape)
        # A metric may be called like another's statistic: cluster_node_count.
        if not name.startswith(f"{base}_") or name in self._natural:
            return None
        if shape in (Shape.VALUE, Shape.DELTA):
            return None
        suffix = name[len(base) + 1 :]
        column = _BY_SUFFIX.get(suffix)
        if column is not None:
            return _selection(column, shape)
        return Selection(Column.EXTRA, suffix) if _EXTRA_SUFFIX.fullmatch(suffix) else None

    def is_plain(self, name: str) -> bool:
        """Whether nothing is known of how samples of a family combine."""
        return not name.startswith(CLOUDWATCH_PREFIX)

    def combine(self, name: str) -> Combine:
        """How samples of family ``name`` combine, told from the name alone."""
        if name in self._natural:
            return _COMBINE[self._natural[name]]
        if self.is_plain(name):
            return Combine.AVERAGE
        column = _BY_SUFFIX.get(name.rpartition("_")[2])
        if column is None:
            column = Column.EXTRA if _ENDS_IN_EXTRA.search(name) else Column.AVERAGE
        return _COMBINE[column]


def _selection(column: Column, shape: Shape) -> Selection:
    running = shape in _COUNTING and column in _COUNTED
    return Selection(column, running=running)


def base_name(namespace: str, metric: str) -> str:
    """The bare family name of a metric; an empty namespace means it is not CloudWatch's."""
    full = f"amazonaws.com/{namespace}/{metric}" if namespace else metric
    return full.replace("/", "_").replace(".", "_")


def extra_suffix(statistic: str) -> str:
    """The suffix of an extra statistic: ``p99.9`` is ``p99_9``."""
    return re.sub(r"[^A-Za-z0-9]", "_", statistic)


def labels_of(identity: SeriesIdentity) -> Labels:
    """The labels of a series, see ``labelled``."""
    return labelled(
        identity.namespace,
        identity.metric,
        identity.kind,
        account=identity.account or None,
        region=identity.region or None,
        dimensions=identity.dimensions,
        of_text=str,
    )


_Value = TypeVar("_Value")


def labelled(
    namespace: str,
    metric: str,
    kind: str,
    *,
    account: _Value | None,
    region: _Value | None,
    dimensions: Sequence[tuple[str, _Value]],
    of_text: Callable[[str], _Value],
) -> dict[str, _Value]:
    """The labels of series: account, region, CloudWatch's own names, and the dimensions.

    Values are those of one series, or columns of many whose labels have the same names; ``of_text``
    gives the value of a text that all of them share. A dimension named Namespace or MetricName
    (Container Insights has the former) gives way to CloudWatch's label and appears as
    ``dimension_Namespace``. Series of other sources have the labels that rules know services and
    hosts by, and none that a family of theirs gives a meaning of its own: ``le`` of histograms,
    ``quantile`` of summaries.
    """
    own: dict[str, _Value] = {}
    if account is not None:
        own["cloud_account_id"] = account
    if region is not None:
        own["cloud_region"] = region
    if namespace:
        own["cloud_provider"] = of_text("aws")
        own["Namespace"] = of_text(namespace)
        own["MetricName"] = of_text(metric)
    labels = dict(own)
    for name, value in dimensions:
        key = name.replace(".", "_")
        labels[f"dimension_{key}" if key in own else key] = value
    if not namespace:
        given = dict(dimensions)
        for label, attribute in _FALLBACKS:
            if attribute in given:
                labels.setdefault(label, given[attribute])
        labels.pop(_OWN_LABELS.get(kind, ""), None)
    return labels


_FALLBACKS = (
    ("job_name", "service.name"),
    ("node_identifier_host_name", "net.host.name"),
    ("node_identifier_host_name", "host.name"),
)
_OWN_LABELS = {HISTOGRAM_DELTA: "le", HISTOGRAM_CUMULATIVE: "le", SUMMARY: "quantile"}
