"""CloudWatch's JSON: each line is a point or is set aside on its own."""

import json

import pytest

from app.catalog import SeriesIdentity
from tests.unit.otlp.decoding import Decoded, bits, decode, decode_all, decode_one

START_MS = 1_727_740_800_000
POINT: dict[str, object] = {
    "metric_stream_name": "stream",
    "account_id": "123456789012",
    "region": "us-east-1",
    "namespace": "AWS/DynamoDB",
    "metric_name": "SuccessfulRequestLatency",
    "dimensions": {"TableName": "Orders", "Operation": "GetItem"},
    "timestamp": START_MS,
    "value": {"max": 3.5, "min": 0.5, "sum": 6.0, "count": 3.0},
    "unit": "Milliseconds",
}


def line(**changes: object) -> bytes:
    """The point as a line, with members changed, or left out where the change is None."""
    members = {k: v for k, v in {**POINT, **changes}.items() if v is not None}
    return json.dumps(members).encode() + b"\n"


def spelt(member: str, text: bytes) -> bytes:
    """The point as a line, one member spelt in JSON that json.dumps would not write."""
    whole = json.dumps({**POINT, member: "%"}).encode()
    assert whole.count(b'"%"') == 1
    return whole.replace(b'"%"', text) + b"\n"


GOOD = line()


def test_a_line_is_a_point() -> None:
    dimensions = (("Operation", "GetItem"), ("TableName", "Orders"))
    identity = SeriesIdentity(
        "123456789012",
        "us-east-1",
        "AWS/DynamoDB",
        "SuccessfulRequestLatency",
        dimensions,
        "Milliseconds",
    )
    assert decode_one(GOOD) == Decoded(identity, START_MS, 60_000, 3.0, 6.0, 0.5, 3.5, ())


def test_extra_statistics_keep_cloudwatchs_names() -> None:
    extras = {"p99": 3.0, "p99.9": 3.4, "TM(25%:75%)": 1.0, "PR(:300)": 0.5, "IQM": 2.0, "tm99": 1}
    value = {**extras, "max": 3.5, "min": 0.5, "sum": 6.0, "count": 3.0}
    decoded = decode_one(line(value=value))
    assert dict(decoded.extras) == extras
    assert decoded.statistics == (3.0, 6.0, 0.5, 3.5)


@pytest.mark.parametrize(
    "record",
    [
        GOOD.rstrip(b"\n"),
        GOOD + b"\n\n  \n",
        b"\n" + GOOD,
        GOOD.replace(b"\n", b"\r\n"),
        GOOD.replace(b" ", b""),
        GOOD.replace(b", ", b" ,\t").replace(b": ", b" :  "),
    ],
)
def test_layout_is_free_within_a_line(record: bytes) -> None:
    assert decode_one(record) == decode_one(GOOD)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0.0),
        ("-0.0", 0.0),
        ("1.0626048E7", 10626048.0),
        ("1E-5", 0.00001),
        ("5e-324", 5e-324),
        ("2.4703282292062327e-324", 0.0),
        ("1e-400", 0.0),
        ("0.1", 0.1),
        ("0.30000000000000004", 0.1 + 0.2),
        ("9007199254740993", 2.0**53),
        ("9007199254740993.0000000000000000000001", 2.0**53 + 2),
        (str(2**360), 2.0**360),
        (str(-(2**360)), -(2.0**360)),
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ("-47.5", -47.5),
    ],
)
def test_numbers_are_read_to_the_last_bit(text: str, value: float) -> None:
    members = f'{{"max":{text},"min":{text},"sum":{text},"count":1,"p9":{text}}}'
    decoded = decode_one(spelt("value", members.encode()))
    assert [bits(number) for number in decoded.statistics[1:]] == [bits(value)] * 3
    assert bits(decoded.extras[0][1]) == bits(value)


