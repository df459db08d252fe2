"""The dashboard of operations: latency with the delivered percentiles, requests, errors."""

from app.grafana.model import Dashboard, Panel, Query, Row, Variable
from app.grafana.selectors import (
    ACCOUNT,
    ACCOUNT_VARIABLE,
    REGION_VARIABLE,
    TABLE,
    TABLE_VARIABLE,
    highest,
    latest,
    per_second,
    per_step,
)

_ACCOUNT = "aws_dynamodb_operation"
_TABLE = "aws_dynamodb_endpoint_operation"
_OPERATION = 'Operation=~"$operation"'
_OF_ACCOUNT = f"{ACCOUNT}, {_OPERATION}"
_OF_TABLE = f"{TABLE}, {_OPERATION}"
_NAME = "{{endpoint}} {{Operation}}"


def operations() -> Dashboard:
    """The dashboard of operations."""
    variable = Variable("operation", "Operation", f"{_TABLE}_requests{{{TABLE}}}", "Operation")
    return Dashboard(
        "hydrant-dynamodb-operation",
        "DynamoDB: operations",
        "GetItem, PutItem, Query and the others, of the account and of tables.",
        (ACCOUNT_VARIABLE, REGION_VARIABLE, TABLE_VARIABLE, variable),
        (
            Row("The account, over all tables and regions", _account()),
            Row("Latency of tables", _latency()),
            Row("Requests of tables", _requests()),
            Row("What went wrong", _wrong()),
        ),
    )


def _account() -> tuple[Panel, ...]:
    name = "{{account}} {{Operation}}"
    return (
        Panel(
            "Requests per second",
            (Query(per_second(f"{_ACCOUNT}_requests", _OF_ACCOUNT), name),),
            "reqps",
            "Successful requests by operation.",
            stacked=True,
        ),
        Panel(
            "Average latency",
            (Query(latest(f"{_ACCOUNT}_latency", _OF_ACCOUNT), name),),
            "ms",
            "Of each minute, weighted by requests.",
        ),
        Panel(
            "Highest p99",
            (Query(highest(f"{_ACCOUNT}_latency_p99", _OF_ACCOUNT), name),),
            "ms",
            "The slowest table and minute of each step: percentiles cannot be averaged.",
        ),
    )


def _latency() -> tuple[Panel, ...]:
    def percentile(rank: int) -> Panel:
        return Panel(
            f"p{rank}",
            (Query(highest(f"{_TABLE}_latency_p{rank}", _OF_TABLE), _NAME),),
            "ms",
            "The highest minute of each step, where the metric stream delivers this percentile.",
            width=6,
        )

    average = Panel(
        "Average",
        (Query(latest(f"{_TABLE}_latency", _OF_TABLE), _NAME),),
        "ms",
        "Of each minute.",
        width=6,
    )
    return (average, percentile(50), percentile(90), percentile(99))


def _requests() -> tuple[Panel, ...]:
    return (
        Panel(
            "Requests per second",
            (Query(per_second(f"{_TABLE}_requests", _OF_TABLE), _NAME),),
            "reqps",
            "Successful requests, the average of each step.",
        ),
        Panel(
            "Busiest minute, requests per second",
            (Query(highest(f"{_TABLE}_request_rate", _OF_TABLE), _NAME),),
            "reqps",
            "Of each step the minute with most requests.",
        ),
        Panel(
            "Items returned per second",
            (Query(per_second(f"{_TABLE}_returned_items", _OF_TABLE), _NAME),),
            "short",
            "By Query and Scan.",
        ),
    )


def _wrong() -> tuple[Panel, ...]:
    def share(title: str, metric: str, description: str) -> Panel:
        query = Query(highest(f"{_TABLE}_{metric}", _OF_TABLE), _NAME)
        return Panel(title, (query,), "percent", description, width=6)

    def events(title: str, metric: str, description: str) -> Panel:
        query = Query(per_step(f"{_TABLE}_{metric}", _OF_TABLE), _NAME)
        return Panel(title, (query,), "short", description, width=6, stacked=True, rare=True)

    return (
        share("Errors, worst minute", "error_rate", "HTTP 500 of all requests, of each step."),
        share("Throttled, worst minute", "throttle_rate", "Throttled of all requests."),
        events("System errors", "system_errors", "Requests answered with HTTP 500."),
        events("Throttled requests", "throttled_requests", "Requests, not events."),
    )
