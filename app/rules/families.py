"""Sample families: under which names, labels and statistics a series appears in rules.

A CloudWatch metric X of namespace N gives the families ``amazonaws_com_N_X`` (its natural
statistic) and the same with ``_sum``, ``_count``, ``_min``, ``_max``, ``_avg`` and, for each extra
statistic, ``_p99`` and the like; ``/`` and ``.`` in names become ``_``. Metrics of other sources
appear under their own name.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from app.catalog import SeriesIdentity, Statistic, StatisticCatalog
from app.mal import Combine, Labels
from app.otlp.points import HISTOGRAM_CUMULATIVE, HISTOGRAM_DELTA, SUMMARY

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
    """The one value of a point that is not a CloudWatch summary."""


_COMBINE = {
    Column.SUM: Combine.SUM,
    Column.COUNT: Combine.SUM,
    Column.MINIMUM: Combine.MINIMUM,
    Column.MAXIMUM: Combine.MAXIMUM,
    Column.AVERAGE: Combine.AVERAGE,
    # Percentiles cannot be merged; of several, the largest is a bound that holds.
    Column.EXTRA: Combine.MAXIMUM,
    Column.VALUE: Combine.AVERAGE,
}

_BY_SUFFIX: dict[str, Column] = {
    column.value: column for column in Column if column not in (Column.EXTRA, Column.VALUE)
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
    """A family's value of each point; ``extra`` is the sanitised name of an extra statistic."""

    column: Column
    extra: str = ""

    @property
    def combine(self) -> Combine:
        """How samples of the family combine when nothing else is said."""
        return _COMBINE[self.column]


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

    def selection(self, name: str, base: str) -> Selection | None:
        """What family ``name`` shows of a series whose bare family is ``base``; None: nothing."""
        if name == base:
            if not base.startswith(CLOUDWATCH_PREFIX):
                return Selection(Column.VALUE)
            return Selection(self._natural.get(base, Column.AVERAGE))
        if not name.startswith(f"{base}_"):
            return None
        suffix = name[len(base) + 1 :]
        column = _BY_SUFFIX.get(suffix)
        if column is not None:
            return Selection(column)
        return Selection(Column.EXTRA, suffix) if _EXTRA_SUFFIX.fullmatch(suffix) else None

    def combine(self, name: str) -> Combine:
        """How samples of family ``name`` combine, told from the name alone."""
        if name in self._natural:
            return _COMBINE[self._natural[name]]
        if not name.startswith(CLOUDWATCH_PREFIX):
            return Combine.AVERAGE
        column = _BY_SUFFIX.get(name.rpartition("_")[2])
        if column is None:
            column = Column.EXTRA if _ENDS_IN_EXTRA.search(name) else Column.AVERAGE
        return _COMBINE[column]


def base_name(namespace: str, metric: str) -> str:
    """The bare family name of a metric; an empty namespace means it is not CloudWatch's."""
    full = f"amazonaws.com/{namespace}/{metric}" if namespace else metric
    return full.replace("/", "_").replace(".", "_")


def extra_suffix(statistic: str) -> str:
    """The suffix of an extra statistic: ``p99.9`` is ``p99_9``."""
    return re.sub(r"[^A-Za-z0-9]", "_", statistic)


def labels_of(identity: SeriesIdentity) -> Labels:
    """The labels of a series: account, region, CloudWatch's own names, and the dimensions.

    A dimension named Namespace or MetricName (Container Insights has the former) gives way to
    CloudWatch's label and appears as ``dimension_Namespace``. Series of other sources have the
    labels that rules know services and hosts by, and none that a family of theirs gives a meaning
    of its own: ``le`` of histograms, ``quantile`` of summaries.
    """
    own = {}
    if identity.account:
        own["cloud_account_id"] = identity.account
    if identity.region:
        own["cloud_region"] = identity.region
    if identity.namespace:
        own["cloud_provider"] = "aws"
        own["Namespace"] = identity.namespace
        own["MetricName"] = identity.metric
    labels = dict(own)
    for name, value in identity.dimensions:
        key = name.replace(".", "_")
        labels[f"dimension_{key}" if key in own else key] = value
    if not identity.namespace:
        given = dict(identity.dimensions)
        for label, attribute in _FALLBACKS:
            if attribute in given:
                labels.setdefault(label, given[attribute])
        labels.pop(_OWN_LABELS.get(identity.kind, ""), None)
    return labels


_FALLBACKS = (
    ("job_name", "service.name"),
    ("node_identifier_host_name", "net.host.name"),
    ("node_identifier_host_name", "host.name"),
)
_OWN_LABELS = {HISTOGRAM_DELTA: "le", HISTOGRAM_CUMULATIVE: "le", SUMMARY: "quantile"}
