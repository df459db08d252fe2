"""Rows of tables as templates take them: plain values."""

from collections.abc import Mapping
from decimal import Decimal

from app.dynamodb.utilization import CRITICAL, HIGH
from app.web.figures.spark_line import HEIGHT, WIDTH, polylines
from app.web.figures.table_rows import Condition, TableRow


def row_content(row: TableRow, cost: Decimal | None = None) -> Mapping[str, object]:
    """A row; latencies are milliseconds, capacity is units per second."""
    return {
        "table": row.resource.table,
        "account": row.resource.account,
        "region": row.resource.region,
        "mode": "Provisioned" if row.provisioned else "On demand",
        "indexes": row.indexes,
        "reads": row.consumed_read,
        "writes": row.consumed_write,
        "consumed": row.consumed,
        "utilization": row.utilization_peak,
        "use_state": use_state(row.utilization_peak),
        "throttles": row.throttles,
        "index_throttles": row.index_throttles,
        "all_throttles": row.all_throttles,
        "throttled_until": row.throttled_until_ms,
        "latency": row.latency,
        "operation": None if row.slowest is None else row.slowest.operation,
        "errors": row.system_errors,
        "is_failing": row.condition is Condition.ERRORS,
        "cost": None if cost is None else float(cost),
        "condition": row.condition.value,
        "state": row.condition.state,
        "spark": polylines(row.spark),
        "spark_box": f"0 0 {WIDTH} {HEIGHT}",
    }


def use_state(percent: float | None) -> str:
    """The class of a utilisation: empty, high, or critical where throttling is near."""
    if percent is None or percent < HIGH:
        return ""
    return "critical" if percent >= CRITICAL else "high"
