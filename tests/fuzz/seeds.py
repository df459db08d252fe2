"""Small, legal inputs to begin from: records of each format, and bodies made of them."""

import base64
import gzip
import json
from collections.abc import Callable, Mapping
from functools import partial

from app.otlp import Encoding
from app.otlp.framing import split_messages
from app.simulator import AccountModel, Format, encode_records
from tests.fixtures import promql_texts

START_MS = 1_727_740_800_000
_POINTS = 4


def records(format_: Format, number: int) -> list[bytes]:
    """The points of a few series, another few for each number."""
    points = AccountModel(number, tables=2, accounts=2, regions=2).points(START_MS)
    first = number * 7 % len(points)
    return list(encode_records(points[first : first + _POINTS], format_))


def record(format_: Format, number: int) -> bytes:
    """One record of a format."""
    return records(format_, number)[0]


def export(number: int) -> bytes:
    """An OTLP/HTTP body: the first message of a record, without its length."""
    return bytes(next(iter(split_messages(record(Format.OPENTELEMETRY_1_0, number)))))


def export_json(number: int) -> bytes:
    """The same kind of request in JSON, written by hand."""
    point = {
        "attributes": [{"key": "k", "value": {"stringValue": f"v{number}"}}],
        "startTimeUnixNano": str(START_MS * 1_000_000),
        "timeUnixNano": str((START_MS + 60_000) * 1_000_000),
        "count": "3",
        "sum": 4.5,
        "bucketCounts": ["1", "1", "1"],
        "explicitBounds": [1, 2.5],
    }
    histogram = {"dataPoints": [point, point], "aggregationTemporality": 1}
    metrics = [
        {"name": "h", "unit": "s", "histogram": histogram},
        {"name": "g", "gauge": {"dataPoints": [{"asDouble": 1.5, "timeUnixNano": "1"}]}},
    ]
    attribute = {"key": "cloud.account.id", "value": {"stringValue": "111122223333"}}
    body = {"resource": {"attributes": [attribute]}, "scopeMetrics": [{"metrics": metrics}]}
    return json.dumps({"resourceMetrics": [body]}).encode()


def envelope(number: int) -> bytes:
    """A Firehose body with records of all formats."""
    data = [base64.b64encode(record(format_, number)).decode() for format_ in Format]
    body = {"requestId": f"r{number}", "timestamp": START_MS}
    return json.dumps(body | {"records": [{"data": item} for item in data]}).encode()


def compressed(number: int) -> bytes:
    """The same body as a gzip stream."""
    return gzip.compress(envelope(number), mtime=0)


SEEDS: Mapping[str, Callable[[int], bytes]] = {
    **{format_.value: partial(record, format_) for format_ in Format},
    Encoding.PROTOBUF.value: export,
    Encoding.JSON.value: export_json,
    "envelope": envelope,
    "gzip": compressed,
    "promql": lambda number: promql_texts.expression(number).encode(),
}
"""Legal inputs by kind, numbered."""
