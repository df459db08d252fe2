"""JSON Schemas and examples of answers about costs, for the OpenAPI description."""

from app.api.dynamodb.cost_content import AMOUNTS, QUANTITIES
from app.api.dynamodb.schemas import closed
from app.api.schemas import Schema

_TEXT: Schema = {"type": "string"}
_INTEGER: Schema = {"type": "integer"}
_TIME: Schema = {"type": "integer", "description": "Unix milliseconds"}
_NUMBER: Schema = {"type": "number"}
_SHARE: Schema = {"type": ["number", "null"], "description": "Percent; null: not known"}
_MONEY: Schema = {
    "type": ["string", "null"],
    "description": "A decimal number in the prices' currency; null: a price is not known",
}
_TEXTS: Schema = {"type": "array", "items": _TEXT}

_FIGURES: Schema = {
    **dict.fromkeys(AMOUNTS, _MONEY),
    "unused_percent": _SHARE,
    **{name: _INTEGER if name.endswith("minutes") else _NUMBER for name in QUANTITIES},
}
_PRICES = closed(
    {
        "file": _TEXT,
        "date": _TEXT,
        "currency": _TEXT,
        "source": _TEXT,
        "regions": {
            "type": "object",
            "additionalProperties": closed({"date": _TEXT, "source": _TEXT}),
        },
    }
)
_FIGURES_EXAMPLE: dict[str, object] = {
    "cost": "0.091",
    "provisioned": "0.091",
    "on_demand": "0",
    "unused": "0.0858",
    "if_on_demand": "0.018",
    "if_auto_scaled": "0.0091",
    "unused_percent": 94.28571428571429,
    "provisioned_read_unit_hours": 200.0,
    "provisioned_write_unit_hours": 100.0,
    "unused_read_unit_hours": 160.0,
    "unused_write_unit_hours": 100.0,
    "consumed_read_units": 144000.0,
    "consumed_write_units": 0.0,
    "on_demand_read_units": 0.0,
    "on_demand_write_units": 0.0,
    "covered_minutes": 240,
    "missing_minutes": 0,
}
_PRICES_EXAMPLE: dict[str, object] = {
    "file": "/etc/hydrant/prices.yaml",
    "date": "2026-09-29",
    "currency": "USD",
    "source": "our contract",
    "regions": {"us-east-1": {"date": "2026-09-29", "source": "our contract"}},
}


def cost() -> Schema:
    """Of ``/cost``."""
    day = closed({"date": _TEXT, **_FIGURES})
    resource = closed(
        {
            "index": {"type": "string", "description": "Empty: the table without its indexes"},
            "total": closed(_FIGURES),
            "if_flat": _MONEY,
            "flat_read_units": _INTEGER,
            "flat_write_units": _INTEGER,
            "days": _list(day),
        }
    )
    mode = {"enum": ["provisioned", "on_demand", "switched", "unknown"]}
    advice = closed(
        {
            "action": {"enum": ["switch_to_on_demand", "switch_to_provisioned", "lower_capacity"]},
            "text": _TEXT,
            "hours": _INTEGER,
            "cost": _TEXT,
            "cost_then": _TEXT,
            "saving_percent": _NUMBER,
            "saving_a_month": _TEXT,
        }
    )
    table = closed(
        {
            **dict.fromkeys(("account", "region", "table"), _TEXT),
            "table_class": {"enum": ["standard", "infrequent_access"]},
            "missing_prices": _TEXTS,
            "modes": _list(closed({"start": _TIME, "end": _TIME, "mode": mode})),
            "hours": closed(dict.fromkeys(mode["enum"], _INTEGER)),
            "total": closed(_FIGURES),
            "if_flat": _MONEY,
            "break_even_percent": closed({"reads": _SHARE, "writes": _SHARE}),
            "resources": _list(resource),
            "advice": {"anyOf": [advice, {"type": "null"}]},
        }
    )
    properties: Schema = {
        "start": _TIME,
        "end": _TIME,
        "resolution": {"type": "integer", "description": "Seconds of a point: 60, 300 or 3600"},
        "utc_offset": _TEXT,
        "target_utilization": _INTEGER,
        "prices": _PRICES,
        "assumptions": _TEXTS,
        "total": closed(_FIGURES),
        "days": _list(day),
        "total_tables": _INTEGER,
        "unpriced_tables": _INTEGER,
        "unpriced_regions": _TEXTS,
        "tables": _list(table),
    }
    return {**closed(properties), "example": _cost_example()}


