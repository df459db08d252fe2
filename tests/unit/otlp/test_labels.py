"""Labels and numbers of OpenTelemetry that cannot be kept: they cost their own point alone."""

import math

import pytest

from app.catalog.describe import MAX_LABEL_CHARACTERS, MAX_LABELS
from app.simulator import wire
from tests.unit.otlp import building as build
from tests.unit.otlp.building import DELTA, END_MS, START_MS
from tests.unit.otlp.decoding import (
    assert_holds_only_what_is_lost,
    decode,
    decode_all,
    decode_one,
)

GOOD = build.metric(build.summary_point(build.cloudwatch_nested("AWS/DynamoDB", "UserErrors")))
NS, NAME = ("Namespace", "n"), ("MetricName", "m")


def nested(*dimensions: tuple[str, bytes]) -> bytes:
    """Labels of 1.0 with dimensions of any kind of value."""
    return build.attributes(
        [
            ("Namespace", build.string_value("n")),
            ("MetricName", build.string_value("m")),
            ("Dimensions", build.map_value(dimensions)),
        ]
    )


def deep(levels: int, *, lists: bool) -> bytes:
    value = build.string_value("bottom")
    for _ in range(levels):
        value = build.list_value([value]) if lists else build.map_value([("k", value)])
    return value


def raw_label(name: bytes, value: bytes) -> bytes:
    return wire.delimited(1, wire.delimited(1, name) + wire.delimited(2, value))


def raw_attribute(name: bytes, value: bytes) -> bytes:
    text = wire.delimited(2, wire.delimited(1, value))
    entry = wire.delimited(1, wire.delimited(1, name) + text)
    dimensions = wire.text(1, "Dimensions") + wire.delimited(2, wire.delimited(6, entry))
    own = build.attributes([(key, build.string_value(v)) for key, v in (NS, NAME)])
    return own + wire.delimited(7, dimensions)


MANY = [(f"d{number}", "") for number in range(MAX_LABELS + 1)]
LONG = "x" * (MAX_LABEL_CHARACTERS + 1)
BAD_LABELS = {
    "129 dimensions, flat": build.flat([NS, NAME, *MANY]),
    "129 dimensions, nested": nested(*((n, build.string_value(v)) for n, v in MANY)),
    "129 labels of another source": build.flat(MANY),
    "duplicate, flat": build.flat([NS, NAME, ("a", "1"), ("a", "2")]),
    "duplicate with one value, flat": build.flat([NS, NAME, ("a", "1"), ("a", "1")]),
    "duplicate, nested": nested(("a", build.string_value("1")), ("a", build.string_value("2"))),
    "duplicate beside Dimensions": build.cloudwatch_nested("n", "m", [("a", "1")])
    + build.attributes([("a", build.string_value("2"))]),
    "three namespaces, flat": build.flat([NS, NAME, NS, NS]),
    "NUL in a name, flat": build.flat([NS, NAME, ("a\0", "1")]),
    "NUL in a value, flat": build.flat([NS, NAME, ("a", "\0")]),
    "NUL in the namespace": build.flat([("Namespace", "n\0"), NAME]),
    "NUL in the metric": build.flat([NS, ("MetricName", "\0")]),
    "NUL in a name, nested": nested(("a\0", build.string_value("1"))),
    "NUL in a value, nested": nested(("a", build.string_value("x\0"))),
    "no metric name, flat": build.flat([NS, ("MetricName", "")]),
    "no metric name, nested": build.cloudwatch_nested("n", ""),
    "long name": build.flat([NS, NAME, (LONG, "1")]),
    "long value": build.flat([NS, NAME, ("a", LONG)]),
    "long namespace": build.flat([("Namespace", LONG), NAME]),
    "invalid UTF-8 name, flat": build.flat([NS, NAME]) + raw_label(b"\xff", b"x"),
    "invalid UTF-8 value, flat": build.flat([NS, NAME]) + raw_label(b"x", b"\xc3("),
    "encoded surrogate, flat": build.flat([NS, NAME]) + raw_label(b"x", b"\xed\xa0\x80"),
    "overlong NUL, flat": build.flat([NS, NAME]) + raw_label(b"x", b"\xc0\x80"),
    "invalid UTF-8 name, nested": raw_attribute(b"\xfe", b"x"),
    "invalid UTF-8 value, nested": raw_attribute(b"x", b"\xff"),
    "encoded surrogate, nested": raw_attribute(b"x", b"\xed\xbf\xbf"),
    "truncated label": wire.delimited(1, b"\x0a\x05abc"),
    "truncated attribute": wire.delimited(7, b"\x0a\x05abc"),
    "not a label": wire.delimited(1, b"\xff\xff\xff"),
    "deep list": nested(("a", deep(10, lists=True))),
    "deep map": nested(("a", deep(10, lists=False))),
    "bottomless list": nested(("a", deep(5_000, lists=True))),
    "bottomless map": nested(("a", deep(2_000, lists=False))),
    "bottomless attribute": build.attributes([("a", deep(5_000, lists=True))]),
}


