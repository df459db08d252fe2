"""The figures of the reports: of which metric and statistic each is, and what it means.

Source: the Amazon DynamoDB Developer Guide, "DynamoDB metrics and dimensions".
"""

from dataclasses import dataclass
from enum import Enum


class Way(Enum):
    """How points become a figure; the value is the name of the statistic."""

    PER_SECOND = "Sum / seconds"
    REQUESTS = "SampleCount / seconds"
    TOTAL = "Sum"
    AVERAGE = "Average"
    MAXIMUM = "Maximum"


class Of(Enum):
    """Which series of a metric belong to a figure."""

    RESOURCE = "table or index"
    OPERATION = "operations of a table"
    ACCOUNT = "account and region"


@dataclass(frozen=True, slots=True)
class FigureKind:
    """A figure: ``name`` in the API; ``description`` and ``unit`` for people."""

    name: str
    metric: str
    way: Way
    of: Of
    unit: str
    description: str

    @property
    def statistic(self) -> str:
        """CloudWatch's statistic, and what it is divided by."""
        return self.way.value


_CAUSES = (
    ("provisioned", "ProvisionedThroughput", "the provisioned capacity was used up"),
    ("key_range", "KeyRangeThroughput", "a partition's limit was reached: a hot key"),
    ("account_limit", "AccountLimit", "the account's limit for a table was reached"),
    ("on_demand_maximum", "MaxOnDemandThroughput", "the on-demand maximum was reached"),
)


def _capacity() -> list[FigureKind]:
    kinds = []
    for direction, verb in (("Read", "reads"), ("Write", "writes")):
        name = direction.lower()
        kinds += [
            FigureKind(
                f"consumed_{name}_capacity",
                f"Consumed{direction}CapacityUnits",
                Way.PER_SECOND,
                Of.RESOURCE,
                "units/second",
                f"Capacity that {verb} consumed",
            ),
            FigureKind(
                f"provisioned_{name}_capacity",
                f"Provisioned{direction}CapacityUnits",
                Way.AVERAGE,
                Of.RESOURCE,
                "units/second",
                f"Capacity that was provisioned for {verb}",
            ),
            FigureKind(
                f"on_demand_maximum_{name}s",
                f"OnDemandMax{direction}RequestUnits",
                Way.AVERAGE,
                Of.RESOURCE,
                "units/second",
                f"Maximum that was set for on-demand {verb}",
            ),
        ]
    return kinds


def _throttles() -> list[FigureKind]:
    kinds = []
    for direction, verb in (("Read", "Reads"), ("Write", "Writes")):
        name = direction.lower()
        kinds.append(
            FigureKind(
                f"{name}_throttle_events",
                f"{direction}ThrottleEvents",
                Way.TOTAL,
                Of.RESOURCE,
                "events",
                f"{verb} that were throttled",
            )
        )
        kinds += [
            FigureKind(
                f"{name}_throttle_events_{cause}",
                f"{direction}{metric}ThrottleEvents",
                Way.TOTAL,
                Of.RESOURCE,
                "events",
                f"{verb} that were throttled because {why}",
            )
            for cause, metric, why in _CAUSES
        ]
    return kinds


def _of_operations() -> list[FigureKind]:
    latency = "SuccessfulRequestLatency"
    return [
        FigureKind(
            "request_rate",
            latency,
            Way.REQUESTS,
            Of.OPERATION,
            "requests/second",
            "Requests that succeeded",
        ),
        FigureKind(
            "latency",
            latency,
            Way.AVERAGE,
            Of.OPERATION,
            "milliseconds",
            "Latency of requests that succeeded, on DynamoDB's side",
        ),
        _total("throttled_requests", "ThrottledRequests", Of.OPERATION, "Throttled requests"),
        _total(
            "system_errors",
            "SystemErrors",
            Of.OPERATION,
            "Requests that failed with HTTP 500",
        ),
        _total("returned_items", "ReturnedItemCount", Of.OPERATION, "Items that were returned"),
    ]


def _total(name: str, metric: str, of: Of, description: str) -> FigureKind:
    unit = "items" if name.endswith("_items") else "requests"
    return FigureKind(name, metric, Way.TOTAL, of, unit, description)


def _limits() -> list[FigureKind]:
    kinds = []
    for direction, verb in (("Read", "reads"), ("Write", "writes")):
        units, percent = "units/second", "percent"
        for name, metric, unit, description in (
            (f"account_max_{verb}", "AccountMax{}s", units, f"The account's limit of {verb}"),
            (
                f"account_max_table_level_{verb}",
                "AccountMaxTableLevel{}s",
                units,
                f"The account's limit of {verb} of one table or index",
            ),
            (
                f"account_provisioned_{verb}_utilization",
                "AccountProvisioned{}CapacityUtilization",
                percent,
                f"Share of the account's limit of {verb} that is provisioned",
            ),
            (
                f"max_provisioned_table_{verb}_utilization",
                "MaxProvisionedTable{}CapacityUtilization",
                percent,
                f"Share of the limit of {verb} that the highest provisioned table or index has",
            ),
        ):
            full = metric.format(direction)
            kinds.append(FigureKind(name, full, Way.MAXIMUM, Of.ACCOUNT, unit, description))
    return kinds


RESOURCE_FIGURES = (
    *_capacity(),
    *_throttles(),
    _total(
        "conditional_check_failed",
        "ConditionalCheckFailedRequests",
        Of.RESOURCE,
        "Writes whose condition did not hold",
    ),
    _total(
        "transaction_conflicts",
        "TransactionConflict",
        Of.RESOURCE,
        "Items rejected because of another transaction",
    ),
    _total(
        "expired_items",
        "TimeToLiveDeletedItemCount",
        Of.RESOURCE,
        "Items deleted because their time to live was over",
    ),
)
OPERATION_FIGURES = tuple(_of_operations())
ACCOUNT_FIGURES = (
    _total("user_errors", "UserErrors", Of.ACCOUNT, "Requests refused with HTTP 400"),
    *_limits(),
)
TABLE_FIGURES = (*RESOURCE_FIGURES, *OPERATION_FIGURES)
"""The figures that a table can have; those of resources an index can have, too."""

FIGURES = {kind.name: kind for kind in (*TABLE_FIGURES, *ACCOUNT_FIGURES)}
