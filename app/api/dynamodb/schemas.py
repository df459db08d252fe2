"""JSON Schemas and examples of answers about DynamoDB, for the OpenAPI description."""

from collections.abc import Mapping

from app.api.schemas import Schema

TEXT: Schema = {"type": "string"}
INDEX: Schema = {"type": "string", "description": "Empty: the table itself"}
NUMBER: Schema = {"type": ["number", "null"], "description": "null: not delivered"}
TIME: Schema = {"type": ["integer", "null"], "description": "Unix milliseconds"}
HEAD: Schema = {
    "start": {"type": "integer", "description": "Unix milliseconds, as read"},
    "end": {"type": "integer", "description": "Unix milliseconds, as read; exclusive"},
    "resolution": {"type": "integer", "description": "Seconds of the points: 60, 300 or 3600"},
}
HEAD_EXAMPLE = {"start": 1769860800000, "end": 1769864400000, "resolution": 60}
TABLE_EXAMPLE = {"account": "118736666877", "region": "us-east-1", "table": "orders"}


def answer(name: str, item: Schema, example: Mapping[str, object]) -> Schema:
    """An answer with its head and items."""
    properties = {**HEAD, name: {"type": "array", "items": item}}
    return {
        **closed(properties),
        "example": {**HEAD_EXAMPLE, name: [example]},
    }


def closed(properties: Schema) -> Schema:
    """An object that has all of these members."""
    return {"type": "object", "required": [*properties], "properties": properties}


def latency() -> Schema:
    """Of ``/latency``."""
    delivered = {"highest_ms": NUMBER, "highest_at": TIME}
    delivered |= {"latest_ms": NUMBER, "latest_at": TIME}
    item = closed(
        {
            **dict.fromkeys(("account", "region", "table", "operation"), TEXT),
            "requests": NUMBER,
            "requests_per_second": NUMBER,
            "average_ms": NUMBER,
            "minimum_ms": NUMBER,
            "maximum_ms": NUMBER,
            "maximum_at": TIME,
            "percentiles": {"type": "object", "additionalProperties": closed(delivered)},
            "throttled_requests": NUMBER,
            "system_errors": NUMBER,
        }
    )
    example = {
        **TABLE_EXAMPLE,
        "operation": "Query",
        "requests": 147000.0,
        "requests_per_second": 40.833333333333336,
        "average_ms": 5.25,
        "minimum_ms": 1.5,
        "maximum_ms": 96.0,
        "maximum_at": 1769862240000,
        "percentiles": {
            "p99": {
                "highest_ms": 31.5,
                "highest_at": 1769862240000,
                "latest_ms": 22.25,
                "latest_at": 1769864340000,
            }
        },
        "throttled_requests": 12.0,
        "system_errors": 1.0,
    }
    return answer("operations", item, example)


def utilization() -> Schema:
    """Of ``/utilization``."""
    limits = ["provisioned", "on_demand_maximum", "account_table_limit", None]
    item = closed(
        {
            **dict.fromkeys(("account", "region", "table"), TEXT),
            "index": INDEX,
            "direction": {"enum": ["read", "write"]},
            "limited_by": {"enum": limits},
            "limit": NUMBER,
            "consumed": NUMBER,
            "current": NUMBER,
            "current_at": TIME,
            "average": NUMBER,
            "peak": NUMBER,
            "peak_at": TIME,
            "above_70": NUMBER,
            "above_80": NUMBER,
            "seconds": {"type": "number"},
        }
    )
    example = {
        **TABLE_EXAMPLE,
        "index": "by-date",
        "direction": "write",
        "limited_by": "provisioned",
        "limit": 100.0,
        "consumed": 64.0,
        "current": 64.0,
        "current_at": 1769864340000,
        "average": 61.5,
        "peak": 92.5,
        "peak_at": 1769862240000,
        "above_70": 25.0,
        "above_80": 10.0,
        "seconds": 3600.0,
    }
    return answer("utilization", item, example)
