"""OTLP requests in storage, on both engines: durable, the same as through Firehose, idempotent."""

import json
from collections.abc import Iterator

import pytest
from google.protobuf.json_format import MessageToJson

from app.otlp import Encoding
from app.simulator import AccountModel, Format, encode_records, wire
from tests.fixtures.exports import TIME_MS, every_kind, export, gauge
from tests.fixtures.house import House, house

MINUTE_MS = 60_000


@pytest.fixture
def inside(database_url: str) -> Iterator[House]:
    with house(database_url) as made:
        yield made


def send(inside: House, body: bytes, encoding: Encoding = Encoding.PROTOBUF) -> tuple[int, int]:
    receipt = inside.ingest.store(inside.ingest.open_export(body, encoding))
    return receipt.points, len(receipt.rejections)


def test_every_kind_of_point_is_stored(inside: House) -> None:
    request = export(*every_kind(), service__name="shop")
    assert send(inside, request.SerializeToString()) == (16, 0)
    points = inside.rows(
        "SELECT s.metric, s.kind, CAST(p.minute AS BIGINT) * 60000 + p.offset_ms, p.period_ms,"
        " p.sample_count, p.sum, p.minimum, p.maximum"
        " FROM point_rows p JOIN series s ON s.series_id = p.series_id"
    )
    number, counted = (1.0, 7.0, 7.0, 7.0), (6.0, 4.5, 0.25, 3.0)
    before, end = TIME_MS - 10_000, TIME_MS
    expected: list[tuple[object, ...]] = [
        ("a.gauge", "gauge", end, 0, 1.0, 1.5, 1.5, 1.5),
        ("a.gauge", "gauge", end + 1000, 0, 1.0, -2.5, -2.5, -2.5),
    ]
    for time in (before, end):
        expected += [
            ("delta.sum", "sum_delta", time - 10_000, 10_000, *number),
            ("cumulative.sum", "sum_cumulative", time, 0, *number),
            ("delta.histogram", "histogram_delta", time - 10_000, 10_000, *counted),
            ("cumulative.histogram", "histogram_cumulative", time, 0, *counted),
            ("delta.exponential", "histogram_delta", time - 10_000, 10_000, 7.0, 4.5, None, None),
            ("cumulative.exponential", "histogram_cumulative", time, 0, 7.0, 4.5, None, None),
            ("a.summary", "summary", time, 0, 5.0, 2.5, 0.125, 1.0),
        ]
    assert points == sorted(expected, key=repr)
    extras = inside.rows(
        "SELECT DISTINCT s.metric, e.statistic, e.value"
        " FROM extra_statistic_rows e JOIN series s ON s.series_id = e.series_id"
    )
    assert {row for row in extras if row[0] in ("a.summary", "delta.histogram")} == {
        ("a.summary", "p50", 0.5),
        ("a.summary", "p99.9", 0.75),
        ("delta.histogram", "le:0.5", 1.0),
        ("delta.histogram", "le:2.5", 2.0),
        ("delta.histogram", "le:inf", 3.0),
    }
    assert {row[1:] for row in extras if row[0] == "delta.exponential"} == {
        ("le:1.0", 1.0),
        ("le:1.4142135623730951", 2.0),
        ("le:2.0", 3.0),
        ("zero_count", 1.0),
    }


def test_protobuf_json_and_firehose_give_the_same_series_and_points(inside: House) -> None:
    request = export(*every_kind(), service__name="shop", cloud__region="eu-west-1")
    message = request.SerializeToString()
    send(inside, message)
    once = inside.contents()
    assert len(once["v_points"]) == 16
    send(inside, MessageToJson(request).encode(), Encoding.JSON)
    inside.post([wire.framed(message)])
    # Three deliveries, none a duplicate of another, and nothing that was not there.
    assert inside.rows("SELECT count(*) FROM delivery") == [(3,)]
    assert inside.contents() == once


def test_a_metric_stream_of_cloudwatch_is_the_same_over_both_routes(inside: House) -> None:
    points = AccountModel(3, tables=2).points(TIME_MS // MINUTE_MS * MINUTE_MS)
    (record,) = encode_records(points, Format.OPENTELEMETRY_1_0)
    inside.post([record])
    once = inside.contents()
    assert once["v_values"]
    # A record is a message behind its length.
    length = next(n for n in range(1, 6) if record[n - 1] < 0x80)
    send(inside, record[length:])
    assert inside.contents() == once


def test_the_same_body_is_stored_once_and_answered_alike(inside: House) -> None:
    bad = gauge("bad", float("nan"), float("inf"))
    body = export(gauge("good", 1.0), bad).SerializeToString()
    first = inside.ingest.store(inside.ingest.open_export(body, Encoding.PROTOBUF))
    again = inside.ingest.store(inside.ingest.open_export(body, Encoding.PROTOBUF))
    assert (first.duplicate, again.duplicate) == (False, True)
    assert first.rejections == again.rejections
    assert sum(rejection.points for rejection in first.rejections) == 2
    assert first.request_id == again.request_id
    assert inside.rows("SELECT request_id, records, points, rejections FROM delivery") == [
        (first.request_id, 1, 1, 1)
    ]
    assert inside.rows("SELECT occurrences, request_id, points, reason FROM quarantine") == [
        (1, first.request_id, 2, "invalid_value")
    ]


def test_the_same_bytes_in_another_encoding_are_another_delivery(inside: House) -> None:
    send(inside, b"")
    send(inside, b"{}", Encoding.JSON)
    send(inside, b" {}", Encoding.JSON)
    assert inside.rows("SELECT count(*) FROM delivery") == [(3,)]


def test_what_is_set_aside_can_be_replayed(inside: House) -> None:
    """The quarantine of a protobuf request has the form of a Firehose record."""
    body = export(gauge("bad", float("nan")), gauge("good", 1.0)).SerializeToString()
    send(inside, body)
    ((data,),) = inside.rows("SELECT data FROM quarantine")
    assert isinstance(data, bytes)
    assert b"good" not in data
    inside.post([data])
    assert inside.rows("SELECT occurrences FROM quarantine") == [(2,)]


def test_a_json_body_with_a_faulty_point_is_kept_whole(inside: House) -> None:
    document = json.loads(MessageToJson(export(gauge("m", 1.0, 2.0, 3.0))))
    scope = document["resourceMetrics"][0]["scopeMetrics"][0]
    scope["metrics"][0]["gauge"]["dataPoints"][1]["asDouble"] = "two"
    body = json.dumps(document).encode()
    assert send(inside, body, Encoding.JSON) == (2, 1)
    assert inside.rows("SELECT format, reason, points, data FROM quarantine") == [
        ("opentelemetry-json", "invalid_json", 1, body)
    ]
