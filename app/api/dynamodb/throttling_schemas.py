"""JSON Schema and example of the answer about throttling."""

from app.api.dynamodb.schemas import INDEX, NUMBER, TABLE_EXAMPLE, TEXT, TIME, answer, closed
from app.api.schemas import Schema
from app.dynamodb.episodes import Pattern
from app.dynamodb.throttle_causes import Cause
from app.dynamodb.utilization import Limit

_COUNT: Schema = {"type": "number"}
_FLAG: Schema = {"type": "boolean"}


def throttling() -> Schema:
    """Of ``/throttling``."""
    limits = [limit.name.lower() for limit in Limit if limit is not Limit.NONE]
    item = closed(
        {
            **dict.fromkeys(("account", "region", "table"), TEXT),
            "index": INDEX,
            "direction": {"enum": ["read", "write"]},
            "start": TIME,
            "end": TIME,
            "events": _COUNT,
            "cause": {"enum": [cause.value for cause in Cause]},
            "inferred": _FLAG,
            "reasoning": TEXT,
            "causes": {"type": "object", "additionalProperties": _COUNT},
            "pattern": {"enum": [*(pattern.value for pattern in Pattern), None]},
            "interval": NUMBER,
            "operations": _list(
                {"operation": TEXT, "throttled": _COUNT, "successful": _COUNT},
            ),
            "limited_by": {"enum": [*limits, None]},
            "limit": NUMBER,
            "used_average": NUMBER,
            "used_peak": NUMBER,
            "consumed_peak": NUMBER,
            "wanted_peak": NUMBER,
            "holds_back_table": {"type": ["boolean", "null"]},
            "table_used_peak": NUMBER,
            "episodes": _list(
                {
                    "start": TIME,
                    "end": TIME,
                    "throttled_seconds": _COUNT,
                    "events": _COUNT,
                    "peak_at": TIME,
                    "peak_events": _COUNT,
                }
            ),
            "advice": _list({"action": TEXT, "text": TEXT, "capacity": NUMBER}),
            "evidence": _list(
                {
                    "metric": TEXT,
                    "dimensions": {"type": "object", "additionalProperties": TEXT},
                    "statistic": TEXT,
                    "start": TIME,
                    "end": TIME,
                    "value": _COUNT,
                    "unit": TEXT,
                    "text": TEXT,
                    "statistics": TEXT,
                    "promql": TEXT,
                }
            ),
        }
    )
    return answer("findings", item, _EXAMPLE)


def _list(properties: Schema) -> Schema:
    return {"type": "array", "items": closed(properties)}


_START, _END = 1769862240000, 1769862420000
_EXAMPLE = {
    **TABLE_EXAMPLE,
    "index": "by-status",
    "direction": "write",
    "start": _START,
    "end": _END,
    "events": 46760.0,
    "cause": "provisioned",
    "inferred": False,
    "reasoning": "CloudWatch reports 46,760 throttle events of this cause, 100 % of those with a"
    " cause",
    "causes": {"provisioned": 46760.0},
    "pattern": "recurring_burst",
    "interval": 3600.0,
    "operations": [{"operation": "PutItem", "throttled": 46000.0, "successful": 21000.0}],
    "limited_by": "provisioned",
    "limit": 100.0,
    "used_average": 160.0,
    "used_peak": 280.0,
    "consumed_peak": 280.0,
    "wanted_peak": 417.0,
    "holds_back_table": True,
    "table_used_peak": 41.5,
    "episodes": [
        {
            "start": _START,
            "end": _END,
            "throttled_seconds": 180.0,
            "events": 46760.0,
            "peak_at": _START + 60_000,
            "peak_events": 18000.0,
        }
    ],
    "advice": [
        {
            "action": "raise_index_capacity",
            "text": "Writes to table orders are throttled because index by-status cannot follow: …",
            "capacity": 596.0,
        }
    ],
    "evidence": [
        {
            "metric": "WriteThrottleEvents",
            "dimensions": {"GlobalSecondaryIndexName": "by-status", "TableName": "orders"},
            "statistic": "Sum",
            "start": _START,
            "end": _END,
            "value": 46760.0,
            "unit": "Count",
            "text": "throttle events",
            "statistics": "/api/v1/statistics?namespace=AWS/DynamoDB&metric=WriteThrottleEvents&…",
            "promql": 'aws_dynamodb_WriteThrottleEvents_sum{account="118736666877", …}',
        }
    ],
}
