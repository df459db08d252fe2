"""JSON Schemas and examples of the reports of tables and accounts."""

from app.api.dynamodb.schemas import (
    HEAD,
    HEAD_EXAMPLE,
    INDEX,
    NUMBER,
    TABLE_EXAMPLE,
    TEXT,
    TIME,
    answer,
    closed,
)
from app.api.schemas import Schema

_PLACE: Schema = {**dict.fromkeys(("account", "region", "table"), TEXT), "index": INDEX}
_DESCRIBED: Schema = dict.fromkeys(("metric", "statistic", "unit", "description"), TEXT)
_MEASURED: Schema = {
    "value": NUMBER,
    "total": NUMBER,
    "latest": NUMBER,
    "latest_at": TIME,
    "peak": NUMBER,
    "peak_at": TIME,
    "seconds": {"type": "number", "description": "Of the periods that have points"},
}
_FIGURES: Schema = {
    "type": "object",
    "description": "By name; a figure without points is not there",
    "additionalProperties": closed({**_MEASURED, **_DESCRIBED}),
}
_DESCRIBED_EXAMPLE = {
    "metric": "ConsumedReadCapacityUnits",
    "statistic": "Sum / seconds",
    "unit": "units/second",
    "description": "Capacity that reads consumed",
}
_MEASURED_EXAMPLE = {
    "value": 41.25,
    "total": 148500.0,
    "latest": 40.0,
    "latest_at": 1769864340000,
    "peak": 92.5,
    "peak_at": 1769862240000,
    "seconds": 3600.0,
}
_FIGURE_EXAMPLE = {"consumed_read_capacity": {**_MEASURED_EXAMPLE, **_DESCRIBED_EXAMPLE}}


def tables() -> Schema:
    """Of ``/tables``."""
    descriptions = {"type": "object", "additionalProperties": closed(_DESCRIBED)}
    values = {"type": "object", "additionalProperties": NUMBER}
    items = {"type": "array", "items": closed({**_PLACE, "figures": values})}
    example = {**TABLE_EXAMPLE, "index": "", "figures": {"consumed_read_capacity": 41.25}}
    return {
        **closed({**HEAD, "figures": descriptions, "tables": items}),
        "example": {
            **HEAD_EXAMPLE,
            "figures": {"consumed_read_capacity": _DESCRIBED_EXAMPLE},
            "tables": [example],
        },
    }


def one_table() -> Schema:
    """Of ``/tables/{table}``."""
    example = {**TABLE_EXAMPLE, "index": "by-date", "figures": _FIGURE_EXAMPLE}
    return answer("resources", closed({**_PLACE, "figures": _FIGURES}), example)


def accounts() -> Schema:
    """Of ``/account``."""
    counts = {"tables": {"type": "integer"}, "indexes": {"type": "integer"}}
    item = closed({"account": TEXT, "region": TEXT, **counts, "figures": _FIGURES})
    example = {
        "account": "118736666877",
        "region": "us-east-1",
        "tables": 20,
        "indexes": 13,
        "figures": _FIGURE_EXAMPLE,
    }
    return answer("accounts", item, example)


def ranking() -> Schema:
    """Of ``/top``."""
    head = {**HEAD, "by": TEXT, **_DESCRIBED, "ranked": {"type": "integer"}}
    items = {"type": "array", "items": closed({**_PLACE, **_MEASURED})}
    example = {
        **HEAD_EXAMPLE,
        "by": "consumed_read_capacity",
        **_DESCRIBED_EXAMPLE,
        "ranked": 20,
        "top": [{**TABLE_EXAMPLE, "index": "", **_MEASURED_EXAMPLE}],
    }
    return {**closed({**head, "top": items}), "example": example}
