"""JSON Schema and example of ``/limits``, for the OpenAPI description."""

from app.api.dynamodb.schemas import INDEX, TABLE_EXAMPLE, TEXT, TIME, answer, closed
from app.api.schemas import Schema
from app.dynamodb.limits import Of
from app.dynamodb.projection import Outcome

_PERCENT: Schema = {"type": ["number", "null"], "description": "Percent; null: not known"}
_POINTS: Schema = {
    "type": ["number", "null"],
    "description": "Percentage points a day; null: no line was laid",
}


def limits() -> Schema:
    """Of ``/limits``."""
    limited_by = ["provisioned", "on_demand_maximum", "account_table_limit", "account_limit"]
    item = closed(
        {
            "of": {"enum": [each.value for each in Of]},
            "account": TEXT,
            "region": TEXT,
            "table": {"type": "string", "description": "Empty: the account"},
            "index": INDEX,
            "direction": {"enum": ["read", "write"]},
            "limited_by": {"enum": limited_by},
            "limit": {"type": ["number", "null"], "description": "Units per second, the newest"},
            "outcome": {"enum": [each.value for each in Outcome]},
            "reason": TEXT,
            "peak": _PERCENT,
            "growth": _POINTS,
            "growth_error": _POINTS,
            "r_squared": {"type": ["number", "null"]},
            "reached": TIME,
            "earliest": TIME,
            "latest": TIME,
            "periods": {"type": "integer"},
            "period_days": {"enum": [1, 7]},
        }
    )
    example = {
        "of": "table",
        **TABLE_EXAMPLE,
        "index": "by-date",
        "direction": "write",
        "limited_by": "provisioned",
        "limit": 100.0,
        "outcome": "projected",
        "reason": "it grows by 0.75 percentage points a day",
        "peak": 71.5,
        "growth": 0.75,
        "growth_error": 0.03125,
        "r_squared": 0.953125,
        "reached": 1773144000000,
        "earliest": 1772884800000,
        "latest": 1773446400000,
        "periods": 28,
        "period_days": 1,
    }
    # The time of the head is that of the example's points.
    found = answer("limits", item, example)
    found["example"] |= {"start": 1767441600000, "end": 1769860800000, "resolution": 3600}
    return found
