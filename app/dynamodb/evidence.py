"""The numbers on which a finding of throttling rests, each with the series it was read from."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.dynamodb.latency import THROTTLED
from app.dynamodb.resources import INDEX, OPERATION, TABLE, Resource
from app.dynamodb.throttle_causes import CAUSE_METRICS
from app.dynamodb.throttling import Finding
from app.dynamodb.utilization import Limit

_Dimensions = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A number of one series of AWS/DynamoDB in [``start_ms``, ``end_ms``).

    ``account`` and ``region`` are those of the series, ``dimensions`` in the order of their names;
    ``statistic`` is CloudWatch's, ``unit`` that of ``value``.
    """

    account: str
    region: str
    metric: str
    dimensions: _Dimensions
    statistic: str
    start_ms: int
    end_ms: int
    value: float
    unit: str
    text: str


_LIMITS = {
    Limit.PROVISIONED: "Provisioned{}CapacityUnits",
    Limit.ON_DEMAND_MAXIMUM: "OnDemandMax{}RequestUnits",
    Limit.ACCOUNT_TABLE_LIMIT: "AccountMaxTableLevel{}s",
}


def evidence(finding: Finding) -> list[Evidence]:
    """What the finding rests on, the throttle events first."""
    return list(_evidence(finding))


def _evidence(finding: Finding) -> Iterator[Evidence]:
    resource, direction = finding.resource, finding.direction
    of_it = _dimensions(resource)
    events = f"{direction}ThrottleEvents"
    of_series = _Series(finding)
    yield of_series.total(events, of_it, finding.events, "throttle events")
    for share in finding.judgement.shares:
        metric = CAUSE_METRICS[share.cause].format(direction)
        text = f"throttle events of this cause, {share.percent:.0f} %"
        yield of_series.total(metric, of_it, share.events, text)
    if finding.consumed_peak is not None:
        metric = f"Consumed{direction}CapacityUnits"
        text = "the most that was consumed in a throttled period, Sum over its seconds"
        yield of_series.rate(metric, of_it, "Sum", finding.consumed_peak, text)
    if finding.limit is not None:
        metric = _LIMITS[finding.limited_by].format(direction)
        dimensions = () if finding.limited_by is Limit.ACCOUNT_TABLE_LIMIT else of_it
        text = "the limit in the last throttled period"
        yield of_series.rate(metric, dimensions, "Average", finding.limit, text)
    for each in finding.operations:
        dimensions = ((OPERATION, each.operation), (TABLE, resource.table))
        text = (
            "throttled requests in the throttled periods alone, beside"
            f" {each.successful:,.0f} successful ones"
        )
        yield of_series.total(THROTTLED, dimensions, each.throttled, text)


def _dimensions(resource: Resource) -> _Dimensions:
    table = (TABLE, resource.table)
    return ((INDEX, resource.index), table) if resource.index else (table,)


class _Series:
    """Numbers of series of the account, the region and the time of a finding."""

    def __init__(self, finding: Finding) -> None:
        self._finding = finding

    def total(self, metric: str, dimensions: _Dimensions, value: float, text: str) -> Evidence:
        """A count over the whole time."""
        return self._evidence(metric, dimensions, "Sum", value, unit="Count", text=text)

    def rate(
        self, metric: str, dimensions: _Dimensions, statistic: str, value: float, text: str
    ) -> Evidence:
        """Units per second."""
        unit = "units per second"
        return self._evidence(metric, dimensions, statistic, value, unit=unit, text=text)

    def _evidence(
        self,
        metric: str,
        dimensions: _Dimensions,
        statistic: str,
        value: float,
        *,
        unit: str,
        text: str,
    ) -> Evidence:
        finding = self._finding
        account, region = finding.resource.account, finding.resource.region
        times = finding.start_ms, finding.end_ms
        return Evidence(account, region, metric, dimensions, statistic, *times, value, unit, text)
