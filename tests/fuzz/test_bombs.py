"""Small inputs that would become large, deep or endless, and large ones that say little."""

import base64
import gzip
import json
import time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from app.catalog import describe
from app.errors import InvalidRequest, TooLarge
from app.firehose import MAX_BODY_BYTES, inflate, open_envelope
from app.otlp import BatchBuilder, Encoding, SeriesKeys, decode_record, open_export
from app.simulator.wire import varint
from tests.unit.otlp import building as build

MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def bounded_cpu() -> Iterator[None]:
    """What is refused is refused soon: a bomb must not cost more than a legal body of its size."""
    began = time.process_time()
    yield
    assert time.process_time() - began < 10


def peak_of(work: Callable[[], object]) -> int:
    """The most bytes that Python held at once, beyond those before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def rejected(record: bytes) -> list[str]:
    builder = BatchBuilder()
    decode_record(0, record, SeriesKeys(describe), builder)
    batch = builder.build()
    assert not len(batch)
    return [rejection.reason.value for rejection in batch.rejections]


def test_a_gzip_bomb() -> None:
    bomb = gzip.compress(bytes(2 * MAX_BODY_BYTES), 9)
    assert len(bomb) < MIB

    def refused() -> None:
        with pytest.raises(TooLarge):
            inflate(bomb, "gzip")

    assert peak_of(refused) < 2 * MAX_BODY_BYTES + 8 * MIB


def test_a_gzip_bomb_within_a_gzip_bomb() -> None:
    inner = gzip.compress(bytes(MAX_BODY_BYTES), 9)
    body = inflate(gzip.compress(inner, 9), "gzip")
    # One layer is taken off, and what is below is no envelope.
    assert body == inner
    with pytest.raises(InvalidRequest):
        open_envelope(body)


@pytest.mark.parametrize(
    "bomb",
    [
        b"[" * (8 * MIB),
        b'{"records":' * MIB,
        b'{"records":[' + b"[" * (4 * MIB) + b"]}",
        b'{"records":1,"resourceMetrics":' + b"9" * (4 * MIB) + b"}",
        b'{"records":[{"data":"' + b"\\u0000" * MIB,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
    ids=["lists", "objects", "lists in records", "digits", "escapes", "closed objects"],
)
def test_a_json_bomb_is_no_envelope(bomb: bytes) -> None:
    with pytest.raises(InvalidRequest):
        open_envelope(bomb)
    with pytest.raises(InvalidRequest):
        open_export(bomb, Encoding.JSON)


def test_a_json_bomb_in_a_record() -> None:
    for deep in (b"[" * MIB, b'{"dimensions":' * 200_000, b'{"value":' + b"1" * MIB + b"}"):
        assert rejected(b'{"metric_stream_name":' + deep) == ["invalid_json"]


def test_a_million_empty_records() -> None:
    body = b'{"records":[' + b",".join([b'{"data":""}'] * 1_000_000) + b"]}"
    with pytest.raises(InvalidRequest, match="records"):
        open_envelope(body)


def test_a_line_of_a_million_names() -> None:
    names = ",".join(f'"n{number}":{number}' for number in range(200_000))
    line = f'{{"metric_stream_name":"s","dimensions":{{{names}}}}}'.encode()
    assert rejected(line) != []


def test_lengths_of_four_gigabytes_and_more() -> None:
    for length in (2**32 - 1, 2**32, 2**63, 2**64 - 1):
        assert rejected(varint(length) + b"\x0a\x00") != []
        inner = build.message(b"\x0a" + varint(length) + b"\x00")
        assert rejected(varint(len(inner)) + inner) != []
    # A varint may have ten bytes; what goes on is none.
    assert rejected(b"\xff" * 64 + b"\x0a\x00") != []


def test_a_length_of_four_gigabytes_takes_no_memory() -> None:
    record = varint(2**32) + b"\x0a" + bytes(1_000)
    assert peak_of(lambda: rejected(record)) < MIB


@pytest.mark.parametrize("levels", [100, 10_000, 200_000])
def test_a_deep_kvlist(levels: int) -> None:
    value = build.string_value("bottom")
    # Lengths of lengths: written from the inside, the sizes are known in advance.
    parts: list[bytes] = [value]
    size = len(value)
    for _ in range(levels):
        pair = b"\x0a\x01k" + b"\x12" + varint(size)
        size += len(pair)
        entry = b"\x0a" + varint(size)
        size += len(entry)
        outer = b"\x32" + varint(size)
        size += len(outer)
        parts.append(outer + entry + pair)
        if size > 4 * MIB:
            break
    deep = b"".join(reversed(parts))
    point = build.summary_point(build.attributes([("Dimensions", deep)]))
    assert rejected(build.record(build.message(build.metric(point)))) != []


def test_a_record_that_is_a_bomb_costs_its_neighbours_nothing() -> None:
    point = {
        "metric_stream_name": "s",
        "account_id": "111122223333",
        "region": "eu-west-1",
        "namespace": "AWS/DynamoDB",
        "metric_name": "UserErrors",
        "dimensions": {},
        "timestamp": 1_727_740_800_000,
        "unit": "Count",
        "value": {"max": 1.0, "min": 1.0, "sum": 1.0, "count": 1.0},
    }
    good = base64.b64encode(json.dumps(point).encode() + b"\n").decode()
    bomb = base64.b64encode(b'{"metric_stream_name":' + b"[" * MIB).decode()
    opened = open_envelope(
        json.dumps({"records": [{"data": item} for item in (good, bomb, good)]}).encode()
    )
    builder = BatchBuilder()
    for index, record in opened.records:
        decode_record(index, record, SeriesKeys(describe), builder)
    batch = builder.build()
    assert len(batch) == 2
    assert [rejection.record for rejection in batch.rejections] == [1]
