"""From the raw bytes that name a series to its identity; run once per series and format.

What CloudWatch sends is nearly always of one form: its own two labels first, then dimensions that
are texts. That form is read by itself, with what series have in common remembered: account, region,
namespace, metric and unit on the one hand, dimensions on the other. Everything else, and so all
that is bad, goes the long way through protobuf and the checks; the two give the same identities.

The three formats of the same data give the same identity: 0.7 keeps dimensions flat beside
``Namespace`` and ``MetricName``, 1.0 nests them under ``Dimensions``, JSON has an object; no
dimensions and empty dimensions are the same.

A series of another source has the resource's attributes and its own as dimensions, under the names
that the source gives them. Of one name, the point's attribute counts before the resource's, and
the first before later ones.
"""

import json
from functools import lru_cache
from typing import Any

import msgspec
from google.protobuf.message import DecodeError

from app.catalog.identity import NO_DIMENSIONS, Dimensions, Head, Pair, SeriesIdentity
from app.catalog.units import standard_unit
from app.catalog.usual_labels import (
    LONGEST_LABEL,
    flat_pair,
    in_order,
    nested_dimensions,
    nested_pair,
)
from app.errors import WireError
from app.otlp import Format, RawSeries
from app.otlp.decimals import java_text
from app.otlp.descriptor import KeyValue, Resource, StringKeyValue
from app.otlp.points import SUMMARY

MAX_LABELS = 128
MAX_LABEL_CHARACTERS = 4_096
# CloudWatch's own limit for namespaces and metric names, and what an index of PostgreSQL can hold.
MAX_NAME_CHARACTERS = 255
_DEEPEST_VALUE = 8

_ACCOUNT = "cloud.account.id"
_REGION = "cloud.region"

_Pairs = list[tuple[str, str]]
_decode_dimensions = msgspec.json.Decoder(dict[str, str]).decode


def describe(raw: RawSeries) -> SeriesIdentity:
    """The identity of a series. Raises ``WireError`` for labels that cannot be read or kept."""
    return _usual(raw) or describe_slowly(raw)


def describe_slowly(raw: RawSeries) -> SeriesIdentity:
    """The same of any series, without shortcuts."""
    try:
        identity = _from_json(raw) if raw.format is Format.JSON else _from_otlp(raw)
    except (DecodeError, UnicodeError, msgspec.DecodeError, RecursionError) as error:
        raise WireError(f"the labels cannot be decoded: {error}") from error
    _check(identity)
    return identity


_HEADS_REMEMBERED = 4_096
_RESOURCES_REMEMBERED = 256
_LONGEST_REMEMBERED = 2_048
_OWN_LABELS = 2


def _usual(raw: RawSeries) -> SeriesIdentity | None:
    """The identity of a series of CloudWatch in its usual form; None for anything else."""
    head = usual_head(raw)
    if head is None:
        return None
    rest = raw.labels[1:2] if raw.format is Format.JSON else raw.labels[_OWN_LABELS:]
    dimensions = usual_dimensions(raw.format, rest)
    return None if dimensions is None else SeriesIdentity.of(head, dimensions)


def usual_head(raw: RawSeries) -> Head | None:
    """All but the dimensions, if the first labels are CloudWatch's own in their usual form."""
    format_, kind, resource, metric, unit, labels = raw
    if kind != SUMMARY or len(labels) < _OWN_LABELS or len(labels[0]) > LONGEST_LABEL:
        return None
    if format_ is Format.JSON:
        if len(resource) + len(metric) + len(unit) > _LONGEST_REMEMBERED:
            return None
        return _json_head(resource, metric, unit, labels[0])
    if len(resource) + len(unit) > _LONGEST_REMEMBERED or len(labels[1]) > LONGEST_LABEL:
        return None
    return _otlp_head(format_ is Format.OTLP_0_7, resource, unit, labels[0], labels[1])