@pytest.mark.parametrize("labels", BAD_LABELS.values(), ids=BAD_LABELS.keys())
def test_labels_that_cannot_be_kept_cost_their_point_alone(labels: bytes) -> None:
    bad = build.metric(build.summary_point(labels), build.summary_point(labels), name="bad")
    mixed = build.metric(
        build.summary_point(), build.summary_point(labels), build.summary_point(total=7.0)
    )
    message = build.message(GOOD, bad, mixed, GOOD)
    points, (rejection,) = decode(build.record(message))
    assert [point.total for point in points] == [6.0, 6.0, 7.0, 6.0]
    assert (rejection.format, rejection.reason) == ("opentelemetry", "invalid_labels")
    assert rejection.points == 3
    assert_holds_only_what_is_lost(rejection)
    assert rejection.detail.startswith("metric bad: ")


@pytest.mark.parametrize(
    "origin",
    [
        build.resource(account="1\0"),
        build.resource(region="\0"),
        build.resource(account=LONG),
        wire.delimited(1, b"\x0a\xff"),
        build.attributes([("a", deep(5_000, lists=False))], field=1),
        wire.delimited(1, wire.delimited(1, b"\xff")),
    ],
)
def test_a_resource_that_cannot_be_read_costs_its_own_points_alone(origin: bytes) -> None:
    message = build.message(GOOD, of=origin) + build.message(GOOD)
    points, (rejection,) = decode(build.record(message))
    assert [point.identity.account for point in points] == [build.ACCOUNT]
    assert (rejection.reason, rejection.points) == ("invalid_labels", 1)


@pytest.mark.parametrize("unit", [b"\xff", b"\0"])
@pytest.mark.parametrize("field", [1, 3])
def test_a_name_or_unit_that_is_no_text_costs_its_metric_alone(field: int, unit: bytes) -> None:
    point = wire.delimited(1, build.summary_point(build.flat([("a", "b")])))
    bad = wire.text(1, "m") + wire.delimited(field, unit) + wire.delimited(build.SUMMARY, point)
    points, (rejection,) = decode(build.record(build.message(bad, GOOD)))
    assert len(points) == 1
    assert rejection.reason == "invalid_labels"


def test_limits_themselves_are_kept() -> None:
    dimensions = MANY[:-1]
    longest = "x" * MAX_LABEL_CHARACTERS
    for labels in (build.cloudwatch_flat, build.cloudwatch_nested):
        point = build.summary_point(labels("n", "m", dimensions))
        assert decode_one(build.record_of_points(point)).identity.dimensions == tuple(
            sorted(dimensions)
        )
        point = build.summary_point(labels("n", "m", [("a", longest)]))
        assert decode_one(build.record_of_points(point)).identity.dimensions == (("a", longest),)
    point = build.summary_point(nested(("a", deep(8, lists=True))))
    assert decode_one(build.record_of_points(point)).identity.dimensions == (
        ("a", '[[[[[[[["bottom"]]]]]]]]'),
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (build.string_value(""), ""),
        (build.string_value("x"), "x"),
        (b"", ""),
        (build.number(2, 1), "true"),
        (build.number(2, 0), "false"),
        (build.number(3, -7), "-7"),
        (build.number(3, 2**63 - 1), "9223372036854775807"),
        (build.double(4, 0.5), "0.5"),
        (wire.delimited(7, b"\x00\xff"), "00ff"),
        (build.list_value([build.string_value("é"), build.number(3, 1)]), '["é", 1]'),
        (build.map_value([("k", build.number(2, 1))]), '{"k": true}'),
    ],
)
def test_attributes_of_any_kind_become_text(value: bytes, text: str) -> None:
    decoded = decode_one(build.record_of_points(build.summary_point(nested(("a", value)))))
    assert decoded.identity.dimensions == (("a", text),)


def test_unicode_labels_are_kept_as_they_are() -> None:
    dimensions = (
        ("Größe", "ß"),
        ("e\u0301", "\u00e9"),
        ("é", "e\u0301"),
        ("鍵", "🔑 \u202e\x7f\n"),
    )
    for labels in (build.cloudwatch_flat, build.cloudwatch_nested):
        point = build.summary_point(labels("n", "m", dimensions))
        identity = decode_one(build.record_of_points(point)).identity
        assert identity.dimensions == tuple(sorted(dimensions))


