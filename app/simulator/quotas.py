"""What CloudWatch says about an account as a whole: its limits, and how much is provisioned."""

from collections.abc import Sequence

from app.simulator.emitters import Levels
from app.simulator.points import Series
from app.simulator.topology import ACCOUNT_CAPACITY, TABLE_CAPACITY

DYNAMODB = "AWS/DynamoDB"


def limits(
    key: int, account: str, region: str, reads: Sequence[float], writes: Sequence[float]
) -> Levels:
    """Return the limits of an account; `reads` and `writes` are the tables' units per second."""

    def series(metric: str, unit: str = "Count") -> Series:
        return Series(account, region, DYNAMODB, metric, (), unit)

    values: list[tuple[Series, float]] = []
    for kind, plural, capacities in (("Read", "Reads", reads), ("Write", "Writes", writes)):
        used = 100 * sum(capacities) / ACCOUNT_CAPACITY
        highest = 100 * max(capacities, default=0.0) / TABLE_CAPACITY
        values += (
            (series(f"AccountMax{plural}"), ACCOUNT_CAPACITY),
            (series(f"AccountMaxTableLevel{plural}"), TABLE_CAPACITY),
            (series(f"AccountProvisioned{kind}CapacityUtilization", "Percent"), used),
            (series(f"MaxProvisionedTable{kind}CapacityUtilization", "Percent"), highest),
        )
    return Levels(key, tuple(values))


def usage(
    key: int, account: str, region: str, reads: Sequence[float], writes: Sequence[float]
) -> Levels:
    """Return what the namespace AWS/Usage says: the tables, and what they have provisioned."""
    amounts = {
        "TableCount": float(len(reads)),
        "AccountProvisionedReadCapacityUnits": sum(reads),
        "AccountProvisionedWriteCapacityUnits": sum(writes),
    }
    return Levels(
        key,
        tuple(
            (_usage_series(account, region, resource), amount)
            for resource, amount in amounts.items()
        ),
    )


def _usage_series(account: str, region: str, resource: str) -> Series:
    dimensions = (
        ("Class", "None"),
        ("Resource", resource),
        ("Service", "DynamoDB"),
        ("Type", "Resource"),
    )
    return Series(account, region, "AWS/Usage", "ResourceCount", dimensions, "None")