def usual_dimensions(format_: Format, rest: tuple[bytes, ...]) -> Dimensions | None:
    """Dimensions in a usual form: the labels behind CloudWatch's own, of JSON the one object."""
    if not rest:
        return NO_DIMENSIONS
    if max(map(len, rest)) > LONGEST_LABEL:
        return None
    if format_ is Format.OTLP_0_7:
        return _flat_dimensions(rest)
    if len(rest) > 1:
        return None
    if format_ is Format.JSON:
        return _json_dimensions(rest[0])
    return _dimensions(nested_dimensions(rest[0]))


@lru_cache(_HEADS_REMEMBERED)
def _otlp_head(
    flat: bool,  # noqa: FBT001 - a keyword would make the key of the cache larger
    resource: bytes,
    unit: bytes,
    first: bytes,
    second: bytes,
) -> Head | None:
    format_ = Format.OTLP_0_7 if flat else Format.OTLP_1_0
    return _head(RawSeries(format_, SUMMARY, resource, b"", unit, (first, second)))


@lru_cache(_HEADS_REMEMBERED)
def _json_head(resource: bytes, metric: bytes, unit: bytes, namespace: bytes) -> Head | None:
    return _head(RawSeries(Format.JSON, SUMMARY, resource, metric, unit, (namespace, b"{}", b"")))


def _head(raw: RawSeries) -> Head | None:
    try:
        found = describe_slowly(raw)
    except WireError:
        return None
    return found.head if found.namespace and not found.dimensions else None


def _flat_dimensions(labels: tuple[bytes, ...]) -> Dimensions | None:
    pairs = [pair for label in labels if (pair := flat_pair(label)) is not None]
    return _dimensions(in_order(pairs) if len(pairs) == len(labels) else None)


def _json_dimensions(text: bytes) -> Dimensions | None:
    try:
        pairs = list(_decode_dimensions(text).items())
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    if any("\0" in text for pair in pairs for text in pair):
        return None
    return _dimensions(in_order(pairs))


def _dimensions(pairs: tuple[Pair, ...] | None) -> Dimensions | None:
    return None if pairs is None or len(pairs) > MAX_LABELS else Dimensions(pairs)


def _from_json(raw: RawSeries) -> SeriesIdentity:
    account, _, region = raw.resource.decode().partition("\0")
    # Behind them stands the stream's name, which is not part of what a point measures.
    namespace, dimensions = raw.labels[:2]
    return SeriesIdentity(
        account,
        region,
        namespace.decode(),
        raw.metric.decode(),
        tuple(_decode_dimensions(dimensions).items()),
        raw.unit.decode(),
        raw.kind,
    )


def _from_otlp(raw: RawSeries) -> SeriesIdentity:
    if len(raw.resource) > _LONGEST_REMEMBERED:
        attributes = _attributes.__wrapped__(raw.resource)
    else:
        attributes = _attributes(raw.resource).copy()
    if raw.format is Format.OTLP_0_7:
        labels = [(pair.key, pair.value) for pair in map(StringKeyValue.FromString, raw.labels)]
        cloudwatch = _flat(labels) if raw.kind == SUMMARY else None
    elif raw.kind == SUMMARY:
        nested = [KeyValue.FromString(label) for label in raw.labels]
        cloudwatch = _nested(nested)
        labels = [] if cloudwatch else _key_values(nested)
    else:
        cloudwatch = None
        labels = [_key_value(label) for label in raw.labels]
    unit = raw.unit.decode()
    if cloudwatch is not None:
        # Which stream delivered a point is not part of what it measures.
        namespace, metric, dimensions = cloudwatch
        unit = standard_unit(unit)
        account, region = attributes.get(_ACCOUNT, ""), attributes.get(_REGION, "")
    else:
        namespace, metric = "", raw.metric.decode()
        attributes |= _first_of_each(labels)
        account, region = attributes.pop(_ACCOUNT, ""), attributes.pop(_REGION, "")
        dimensions = list(attributes.items())
    return SeriesIdentity(account, region, namespace, metric, tuple(dimensions), unit, raw.kind)


@lru_cache(_RESOURCES_REMEMBERED)
def _attributes(resource: bytes) -> dict[str, str]:
    return _first_of_each(_key_values(Resource.FromString(resource).attributes))