NUMBERS = [math.nan, math.inf, -math.inf]
BAD_POINTS = [
    *((build.summary_point(total=number), "invalid_value") for number in NUMBERS),
    *((build.summary_point(quantiles=[(0.0, number)]), "invalid_value") for number in NUMBERS),
    *((build.summary_point(quantiles=[(1.0, number)]), "invalid_value") for number in NUMBERS),
    *((build.summary_point(quantiles=[(0.99, number)]), "invalid_value") for number in NUMBERS),
    *((build.summary_point(quantiles=[(number, 1.0)]), "invalid_value") for number in NUMBERS),
    (build.summary_point(quantiles=[(-0.1, 1.0)]), "invalid_value"),
    (build.summary_point(quantiles=[(99.0, 1.0)]), "invalid_value"),
    (build.LABELS, "invalid_timestamp"),
    (build.LABELS + wire.fixed64(2, START_MS * 1_000_000), "invalid_timestamp"),
    (build.LABELS + build.times(0, 946_684_799_999), "invalid_timestamp"),
    (build.LABELS + build.times(START_MS, START_MS), "invalid_timestamp"),
    (build.LABELS + build.times(END_MS, START_MS), "invalid_timestamp"),
    (build.LABELS + build.times(1, END_MS), "invalid_timestamp"),
    (build.LABELS + build.times(START_MS, 7_258_118_400_001), "invalid_timestamp"),
    (build.LABELS + wire.fixed64(3, 2**64 - 1), "invalid_timestamp"),
    (build.LABELS + wire.fixed64(2, 2**64 - 1) + wire.fixed64(3, 2**64 - 1), "invalid_timestamp"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD_POINTS)
def test_a_point_that_makes_no_sense_costs_itself_alone(bad: bytes, reason: str) -> None:
    metric = build.metric(build.summary_point(total=1.0), bad, build.summary_point(total=2.0))
    message = build.message(GOOD, metric, build.metric(bad), GOOD)
    points, (rejection,) = decode(build.record(message))
    assert [point.total for point in points] == [6.0, 1.0, 2.0, 6.0]
    assert (rejection.reason, rejection.points) == (reason, 2)
    assert_holds_only_what_is_lost(rejection)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(("data", "temporality"), [(build.GAUGE, None), (build.SUM, DELTA)])
def test_a_number_that_is_not_finite_costs_itself_alone(
    data: int, temporality: int | None, number: float
) -> None:
    head = build.flat([("a", "b")]) + build.times()
    metric = build.metric(
        head + build.double(4, 1.0),
        head + build.double(4, number),
        head + build.double(4, 2.0),
        data=data,
        temporality=temporality,
    )
    points, (rejection,) = decode(build.record(build.message(metric)))
    assert [point.total for point in points] == [1.0, 2.0]
    assert (rejection.reason, rejection.points) == ("invalid_value", 1)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("field", [5, 11, 12])
def test_a_histogram_that_is_not_finite_costs_itself_alone(field: int, number: float) -> None:
    head = build.times() + wire.fixed64(4, 1)
    metric = build.metric(
        head, head + build.double(field, number), head, data=build.HISTOGRAM, temporality=DELTA
    )
    points, (rejection,) = decode(build.record(build.message(metric)))
    assert len(points) == 2
    assert (rejection.reason, rejection.points) == ("invalid_value", 1)


def test_a_number_point_that_is_not_protobuf_costs_itself_alone() -> None:
    good = build.flat([("a", "b")]) + build.times() + build.double(4, 1.0)
    metric = build.metric(good, b"\xff\xff", good, data=build.GAUGE)
    points, (rejection,) = decode(build.record(build.message(metric, GOOD)))
    assert len(points) == 3
    assert (rejection.reason, rejection.points) == ("invalid_protobuf", 1)


def test_losses_are_told_by_reason_once_for_a_record() -> None:
    nan = build.summary_point(total=math.nan)
    nul = build.summary_point(build.flat([NS, NAME, ("a", "\0")]))
    late = build.LABELS
    message = build.message(*(build.metric(nan, nul, late, nan) for _ in range(10)), GOOD)
    points, rejections = decode(build.record(message, message))
    assert len(points) == 2
    assert [(rejection.reason, rejection.points) for rejection in rejections] == [
        ("invalid_value", 40),
        ("invalid_labels", 20),
        ("invalid_timestamp", 20),
    ]
    for rejection in rejections:
        assert_holds_only_what_is_lost(rejection)


def test_a_count_of_64_bits_is_read_as_the_nearest_double() -> None:
    point = build.summary_point(count=2**64 - 1)
    assert decode_all(build.record_of_points(point))[0].count == 2.0**64