def _cost_example() -> dict[str, object]:
    day = {"date": "2026-01-31", **_FIGURES_EXAMPLE}
    start, end = 1769860800000, 1769868000000
    return {
        "start": start,
        "end": end,
        "resolution": 60,
        "utc_offset": "Z",
        "target_utilization": 70,
        "prices": _PRICES_EXAMPLE,
        "assumptions": ["An estimate from list prices."],
        "total": _FIGURES_EXAMPLE,
        "days": [day],
        "total_tables": 1,
        "unpriced_tables": 0,
        "unpriced_regions": [],
        "tables": [
            {
                "account": "118736666877",
                "region": "us-east-1",
                "table": "orders",
                "table_class": "standard",
                "missing_prices": [],
                "modes": [{"start": start, "end": end, "mode": "provisioned"}],
                "hours": {"unknown": 0, "provisioned": 2, "on_demand": 0, "switched": 0},
                "total": _FIGURES_EXAMPLE,
                "if_flat": "0.0065",
                "break_even_percent": {"reads": 28.88888888888889, "writes": 28.88888888888889},
                "resources": [
                    {
                        "index": "",
                        "total": _FIGURES_EXAMPLE,
                        "if_flat": "0.0065",
                        "flat_read_units": 20,
                        "flat_write_units": 1,
                        "days": [day],
                    }
                ],
                # Without nulls, which the description leaves out of examples.
                "advice": {
                    "action": "switch_to_on_demand",
                    "text": "On-demand would have cost less for this traffic.",
                    "hours": 24,
                    "cost": "1.092",
                    "cost_then": "0.216",
                    "saving_percent": 80.21978021978022,
                    "saving_a_month": "26.65",
                },
            }
        ],
    }


def stream_cost_schema() -> Schema:
    """Of ``/stream-cost``."""
    figures: Schema = {
        **dict.fromkeys(("series", "points", "updates"), _INTEGER),
        "share_percent": _NUMBER,
        "cost": _MONEY,
        "cost_a_month": _MONEY,
    }

    def rows(*names: str) -> Schema:
        return _list(closed({**dict.fromkeys(("account", "region", *names), _TEXT), **figures}))

    firehose = closed(
        {
            "account": _TEXT,
            "region": _TEXT,
            "bytes_per_point": _NUMBER,
            "gigabytes": _NUMBER,
            "cost": _MONEY,
            "cost_a_month": _MONEY,
        }
    )
    properties: Schema = {
        "start": _TIME,
        "end": _TIME,
        "hours": {"type": "integer", "description": "Hours with points"},
        "counted_hours": {"type": "integer", "description": "Hours that were counted"},
        "minutes": {"type": "integer", "description": "Minutes with points"},
        "counted_minutes": _INTEGER,
        "is_complete": {"type": "boolean", "description": "false: a sample, scaled to the range"},
        "prices": _PRICES,
        "assumptions": _TEXTS,
        "unpriced_regions": _TEXTS,
        "total": closed(figures),
        "namespaces": rows("namespace"),
        "tables": rows("table"),
        "firehose": _list(firehose),
        "total_metrics": _INTEGER,
        "total_tables": _INTEGER,
        "metrics": rows("namespace", "metric"),
    }
    return {**closed(properties), "example": _stream_cost_example()}


def _stream_cost_example() -> dict[str, object]:
    place = {"account": "118736666877", "region": "us-east-1"}
    figures = {
        "series": 2,
        "points": 2880,
        "updates": 5760,
        "share_percent": 100.0,
        "cost": "0.01728",
        "cost_a_month": "0.5256",
    }
    return {
        "start": 1769817600000,
        "end": 1769904000000,
        "hours": 24,
        "counted_hours": 24,
        "minutes": 1440,
        "counted_minutes": 1440,
        "is_complete": True,
        "prices": _PRICES_EXAMPLE,
        "assumptions": ["An estimate from points that are stored."],
        "unpriced_regions": [],
        "total": figures,
        "namespaces": [{**place, "namespace": "AWS/DynamoDB", **figures}],
        "tables": [{**place, "table": "orders", **figures}],
        "firehose": [
            {
                **place,
                "bytes_per_point": 240.0,
                "gigabytes": 0.00064373016357421875,
                "cost": "0.000018668175",
                "cost_a_month": "0.000567823648",
            }
        ],
        "total_metrics": 1,
        "total_tables": 1,
        "metrics": [
            {
                **place,
                "namespace": "AWS/DynamoDB",
                "metric": "SuccessfulRequestLatency",
                **figures,
            }
        ],
    }


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item}
