"""Bodies that are small and mean much work: bounded, told, and never at the cost of good points."""

import pytest

from app.catalog import describe
from app.errors import InvalidRequest
from app.otlp import BatchBuilder, Encoding, Rejection, SeriesKeys, decode_record, open_export
from app.otlp.parts import TooManyParts, check_parts
from app.otlp.rejection import MOST_FAULTS, Reason
from tests.e2e.deliveries import metric_lines
from tests.unit.otlp import building as build

MEBIBYTE = 1 << 20


def decode(*records: bytes) -> tuple[int, list[Rejection]]:
    """How many points there are, and what was lost."""
    keys = SeriesKeys(describe)
    builder = BatchBuilder()
    for index, record in enumerate(records):
        decode_record(index, record, keys, builder)
    return len(builder.slot), builder.rejections


def test_after_many_bad_lines_the_rest_is_kept_unread() -> None:
    good = metric_lines("Good")
    bad = b"{}\n" * (MOST_FAULTS - 1)
    points, rejections = decode(good + bad, b"{}\n" + good, b"{}\n" + good + good, good)
    assert points == 2
    assert [(r.record, r.reason, r.data) for r in rejections[1:]] == [
        (1, Reason.NOT_METRICS, b"{}"),
        (2, Reason.TOO_MANY, (b"{}\n" + good + good)),
        (3, Reason.TOO_MANY, good),
    ]
    assert rejections[0].points == MOST_FAULTS - 1


@pytest.mark.parametrize("empty", [b"\x0a\x00", b"\x0a\x02\x12\x00", b"\x0a\x04\x12\x02\x12\x00"])
def test_empty_parts_are_not_looked_at_for_ever(empty: bytes) -> None:
    message = empty * (MEBIBYTE // 2 // len(empty))
    points, rejections = decode(*[build.record(message)] * 3)
    assert points == 0
    # A metric without data is a fault by itself.
    assert {r.reason for r in rejections} - {Reason.UNSUPPORTED} == {Reason.TOO_MANY}
    # The bytes are all there, to be decoded again.
    assert rejections[-1].data == build.record(message)


@pytest.mark.parametrize("empty", [b"\x0a\x00", b"\x0a\x02\x12\x00", b"\x0a\x04\x12\x02\x12\x00"])
def test_a_large_message_of_empty_parts_is_not_parsed(empty: bytes) -> None:
    message = empty * (4 * MEBIBYTE // len(empty))
    with pytest.raises(TooManyParts):
        check_parts(message)
    ((points, (rejection,)),) = [decode(build.record(message))]
    assert (points, rejection.reason) == (0, Reason.TOO_MANY)
    with pytest.raises(InvalidRequest, match="smaller requests"):
        open_export(message, Encoding.PROTOBUF)


def test_a_large_message_of_points_is_parsed() -> None:
    labels = build.cloudwatch_nested("AWS/EC2", "CPU")
    of_one = build.message(build.metric(build.summary_point(labels)))
    check_parts(of_one * (2 * MEBIBYTE // len(of_one)))


def test_large_messages_that_are_no_protobuf_are_left_to_protobuf() -> None:
    for piece in (b"\xff\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x0f\x12"):
        check_parts(piece * MEBIBYTE)


@pytest.mark.parametrize("body", [b'{"a":[' + b"{}," * 1_500_001, b"[" + b"0," * 4_000_001])
def test_json_of_very_many_values_is_not_parsed(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="smaller requests"):
        open_export(body, Encoding.JSON)


def test_blank_records_cost_nothing() -> None:
    assert decode(b"{}\n" + b" \n" * MEBIBYTE, b"\n" * MEBIBYTE + metric_lines("Good"))[0] == 1
    assert decode(bytes(8 * MEBIBYTE)) == (0, [])
