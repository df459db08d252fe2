"""OTLP's JSON: the same as protobuf, and what is wrong in it costs only what holds it."""

import json
import math
import random
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, MessageToJson
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from app.errors import InvalidRequest
from app.otlp import Encoding
from app.simulator import wire
from tests.unit.otlp.decoding import Decoded, bits_of, decode, decode_body
from tests.unit.otlp.requests import requests
from tests.unit.otlp.test_mutations import mutated

NOW = "1727740860000000000"
NOW_MS = 1_727_740_860_000

Json = Any


def gauge(*points: Json, name: Json = "m", **more: Json) -> Json:
    return {"name": name, "gauge": {"dataPoints": list(points)}, **more}


def point(value: Json = 1.5, **more: Json) -> Json:
    return {"timeUnixNano": NOW, "asDouble": value, **more}


def body_of(*metrics: Json, resource: Json = None) -> bytes:
    scope = {"metrics": list(metrics)}
    return json.dumps(
        {"resourceMetrics": [{"resource": resource, "scopeMetrics": [scope]}]}
    ).encode()


def read(*metrics: Json, resource: Json = None) -> list[Decoded]:
    points, rejections = decode_body(body_of(*metrics, resource=resource), Encoding.JSON)
    assert rejections == []
    return points


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(requests, st.booleans())
def test_json_and_protobuf_of_a_request_are_the_same_batch(
    request: ExportMetricsServiceRequest, enums_as_integers: bool
) -> None:
    text = MessageToJson(request, use_integers_for_enums=enums_as_integers)
    in_json = decode_body(text.encode(), Encoding.JSON)
    in_protobuf = decode_body(request.SerializeToString(), Encoding.PROTOBUF)
    assert list(map(bits_of, in_json[0])) == list(map(bits_of, in_protobuf[0]))
    assert [(r.format, r.reason, r.detail, r.points) for r in in_json[1]] == [
        (r.format, r.reason, r.detail, r.points) for r in in_protobuf[1]
    ]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(requests)
def test_a_body_and_a_record_of_firehose_are_the_same_batch(
    request: ExportMetricsServiceRequest,
) -> None:
    message = request.SerializeToString()
    assume(message)
    in_body = decode_body(message, Encoding.PROTOBUF)
    in_record = decode(wire.framed(message))
    assert list(map(bits_of, in_body[0])) == list(map(bits_of, in_record[0]))
    assert in_body[1] == in_record[1]


# Spellings


@pytest.mark.parametrize("value", [7, "7", 7.0, "-7", -7, 2**53 + 1, str(2**63 - 1)], ids=repr)
def test_integers_are_numbers_or_texts(value: Json) -> None:
    (found,) = read(gauge({"timeUnixNano": NOW, "asInt": value}))
    assert found.total == float(int(value))


@pytest.mark.parametrize("value", [1.5, "1.5", 2, "2", "1e3", "-0.25E-2", 0, -0.0], ids=repr)
def test_doubles_are_numbers_or_texts(value: Json) -> None:
    (found,) = read(gauge(point(value)))
    assert found.total == float(value)


@pytest.mark.parametrize(
    "temporality", [2, "AGGREGATION_TEMPORALITY_CUMULATIVE", "2", 2.0], ids=repr
)
def test_enums_are_integers_or_names(temporality: Json) -> None:
    data = {"dataPoints": [point()], "aggregationTemporality": temporality}
    (found,) = read({"name": "m", "sum": data})
    assert found.identity.kind == "sum_cumulative"


def test_null_is_absent_and_unknown_members_are_passed_over() -> None:
    given = point(asInt=None, exemplars=[{"traceId": "zz"}], attributes=None, flags=None, new={})
    (found,) = read(gauge(given, unit=None, description=5, later=[1], sum=None))
    assert (found.total, found.identity.unit) == (1.5, "")


def test_names_with_underscores_are_unknown() -> None:
    body = {"resource_metrics": [{"scope_metrics": [{"metrics": [gauge(point())]}]}]}
    assert decode_body(json.dumps(body).encode(), Encoding.JSON) == ([], [])


@pytest.mark.parametrize("body", [b"{}", b" {} ", b'{"resourceMetrics": []}', b'{"a": 1}'])
def test_nothing_is_a_request_too(body: bytes) -> None:
    assert decode_body(body, Encoding.JSON) == ([], [])
    assert decode_body(b"", Encoding.PROTOBUF) == ([], [])


# Faults


def attribute(value: Json, key: Json = "a") -> Json:
    return {"attributes": [{"key": key, "value": value}]}


def nested(depth: int) -> Json:
    value: Json = {"stringValue": "bottom"}
    for _ in range(depth):
        value = {"arrayValue": {"values": [value]}}
    return value


