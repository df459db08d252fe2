"""Names of PromQL for statistics of CloudWatch, and where the points behind them are shown."""

from collections.abc import Mapping

from app.clock import MILLISECONDS_PER_MINUTE
from app.query.prometheus.families import Source, cloudwatch_base, families, percentile_of_suffix
from app.query.prometheus.naming import ACCOUNT, REGION, classic_labels
from app.storage import Connection, SeriesFilter, list_metrics, search_series

_AROUND_MS = 15 * MILLISECONDS_PER_MINUTE


def statistics_query(
    connection: Connection, name: str, labels: Mapping[str, str], at_ms: int | None
) -> list[tuple[str, str]] | None:
    """Parameters of the page of statistics for the series of a name and labels.

    A quarter of an hour before and after ``at_ms`` is shown. None for a name that no series of
    CloudWatch has.
    """
    found = _source(connection, name)
    if found is None:
        return None
    source, statistic = found
    dimensions: dict[str, str] = {}
    for _, identity in search_series(connection, SeriesFilter(source.namespace, source.metric)):
        for pair in identity.dimensions:
            for label, value in classic_labels([pair]).items():
                if labels.get(label) == value:
                    dimensions[pair[0]] = value
    query = [("namespace", source.namespace), ("metric", source.metric)]
    query += [(label, labels[label]) for label in (ACCOUNT, REGION) if labels.get(label)]
    query += [("dimension", f"{label}:{value}") for label, value in dimensions.items()]
    if at_ms is not None:
        query += [("from", str(max(0, at_ms - _AROUND_MS))), ("to", str(at_ms + _AROUND_MS))]
    return query if statistic else None


def _source(connection: Connection, name: str) -> tuple[Source, str] | None:
    for namespace, metric, kind in list_metrics(connection):
        if not namespace:
            continue
        source = Source(namespace, metric, kind)
        for family in families(source):
            if family.name == name:
                return source, family.statistic
        base = f"{cloudwatch_base(namespace, metric)}_"
        if name.startswith(base):
            statistic = percentile_of_suffix(name[len(base) :])
            if statistic is not None:
                return source, statistic
    return None
