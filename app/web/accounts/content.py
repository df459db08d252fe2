"""What the page of an account shows, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple

from app.dynamodb.cost_report import CostReport
from app.dynamodb.limits import Of, TimeToLimit
from app.dynamodb.projection import Outcome
from app.dynamodb.report import AccountReport
from app.web.figures.row_content import use_state
from app.web.figures.table_rows import Condition, TableRow

_LIMITS = ("reads", "writes")
_MOST_LIMITS = 10
_THINGS = {
    Of.ACCOUNT: "All tables together",
    Of.LARGEST_TABLE: "The largest table",
}


def totals(reports: Sequence[AccountReport]) -> Mapping[str, float | None]:
    """Of all regions together; rates are per second, events are totals of the range."""
    return {
        "tables": sum(each.tables for each in reports),
        "indexes": sum(each.indexes for each in reports),
        **{
            name: _sum(reports, *names)
            for name, names in (
                ("requests", ["request_rate"]),
                ("reads", ["consumed_read_capacity"]),
                ("writes", ["consumed_write_capacity"]),
                ("throttles", ["read_throttle_events", "write_throttle_events"]),
                ("system_errors", ["system_errors"]),
                ("user_errors", ["user_errors"]),
            )
        },
    }


def region_rows(
    reports: Sequence[AccountReport], rows: Sequence[TableRow]
) -> list[Mapping[str, object]]:
    """A row for each region, with the account's limits there and how much of them is used."""
    found: list[Mapping[str, object]] = []
    for each in reports:
        values = {name: figure.value for name, figure in each.figures.items()}
        of_region = [
            row
            for row in rows
            if (row.resource.account, row.resource.region) == (each.account, each.region)
        ]
        shares = {name: values.get(f"account_provisioned_{name}_utilization") for name in _LIMITS}
        found.append(
            {
                "region": each.region,
                "tables": each.tables,
                "indexes": each.indexes,
                "problems": sum(row.condition is not Condition.CALM for row in of_region),
                "requests": values.get("request_rate"),
                "reads": values.get("consumed_read_capacity"),
                "writes": values.get("consumed_write_capacity"),
                "throttles": _sum([each], "read_throttle_events", "write_throttle_events"),
                "system_errors": values.get("system_errors"),
                "user_errors": values.get("user_errors"),
                "limits": [
                    {
                        "direction": name,
                        "provisioned": values.get(f"provisioned_{name[:-1]}_capacity"),
                        "account": values.get(f"account_max_{name}"),
                        "share": shares[name],
                        "share_state": use_state(shares[name]),
                        "table": values.get(f"account_max_table_level_{name}"),
                        "largest": values.get(f"max_provisioned_table_{name}_utilization"),
                        "largest_state": use_state(
                            values.get(f"max_provisioned_table_{name}_utilization")
                        ),
                    }
                    for name in _LIMITS
                ],
            }
        )
    return found


def limit_rows(limits: Sequence[TimeToLimit]) -> Mapping[str, object]:
    """The first of those that are over their limit or will be, and how many have been looked at."""
    told = [
        each for each in limits if each.projection.outcome in {Outcome.REACHED, Outcome.PROJECTED}
    ]
    return {
        "looked_at": len(limits),
        "told": len(told),
        "rows": [
            {
                "table": each.resource.table,
                "name": _THINGS.get(each.of, each.resource.name),
                "region": each.resource.region,
                "direction": each.direction,
                "limit": each.limit,
                "peak": each.projection.peak,
                "is_reached": each.projection.outcome is Outcome.REACHED,
                "reached_ms": each.projection.reached_ms,
                "reason": each.projection.reason,
            }
            for each in told[:_MOST_LIMITS]
        ],
    }


def cost_days(report: CostReport) -> list[Mapping[str, object]]:
    """A row for each day, the newest first; amounts are money, None where a price is not known."""
    return [
        {
            "date": day.date,
            "hours": day.hours.stop - day.hours.start,
            # What nobody uses in on-demand mode delivers nothing.
            "is_empty": not any(astuple(figures.quantities)),
            "cost": figures.amounts.cost,
            "provisioned": figures.amounts.provisioned,
            "on_demand": figures.amounts.on_demand,
            "unused": figures.amounts.unused,
        }
        for day, figures in reversed(list(zip(report.days, report.of_days, strict=True)))
    ]


def _sum(reports: Sequence[AccountReport], *names: str) -> float | None:
    known = [each.figures[name].value for each in reports for name in names if name in each.figures]
    return sum(known) if known else None
