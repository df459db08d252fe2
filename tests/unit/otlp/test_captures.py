"""Captured deliveries against readings by opentelemetry-proto and json, to the last bit."""

from collections import Counter
from typing import NamedTuple

import pytest

from app.catalog import SeriesIdentity
from app.firehose import open_envelope
from app.simulator import Format
from app.simulator.otlp import unit_text
from tests.fixtures.samples import sample
from tests.unit.otlp.decoding import Decoded, bits_of, decode, decode_all
from tests.unit.simulator.reading import Read, read


class Capture(NamedTuple):
    name: str
    format: Format
    records: int
    points: int


CAPTURES = [
    Capture("otlp-0.7/capture.json", Format.OPENTELEMETRY_0_7, 3, 953),
    Capture("otlp-1.0/capture.json", Format.OPENTELEMETRY_1_0, 2, 710),
    Capture("json/records.json", Format.JSON, 4, 1160),
    Capture("json/record.json", Format.JSON, 1, 1),
]
each_capture = pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: str(capture.name))


def records_of(capture: Capture) -> list[bytes]:
    _, body = sample(capture.name)
    envelope = open_envelope(body)
    assert envelope.undecodable == []
    assert len(envelope.records) == capture.records
    return [data for _, data in envelope.records]


def as_decoded(point: Read, format_: Format, unit: str) -> Decoded:
    identity = SeriesIdentity(
        point.account, point.region, point.namespace, point.metric, point.dimensions, unit
    )
    return Decoded(
        identity,
        point.start_ms,
        60_000,
        float(point.count),
        point.total + 0.0,
        point.minimum + 0.0,
        point.maximum + 0.0,
        tuple((_statistic(name, format_), value + 0.0) for name, value in point.extra),
    )


def _statistic(name: float | str, format_: Format) -> str:
    if format_ is Format.JSON:
        return str(name)
    assert isinstance(name, float)
    return f"p{name * 100:.10g}"


@each_capture
def test_every_point_is_read_as_an_independent_reader_reads_it(capture: Capture) -> None:
    records = records_of(capture)
    found = decode_all(*records)
    # One capture lacks the newline after its last line.
    ended = [f.rstrip(b"\n") + b"\n" if capture.format is Format.JSON else f for f in records]
    oracle = [point for record in ended for point in read(record, capture.format)]
    assert len(found) == len(oracle) == capture.points
    for ours, theirs in zip(found, oracle, strict=True):
        if capture.format is not Format.JSON:
            assert unit_text(ours.identity.unit) == theirs.unit
        unit = theirs.unit if capture.format is Format.JSON else ours.identity.unit
        assert bits_of(ours) == bits_of(as_decoded(theirs, capture.format, unit))


@each_capture
def test_no_two_points_have_the_same_key(capture: Capture) -> None:
    found = decode_all(*records_of(capture))
    assert len({(point.identity, point.start_ms) for point in found}) == capture.points
    assert len({(point.identity.digest, point.start_ms) for point in found}) == capture.points


@each_capture
def test_every_series_is_cloudwatchs(capture: Capture) -> None:
    for point in decode_all(*records_of(capture)):
        assert len(point.identity.account) == 12
        assert point.identity.region.count("-") == 2
        assert "amazonaws.com" not in point.identity.namespace
        assert point.identity.namespace
        assert point.identity.kind == "summary"
        assert point.start_ms % 60_000 == 0
        assert point.minimum is not None
        assert point.maximum is not None


def test_the_captures_hold_what_the_notes_on_them_say() -> None:
    old = decode_all(*records_of(CAPTURES[0]))
    assert sum(point.total < 0 for point in old) == 47
    assert sum(bool(point.extras) for point in old) == 36
    names = Counter(name for point in old for name, _ in point.extras)
    assert set(names) <= {"p70", "p80", "p95", "p99"}
    assert sum(point.total == 0 for point in old) > 953 * 0.3
    new = decode_all(*records_of(CAPTURES[1]))
    assert sum(point.identity.namespace == "AWS/DynamoDB" for point in new) == 18
    json_points = Counter(p.identity.namespace for p in decode_all(*records_of(CAPTURES[2])))
    assert json_points == {"AWS/EC2": 785, "AWS/EBS": 375}


def test_console_demo_data_is_set_aside_line_by_line() -> None:
    _, body = sample("negative/console-demo-data.json")
    records = [data for _, data in open_envelope(body).records]
    points, rejections = decode(*records)
    assert records
    assert points == []
    assert {rejection.reason for rejection in rejections} == {"not_metrics"}
    assert {rejection.format for rejection in rejections} == {"json"}
    assert {rejection.record for rejection in rejections} == set(range(len(records)))


def test_the_good_records_beside_broken_base64_are_read() -> None:
    _, body = sample("negative/broken-base64.json")
    envelope = open_envelope(body)
    points = decode_all(*(data for _, data in envelope.records))
    oracle = [
        point for _, data in envelope.records for point in read(data, Format.OPENTELEMETRY_0_7)
    ]
    assert len(points) == len(oracle) > 0
