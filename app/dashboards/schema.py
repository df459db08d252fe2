"""The format of a dashboard as JSON Schema, for editors that complete and check YAML."""

from app.dashboards.keys import MAPPINGS, OF_METRIC, Key

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DASHBOARD = "dashboard"
_QUERY = "query"


def json_schema() -> dict[str, object]:
    """The schema of a file. What PromQL and variables may be, only reading checks."""
    definitions = {
        name: _mapping(name, keys) for name, keys in MAPPINGS.items() if name != _DASHBOARD
    }
    return {
        "$schema": _DIALECT,
        "title": "Dashboard of Hydrant",
        **_mapping(_DASHBOARD, MAPPINGS[_DASHBOARD]),
        "$defs": definitions,
    }


def _mapping(name: str, keys: tuple[Key, ...]) -> dict[str, object]:
    required = [key.name for key in keys if key.required]
    schema: dict[str, object] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {key.name: {**key.schema, "description": key.text} for key in keys},
    }
    if required:
        schema["required"] = required
    if name == _QUERY:
        schema["oneOf"] = [{"required": ["expression"]}, {"required": ["metric"]}]
        schema["dependentRequired"] = {key: ["metric"] for key in OF_METRIC}
    return schema
