"""The dashboard of global secondary indexes, whose figures stand beside their table's."""

from app.grafana.capacity import capacity_panels
from app.grafana.model import Dashboard, Panel, Query, Row
from app.grafana.selectors import (
    ACCOUNT_VARIABLE,
    INDEX,
    INDEX_VARIABLE,
    REGION_VARIABLE,
    TABLE,
    TABLE_VARIABLE,
    latest,
    per_second,
    per_step,
)

_PREFIX = "aws_dynamodb_endpoint_index"
_NAME = "{{endpoint}}/{{GlobalSecondaryIndexName}}"


def indexes() -> Dashboard:
    """The dashboard of indexes."""
    return Dashboard(
        "hydrant-dynamodb-index",
        "DynamoDB: indexes",
        "Global secondary indexes. A throttled index holds back the writes of its table.",
        (ACCOUNT_VARIABLE, REGION_VARIABLE, TABLE_VARIABLE, INDEX_VARIABLE),
        (
            Row("Read capacity", capacity_panels(_PREFIX, "read", INDEX, _NAME)),
            Row("Write capacity", capacity_panels(_PREFIX, "write", INDEX, _NAME)),
            Row("Throttling", (_throttling("read"), _throttling("write"), _beside_table())),
            Row("While an index is being built", _building()),
        ),
    )


def _throttling(direction: str) -> Panel:
    return Panel(
        f"Throttled {direction}s",
        (Query(per_step(f"{_PREFIX}_{direction}_throttle_events", INDEX), _NAME),),
        "short",
        "Events of the index itself.",
        stacked=True,
        rare=True,
    )


def _beside_table() -> Panel:
    by_table = "sum by (account, region, endpoint)"
    index = per_step(f"{_PREFIX}_write_throttle_events", INDEX)
    table = per_step("aws_dynamodb_endpoint_write_throttle_events", TABLE)
    return Panel(
        "Writes of tables and of their indexes",
        (
            Query(f"{by_table} ({index})", "indexes of {{endpoint}}"),
            Query(f"{by_table} ({table})", "table {{endpoint}}"),
        ),
        "short",
        "Where both rise together, the index is too small for what the table writes.",
        stacked=True,
        rare=True,
    )


def _building() -> tuple[Panel, ...]:
    def graph(title: str, expression: str, unit: str, description: str) -> Panel:
        return Panel(title, (Query(expression, _NAME),), unit, description, rare=True)

    return (
        graph(
            "Progress",
            latest(f"{_PREFIX}_online_progress", INDEX),
            "percent",
            "Of items copied into the new index.",
        ),
        graph(
            "Write units per second",
            per_second(f"{_PREFIX}_online_consumed_write_capacity", INDEX),
            "short",
            "Consumed by the copying, beside what the table writes.",
        ),
        graph(
            "Throttle events",
            per_step(f"{_PREFIX}_online_throttle_events", INDEX),
            "short",
            "Of the copying: more write capacity makes it faster.",
        ),
    )