BAD_POINTS: list[Json] = [
    None,
    5,
    "point",
    [],
    [point()],
    {"timeUnixNano": NOW, "asInt": 1, "asDouble": 1.0},
    point({}),
    point([1]),
    point(value=True),
    point("1,5"),
    point("nan"),
    point("1_0"),
    point(" 1"),
    point("0x10"),
    point("٣"),
    {"timeUnixNano": NOW, "asInt": 1.5},
    {"timeUnixNano": NOW, "asInt": True},
    {"timeUnixNano": NOW, "asInt": "1.0"},
    {"timeUnixNano": NOW, "asInt": 2**63},
    {"timeUnixNano": NOW, "asInt": str(-(2**63) - 1)},
    {"timeUnixNano": NOW, "asInt": "9" * 5000},
    point(timeUnixNano=-1),
    point(timeUnixNano=2**64),
    point(timeUnixNano="yesterday"),
    point(timeUnixNano={}),
    point(flags=-1),
    point(flags=2**32),
    point(attributes={}),
    point(attributes="a"),
    point(attributes=["a"]),
    point(**attribute({}, key=5)),
    point(**attribute("text")),
    point(**attribute({"stringValue": 5})),
    point(**attribute({"stringValue": "\ud800"})),
    point(**attribute({"stringValue": "a"}, key="\udfff")),
    point(**attribute({"boolValue": "true"})),
    point(**attribute({"intValue": "a"})),
    point(**attribute({"doubleValue": {}})),
    point(**attribute({"bytesValue": "not base64!"})),
    point(**attribute({"stringValue": "a", "intValue": 1})),
    point(**attribute({"arrayValue": []})),
    point(**attribute({"kvlistValue": {"values": [5]}})),
    point(**attribute(nested(40))),
]


@pytest.mark.parametrize("bad", BAD_POINTS, ids=map(str, range(len(BAD_POINTS))))
def test_a_point_of_a_wrong_shape_costs_itself_alone(bad: Json) -> None:
    body = body_of(gauge(point(1.0), bad, point(2.0)), gauge(point(3.0)))
    points, (rejection,) = decode_body(body, Encoding.JSON)
    assert [found.total for found in points] == [1.0, 2.0, 3.0]
    assert rejection.points == 1
    assert rejection.format == "opentelemetry-json"
    assert rejection.reason in ("invalid_json", "invalid_labels")
    assert rejection.detail.startswith("metric m, data point 1: ")
    assert rejection.data == body


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", 1e308 * 10], ids=repr)
def test_numbers_that_are_not_finite_are_rejected_as_in_protobuf(number: Json) -> None:
    text = body_of(gauge(point("N"), point(2.0))).replace(
        b'"N"',
        json.dumps(number).replace("Infinity", "1e999").encode()
        if isinstance(number, float)
        else json.dumps(number).encode(),
    )
    points, (rejection,) = decode_body(text, Encoding.JSON)
    assert [found.total for found in points] == [2.0]
    assert (rejection.reason, rejection.format) == ("invalid_value", "opentelemetry")


def test_a_number_of_any_length_costs_itself_alone() -> None:
    body = body_of(gauge(point(1.0), point("N"), point(2.0)))
    for digits in (b"9" * 100_000, b"-" + b"9" * 5_000, b"9" * 400):
        points, (rejection,) = decode_body(body.replace(b'"N"', digits), Encoding.JSON)
        assert [found.total for found in points] == [1.0, 2.0]
        assert rejection.reason == "invalid_value"


BAD_METRICS: list[tuple[Json, int]] = [
    (None, 1),
    ("m", 1),
    ([gauge(point())], 1),
    (gauge(point(), point(), name=5), 2),
    (gauge(point(), name="\ud800"), 1),
    (gauge(point(), unit=[]), 1),
    (gauge(point(), sum={"dataPoints": [point()]}), 2),
    ({"name": "m", "gauge": [point()]}, 1),
    ({"name": "m", "gauge": {"dataPoints": point()}}, 1),
    ({"name": "m", "sum": {"dataPoints": [point()] * 3, "aggregationTemporality": "DELTA"}}, 3),
    ({"name": "m", "sum": {"dataPoints": [point()], "aggregationTemporality": 2**31}}, 1),
    ({"name": "m", "summary": 5}, 1),
]


@pytest.mark.parametrize(("bad", "lost"), BAD_METRICS, ids=map(str, range(len(BAD_METRICS))))
def test_a_metric_of_a_wrong_shape_costs_itself_alone(bad: Json, lost: int) -> None:
    body = body_of(gauge(point(1.0)), bad, gauge(point(2.0)))
    points, rejections = decode_body(body, Encoding.JSON)
    assert [found.total for found in points] == [1.0, 2.0]
    assert [(r.reason, r.points) for r in rejections] == [("invalid_json", lost)]


