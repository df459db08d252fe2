"""The dashboard of tables: capacity against consumption, requests, latency, errors."""

from app.grafana.model import Dashboard, Panel, Query, Row
from app.grafana.selectors import (
    ACCOUNT_VARIABLE,
    REGION_VARIABLE,
    TABLE,
    TABLE_VARIABLE,
    highest,
    latest,
    per_second,
    per_step,
)

_PREFIX = "aws_dynamodb_endpoint"
_NAME = "{{endpoint}}"
_LATENCIES = ("get", "put", "update", "delete", "query", "scan")


def tables() -> Dashboard:
    """The dashboard of tables."""
    return Dashboard(
        "hydrant-dynamodb-table",
        "DynamoDB: tables",
        "Tables without their indexes, which have a dashboard of their own.",
        (ACCOUNT_VARIABLE, REGION_VARIABLE, TABLE_VARIABLE),
        (
            Row("Capacity", (*_capacity("read"), *_capacity("write"))),
            Row("Requests", _requests()),
            Row("Latency by operation", tuple(map(_latency, _LATENCIES))),
            Row("Errors and throttling", _errors()),
        ),
    )


def _capacity(direction: str) -> tuple[Panel, ...]:
    consumed = f"{_PREFIX}_consumed_{direction}_capacity"
    return (
        Panel(
            f"{direction.capitalize()} units per second",
            (
                Query(per_second(f"{consumed}_units", TABLE), f"consumed {_NAME}"),
                Query(
                    latest(f"{_PREFIX}_provisioned_{direction}_capacity_units", TABLE),
                    f"provisioned {_NAME}",
                ),
            ),
            "short",
            "The average of each step, and what is provisioned, which on-demand tables have not.",
        ),
        Panel(
            f"Busiest minute, {direction} units per second",
            (Query(highest(f"{consumed}_rate", TABLE), _NAME),),
            "short",
            "Of each step the minute that consumed most. Short peaks disappear in averages.",
        ),
        Panel(
            f"{direction.capitalize()} capacity used",
            (Query(latest(f"{_PREFIX}_{direction}_capacity_utilization", TABLE), _NAME),),
            "percent",
            "Of what is provisioned, in the minutes in which CloudWatch says how much that is.",
            rare=True,
            thresholds=((70.0, "orange"), (90.0, "red")),
        ),
    )


def _requests() -> tuple[Panel, ...]:
    def graph(title: str, metric: str, unit: str, description: str, *, rare: bool = False) -> Panel:
        query = Query(per_second(f"{_PREFIX}_{metric}", TABLE), _NAME)
        return Panel(title, (query,), unit, description, rare=rare)

    return (
        graph("Requests per second", "successful_requests", "reqps", "Successful ones."),
        graph(
            "Items returned by Query per second",
            "query_returned_item_count",
            "short",
            "Far more items than requests: pages are large.",
        ),
        graph(
            "Items returned by Scan per second",
            "scan_returned_item_count",
            "short",
            "A scan reads the whole table, which is paid for.",
            rare=True,
        ),
    )


def _latency(operation: str) -> Panel:
    metric = f"{_PREFIX}_{operation}_successful_request_latency"
    return Panel(
        f"{operation.capitalize()}",
        (Query(latest(metric, TABLE), _NAME),),
        "ms",
        "Average of each minute; the dashboard on operations has percentiles.",
        width=4,
        rare=True,
    )


def _errors() -> tuple[Panel, ...]:
    def events(title: str, description: str, *metrics: tuple[str, str]) -> Panel:
        queries = tuple(
            Query(per_step(f"{_PREFIX}_{metric}", TABLE), f"{name} {_NAME}")
            for metric, name in metrics
        )
        return Panel(title, queries, "short", description, stacked=True, rare=True)

    return (
        events(
            "Throttle events",
            "The dashboard on throttling says why.",
            ("read_throttle_events", "read"),
            ("write_throttle_events", "write"),
        ),
        events(
            "System errors",
            "Requests answered with HTTP 500.",
            ("read_system_errors", "read"),
            ("write_system_errors", "write"),
        ),
        events(
            "Conditions and conflicts",
            "Failed conditions of writes, and items that two transactions wanted.",
            ("conditional_check_failed_requests", "condition"),
            ("transaction_conflict", "conflict"),
        ),
    )
