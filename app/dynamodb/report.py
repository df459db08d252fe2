"""The report of tables and indexes, and of accounts: all figures over a range of time.

The figures of a table are without its indexes, as CloudWatch's are; an index has its own. Capacity
by ``Source`` is contained in the table's and is not counted again. A region of an account is apart
from the others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.dynamodb.figure_kinds import (
    ACCOUNT_FIGURES,
    TABLE_FIGURES,
    FigureKind,
    Of,
    Way,
)
from app.dynamodb.measured import Figure, measured
from app.dynamodb.reader import MetricSeries
from app.dynamodb.resources import Resource, operation_of, resource_of
from app.dynamodb.scope import Reading
from app.summation import exact_sum

ACCOUNT_KINDS = (
    # The sum of maxima that are set for some tables says nothing.
    *(kind for kind in TABLE_FIGURES if not kind.metric.startswith("OnDemandMax")),
    *ACCOUNT_FIGURES,
)
TABLE_METRICS = tuple(dict.fromkeys(kind.metric for kind in TABLE_FIGURES))
ACCOUNT_METRICS = tuple(dict.fromkeys(kind.metric for kind in ACCOUNT_KINDS))


@dataclass(frozen=True, slots=True)
class ResourceReport:
    """The figures of a table or index, by name; those without points are not there."""

    resource: Resource
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class AccountReport:
    """An account in a region: how many tables and indexes have points, and figures of all of them.

    Figures are of tables and indexes together. What is provisioned is the sum of what each has, and
    has no peak.
    """

    account: str
    region: str
    tables: int
    indexes: int
    figures: Mapping[str, Figure]


def report_of_resources(
    reading: Reading, kinds: Iterable[FigureKind] = TABLE_FIGURES
) -> list[ResourceReport]:
    """Tables and indexes of a reading of ``TABLE_METRICS``, each table before its indexes."""
    figures: dict[Resource, dict[str, Figure]] = {}
    for kind in kinds:
        for resource, series in _by_resource(reading, kind).items():
            figure = measured(kind, series, reading.start_ms)
            if figure is not None:
                figures.setdefault(resource, {})[kind.name] = figure
    return [ResourceReport(resource, figures[resource]) for resource in sorted(figures)]


def report_of_accounts(reading: Reading) -> list[AccountReport]:
    """Accounts and regions of a reading of ``ACCOUNT_METRICS``, in order."""
    figures: dict[tuple[str, str], dict[str, Figure]] = {}
    resources: dict[tuple[str, str], set[Resource]] = {}
    for kind in ACCOUNT_KINDS:
        of_account: dict[tuple[str, str], list[MetricSeries]] = {}
        for each in reading.of(kind.metric):
            owner = _owner(kind, each)
            if owner is None:
                continue
            place = each.identity.account, each.identity.region
            of_account.setdefault(place, []).append(each)
            if owner.table:
                resources.setdefault(place, set()).add(owner)
        for place, series in of_account.items():
            settings = kind.of is Of.RESOURCE and kind.way is Way.AVERAGE
            found = _added_up if settings else measured
            figure = found(kind, series, reading.start_ms)
            if figure is not None:
                figures.setdefault(place, {})[kind.name] = figure
    return [
        AccountReport(
            *place,
            sum(not resource.index for resource in resources.get(place, ())),
            sum(bool(resource.index) for resource in resources.get(place, ())),
            figures[place],
        )
        for place in sorted(figures)
    ]


def _by_resource(reading: Reading, kind: FigureKind) -> dict[Resource, list[MetricSeries]]:
    found: dict[Resource, list[MetricSeries]] = {}
    for each in reading.of(kind.metric):
        owner = _owner(kind, each)
        if owner is not None:
            found.setdefault(owner, []).append(each)
    return found


def _owner(kind: FigureKind, series: MetricSeries) -> Resource | None:
    """To what a series is counted; a resource without a table is the account."""
    identity = series.identity
    match kind.of:
        case Of.RESOURCE:
            return resource_of(identity)
        case Of.OPERATION:
            found = operation_of(identity)
            return None if found is None else found[0]
        case Of.ACCOUNT:
            alone = not identity.dimensions
            return Resource(identity.account, identity.region, "") if alone else None


def _added_up(kind: FigureKind, series: Sequence[MetricSeries], start_ms: int) -> Figure | None:
    """What each table and index has, together; their samples are of different minutes."""
    each = [measured(kind, [one], start_ms) for one in series]
    found = [figure for figure in each if figure is not None]
    if not found:
        return None
    return Figure(
        exact_sum(np.array([figure.value for figure in found])),
        None,
        exact_sum(np.array([figure.latest for figure in found])),
        max(figure.latest_ms for figure in found),
        None,
        None,
        max(figure.seconds for figure in found),
    )


def top_resources(
    reading: Reading, kind: FigureKind, *, indexes: bool = False, ascending: bool = False
) -> list[tuple[Resource, Figure]]:
    """Tables, or ``indexes``, by the value of a figure of a reading of its metric; ties by name."""
    found = [
        (each.resource, each.figures[kind.name])
        for each in report_of_resources(reading, [kind])
        if bool(each.resource.index) is indexes
    ]
    # The sort is stable.
    return sorted(found, key=lambda item: item[1].value if ascending else -item[1].value)
