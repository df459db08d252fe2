"""The dashboard of tables: capacity against consumption, requests, latency, errors."""

from app.grafana.capacity import capacity_panels
from app.grafana.model import Dashboard, Panel, Query, Row
from app.grafana.selectors import (
    ACCOUNT_VARIABLE,
    REGION_VARIABLE,
    TABLE,
    TABLE_VARIABLE,
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
            Row(
                "Capacity",
                (
                    *capacity_panels(_PREFIX, "read", TABLE, _NAME),
                    *capacity_panels(_PREFIX, "write", TABLE, _NAME),
                ),
            ),
            Row("Requests", _requests()),
            Row("Latency by operation", tuple(map(_latency, _LATENCIES))),
            Row("Errors and throttling", _errors()),
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
