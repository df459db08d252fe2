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
    OPERATION_FIGURES,
    RESOURCE_FIGURES,
    FigureKind,
    Of,
    Way,
)
from app.dynamodb.measured import Figure, measured
from app.dynamodb.reader import MetricSeries
from app.dynamodb.resources import Resource, operation_of, resource_of
from app.dynamodb.scope import Reading
from app.summation import exact_sum

TABLE_METRICS = tuple(
    dict.fromkeys(kind.metric for kind in (*RESOURCE_FIGURES, *OPERATION_FIGURES))
)
ACCOUNT_METRICS = (*TABLE_METRICS, *(kind.metric for kind in ACCOUNT_FIGURES))


@dataclass(frozen=True, slots=True)
class ResourceReport:
    """The figures of a table or index, by name; those without points are not there."""

    resource: Resource
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class AccountReport:
    """An account in a region: how many tables and indexes have points, and figures of all of them.

    Figures are of tables and indexes together. What is provisioned is the sum of what each has,
    without a peak.
    """

    account: str
    region: str
    tables: int
    indexes: int
    figures: Mapping[str, Figure]
    provisioned: Mapping[str, "ProvisionedTotal"]


@dataclass(frozen=True, slots=True)
class ProvisionedTotal:
    """Sums of the averages over the range, and of the newest, of tables and indexes."""

    value: float
    latest: float


def report_of_resources(
    reading: Reading, kinds: Iterable[FigureKind] = (*RESOURCE_FIGURES, *OPERATION_FIGURES)
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
    provisioned: dict[tuple[str, str], dict[str, ProvisionedTotal]] = {}
    resources: dict[tuple[str, str], set[Resource]] = {}
    for kind in (*RESOURCE_FIGURES, *OPERATION_FIGURES, *ACCOUNT_FIGURES):
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
            if kind.of is Of.RESOURCE and kind.way is Way.AVERAGE:
                total = _provisioned(kind, series, reading.start_ms)
                if total is not None and not kind.name.startswith("on_demand"):
                    provisioned.setdefault(place, {})[kind.name] = total
                continue
            figure = measured(kind, series, reading.start_ms)
            if figure is not None:
                figures.setdefault(place, {})[kind.name] = figure
    return [
        AccountReport(
            *place,
            sum(not resource.index for resource in resources.get(place, ())),
            sum(bool(resource.index) for resource in resources.get(place, ())),
            figures.get(place, {}),
            provisioned.get(place, {}),
        )
        for place in sorted({*figures, *provisioned})
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


def _provisioned(
    kind: FigureKind, series: Sequence[MetricSeries], start_ms: int
) -> ProvisionedTotal | None:
    each = [measured(kind, [one], start_ms) for one in series]
    found = [figure for figure in each if figure is not None]
    if not found:
        return None
    return ProvisionedTotal(
        exact_sum(np.array([figure.value for figure in found])),
        exact_sum(np.array([figure.latest for figure in found])),
    )