NOT_A_POINT = [
    line(account_id=None),
    line(region=None),
    line(namespace=None),
    line(metric_name=None),
    line(dimensions=None),
    line(timestamp=None),
    line(value=None),
    line(account_id=123456789012),
    line(region=["us-east-1"]),
    line(metric_name=5),
    line(timestamp=str(START_MS)),
    line(timestamp=START_MS + 0.5),
    line(timestamp=True),
    line(unit=5),
    line(value=5),
    line(value=[1, 2, 3, 4]),
    line(value={"max": "3", "min": 0, "sum": 0, "count": 1}),
    line(value={"max": True, "min": 0, "sum": 0, "count": 1}),
    line(value={"max": 3, "min": 0, "sum": 0, "count": 1, "p99": [1]}),
    line(value={"max": 3, "min": 0, "sum": 0, "count": 1, "p99": {}}),
    spelt("value", b'{"max":1e999,"min":0,"sum":0,"count":1}'),
    spelt("value", b'{"max":null,"min":0,"sum":0,"count":1}'),
    spelt("value", b'{"max":' + b"9" * 400 + b',"min":0,"sum":0,"count":1}'),
    spelt("timestamp", b"1e999"),
    spelt("timestamp", b"9" * 5000),
    b'{"TICKER_SYMBOL":"QXZ","SECTOR":"HEALTHCARE","CHANGE":-0.05,"PRICE":84.51}\n',
    b"{}\n",
    b'"text"\n',
    b"[]\n",
    b"5\n",
    b"null\n",
]
NOT_JSON = [
    b"{\n",
    b"}\n",
    b"plain text\n",
    GOOD[:-2] + b"\n",
    GOOD[:40] + b"\n",
    GOOD[:-1] + GOOD,
    GOOD[:-1] + b",\n",
    b"\xef\xbb\xbf" + GOOD,
    b"\xff\xfe\n",
    b"\x00\n",
    GOOD.replace(b'"', b"'"),
    spelt("value", b'{"max":NaN,"min":0,"sum":0,"count":1}'),
    spelt("value", b'{"max":Infinity,"min":0,"sum":0,"count":1}'),
    spelt("value", b'{"max":-Infinity,"min":0,"sum":0,"count":1}'),
    spelt("value", b'{"max":.5,"min":0,"sum":0,"count":1}'),
    spelt("value", b'{"max":0x10,"min":0,"sum":0,"count":1}'),
    spelt("region", b'"\xff"'),
    spelt("region", b'"\\ud800"'),
    spelt("metric_name", b'"\\udc00x"'),
    spelt("unit", b'"\\u00"'),
    spelt("dimensions", b'{"\\ud800":"x"}'),
    spelt("dimensions", b'{"x":"\\ud800 and more"}'),
    spelt("dimensions", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    spelt("metric_stream_name", b"[" * 100_000 + b"]" * 100_000),
]
BAD_VALUE = [
    line(value={}),
    line(value={"max": 3, "min": 0, "sum": 0}),
    line(value={"p99": 3}),
    line(value={"max": 3, "min": 0, "sum": 0, "count": 1, "": 1}),
    line(value={"max": 3, "min": 0, "sum": 0, "count": 1, "p\n9": 1}),
    line(value={"max": 3, "min": 0, "sum": 0, "count": 1, "p\0": 1}),
    line(value={"max": 3, "min": 0, "sum": 0, "count": 1, "x" * 65: 1}),
    line(value={**{f"p{n}": 1 for n in range(201)}, "max": 3, "min": 0, "sum": 0, "count": 1}),
]
BAD_TIMESTAMP = [
    line(timestamp=timestamp)
    for timestamp in (
        0,
        1,
        -1,
        START_MS // 1000,
        946_684_799_999,
        START_MS * 1000,
        2**63,
        -(2**63),
        10**400,
    )
]
BAD_LABELS = [
    line(metric_name=""),
    line(metric_name="a\0b"),
    line(account_id="1\0us-east-1", region=""),
    line(region="\0"),
    line(namespace="x" * 4097),
    line(unit="\0"),
    line(dimensions={"a\0": "b"}),
    line(dimensions={"a": "\0"}),
    line(dimensions={"a": "x" * 4097}),
    line(dimensions={f"d{n}": "" for n in range(129)}),
    line(dimensions={"a": 5}),
    line(dimensions={"a": {"b": "c"}}),
    line(dimensions=["a"]),
    line(dimensions="a"),
    spelt("dimensions", b"null"),
    spelt("dimensions", b'{"a":null}'),
    spelt("dimensions", b'{"\xff":"x"}'),
    spelt("dimensions", b'{"x":"\xc3"}'),
]
REJECTED = [
    (bad, reason)
    for reason, group in (
        ("not_metrics", NOT_A_POINT),
        ("invalid_json", NOT_JSON),
        ("invalid_value", BAD_VALUE),
        ("invalid_timestamp", BAD_TIMESTAMP),
        ("invalid_labels", BAD_LABELS),
    )
    for bad in group
]


@pytest.mark.parametrize(
    ("bad", "reason"), REJECTED, ids=[f"{n}-{reason}" for n, (_, reason) in enumerate(REJECTED)]
)
def test_a_line_that_is_no_point_is_set_aside_and_its_neighbours_are_kept(
    bad: bytes, reason: str
) -> None:
    points, (rejection,) = decode(GOOD, GOOD + bad + GOOD)
    assert points == [decode_one(GOOD)] * 3
    assert (rejection.record, rejection.format, rejection.points) == (1, "json", 1)
    assert rejection.reason == reason
    assert rejection.data == bad.rstrip(b"\n")
    assert rejection.detail


@pytest.mark.parametrize("timestamp", [946_684_800_000, 7_258_118_400_000])
def test_the_first_and_the_last_possible_time(timestamp: int) -> None:
    assert decode_one(line(timestamp=timestamp)).start_ms == timestamp
    points, rejections = decode(line(timestamp=7_258_118_400_001))
    assert (points, rejections[0].reason) == ([], "invalid_timestamp")


def test_limits_themselves_are_kept() -> None:
    dimensions = {f"d{number:03}": "" for number in range(128)}
    assert decode_one(line(dimensions=dimensions)).identity.dimensions == tuple(dimensions.items())
    assert decode_one(line(dimensions={"a": "x" * 4096})).identity.dimensions[0][1] == "x" * 4096
    extras = {"x" * 64: 1.0, **{f"p{number}": 1.0 for number in range(199)}}
    value = {**extras, "max": 3, "min": 0, "sum": 0, "count": 1}
    assert len(decode_one(line(value=value)).extras) == 200


def test_a_line_without_unit_has_the_unit_none() -> None:
    assert decode_one(line(unit=None)).identity.unit == "None"


def test_unknown_members_are_passed_over() -> None:
    assert decode_one(line(new_member={"deep": [1, {"er": None}]}, other=1e300)) == decode_one(GOOD)


def test_dimensions_in_any_order_and_layout_name_one_series() -> None:
    spellings = [
        b'{"TableName":"Orders","Operation":"GetItem"}',
        b'{ "Operation" : "GetItem" , "TableName" : "Orders" }',
        b'{"Table\\u004eame":"Orders","Operation":"Get\\u0049tem"}',
    ]
    decoded = decode_all(b"".join(spelt("dimensions", text) for text in spellings))
    assert {point.identity for point in decoded} == {decode_one(GOOD).identity}


def test_characters_outside_the_basic_plane_may_be_written_as_pairs() -> None:
    decoded = decode_one(spelt("dimensions", b'{"key":"\\ud83d\\udd11"}'))
    assert decoded.identity.dimensions == (("key", "🔑"),)


def test_many_bad_lines_are_one_rejection_for_each_reason() -> None:
    bad = [b'{"a": 1}', b'{"a": 2}', b"{nonsense", b'{"a": 3}']
    record = b"\n".join([GOOD.rstrip(b"\n"), *bad, GOOD])
    points, rejections = decode(record)
    assert len(points) == 2
    assert [(r.reason, r.points, r.data) for r in rejections] == [
        ("not_metrics", 3, b'{"a": 1}\n{"a": 2}\n{"a": 3}'),
        ("invalid_json", 1, b"{nonsense"),
    ]


def test_good_lines_after_a_bad_beginning_are_kept() -> None:
    points, rejections = decode(b"a line of text\n" + GOOD)
    assert points == [decode_one(GOOD)]
    assert [rejection.data for rejection in rejections] == [b"a line of text"]
