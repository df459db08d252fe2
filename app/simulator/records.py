"""Points to Firehose records: which points share a record, a message and a metric (section B.3).

The framing follows the captures: a record holds varint-delimited messages or JSON lines, one
Metric message per series and up to five points in it, newest first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from app.errors import HydrantError
from app.simulator import otlp, wire
from app.simulator.cloudwatch_json import json_line
from app.simulator.points import Point, Series

MAX_RECORD_BYTES = 1_024_000
# The captured records hold 57 to 135 KB, far below the limit.
TYPICAL_RECORD_BYTES = 100_000
STREAM_NAME = "hydrant-simulated"
_POINTS_PER_METRIC = 5
# Tags and lengths around a group of metrics: six fields of at most 1 + 5 bytes.
_GROUP_FRAMING_BYTES = 36
_METRIC_FRAMING_BYTES = 6


class Format(StrEnum):
    """The output formats of a metric stream, by the names of the CloudWatch API."""

    JSON = "json"
    OPENTELEMETRY_0_7 = "opentelemetry0.7"
    OPENTELEMETRY_1_0 = "opentelemetry1.0"


class RecordTooLarge(HydrantError):
    """A single point does not fit into a record."""

    kind = "record_too_large"
    status = 400


@dataclass(frozen=True, slots=True)
class Record:
    """The bytes that a metric stream puts into Firehose, and the points that are in them."""

    data: bytes
    points: tuple[Point, ...]


def encode_records(
    points: Sequence[Point],
    format: Format,  # noqa: A002 - The name that CloudWatch gives it.
    *,
    max_record_bytes: int = MAX_RECORD_BYTES,
    stream_name: str = STREAM_NAME,
    stream_account: str | None = None,
) -> list[bytes]:
    """Return records of at most `max_record_bytes` that hold every point exactly once.

    JSON keeps the order of the points. The OpenTelemetry formats gather the points of a series
    into one Metric, at its first place, and the metrics of a record by account and region.
    `stream_account` owns the metric stream (default: the first point's account).
    Raises RecordTooLarge when one point alone is larger than a record.
    """
    packed = pack_records(
        points,
        format,
        max_record_bytes=max_record_bytes,
        stream_name=stream_name,
        stream_account=stream_account,
    )
    return [record.data for record in packed]


def pack_records(
    points: Sequence[Point],
    format: Format,  # noqa: A002 - The name that CloudWatch gives it.
    *,
    max_record_bytes: int,
    stream_name: str,
    stream_account: str | None = None,
) -> list[Record]:
    """Do what `encode_records` does and say which points each record holds."""
    if not points:
        return []
    if format is Format.JSON:
        return list(_json_records(points, stream_name, max_record_bytes))
    owner = stream_account if stream_account is not None else points[0].series.account
    packing = _Packing(
        nested=format is Format.OPENTELEMETRY_1_0,
        stream=stream_name,
        owner=owner,
        max_bytes=max_record_bytes,
    )
    return list(packing.records(points))


def _json_records(points: Sequence[Point], stream_name: str, max_bytes: int) -> Iterator[Record]:
    lines: list[bytes] = []
    size = first = 0
    for position, point in enumerate(points):
        line = json_line(point, stream_name)
        _check_size(len(line), max_bytes)
        if size + len(line) > max_bytes:
            yield Record(b"".join(lines), tuple(points[first:position]))
            lines, size, first = [], 0, position
        lines.append(line)
        size += len(line)
    yield Record(b"".join(lines), tuple(points[first:]))


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise RecordTooLarge(f"one metric takes {size} bytes, a record holds {max_bytes}")


_Group = tuple[str, str]


class _Packing:
    """Fills OpenTelemetry records with Metric messages, group by (account, region)."""

    def __init__(self, *, nested: bool, stream: str, owner: str, max_bytes: int) -> None:
        self._nested = nested
        self._stream = stream
        self._owner = owner
        self._max_bytes = max_bytes

    def records(self, points: Sequence[Point]) -> Iterator[Record]:
        groups: dict[_Group, list[bytes]] = {}
        held: list[Point] = []
        size = 0
        for together in _by_series(points):
            group = (together[0].series.account, together[0].series.region)
            metric = otlp.metric_message(together, nested=self._nested)
            metric_bytes = len(metric) + _METRIC_FRAMING_BYTES
            group_bytes = len(self._resource(group)) + _GROUP_FRAMING_BYTES
            _check_size(metric_bytes + group_bytes, self._max_bytes)
            added = metric_bytes + (0 if group in groups else group_bytes)
            if size + added > self._max_bytes:
                yield Record(self._encoded(groups), tuple(held))
                groups, held, size, added = {}, [], 0, metric_bytes + group_bytes
            groups.setdefault(group, []).append(metric)
            held.extend(together)
            size += added
        yield Record(self._encoded(groups), tuple(held))

    def _encoded(self, groups: dict[_Group, list[bytes]]) -> bytes:
        resources = (
            otlp.resource_metrics(self._resource(group), metrics)
            for group, metrics in groups.items()
        )
        messages = []
        # Both shapes occur across accounts: one resource in a message, and two.
        take = 1
        while chunk := list(islice(resources, take)):
            messages.append(wire.framed(otlp.export_request(chunk)))
            take = 3 - take
        return b"".join(messages)

    def _resource(self, group: _Group) -> bytes:
        account, region = group
        arn = f"arn:aws:cloudwatch:{region}:{self._owner}:metric-stream/{self._stream}"
        return otlp.resource_message(account, region, arn)


def _by_series(points: Sequence[Point]) -> Iterator[list[Point]]:
    gathered: dict[Series, list[Point]] = {}
    for point in points:
        gathered.setdefault(point.series, []).append(point)
    for together in gathered.values():
        together.sort(key=lambda point: -point.start_ms)
        for first in range(0, len(together), _POINTS_PER_METRIC):
            yield together[first : first + _POINTS_PER_METRIC]
