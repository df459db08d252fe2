"""JSON Schemas and examples of answers, for the OpenAPI description."""

from typing import Any

from app.api.entities import ENTITY_COLUMNS
from app.api.formats import MEDIA_TYPES, AnswerFormat

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_INTEGER: Schema = {"type": "integer"}
_NUMBER: Schema = {"type": ["number", "null"]}
_TEXTS_BY_NAME: Schema = {"type": "object", "additionalProperties": _TEXT}
_TIMES: Schema = {"type": "array", "items": _INTEGER, "description": "Unix milliseconds"}
_NUMBERS: Schema = {"type": "array", "items": _NUMBER, "description": "null: missing or infinite"}
_NEXT: Schema = {"type": "string", "description": "Cursor of the next page, if there is one"}
_LAST_BOUND: Schema = {
    "type": "number",
    "description": "Of percentiles: the largest bound; what is null lies beyond it",
}
_ENTITY: Schema = {
    name: {"type": "integer" if name == "component" else "string"} for name in ENTITY_COLUMNS
}
_ALWAYS = ["layer", "service", "endpoint", "region"]
_TABLE: Schema = {"type": "string", "description": "The columns are told in docs/http-api.md"}

ERROR: Schema = {
    "type": "object",
    "required": ["kind", "message"],
    "properties": {
        "kind": _TEXT,
        "message": _TEXT,
        "parameter": {"type": "string", "description": "Where one parameter is at fault"},
    },
    "example": {
        "kind": "invalid_parameter",
        "message": "step: '90' is not a positive multiple of 60 seconds",
        "parameter": "step",
    },
}


def list_responses(schema: Schema) -> dict[int | str, dict[str, Any]]:
    """The answers of a route that gives a list in every format."""
    content = {
        media_type: {"schema": schema if answer_format is AnswerFormat.JSON else _TABLE}
        for answer_format, media_type in MEDIA_TYPES.items()
    }
    headers = {
        "ETag": {"schema": _TEXT, "description": "If the time range is over"},
        "Link": {"schema": _TEXT, "description": 'The next page, rel="next"'},
    }
    return {
        200: {"description": "The list", "content": content, "headers": headers},
        304: {"description": "If-None-Match has the ETag of this answer"},
    }


def metric_values() -> Schema:
    """Of ``/metrics/{name}``."""
    example = {"metric": _METRIC, "step": 60, "series": [_VALUES_EXAMPLE]}
    return _object({"metric": _TEXT, "step": _INTEGER, "series": _list(_values())}, example)


def values() -> Schema:
    """Of ``/values``."""
    example = {"step": 60, "series": [{"metric": _METRIC, **_VALUES_EXAMPLE}]}
    series = _values()
    series = {
        **series,
        "required": ["metric", *series["required"]],
        "properties": {"metric": _TEXT, **series["properties"]},
    }
    return _object({"step": _INTEGER, "series": _list(series)}, example)


def top() -> Schema:
    """Of ``/top/{name}``."""
    item = {
        "type": "object",
        "required": ["labels", "value"],
        "properties": {
            **_ENTITY,
            "labels": _TEXTS_BY_NAME,
            "value": _NUMBER,
            "series": {"type": "integer", "description": "With `by`: combined of so many"},
            "last_bound": _LAST_BOUND,
        },
    }
    properties = {
        "metric": _TEXT,
        "combine": _TEXT,
        "order": {"enum": ["desc", "asc"]},
        "start": _INTEGER,
        "end": {"type": ["integer", "null"]},
        "total": _INTEGER,
        "top": _list(item),
    }
    example = {
        "metric": _METRIC,
        "combine": "sum",
        "order": "desc",
        "start": 1769860800000,
        "end": 1769861400000,
        "total": 5,
        "top": [{**_ENTITY_EXAMPLE, "labels": {}, "value": 893772.0}],
    }
    return _object(properties, example)


def entities() -> Schema:
    """Of ``/entities``."""
    item = {
        "type": "object",
        "required": ["scope", *_ALWAYS, "properties"],
        "properties": {"scope": _TEXT, **_ENTITY, "properties": _TEXTS_BY_NAME},
    }
    shown = {"scope": "endpoint", **_ENTITY_EXAMPLE, "properties": {}}
    return _object({"total": _INTEGER, "entities": _list(item)}, {"total": 1, "entities": [shown]})


def series() -> Schema:
    """Of ``/series``."""
    return _object({"series": _list(_series({}))}, {"series": [_SERIES_EXAMPLE]})


def statistics() -> Schema:
    """Of ``/statistics``, with one period or several."""
    columns = {"type": "object", "additionalProperties": _NUMBERS}
    item = _series({"timestamps": _TIMES, "statistics": columns})
    one = {"period": _INTEGER, "series": _list(item)}
    of_period = {"type": "object", "required": [*one], "properties": one}
    shown = {
        **_SERIES_EXAMPLE,
        "timestamps": [1769860800000],
        "statistics": {"Sum": [3536.0], "Maximum": [2.5]},
    }
    return {
        "oneOf": [
            _object(one, {"period": 60, "series": [shown]}),
            _object({"periods": _list(of_period)}, {}),
        ],
        "example": {"period": 60, "series": [shown]},
    }


def _values() -> Schema:
    return {
        "type": "object",
        "required": [*_ALWAYS, "labels", "timestamps", "values"],
        "properties": {
            **_ENTITY,
            "labels": _TEXTS_BY_NAME,
            "timestamps": _TIMES,
            "values": _NUMBERS,
            "last_bound": _LAST_BOUND,
        },
    }


def _series(more: Schema) -> Schema:
    texts = ("account", "region", "namespace", "metric", "unit", "kind")
    properties = {**dict.fromkeys(texts, _TEXT), "dimensions": _TEXTS_BY_NAME, **more}
    return {"type": "object", "required": [*properties], "properties": properties}


def _object(properties: Schema, example: Schema) -> Schema:
    shown = {"example": example} if example else {}
    return {
        "type": "object",
        "required": [*properties],
        "properties": {**properties, "next": _NEXT},
        **shown,
    }


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item}


_METRIC = "aws_dynamodb_endpoint_consumed_read_capacity_units"
_ENTITY_EXAMPLE = {
    "layer": "AWS_DYNAMODB",
    "service": "aws-dynamodb::118736666877",
    "endpoint": "orders",
    "region": "us-east-1",
}
_VALUES_EXAMPLE = {
    **_ENTITY_EXAMPLE,
    "labels": {},
    "timestamps": [1769860800000],
    "values": [3536.0],
}
_SERIES_EXAMPLE = {
    "account": "118736666877",
    "region": "us-east-1",
    "namespace": "AWS/DynamoDB",
    "metric": "ConsumedReadCapacityUnits",
    "dimensions": {"TableName": "orders"},
    "unit": "Count",
    "kind": "summary",
}
