"""What the browser of series lists: namespaces, metrics, series, and how PromQL names them."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from app.catalog import SeriesIdentity, load_statistic_catalog
from app.dynamodb.resources import NAMESPACE, TABLE, Resource
from app.promql.parsing.quoting import quoted
from app.query.prometheus.families import Source, families
from app.query.prometheus.naming import ACCOUNT, REGION, classic_labels
from app.storage import Connection, SeriesFilter, list_metrics, search_series

MOST_SERIES = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """A statistic of a series: how it is called, and the selector of it."""

    statistic: str
    selector: str
    natural: bool


@dataclass(frozen=True, slots=True)
class ShownSeries:
    """A series as CloudWatch names it; ``statistics_query`` asks for its values."""

    identity: SeriesIdentity
    dimensions: Mapping[str, str]
    statistics: tuple[Shown, ...]
    statistics_query: str


@dataclass(frozen=True, slots=True)
class Found:
    """The first series of a metric, and how many there are in all."""

    namespace: str
    metric: str
    total: int
    series: tuple[ShownSeries, ...]


def read_metrics(connection: Connection, search: str) -> dict[str, list[str]]:
    """Metrics by namespace; ``search`` is a part of either name, in any case.

    Other sources than CloudWatch have no namespace: theirs is the empty text.
    """
    wanted = search.lower()
    found: dict[str, dict[str, None]] = {}
    for namespace, metric, _ in list_metrics(connection):
        if wanted in f"{namespace}/{metric}".lower():
            found.setdefault(namespace, {})[metric] = None
    return {namespace: list(metrics) for namespace, metrics in found.items()}


def read_metric_series(connection: Connection, namespace: str, metric: str, search: str) -> Found:
    """Series of a metric of which an account, region or dimension has ``search`` in it."""
    wanted = search.lower()
    matching = [
        identity
        for _, identity in search_series(connection, SeriesFilter(namespace, metric))
        if wanted in _text(identity)
    ]
    shown = tuple(_shown(identity) for identity in matching[:MOST_SERIES])
    return Found(namespace, metric, len(matching), shown)


def series_of_table(connection: Connection, table: Resource) -> list[tuple[str, list[ShownSeries]]]:
    """All series of a table, its indexes and operations, by metric."""
    wanted = SeriesFilter(NAMESPACE, None, table.account, table.region, ((TABLE, table.table),))
    found: dict[str, list[ShownSeries]] = {}
    for _, identity in search_series(connection, wanted):
        found.setdefault(identity.metric, []).append(_shown(identity))
    return sorted(found.items())


def _text(identity: SeriesIdentity) -> str:
    dimensions = " ".join(f"{name}:{value}" for name, value in identity.dimensions)
    return f"{identity.account} {identity.region} {dimensions}".lower()


def _shown(identity: SeriesIdentity) -> ShownSeries:
    natural = load_statistic_catalog().natural_statistic(identity.namespace, identity.metric)
    labels = {
        ACCOUNT: identity.account,
        REGION: identity.region,
        **classic_labels(identity.dimensions),
    }
    matchers = ", ".join(f"{name}={quoted(value)}" for name, value in labels.items() if value)
    source = Source(identity.namespace, identity.metric, identity.kind)
    statistics = tuple(
        Shown(
            family.statistic or family.name,
            f"{family.name}{{{matchers}}}",
            family.statistic == natural.value,
        )
        for family in families(source)
    )
    query = urlencode(
        [
            ("namespace", identity.namespace),
            ("metric", identity.metric),
            ("account", identity.account),
            ("region", identity.region),
            *(("dimension", f"{name}:{value}") for name, value in identity.dimensions),
        ]
    )
    return ShownSeries(identity, dict(identity.dimensions), statistics, query)
