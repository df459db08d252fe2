"""Requests as counts of their streams."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.catalog import KnownSeries
from app.otlp import BatchBuilder, MetricBatch, decode_record
from app.otlp.rejection import Format as WireFormat
from app.otlp.rejection import Reason, Rejection
from app.simulator import Format, Point, Series, encode_records
from app.streams import Aspect, Received, StreamCounts, StreamKey, count_request
from app.streams.accounting import _rejected
from tests.fixtures.house import NOW_MS

MINUTE_MS = 60_000
START_MS = NOW_MS // MINUTE_MS * MINUTE_MS - 5 * MINUTE_MS
OWNER = "999999999999"
FIREHOSE = f"arn:aws:firehose:eu-west-1:{OWNER}:deliverystream/hydrant"
ARN = f"arn:aws:cloudwatch:eu-west-1:{OWNER}:metric-stream/hydrant-simulated"
TABLE = Series("1", "eu-west-1", "AWS/DynamoDB", "Reads", (("TableName", "t"),), "Count")
ACCOUNT_WIDE = replace(TABLE, metric="UserErrors", dimensions=())
ELSEWHERE = replace(TABLE, account="2")


def point(series: Series, minute: int = 0) -> Point:
    return Point(series, START_MS + minute * MINUTE_MS, 1, 2.0, 2.0, 2.0)


def encoded(points: Sequence[Point], format_: Format, stream: str = "hydrant-simulated") -> bytes:
    (record,) = encode_records(points, format_, stream_account=OWNER, stream_name=stream)
    return record


def decode(records: Sequence[bytes], known: KnownSeries) -> MetricBatch:
    builder = BatchBuilder()
    for index, record in enumerate(records):
        decode_record(index, record, known.keys, builder)
    return builder.build()


def count(
    records: Sequence[bytes],
    *rejections: Rejection,
    known: KnownSeries | None = None,
    source: str = FIREHOSE,
    duplicate: bool = False,
    is_export: bool = False,
) -> dict[StreamKey, StreamCounts]:
    known = known or KnownSeries()
    batch = decode(records, known)
    batch = replace(batch, rejections=batch.rejections + rejections)
    request = Received(batch, known, NOW_MS, 1234, source, duplicate, is_export)
    return {counts.key: counts for counts in count_request(request, {})}


@pytest.mark.parametrize("format_", Format)
def test_every_format_gives_the_same_stream(format_: Format) -> None:
    points = [point(TABLE), point(TABLE, 1), point(ACCOUNT_WIDE)]
    (counts,) = count([encoded(points, format_)]).values()
    assert counts.key == StreamKey("1", "eu-west-1", ARN)
    assert (counts.points, counts.requests, counts.records) == (3, 1, 1)
    assert (counts.newest_ms, counts.newest_end_ms) == (
        START_MS + MINUTE_MS,
        START_MS + 2 * MINUTE_MS,
    )
    assert counts.request_bytes == counts.last_request_bytes == 1234
    assert {name: part.occurrences for name, part in counts.parts.items()} == {
        (Aspect.FORMAT, format_.value): 3,
        (Aspect.LABELS, "dimensions"): 2,
        (Aspect.LABELS, "no_dimensions"): 1,
        (Aspect.NAMESPACE, "AWS/DynamoDB"): 3,
    }
    (window,) = counts.windows.values()
    assert (window.points, window.requests, window.records) == (3, 1, 1)
    assert window.lag_ms == NOW_MS - counts.newest_end_ms


def test_a_request_counts_for_each_of_its_streams() -> None:
    records = [
        encoded([point(TABLE), point(ELSEWHERE)], Format.OPENTELEMETRY_1_0),
        encoded([point(ELSEWHERE, 1)], Format.JSON),
    ]
    counted = {key.account: counts for key, counts in count(records).items()}
    assert {key: (c.points, c.records) for key, c in counted.items()} == {"1": (1, 1), "2": (2, 2)}


def test_without_a_firehose_json_has_only_the_name() -> None:
    (key,) = count([encoded([point(TABLE)], Format.JSON)], source="")
    assert key.stream == "hydrant-simulated"


def test_a_name_that_is_no_text_costs_no_point() -> None:
    record = encoded([point(TABLE)], Format.JSON).replace(b'"hydrant-simulated"', b'{"a":[1]}')
    (counts,) = count([record]).values()
    assert (counts.key.stream, counts.points) == (FIREHOSE, 1)


def test_a_duplicate_brings_no_points() -> None:
    (counts,) = count([encoded([point(TABLE)], Format.JSON)], duplicate=True).values()
    assert (counts.requests, counts.duplicates, counts.points) == (1, 1, 0)
    assert (counts.last_received_ms, counts.newest_ms, counts.parts) == (0, 0, {})


def test_points_of_the_future_are_not_the_newest() -> None:
    record = encoded([point(TABLE), point(TABLE, 60)], Format.JSON)
    (counts,) = count([record]).values()
    assert (counts.points, counts.newest_ms) == (2, START_MS)


def test_points_without_labels_are_counted_apart() -> None:
    # Its own two labels under other names: what is left is no point of CloudWatch.
    record = encoded([point(TABLE)], Format.OPENTELEMETRY_0_7)
    record = record.replace(b"\x0a\x09Namespace", b"\x0a\x09namespace")
    (counts,) = count([record]).values()
    assert counts.key.stream == ARN
    assert list(counts.parts) == [(Aspect.LABELS, "missing")]


def rejection(record: int) -> Rejection:
    return Rejection(record, WireFormat.UNKNOWN, Reason.BASE64, "", b"")


def test_a_rejected_record_counts_for_the_only_stream() -> None:
    good = encoded([point(TABLE)], Format.JSON)
    (counts,) = count([good, b"neither"], rejection(7)).values()
    assert (counts.records, counts.rejected_records) == (3, 2)
    assert {name: part.occurrences for name, part in counts.of(Aspect.REJECTION).items()} == {
        "not_metrics": 1,
        "invalid_base64": 1,
    }


def test_a_record_with_a_bad_line_counts_for_its_stream() -> None:
    records = [
        encoded([point(TABLE)], Format.JSON) + b"{}\n{}\n",
        encoded([point(ELSEWHERE)], Format.JSON),
    ]
    counted = {key.account: counts.rejected_records for key, counts in count(records).items()}
    assert counted == {"1": 1, "2": 0}


def test_what_no_stream_can_be_told_of_counts_for_the_firehose() -> None:
    (counts,) = count([b"neither", b"nor"]).values()
    assert counts.key == StreamKey(OWNER, "eu-west-1", FIREHOSE)
    assert (counts.points, counts.records, counts.rejected_records) == (0, 2, 2)
    both = encoded([point(TABLE), point(ELSEWHERE)], Format.JSON)
    counted = {key.stream: c.rejected_records for key, c in count([both, b"neither"]).items()}
    assert counted == {ARN: 0, FIREHOSE: 1}


def test_exports_count_only_for_metric_streams() -> None:
    stream = encoded([point(TABLE)], Format.OPENTELEMETRY_1_0)
    assert [c.points for c in count([stream], source="", is_export=True).values()] == [1]
    none = encoded([point(TABLE)], Format.JSON, stream="")
    assert count([none], source="", is_export=True) == {}


def test_metrics_of_two_streams_are_seen_to_be_shared() -> None:
    known = KnownSeries()
    first = encoded([point(TABLE)], Format.OPENTELEMETRY_1_0, "a")
    split = encoded([point(ACCOUNT_WIDE)], Format.OPENTELEMETRY_1_0, "b")
    second = encoded([point(TABLE)], Format.OPENTELEMETRY_1_0, "b")
    shared = []
    for record in (first, split, second, first, second):
        (counts,) = count([record], known=known).values()
        shared.append(list(counts.of(Aspect.SHARED)))
    # Streams may split a namespace; the same metric is what is paid for twice.
    assert shared == [[], [], ["AWS/DynamoDB"], ["AWS/DynamoDB"], ["AWS/DynamoDB"]]


def test_texts_that_no_index_can_hold_are_cut() -> None:
    long = replace(TABLE, account="€" * 255, region="r" * 255, namespace="ü" * 255)
    (counts,) = count([encoded([point(long)], Format.JSON, "n" * 5_000)], source="").values()
    assert len("".join(counts.key).encode()) < 700
    assert all(len(name.encode()) <= 512 for _, name in counts.parts)


class Looks(set[int]):
    """Record numbers that count how often somebody asked for one."""

    asked = 0

    def __contains__(self, number: object) -> bool:
        Looks.asked += 1
        return super().__contains__(number)


def test_many_streams_with_many_rejections_cost_no_product_of_them() -> None:
    many = 300
    streams = [StreamKey("1", "eu-west-1", str(number)) for number in range(many)]
    rejections = tuple(
        Rejection(number, WireFormat.JSON, Reason.JSON, "", b"") for number in range(many)
    )
    batch = replace(decode([], KnownSeries()), rejections=rejections)
    request = Received(batch, KnownSeries(), NOW_MS, 1, FIREHOSE, duplicate=False, is_export=False)
    found = _rejected(request, streams, {key: Looks([n]) for n, key in enumerate(streams)})
    assert found == {key: {number} for number, key in enumerate(streams)}
    assert Looks.asked <= 10 * many