THREE_POINTS = {"scopeMetrics": [{"metrics": [gauge(point(), point()), gauge(point())]}]}
BAD_RESOURCES: list[tuple[Json, int]] = [
    (None, 0),
    ([], 0),
    ({**THREE_POINTS, "resource": 5}, 3),
    ({**THREE_POINTS, "resource": {"attributes": {}}}, 3),
    ({**THREE_POINTS, "resource": attribute({"intValue": "x"})}, 3),
    ({"scopeMetrics": {}}, 0),
    ({"scopeMetrics": [5]}, 0),
    ({"scopeMetrics": [{"metrics": gauge(point())}]}, 1),
]


@pytest.mark.parametrize(("bad", "lost"), BAD_RESOURCES, ids=map(str, range(len(BAD_RESOURCES))))
def test_a_resource_of_a_wrong_shape_costs_its_own_points_alone(bad: Json, lost: int) -> None:
    good = {"scopeMetrics": [{"metrics": [gauge(point(1.0))]}]}
    body = json.dumps({"resourceMetrics": [good, bad, good]}).encode()
    points, rejections = decode_body(body, Encoding.JSON)
    assert [found.total for found in points] == [1.0, 1.0]
    assert [(r.reason, r.points) for r in rejections] == [("invalid_json", lost)]


def test_a_member_given_twice_costs_what_holds_it() -> None:
    once = json.dumps(point(5.0))
    twice = once.replace('"asDouble": 5.0', '"asDouble": 5.0, "asDouble": 6.0')
    body = body_of(gauge(point(1.0), point(5.0), point(2.0))).replace(once.encode(), twice.encode())
    points, (rejection,) = decode_body(body, Encoding.JSON)
    assert [found.total for found in points] == [1.0, 2.0]
    assert "'asDouble' twice" in rejection.detail
    metrics = body_of(gauge(point(1.0)), gauge(point(2.0), name="n"))
    harmed = metrics.replace(b'"name": "n"', b'"name": "n", "name": "n"')
    points, (rejection,) = decode_body(harmed, Encoding.JSON)
    assert [found.total for found in points] == [1.0]


NOT_REQUESTS: list[bytes] = [
    b"",
    b"not json",
    b"null",
    b"[]",
    b"5",
    b'"text"',
    b"{",
    b"{}{}",
    b"\xff\xfe{}",
    b"\xef\xbb\xbf{}",
    b'{"a": NaN}',
    b'{"a": -Infinity}',
    b'{"resourceMetrics": {}}',
    b'{"resourceMetrics": "all"}',
    b'{"resourceMetrics": [], "resourceMetrics": []}',
    b'{"a":' * 100_000,
    b"[" * 100_000,
    b'{"resourceMetrics":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
]


@pytest.mark.parametrize("body", NOT_REQUESTS, ids=lambda body: repr(body[:40]))
def test_what_is_no_request_at_all_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="the body is not"):
        decode_body(body, Encoding.JSON)


@pytest.mark.parametrize("body", [b"\xff", b"\x0a\x05", b"{}", b"\x0a\x02\x12\xff"])
def test_what_is_no_protobuf_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="no ExportMetricsServiceRequest"):
        decode_body(body, Encoding.PROTOBUF)


# Fuzz


def decoded_or_refused(body: bytes, encoding: Encoding) -> None:
    try:
        points, rejections = decode_body(body, encoding)
    except InvalidRequest:
        return
    for rejection in rejections:
        assert rejection.data
        assert rejection.detail
        assert rejection.points >= 0
    for found in points:
        assert math.isfinite(found.count)
        assert math.isfinite(found.total)


@settings(deadline=None)
@given(st.binary(max_size=500), st.sampled_from(Encoding))
def test_arbitrary_bytes_are_decoded_or_refused(body: bytes, encoding: Encoding) -> None:
    decoded_or_refused(body, encoding)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(requests, st.data())
def test_any_value_in_any_place_is_decoded_or_refused(
    request: ExportMetricsServiceRequest, data: st.DataObject
) -> None:
    body: Json = MessageToDict(request)
    spots = list(places(body))
    if spots:
        holder, key = data.draw(st.sampled_from(spots))
        holder[key] = data.draw(json_values)
    text = json.dumps(body).replace("NaN", "null").replace("Infinity", "1e999")
    decoded_or_refused(text.encode(), Encoding.JSON)


def places(value: Json) -> list[tuple[Json, Json]]:
    keys = list(value) if isinstance(value, dict) else range(len(value))
    found: list[tuple[Json, Json]] = []
    for key in keys:
        found.append((value, key))
        if isinstance(value[key], dict | list):
            found += places(value[key])
    return found


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(requests, st.integers(0, 2**32))
def test_mutated_bodies_are_decoded_or_refused(
    request: ExportMetricsServiceRequest, seed: int
) -> None:
    rng = random.Random(seed)
    for body, encoding in (
        (request.SerializeToString(), Encoding.PROTOBUF),
        (MessageToJson(request).encode(), Encoding.JSON),
    ):
        if len(body) > 1:
            decoded_or_refused(mutated(rng, body), encoding)
