"""Parameters that the framework refuses, in our own words."""

from collections.abc import Mapping
from typing import Any

from app.errors import InvalidParameter

_MOST_SHOWN = 100


def refused_parameter(fault: Mapping[str, Any]) -> InvalidParameter:
    """The error of a fault as pydantic tells it: ``type``, ``loc``, ``input`` and ``ctx``."""
    # After the name there may be the number of one of several values.
    names = [part for part in fault["loc"] if isinstance(part, str)]
    return InvalidParameter(names[-1], _reason(fault))


def _reason(fault: Mapping[str, Any]) -> str:
    given, bounds = _shown(fault.get("input")), fault.get("ctx") or {}
    match fault["type"]:
        case "missing":
            return "it is missing, and this route needs it"
        case "int_parsing" | "int_from_float" | "int_type":
            return f"{given} is not a whole number"
        case "int_parsing_size":
            return f"{given} is too large a number"
        case "greater_than_equal":
            return f"{given} is too small; the smallest is {bounds['ge']}"
        case "less_than_equal":
            return f"{given} is too large; the largest is {bounds['le']}"
        case "bool_parsing" | "bool_type":
            return f"{given} is neither true nor false"
        case "enum" | "literal_error":
            return f"{given} is none of {bounds['expected'].replace(' or ', ', ')}"
        case "string_too_long":
            return f"it is longer than {bounds['max_length']} characters"
        case _:
            return f"{given} is not possible here"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
