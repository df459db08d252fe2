"""Where messages begin and end in a record, and what a record is recognised as."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.otlp import Rejection
from app.otlp.framing import FramingError, split_messages
from app.simulator import wire
from tests.unit.otlp import building as build
from tests.unit.otlp.decoding import decode, decode_all

GOOD = build.message(build.metric(build.summary_point()))
GOOD_RECORD = build.record(GOOD)


def only(rejections: list[Rejection]) -> Rejection:
    (rejection,) = rejections
    return rejection


def test_messages_are_cut_where_their_lengths_say() -> None:
    parts = [b"", b"a", b"b" * 127, b"c" * 128, b"d" * 16_383, b"e" * 16_384, b""]
    # Empty ones next to each other come as one; they hold nothing.
    found = [part for part in split_messages(build.record(*parts)) if part]
    assert found == [part for part in parts if part]


@given(st.lists(st.binary(max_size=300)))
def test_any_messages_round_trip(parts: list[bytes]) -> None:
    # Empty ones next to each other come as one; they hold nothing.
    found = [part for part in split_messages(build.record(*parts)) if part]
    assert found == [part for part in parts if part]


@given(st.binary(max_size=300))
def test_any_bytes_are_cut_completely_or_the_rest_is_named(record: bytes) -> None:
    messages: list[bytes] = []
    consumed = len(record)
    try:
        for message in split_messages(record):
            messages.append(message)  # noqa: PERF402 - the list is wanted after an error, too
    except FramingError as error:
        consumed = error.position
    assert sum(map(len, messages)) <= consumed <= len(record)
    # The lengths may be written longer than needed, never shorter.
    assert len(build.record(*messages)) <= consumed


@pytest.mark.parametrize("padded", [b"\x81\x00", b"\x81\x80\x00", b"\x81\x80\x80\x80\x00"])
def test_a_length_may_be_padded_to_five_bytes(padded: bytes) -> None:
    assert list(split_messages(padded + b"x" + b"\x01y")) == [b"x", b"y"]


BROKEN = [
    (b"\x80", "ends inside a message length"),
    (b"\xff\xff\xff\xff", "ends inside a message length"),
    (b"\xff\xff\xff\xff\xff\x01", "longer than 32 bits"),
    (b"\x81\x80\x80\x80\x80\x00x", "longer than 32 bits"),
    (b"\x80" * 1000, "longer than 32 bits"),
    (b"\xff" * 1000, "longer than 32 bits"),
    (b"\x02x", "2 bytes is announced, 1 are left"),
    (b"\x01", "1 bytes is announced, 0 are left"),
    (b"\xff\xff\xff\xff\x0f", "4294967295 bytes is announced, 0 are left"),
    (b"\xff\xff\xff\xff\x7f" + bytes(50), "34359738367 bytes is announced, 50 are left"),
]


@pytest.mark.parametrize(("rest", "detail"), BROKEN)
def test_a_broken_length_sets_the_rest_aside_and_keeps_what_came_before(
    rest: bytes, detail: str
) -> None:
    points, rejections = decode(GOOD_RECORD + rest)
    assert [point.total for point in points] == [6.0]
    rejection = only(rejections)
    assert (rejection.format, rejection.reason) == ("opentelemetry", "invalid_framing")
    assert rejection.data == rest
    assert detail in rejection.detail
    assert f"at byte {len(GOOD_RECORD)}" in rejection.detail


@pytest.mark.parametrize(("rest", "detail"), BROKEN)
def test_a_record_that_begins_with_a_broken_length_is_set_aside_whole(
    rest: bytes, detail: str
) -> None:
    points, rejections = decode(rest)
    assert points == []
    rejection = only(rejections)
    assert (rejection.format, rejection.reason) == ("unknown", "not_metrics")
    assert rejection.data == rest
    assert detail in rejection.detail


@pytest.mark.parametrize("cut", range(1, len(GOOD_RECORD), 7))
def test_a_truncated_record_is_set_aside_and_its_neighbours_are_read(cut: int) -> None:
    points, rejections = decode(GOOD_RECORD, GOOD_RECORD[:cut], GOOD_RECORD)
    assert len(points) == 2
    rejection = only(rejections)
    assert (rejection.record, rejection.data) == (1, GOOD_RECORD[:cut])


@pytest.mark.parametrize("corrupt", [b"\x0a\xff", b"\x0a\x05abcde", GOOD[:-1], b"\x0a" * 40])
def test_a_corrupt_message_costs_itself_alone(corrupt: bytes) -> None:
    points, rejections = decode(build.record(GOOD, corrupt, GOOD))
    assert len(points) == 2
    rejection = only(rejections)
    assert (rejection.format, rejection.reason) == ("opentelemetry", "invalid_protobuf")
    assert rejection.data == build.record(corrupt)


@pytest.mark.parametrize("corrupt", [b"x", b"plain text", b"\x12\x00", b"\xff" * 9])
def test_after_a_first_message_each_is_taken_for_opentelemetry(corrupt: bytes) -> None:
    points, rejections = decode(build.record(GOOD, corrupt, GOOD))
    assert len(points) == 2
    assert [rejection.data for rejection in rejections] in ([build.record(corrupt)], [])
    # Field 2 of nothing is a legal message without metrics; anything else is not protobuf.
    assert bool(rejections) == (corrupt != b"\x12\x00")


def test_an_empty_record_and_empty_messages_hold_nothing() -> None:
    assert decode_all(b"") == []
    assert decode_all(b"\x00") == []
    assert decode_all(b"\x02\x0a\x00") == []
    assert len(decode_all(b"\x00" + GOOD_RECORD + b"\x00\x00")) == 1


def test_a_record_of_zeros_is_passed_over() -> None:
    assert decode_all(bytes(1_024_000)) == []


NEITHER = [
    b"plain text, such as a log line\n",
    b"2 123456789012 eni-0 10.0.0.1 10.0.0.2 443 49152 6 10 840 1 2 ACCEPT OK\n",
    b"[1, 2, 3]",
    b'"text"',
    b"null",
    b"   ",
    b"\n\n",
    b"\xef\xbb\xbf" + b'{"account_id": "1"}',
    '{"account_id": "1"}'.encode("utf-16"),
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    b"PAR1\x15\x04\x15\x10",
    b"<xml/>",
    b"\xff" * 64,
    b"\x00" + b"\x03abc",
]


@pytest.mark.parametrize("record", NEITHER)
def test_what_is_no_metrics_is_set_aside_whole(record: bytes) -> None:
    points, rejections = decode(GOOD_RECORD, record, GOOD_RECORD)
    assert len(points) == 2
    rejection = only(rejections)
    assert (rejection.record, rejection.format, rejection.reason) == (1, "unknown", "not_metrics")
    assert rejection.data in record
    assert rejection.data
    assert rejection.points == 0


JSON_POINT = (
    b'{"metric_stream_name":"s","account_id":"1","region":"r","namespace":"n","metric_name":"m",'
    b'"dimensions":{},"timestamp":1727740800000,'
    b'"value":{"max":3.0,"min":1.0,"sum":6.0,"count":3.0},"unit":"Count"}'
)


@pytest.mark.parametrize("before", [b"", b"\n", b"  ", b"\r\n\t ", b"\n" * 100])
@pytest.mark.parametrize("inside", [b"", b" ", b"\t \t"])
def test_json_is_recognised_behind_whitespace(before: bytes, inside: bytes) -> None:
    record = before + b"{" + inside + JSON_POINT[1:] + b"\n"
    assert [point.total for point in decode_all(record)] == [6.0]


def test_an_empty_object_is_json_and_no_metric() -> None:
    _, rejections = decode(b"{}\n")
    assert (only(rejections).format, only(rejections).reason) == ("json", "not_metrics")


def message_of_length(length: int) -> bytes:
    """A good message of so many bytes, grown by its label."""
    bare = len(build.message(build.metric(build.summary_point(build.flat([("x", "")])), name="m")))
    for size in range(max(0, length - bare - 8), length):
        labels = build.flat([("x", "v" * size)])
        message = build.message(build.metric(build.summary_point(labels)), of=b"")
        if len(message) == length:
            return message
    raise AssertionError(length)


@pytest.mark.parametrize("length", [0x7B, 0x7D, 0x7F, 0x80])
def test_a_length_that_looks_like_a_brace_is_a_length(length: int) -> None:
    record = build.record(message_of_length(length))
    if length < 0x80:
        assert record[0] == length
    assert [point.total for point in decode_all(record)] == [6.0]


@pytest.mark.parametrize("length", [0x09, 0x0A, 0x0D, 0x20])
def test_a_length_that_looks_like_whitespace_is_a_length(length: int) -> None:
    # Such a message has no room for a point, but for a metric of no known type.
    name = wire.text(1, "n" * (length - 8))
    metric = wire.delimited(2, wire.delimited(2, name))
    message = wire.delimited(1, metric)
    assert len(message) == length
    points, rejections = decode(build.record(message, GOOD))
    assert len(points) == 1
    assert only(rejections).reason == "unsupported_type"


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_decoded_or_set_aside(record: bytes) -> None:
    _, rejections = decode(record)
    assert all(rejection.data and rejection.detail for rejection in rejections)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=8))
def test_any_messages_cost_a_good_neighbour_nothing(parts: list[bytes]) -> None:
    points, rejections = decode(build.record(GOOD, *parts, GOOD))
    found = [point for point in points if point.identity.namespace == "AWS/DynamoDB"]
    assert len(found) == 2
    framed = {build.record(part) for part in parts}
    for rejection in rejections:
        # What was lost is itself a record of the lost messages, in their order.
        assert decode(rejection.data)[1][0].data == rejection.data
        assert any(rejection.data.startswith(part) for part in framed)