def _key_value(label: bytes) -> Pair:
    pair = nested_pair(label) if len(label) <= LONGEST_LABEL else None
    if pair is not None:
        return pair
    read = KeyValue.FromString(label)
    return read.key, _text(read.value)


def _first_of_each(pairs: _Pairs) -> dict[str, str]:
    return dict(reversed(pairs))


def _flat(labels: _Pairs) -> tuple[str, str, _Pairs] | None:
    """Namespace, metric and dimensions of a 0.7 point; None if it is not CloudWatch's.

    A dimension may itself be called Namespace, as in Container Insights; CloudWatch writes its own
    two labels first, so a second one is the dimension.
    """
    own: dict[str, str] = {}
    dimensions: _Pairs = []
    for name, value in labels:
        if name in ("Namespace", "MetricName") and name not in own:
            own[name] = value
        else:
            dimensions.append((name, value))
    if len(own) < 2:  # noqa: PLR2004 - both are needed
        return None
    return own["Namespace"], own["MetricName"], dimensions


def _nested(attributes: list[Any]) -> tuple[str, str, _Pairs] | None:
    """The same of a 1.0 point, whose dimensions are a key-value list."""
    own: dict[str, str] = {}
    dimensions: _Pairs = []
    for attribute in attributes:
        if attribute.key in ("Namespace", "MetricName"):
            own.setdefault(attribute.key, attribute.value.string_value)
        elif attribute.key == "Dimensions" and attribute.value.HasField("kvlist_value"):
            dimensions += _key_values(attribute.value.kvlist_value.values)
        else:
            dimensions.append((attribute.key, _text(attribute.value)))
    if len(own) < 2:  # noqa: PLR2004 - both are needed
        return None
    return own["Namespace"], own["MetricName"], dimensions


def _key_values(attributes: Any) -> _Pairs:  # noqa: ANN401 - protobuf classes made at run time
    return [(attribute.key, _text(attribute.value)) for attribute in attributes]


def _text(value: Any) -> str:  # noqa: ANN401 - as above
    """An attribute's value as text; lists as JSON, so that different values stay different.

    Bytes are hexadecimal digits. The entries of a key-value list have no order of their own.
    """
    plain = _plain(value, 0)
    if isinstance(plain, str):
        return plain
    if isinstance(plain, float):
        return java_text(plain)
    return json.dumps(plain, ensure_ascii=False, sort_keys=True)


def _plain(value: Any, depth: int) -> object:  # noqa: ANN401 - as above
    if depth > _DEEPEST_VALUE:
        raise WireError(f"an attribute is nested more than {_DEEPEST_VALUE} levels deep")
    for field in ("string_value", "bool_value", "int_value", "double_value"):
        if value.HasField(field):
            scalar: object = getattr(value, field)
            return scalar
    if value.HasField("bytes_value"):
        return str(value.bytes_value.hex())
    if value.HasField("array_value"):
        return [_plain(item, depth + 1) for item in value.array_value.values]
    if value.HasField("kvlist_value"):
        return {item.key: _plain(item.value, depth + 1) for item in value.kvlist_value.values}
    return ""


def _check(identity: SeriesIdentity) -> None:
    if not identity.metric:
        raise WireError("the metric has no name")
    if len(identity.dimensions) > MAX_LABELS:
        raise WireError(f"{len(identity.dimensions)} labels, at most {MAX_LABELS} are kept")
    names = [name for name, _ in identity.dimensions]
    if len(set(names)) < len(names):
        raise WireError("a dimension is given twice")
    own = [identity.account, identity.region, identity.namespace, identity.metric, identity.unit]
    for text in own:
        if len(text) > MAX_NAME_CHARACTERS:
            raise WireError(
                f"a name of {len(text)} characters, at most {MAX_NAME_CHARACTERS} are kept"
            )
    for text in [*own, *names, *(value for _, value in identity.dimensions)]:
        if len(text) > MAX_LABEL_CHARACTERS:
            raise WireError(
                f"a label of {len(text)} characters, at most {MAX_LABEL_CHARACTERS} are kept"
            )
        if "\0" in text:
            raise WireError("a label contains a NUL character, which SQL text cannot hold")
