"""Points and attributes of OTLP's JSON as the messages that the decoder reads."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from app.otlp import json_values as values
from app.otlp.descriptor import (
    AnyValue,
    ArrayValue,
    Buckets,
    ExponentialHistogramPoint,
    HistogramPoint,
    KeyValue,
    KeyValueList,
    NumberPoint,
    SummaryPoint,
    ValueAtQuantile,
)
from app.otlp.points import RejectedPoint
from app.otlp.rejection import Reason

# Classes made from descriptors at run time have no static type.
Proto = Any
Convert = Callable[[object, str], Any]
"""Reads a value; the text says what it is, for the message of a ``RejectedPoint``."""

# Deeper ones are refused as labels anyway.
_DEEPEST_VALUE = 32

_Fields = Mapping[str, tuple[str, Convert]]


def only_one(names: Iterable[str], given: Mapping[str, object], what: str) -> str | None:
    """The one of these members that an object has, None if it has none of them."""
    held = [name for name in names if given.get(name) is not None]
    if len(held) > 1:
        raise RejectedPoint(Reason.JSON, f"{what} holds {' and '.join(held)}")
    return held[0] if held else None


def _message(message_class: Proto, fields: _Fields) -> Callable[[object, str], Proto]:
    """A conversion from an object to a message."""

    def convert(value: object, what: str) -> Proto:
        given = values.members(value, what)
        return message_class(
            **{
                field: read(given[name], name)
                for name, (field, read) in fields.items()
                if given.get(name) is not None
            }
        )

    return convert


def _number(value: object, what: str) -> Proto:
    point = values.members(value, what)
    only_one(("asDouble", "asInt"), point, what)
    return _plain_number(point, what)


def attributes(value: object, what: str) -> list[Proto]:
    """A list of KeyValue messages. Raises ``RejectedPoint``."""
    return [_key_value(item, what, 0) for item in values.items(value, what)]


def _attribute_bytes(value: object, what: str) -> list[bytes]:
    return [attribute.SerializeToString() for attribute in attributes(value, what)]


def _key_value(value: object, what: str, depth: int) -> Proto:
    given = values.members(value, what)
    key = values.text(given.get("key"), f"a key of {what}")
    any_value = _any_value(given.get("value"), f"{what}, {key[:80]!r}", depth)
    return KeyValue(key=key, value=any_value)


def _any_value(value: object, what: str, depth: int) -> Proto:
    if depth > _DEEPEST_VALUE:
        raise RejectedPoint(Reason.LABELS, f"{what} is nested more than {_DEEPEST_VALUE} deep")
    given = {} if value is None else values.members(value, what)
    name = only_one(_ANY_VALUE, given, what)
    if name is None:
        return AnyValue()
    field, read = _ANY_VALUE[name]
    if read is not None:
        return AnyValue(**{field: read(given[name], what)})
    of_list = values.items(values.members(given[name], what).get("values"), what)
    if name == "arrayValue":
        array = [_any_value(item, what, depth + 1) for item in of_list]
        return AnyValue(array_value=ArrayValue(values=array))
    entries = [_key_value(item, what, depth + 1) for item in of_list]
    return AnyValue(kvlist_value=KeyValueList(values=entries))


_ANY_VALUE: dict[str, tuple[str, Convert | None]] = {
    "stringValue": ("string_value", values.text),
    "boolValue": ("bool_value", values.boolean),
    "intValue": ("int_value", values.signed_64),
    "doubleValue": ("double_value", values.double),
    "bytesValue": ("bytes_value", values.base64_bytes),
    "arrayValue": ("array_value", None),
    "kvlistValue": ("kvlist_value", None),
}
_POINT: _Fields = {
    "attributes": ("attributes", _attribute_bytes),
    "startTimeUnixNano": ("start_time_unix_nano", values.unsigned_64),
    "timeUnixNano": ("time_unix_nano", values.unsigned_64),
    "flags": ("flags", values.unsigned_32),
}
_SUMMARISED: _Fields = {
    **_POINT,
    "count": ("count", values.unsigned_64),
    "sum": ("sum", values.double),
}
_HISTOGRAM: _Fields = {**_SUMMARISED, "min": ("min", values.double), "max": ("max", values.double)}
_plain_number = _message(
    NumberPoint,
    {**_POINT, "asDouble": ("as_double", values.double), "asInt": ("as_int", values.signed_64)},
)
_buckets = _message(
    Buckets,
    {
        "offset": ("offset", values.signed_32),
        "bucketCounts": ("bucket_counts", values.list_of(values.unsigned_64)),
    },
)
_histogram = _message(
    HistogramPoint,
    {
        **_HISTOGRAM,
        "bucketCounts": ("bucket_counts", values.list_of(values.unsigned_64)),
        "explicitBounds": ("explicit_bounds", values.list_of(values.double)),
    },
)
_exponential_histogram = _message(
    ExponentialHistogramPoint,
    {
        **_HISTOGRAM,
        "scale": ("scale", values.signed_32),
        "zeroCount": ("zero_count", values.unsigned_64),
        "zeroThreshold": ("zero_threshold", values.double),
        "positive": ("positive", _buckets),
        "negative": ("negative", _buckets),
    },
)
_quantile = _message(
    ValueAtQuantile,
    {"quantile": ("quantile", values.double), "value": ("value", values.double)},
)
_summary = _message(
    SummaryPoint,
    {**_SUMMARISED, "quantileValues": ("quantile_values", values.list_of(_quantile))},
)

POINTS: dict[str, tuple[str, Convert]] = {
    "gauge": ("gauge", _number),
    "sum": ("sum", _number),
    "histogram": ("histogram", _histogram),
    "exponentialHistogram": ("exponential_histogram", _exponential_histogram),
    "summary": ("summary", _summary),
}
"""By the data field of a Metric: its name in the message, and what reads a point."""
