"""JSON Schemas of answers about alarms, and of what is posted, for the OpenAPI description."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from app.alarms.rules import Severity
from app.alarms.states import AlarmState
from app.api.schemas import ERROR, Schema
from app.storage import NotificationState

# PostgreSQL keeps no NUL.
_STORABLE = r"^[^\x00]*\Z"
ShortText = Annotated[str, msgspec.Meta(max_length=200, pattern=_STORABLE)]
LongText = Annotated[str, msgspec.Meta(max_length=2_000, pattern=_STORABLE)]

_TEXT: Schema = {"type": "string"}
_TEXT_OR_NOT: Schema = {"type": ["string", "null"]}
_BOOLEAN: Schema = {"type": "boolean"}
_INTEGER: Schema = {"type": "integer"}
_TIME: Schema = {"type": "integer", "description": "Unix milliseconds"}
_TIME_OR_NOT: Schema = {"type": ["integer", "null"], "description": "Unix milliseconds"}
_VALUE: Schema = {"type": ["number", "null"]}
_TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
_IDS: Schema = {"type": "array", "items": _INTEGER}
_STATE: Schema = {"enum": [state.name for state in AlarmState]}
_SEVERITY: Schema = {"enum": [*(severity.value for severity in Severity), None]}
_NEXT: Schema = {"type": "string", "description": "Cursor of the next page, if there is one"}
_EVALUATED: Schema = {
    "type": ["integer", "null"],
    "description": "Up to where datapoints have been evaluated, in Unix milliseconds",
}
_DATAPOINTS: Schema = {
    "type": "array",
    "description": "The window: end of the period in Unix milliseconds, value or null",
    "items": {"type": "array", "items": _VALUE, "minItems": 2, "maxItems": 2},
}

_SINCE = 1769860860000
_ENTITY_EXAMPLE = {"TableName": "orders", "account": "118736666877", "region": "us-east-1"}
# Of examples: the description leaves members out that are null.
_ACKNOWLEDGED_EXAMPLE = {"at": _SINCE, "by": "ada", "comment": "raising the capacity"}
_REASON = (
    "Threshold crossed: the datapoint [12 (2026-01-31T12:01Z)] was greater than or equal to the"
    " threshold (1); 1 of 1 needed"
)


def _object(properties: Schema, optional: Sequence[str] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": properties}


def _list(
    name: str, item: Schema, example: dict[str, object], head: Schema | None = None
) -> Schema:
    properties = {**(head or {}), name: {"type": "array", "items": item}, "next": _NEXT}
    shown: dict[str, object] = dict.fromkeys(head or {}, _SINCE)
    return {**_object(properties, ("next",)), "example": {**shown, name: [example]}}


_ACKNOWLEDGED: Schema = {
    "type": ["object", "null"],
    "required": ["at", "by", "comment"],
    "properties": {"at": _TIME, "by": _TEXT, "comment": _TEXT},
    "additionalProperties": False,
}


def states() -> Schema:
    """Of ``/alarms``."""
    item = _object(
        {
            "rule": _TEXT,
            "severity": _SEVERITY,
            "state": _STATE,
            "since": _TIME,
            "value": _VALUE,
            "reason": _TEXT,
            "entity": _TEXTS,
            "labels": _TEXTS,
            "datapoints": _DATAPOINTS,
            "incident": {"type": ["integer", "null"]},
            "summary": _TEXT_OR_NOT,
            "acknowledgement": _ACKNOWLEDGED,
            "description": _TEXT_OR_NOT,
            "runbook": _TEXT_OR_NOT,
            "links": _TEXTS,
            "silenced": {**_IDS, "description": "Ids of the silences that hold it"},
        }
    )
    example: dict[str, object] = {
        "rule": "DynamoDBReadThrottled",
        "severity": "warning",
        "state": "ALARM",
        "since": _SINCE,
        "value": 12.0,
        "reason": _REASON,
        "entity": _ENTITY_EXAMPLE,
        "labels": {},
        "datapoints": [[_SINCE, 12.0]],
        "incident": 7,
        "summary": "Reads of table orders are throttled",
        "acknowledgement": _ACKNOWLEDGED_EXAMPLE,
        "description": "Reads of a table are throttled.",
        "runbook": "docs/alarms.md#dynamodbreadthrottled",
        "links": {"incident": "/api/v1/alarms/incidents/7"},
        "silenced": [],
    }
    return _list("alarms", item, example, {"evaluated": _EVALUATED})


def history() -> Schema:
    """Of ``/alarms/history``."""
    item = _object(
        {
            "id": _INTEGER,
            "rule": _TEXT,
            "at": _TIME,
            "from": _STATE,
            "to": _STATE,
            "reason": _TEXT,
            "datapoints": _DATAPOINTS,
            "late": _BOOLEAN,
            "evaluated": _TIME,
            "withdrawn": _TIME_OR_NOT,
            "withdrawn_reason": _TEXT_OR_NOT,
            "entity": _TEXTS,
        }
    )
    example: dict[str, object] = {
        "id": 12,
        "rule": "DynamoDBReadThrottled",
        "at": _SINCE,
        "from": "OK",
        "to": "ALARM",
        "reason": _REASON,
        "datapoints": [[_SINCE, 12.0]],
        "late": False,
        "evaluated": _SINCE + 200_000,
        "withdrawn": _SINCE + 400_000,
        "withdrawn_reason": "late data",
        "entity": _ENTITY_EXAMPLE,
    }
    return _list("transitions", item, example, {"evaluated": _EVALUATED})


def incident() -> Schema:
    """An incident as lists have it."""
    return _object(
        {
            "id": _INTEGER,
            "rule": _TEXT,
            "severity": _TEXT,
            "state": {"enum": ["open", "ended"]},
            "started": _TIME,
            "ended": _TIME_OR_NOT,
            "withdrawn": _BOOLEAN,
            "entity": _TEXTS,
            "labels": _TEXTS,
            "summary": _TEXT,
            "reason": _TEXT,
            "value": _VALUE,
            "acknowledgement": _ACKNOWLEDGED,
            "history": _TEXT,
        }
    )


def incidents() -> Schema:
    """Of ``/alarms/incidents``."""
    example: dict[str, object] = {
        "id": 7,
        "rule": "DynamoDBReadThrottled",
        "severity": "warning",
        "state": "ended",
        "started": _SINCE,
        "ended": _SINCE + 300_000,
        "withdrawn": False,
        "entity": _ENTITY_EXAMPLE,
        "labels": {},
        "summary": "Reads of table orders are throttled",
        "reason": _REASON,
        "value": 12.0,
        "acknowledgement": _ACKNOWLEDGED_EXAMPLE,
        "history": "/api/v1/alarms/history?rule=DynamoDBReadThrottled&label=TableName%3Aorders",
    }
    return _list("incidents", incident(), example)


def notifications() -> Schema:
    """Of ``/alarms/notifications``."""
    item = _object(
        {
            "id": _INTEGER,
            "key": _TEXT,
            "channel": _TEXT,
            "kind": _TEXT,
            "state": {"enum": [state.value for state in NotificationState]},
            "created": _TIME,
            "due": _TIME,
            "attempts": _INTEGER,
            "last_attempt": _TIME_OR_NOT,
            "last_error": _TEXT_OR_NOT,
            "finished": _TIME_OR_NOT,
            "group": _TEXT,
            "incidents": _IDS,
        }
    )
    example: dict[str, object] = {
        "id": 3,
        "key": "ops/3",
        "channel": "ops",
        "kind": "firing",
        "state": "given_up",
        "created": _SINCE,
        "due": _SINCE + 30_000,
        "attempts": 1,
        "last_attempt": _SINCE,
        "last_error": "answered 503",
        "finished": _SINCE + 60_000,
        "group": "{}",
        "incidents": [7],
    }
    return _list("notifications", item, example)


_MATCHER: Schema = {
    **_object({"name": _TEXT, "operator": {"enum": ["=", "!=", "=~", "!~"]}, "value": _TEXT}),
}
_MATCHER_EXAMPLE = {"name": "TableName", "operator": "=", "value": "orders"}
_SILENCE = _object(
    {
        "id": _INTEGER,
        "state": {"enum": ["pending", "active", "expired"]},
        "matchers": {"type": "array", "items": _MATCHER},
        "starts": _TIME,
        "ends": _TIME,
        "comment": _TEXT,
        "created_by": _TEXT,
        "created": _TIME,
    }
)
SILENCES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The silences, oldest first",
        "content": {
            "application/json": {
                "schema": _object({"silences": {"type": "array", "items": _SILENCE}})
            }
        },
    }
}
SILENCE: Schema = {
    "type": "object",
    "required": ["matchers"],
    "additionalProperties": False,
    "properties": {
        "matchers": {
            "type": "array",
            "items": {**_MATCHER, "required": ["name", "value"], "additionalProperties": False},
        },
        "comment": {"type": "string", "maxLength": 2000},
        "created_by": {"type": "string", "maxLength": 200},
        "starts": {"type": ["integer", "string"], "description": "Default: now"},
        "ends": {"type": ["integer", "string"], "description": "Or duration"},
        "duration": {"type": "string", "description": "Such as 2h, instead of ends"},
    },
    "example": {"matchers": [_MATCHER_EXAMPLE], "duration": "2h", "comment": "planned load test"},
}
ACKNOWLEDGEMENT: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "by": {"type": "string", "maxLength": 200},
        "comment": {"type": "string", "maxLength": 2000},
    },
    "example": {"by": "ada", "comment": "raising the capacity"},
}

_ERROR_CONTENT = {"application/json": {"schema": ERROR}}
WRITE_RESPONSES: dict[int | str, dict[str, Any]] = {
    403: {
        "description": "The token is no operator's, or another site asked",
        "content": _ERROR_CONTENT,
    },
    408: {"description": "The body did not come in time", "content": _ERROR_CONTENT},
    413: {"description": "The body is too large", "content": _ERROR_CONTENT},
    415: {"description": "The body is not application/json", "content": _ERROR_CONTENT},
}
"""What a route that changes something may answer besides."""


def body(schema: Schema) -> dict[str, Any]:
    """What a route takes, for its description."""
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}
