"""The account overview: is anything wrong, and which tables carry the load."""

from app.grafana.model import Dashboard, Panel, PanelKind, Query, Row
from app.grafana.selectors import (
    ACCOUNT,
    ACCOUNT_VARIABLE,
    PLACE,
    REGION_VARIABLE,
    highest,
    latest,
    per_second,
    per_step,
    top,
    total,
)

_PREFIX = "aws_dynamodb"
_TABLE = "aws_dynamodb_endpoint"
_PERCENT_STEPS = ((70.0, "orange"), (90.0, "red"))
_TABLE_LABELS = "account, region, endpoint"


def account_overview() -> Dashboard:
    """The dashboard of accounts."""
    return Dashboard(
        "hydrant-dynamodb-account",
        "DynamoDB: accounts",
        "Load, errors, throttling and quotas of DynamoDB accounts, and their busiest tables.",
        (ACCOUNT_VARIABLE, REGION_VARIABLE),
        (
            Row("In this time range", _numbers()),
            Row("Load of the account, over all regions", _load()),
            Row("What went wrong, over all regions", _wrong()),
            Row("Quotas", _quotas()),
            Row("Busiest tables of the regions above", _busiest()),
        ),
    )


def _numbers() -> tuple[Panel, ...]:
    def number(title: str, metric: str, description: str, *, is_bad: bool = False) -> Panel:
        query = Query(f"sum({total(f'{_PREFIX}_{metric}', ACCOUNT)})", instant=True)
        steps = ((1.0, "red"),) if is_bad else ()
        return Panel(
            title,
            (query,),
            "short",
            description,
            PanelKind.STAT,
            width=4,
            rare=is_bad,
            thresholds=steps,
        )

    return (
        number("Successful requests", "successful_requests", "SampleCount of the latencies."),
        number("Read units", "consumed_read_capacity_units", "Read capacity units consumed."),
        number("Write units", "consumed_write_capacity_units", "Write capacity units consumed."),
        number("Throttled reads", "read_throttle_events", "Throttled read events.", is_bad=True),
        number("Throttled writes", "write_throttle_events", "Throttled write events.", is_bad=True),
        number(
            "User errors",
            "user_errors",
            "Requests answered with HTTP 400, regions summed.",
            is_bad=True,
        ),
    )


def _load() -> tuple[Panel, ...]:
    def graph(title: str, metric: str, unit: str, description: str) -> Panel:
        expression = f"sum by (account) ({per_second(f'{_PREFIX}_{metric}', ACCOUNT)})"
        return Panel(title, (Query(expression, "{{account}}"),), unit, description)

    return (
        graph("Requests per second", "successful_requests", "reqps", "Successful requests."),
        graph("Read units per second", "consumed_read_capacity_units", "short", "Consumed."),
        graph("Write units per second", "consumed_write_capacity_units", "short", "Consumed."),
    )


def _wrong() -> tuple[Panel, ...]:
    def events(title: str, unit: str, description: str, *metrics: tuple[str, str]) -> Panel:
        queries = tuple(
            Query(
                f"sum by (account) ({per_step(f'{_PREFIX}_{metric}', ACCOUNT)})",
                f"{name} {{{{account}}}}",
            )
            for metric, name in metrics
        )
        return Panel(title, queries, unit, description, stacked=True, rare=True)

    return (
        events(
            "Throttle events",
            "short",
            "One request may have several. The dashboard on throttling has causes.",
            ("read_throttle_events", "read"),
            ("write_throttle_events", "write"),
        ),
        events(
            "System errors",
            "short",
            "Requests answered with HTTP 500. They are retried by every AWS SDK.",
            ("read_system_errors", "read"),
            ("write_system_errors", "write"),
        ),
        events(
            "Rejected by the caller's own conditions",
            "short",
            "Failed conditions, conflicts of transactions, and requests that were wrong.",
            ("conditional_check_failed_requests", "condition"),
            ("transaction_conflict_requests", "conflict"),
            ("user_errors", "user error"),
        ),
    )


def _quotas() -> tuple[Panel, ...]:
    def share(direction: str) -> Panel:
        metric = f"{_PREFIX}_account_provisioned_{direction}_capacity_utilization"
        return Panel(
            f"Provisioned {direction} capacity of the account's quota",
            (Query(highest(metric, ACCOUNT), "{{account}}"),),
            "percent",
            "At 100 no table can be given more capacity until the quota has been raised.",
            maximum=100.0,
            thresholds=_PERCENT_STEPS,
        )

    limits = tuple(
        Query(latest(f"{_PREFIX}_account_max_{name}", ACCOUNT), f"{name} {{{{account}}}}")
        for name in ("reads", "writes", "table_level_reads", "table_level_writes")
    )
    return (
        share("read"),
        share("write"),
        Panel("Quotas", limits, "short", "Capacity units per second, as CloudWatch reports them."),
    )


def _busiest() -> tuple[Panel, ...]:
    def table(title: str, metric: str, description: str, *, rare: bool = False) -> Panel:
        query = top(f"{_TABLE}_{metric}", PLACE, _TABLE_LABELS)
        return Panel(title, (query,), "short", description, PanelKind.TABLE, width=12, rare=rare)

    return (
        table("Read units", "consumed_read_capacity_units", "Without their indexes."),
        table("Write units", "consumed_write_capacity_units", "Without their indexes."),
        table("Throttled reads", "read_throttle_events", "Events.", rare=True),
        table("Throttled writes", "write_throttle_events", "Events.", rare=True),
    )
