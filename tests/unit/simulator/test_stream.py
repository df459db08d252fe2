"""Requests of a stream: reproducible, complete, within the limits, faults on demand."""

import base64
import gzip
import json
from collections import Counter
from dataclasses import replace

import pytest

from app.simulator import AccountModel, Format
from app.simulator.buffering import Buffer
from app.simulator.draws import uniform
from app.simulator.records import Record
from app.simulator.stream import Shipment, StreamOptions, shipments
from tests.unit.simulator.reading import read

START_MS = 1_727_740_800_000
OPTIONS = StreamOptions(start_ms=START_MS, minutes=12)


def stream(options: StreamOptions, *, tables: int, regions: int = 1) -> list[Shipment]:
    model = AccountModel(options.seed, tables=tables, regions=regions)
    return list(shipments(model, options))


@pytest.mark.parametrize(
    "options",
    [
        OPTIONS,
        replace(OPTIONS, formats=tuple(Format), gzip=True, late=0.1),
        replace(OPTIONS, duplicates=0.5, shuffle=True, buffer_ms=0),
    ],
)
def test_the_same_seed_gives_the_same_bytes(options: StreamOptions) -> None:
    first, second = stream(options, tables=5, regions=2), stream(options, tables=5, regions=2)
    assert [s.request for s in first] == [s.request for s in second]
    other = stream(replace(options, seed=1), tables=5, regions=2)
    assert {s.request.request_id for s in first}.isdisjoint(s.request.request_id for s in other)


@pytest.mark.parametrize("late", [0.0, 0.3])
@pytest.mark.parametrize("buffer_ms", [0, 20_000, 60_000, 900_000])
def test_every_point_is_sent_once(late: float, buffer_ms: int) -> None:
    sent = stream(replace(OPTIONS, late=late, buffer_ms=buffer_ms), tables=8, regions=2)
    model = AccountModel(0, tables=8, regions=2)
    expected = [p for minute in range(12) for p in model.points(START_MS + minute * 60_000)]
    assert Counter(p for s in sent for p in s.batch.points) == Counter(expected)


def test_the_points_of_a_batch_are_those_in_its_records() -> None:
    for format_ in Format:
        for shipment in stream(replace(OPTIONS, formats=(format_,), late=0.2), tables=4):
            found = [p for record in shipment.request.records for p in read(record, format_)]
            assert Counter((p.metric, p.dimensions, p.start_ms) for p in found) == Counter(
                (p.series.metric, p.series.dimensions, p.start_ms) for p in shipment.batch.points
            )


def test_a_request_has_the_headers_and_the_body_of_the_protocol() -> None:
    options = replace(
        OPTIONS, access_key="key", common_attributes=(("env", "prod"),), gzip=True, minutes=1
    )
    (shipment,) = stream(options, tables=1)
    request = shipment.request
    account = AccountModel(0).accounts[0]
    arn = f"arn:aws:firehose:us-east-1:{account}:deliverystream/hydrant-simulated"
    assert request.headers == {
        "X-Amz-Firehose-Protocol-Version": "1.0",
        "X-Amz-Firehose-Request-Id": request.request_id,
        "X-Amz-Firehose-Source-Arn": arn,
        "Content-Type": "application/json",
        "User-Agent": "Amazon Kinesis Data Firehose Agent/1.0",
        "X-Amz-Firehose-Access-Key": "key",
        "X-Amz-Firehose-Common-Attributes": '{"commonAttributes":{"env":"prod"}}',
        "Content-Encoding": "gzip",
    }
    body = json.loads(gzip.decompress(request.body))
    assert body["requestId"] == request.request_id
    assert body["timestamp"] == request.timestamp_ms == START_MS + 120_000
    assert tuple(base64.b64decode(r["data"]) for r in body["records"]) == request.records


def test_absent_settings_are_absent_headers() -> None:
    headers = stream(replace(OPTIONS, minutes=1), tables=1)[0].request.headers
    assert not {"X-Amz-Firehose-Access-Key", "X-Amz-Firehose-Common-Attributes"} & headers.keys()
    assert "Content-Encoding" not in headers


def test_mixed_formats_share_a_request() -> None:
    for shipment in stream(replace(OPTIONS, formats=tuple(Format), minutes=3), tables=5):
        kinds = Counter(record[:1] == b"{" for record in shipment.request.records)
        assert kinds[True] >= 1
        assert kinds[False] >= 2


def test_consumption_arrives_several_minutes_at_once() -> None:
    runs = Counter(
        Counter(p.series for p in shipment.batch.points).most_common(1)[0][1]
        for shipment in stream(OPTIONS, tables=20)
    )
    assert 5 in runs


def test_late_points_come_one_to_ten_minutes_later() -> None:
    delays = Counter(
        (s.due_ms - p.end_ms) // 60_000
        for s in stream(replace(OPTIONS, minutes=60, late=0.2, buffer_ms=0), tables=5)
        for p in s.batch.points
        if not p.series.metric.startswith("Consumed") and s.due_ms < START_MS + 61 * 60_000
    )
    assert set(delays) == set(range(1, 12))
    assert 0.1 < 1 - delays[1] / delays.total() < 0.3


def test_duplicates_repeat_the_records_under_the_same_or_a_new_id() -> None:
    sent = stream(replace(OPTIONS, minutes=60, duplicates=0.5), tables=2)
    originals = {id(s.batch): s for s in sent if not s.duplicate}
    copies = [s for s in sent if s.duplicate]
    assert 15 < len(copies) < 45
    same = [s.request == originals[id(s.batch)].request for s in copies]
    assert True in same
    assert False in same
    assert all(s.request.records == originals[id(s.batch)].request.records for s in copies)


def test_shuffling_changes_the_order_alone() -> None:
    plain = [s.request for s in stream(OPTIONS, tables=2)]
    mixed = [s.request for s in stream(replace(OPTIONS, shuffle=True), tables=2)]
    assert mixed != plain
    assert sorted(r.request_id for r in mixed) == sorted(r.request_id for r in plain)


@pytest.mark.parametrize(("size", "interval", "requests"), [(1 << 20, 60_000, 12), (1, 0, 14)])
def test_buffers_are_cut_by_size_and_by_interval(size: int, interval: int, requests: int) -> None:
    sent = stream(replace(OPTIONS, buffer_bytes=size, buffer_ms=interval), tables=2)
    assert abs(len(sent) - requests) <= 2


def test_a_buffer_keeps_to_the_number_of_records_and_the_largest_body() -> None:
    buffer = Buffer(1 << 40, 0)
    cuts = [len(cut) for _ in range(25_000) if (cut := buffer.add(Record(b"", ()), 0))]
    assert cuts == [10_000, 10_000]
    buffer = Buffer(1 << 40, 0)
    cuts = [len(c) for _ in range(66) if (c := buffer.add(Record(bytes(1_024_000), ()), 0))]
    assert cuts == [65]


def test_draws_are_spread_over_the_unit_interval() -> None:
    numbers = [uniform("spread", i) for i in range(2000)]
    assert 0 <= min(numbers) < 0.01
    assert 0.99 < max(numbers) < 1
    assert abs(sum(numbers) / 2000 - 0.5) < 0.03
