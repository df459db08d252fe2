"""The dashboard of throttling: who, when, and why as DynamoDB says it itself."""

from app.grafana.model import Dashboard, Panel, PanelKind, Query, Row
from app.grafana.selectors import (
    ACCOUNT_VARIABLE,
    INDEX,
    INDEX_VARIABLE,
    PLACE,
    REGION_VARIABLE,
    TABLE,
    TABLE_VARIABLE,
    causes,
    highest,
    per_step,
    top,
)

_TABLE = "aws_dynamodb_endpoint"
_INDEX = "aws_dynamodb_endpoint_index"
_TABLE_LABELS = "account, region, endpoint"
_INDEX_LABELS = "account, region, endpoint, GlobalSecondaryIndexName"
_CAUSES = (
    "Provisioned: raise capacity or the target of auto scaling. Hot partition: the keys. Account"
    " limit: the quota. On-demand maximum: the table's own limit."
)


def throttling() -> Dashboard:
    """The dashboard of throttling."""
    return Dashboard(
        "hydrant-dynamodb-throttling",
        "DynamoDB: throttling",
        "Throttled tables and indexes, the cause that DynamoDB gives, and how full they were.",
        (ACCOUNT_VARIABLE, REGION_VARIABLE, TABLE_VARIABLE, INDEX_VARIABLE),
        (
            Row("Most throttled in this time range", _worst()),
            Row("Tables", (*_tables("read"), *_tables("write"))),
            Row("Indexes", (_indexes("read"), _indexes("write"))),
            Row("Throttled requests by operation", (_operations(),)),
        ),
    )


def _worst() -> tuple[Panel, ...]:
    def table(title: str, metric: str, labels: str) -> Panel:
        return Panel(
            title,
            (top(metric, PLACE, labels),),
            "short",
            "Throttle events in the time range.",
            PanelKind.TABLE,
            width=6,
            rare=True,
        )

    return (
        table("Tables, reads", f"{_TABLE}_read_throttle_events", _TABLE_LABELS),
        table("Tables, writes", f"{_TABLE}_write_throttle_events", _TABLE_LABELS),
        table("Indexes, reads", f"{_INDEX}_read_throttle_events", _INDEX_LABELS),
        table("Indexes, writes", f"{_INDEX}_write_throttle_events", _INDEX_LABELS),
    )


def _tables(direction: str) -> tuple[Panel, ...]:
    busiest = highest(f"{_TABLE}_consumed_{direction}_capacity_rate", TABLE)
    return (
        Panel(
            f"Throttled {direction}s",
            (Query(per_step(f"{_TABLE}_{direction}_throttle_events", TABLE), "{{endpoint}}"),),
            "short",
            "Events of each step, whatever the cause.",
            stacked=True,
            rare=True,
        ),
        Panel(
            f"Throttled {direction}s by cause",
            causes(_TABLE, direction, TABLE, _TABLE_LABELS),
            "short",
            _CAUSES,
            stacked=True,
            rare=True,
        ),
        Panel(
            f"{direction.capitalize()} units per second, busiest minute",
            (Query(busiest, "{{endpoint}}"),),
            "short",
            "Throttling far below what is provisioned is a hot partition.",
        ),
    )


def _indexes(direction: str) -> Panel:
    return Panel(
        f"Throttled {direction}s by cause",
        causes(_INDEX, direction, INDEX, _INDEX_LABELS),
        "short",
        _CAUSES,
        width=12,
        stacked=True,
        rare=True,
    )


def _operations() -> Panel:
    requests = per_step(f"{_TABLE}_operation_throttled_requests", TABLE)
    return Panel(
        "Throttled requests",
        (Query(requests, "{{endpoint}} {{Operation}}"),),
        "short",
        "A request counts once, however many of its events were throttled.",
        width=24,
        stacked=True,
        rare=True,
    )
