"""The series whose gaps are looked for, and how CloudWatch is asked for each."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.catalog import SeriesIdentity
from app.cloudwatch import STATISTICS, CloudWatch, SeriesQuery, is_statistic
from app.errors import NotFound
from app.pipeline.gap_calls import Wanted
from app.pipeline.gaps import Run
from app.storage import Connection, SeriesFilter, search_series, units_of_metrics

_CLOUDWATCH_KIND = "summary"


@dataclass(frozen=True, slots=True)
class GapScope:
    """What is to be looked at. Empty ``regions``, ``namespaces`` and ``metrics`` mean any.

    ``linked`` says that the account is another one than that of the credentials, a monitoring
    account's. ``statistics`` are asked for beside those that a series has anyway.
    """

    start_ms: int
    end_ms: int
    account: str
    linked: bool = False
    regions: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    dimensions: tuple[tuple[str, str], ...] = ()
    statistics: tuple[str, ...] = ()
    margin_minutes: int = 5
    thorough: bool = False
    discover: bool = False


@dataclass(slots=True)
class GapSeries:
    """A series. ``series_id`` is None as long as no stream has brought it.

    ``discovered`` says that ListMetrics knows it. ``ambiguous`` says that there is another one that
    differs in its unit alone.
    """

    identity: SeriesIdentity
    series_id: int | None
    discovered: bool = False
    ambiguous: bool = False
    statistics: set[str] = field(default_factory=set)


def series_in_scope(
    connection: Connection,
    scope: GapScope,
    cloudwatch: Callable[[str], CloudWatch],
    notes: list[str],
) -> list[GapSeries]:
    """The series, in the order of their identity. Raises ``NotFound`` without any."""
    wanted = SeriesFilter(account=scope.account, dimensions=scope.dimensions)
    series = [
        GapSeries(identity, series_id)
        for series_id, identity in search_series(connection, wanted)
        if _is_in_scope(identity, scope)
    ]
    if scope.discover:
        series += _discovered(connection, scope, series, cloudwatch, notes)
    if not series:
        raise NotFound(
            f"no series of account {scope.account} fits; GET /api/v1/series lists those that"
            " streams have brought, --discover asks CloudWatch for others"
        )
    units = Counter(_without_unit(one.identity) for one in series)
    for one in series:
        one.ambiguous = units[_without_unit(one.identity)] > 1
    return series


def wanted_of(series: GapSeries, run: Run, scope: GapScope) -> Wanted:
    """How CloudWatch is asked for the minutes of a run.

    Without a unit it answers in whatever unit the data was collected, which is the one that the
    stream told; a unit that does not fit would give nothing. So it is given only where two series
    differ in nothing else.
    """
    identity = series.identity
    extra = sorted({name for name in series.statistics if is_statistic(name)} | {*scope.statistics})
    query = SeriesQuery(
        identity.namespace,
        identity.metric,
        identity.dimensions,
        (*STATISTICS, *extra),
        identity.unit if series.ambiguous else None,
        identity.account if scope.linked else None,
    )
    return Wanted(identity, query, *run)


def _is_in_scope(identity: SeriesIdentity, scope: GapScope) -> bool:
    return (
        identity.kind == _CLOUDWATCH_KIND
        and bool(identity.namespace)
        and bool(identity.region)
        and (not scope.regions or identity.region in scope.regions)
        and (not scope.namespaces or identity.namespace in scope.namespaces)
        and (not scope.metrics or identity.metric in scope.metrics)
    )


def _discovered(
    connection: Connection,
    scope: GapScope,
    known: Sequence[GapSeries],
    cloudwatch: Callable[[str], CloudWatch],
    notes: list[str],
) -> list[GapSeries]:
    """Marks the known ones that ListMetrics knows, and returns those that are new.

    It does not tell units, and neither does GetMetricData: that of a new series is the one that all
    known series of the metric have.
    """
    by_name: dict[tuple[object, ...], list[GapSeries]] = {}
    for one in known:
        by_name.setdefault(_without_unit(one.identity), []).append(one)
    units = units_of_metrics(connection)
    regions = scope.regions or tuple(sorted({one.identity.region for one in known}))
    namespaces = scope.namespaces or tuple(sorted({one.identity.namespace for one in known}))
    new: list[GapSeries] = []
    without_unit: set[tuple[str, str]] = set()
    for region in regions:
        for namespace in namespaces:
            for metric in scope.metrics or (None,):
                for found in cloudwatch(region).list_metrics(
                    namespace,
                    metric=metric,
                    dimensions=scope.dimensions,
                    account=scope.account if scope.linked else None,
                ):
                    of_metric = units.get(found[:2], frozenset())
                    same = by_name.get((scope.account, region, *found))
                    if same:
                        for one in same:
                            one.discovered = True
                    elif len(of_metric) == 1:
                        identity = SeriesIdentity(scope.account, region, *found, *of_metric)
                        new.append(GapSeries(identity, None, discovered=True))
                    else:
                        without_unit.add(found[:2])
    notes += [
        f"left out: {namespace} {metric}, whose unit no stream has told yet"
        for namespace, metric in sorted(without_unit)
    ]
    return new


def _without_unit(identity: SeriesIdentity) -> tuple[object, ...]:
    return (
        identity.account,
        identity.region,
        identity.namespace,
        identity.metric,
        identity.dimensions,
    )
