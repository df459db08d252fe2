"""From minutes of the account to the sequence of requests, in stream time and without I/O.

One metric stream and one Firehose per region, owned by the first account, which monitors the
others (section B.1). The same options give the same requests, byte for byte.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from app.simulator.buffering import Buffer, DeliveryStream, FirehoseRequest, request_id
from app.simulator.draws import key_of
from app.simulator.faults import Arrivals, duplicated, shuffled
from app.simulator.points import PERIOD_MS, Point
from app.simulator.records import STREAM_NAME, TYPICAL_RECORD_BYTES, Format, Record, pack_records

# Between the end of a minute and its arrival at Firehose. With a buffer of a minute the requests
# are about two minutes behind, as in the captures (mean 122 s).
ARRIVAL_LAG_MS = 60_000


# The metrics of 2025 that tell why a request was throttled.
CAUSE_METRICS = frozenset(
    f"{direction}{cause}ThrottleEvents"
    for direction in ("Read", "Write")
    for cause in (
        "ProvisionedThroughput",
        "KeyRangeThroughput",
        "AccountLimit",
        "MaxOnDemandThroughput",
    )
)


class Model(Protocol):
    """Accounts that have points for every minute."""

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts; the first owns the metric streams."""
        ...

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions, each with a metric stream."""
        ...

    def points_in(self, region: str, start_ms: int) -> list[Point]:
        """Return one region's points of the minute that starts at `start_ms` (Unix)."""
        ...


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """What is streamed and how; `minutes` None never ends. Several formats alternate.

    `detours` leads what would arrive in a minute since 1970 to the minute in which it does, None
    for never. Without `cause_metrics` the stream is one of before 2025.
    """

    start_ms: int
    minutes: int | None
    seed: int = 0
    formats: tuple[Format, ...] = (Format.OPENTELEMETRY_1_0,)
    buffer_bytes: int = 5 << 20
    buffer_ms: int = 60_000
    gzip: bool = False
    access_key: str = ""
    common_attributes: tuple[tuple[str, str], ...] = ()
    duplicates: float = 0.0
    late: float = 0.0
    shuffle: bool = False
    stream_name: str = STREAM_NAME
    detours: Mapping[int, int | None] = field(default_factory=dict)
    cause_metrics: bool = True


@dataclass(eq=False, slots=True)
class Batch:
    """The points of a request; duplicates share their original's batch."""

    points: tuple[Point, ...]
    acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class Shipment:
    """A request that is due at a stream time, and the batch that it carries."""

    due_ms: int
    request: FirehoseRequest
    batch: Batch
    stream: DeliveryStream
    duplicate: bool = False


def shipments(model: Model, options: StreamOptions) -> Iterator[Shipment]:
    """Yield the requests of a stream in the order of sending, duplicates included."""
    sequence: Iterator[Shipment] = _originals(model, options)
    if options.duplicates:
        sequence = duplicated(sequence, options.duplicates, options.seed, _again)
    if options.shuffle:
        sequence = shuffled(sequence, options.seed)
    return sequence


def _originals(model: Model, options: StreamOptions) -> Iterator[Shipment]:
    if not model.accounts:
        return
    regions = [_Region(region, model.accounts[0], options) for region in model.regions]
    now_ms = options.start_ms
    counted = itertools.count() if options.minutes is None else range(options.minutes)
    for passed in counted:
        start_ms = options.start_ms + passed * PERIOD_MS
        now_ms = start_ms + PERIOD_MS + ARRIVAL_LAG_MS
        for region in regions:
            yield from region.expired(now_ms)
            region.measured(model.points_in(region.name, start_ms))
            yield from region.arrived(start_ms // PERIOD_MS, now_ms)
    for region in regions:
        # The end of the run does not wait for what is still held back.
        while (minute := region.arrivals.next_minute()) is not None:
            yield from region.arrived(minute, now_ms)
        yield from region.drained(now_ms)


def _again(shipment: Shipment, renamed: bool) -> Shipment:  # noqa: FBT001
    request = shipment.request
    if renamed:
        name = request_id(request.request_id, "again")
        request = shipment.stream.request(name, request.timestamp_ms, request.records)
    return replace(shipment, request=request, duplicate=True)


class _Region:
    """The metric stream and the Firehose of one region."""

    def __init__(self, name: str, account: str, options: StreamOptions) -> None:
        self.name = name
        self.arrivals = Arrivals(options.seed, options.late, options.detours)
        self._options = options
        self._account = account
        self._buffer = Buffer(options.buffer_bytes, options.buffer_ms)
        self._numbers = itertools.count(1)
        self._stream = DeliveryStream(
            name=options.stream_name,
            account=account,
            region=name,
            access_key=options.access_key,
            common_attributes=options.common_attributes,
            gzip=options.gzip,
        )

    def measured(self, points: Sequence[Point]) -> None:
        """Take the points of a minute."""
        if not self._options.cause_metrics:
            points = [point for point in points if point.series.metric not in CAUSE_METRICS]
        self.arrivals.add(points)

    def expired(self, now_ms: int) -> Iterator[Shipment]:
        """Yield what has been in the buffer for the interval."""
        deadline = self._buffer.deadline_ms
        if deadline is not None and deadline <= now_ms:
            yield self._shipment(self._buffer.cut(), deadline)

    def arrived(self, minute: int, now_ms: int) -> Iterator[Shipment]:
        """Yield the requests that the points arriving in this minute fill."""
        for record in self._records(self.arrivals.take(minute), minute):
            cut = self._buffer.add(record, now_ms)
            if cut:
                yield self._shipment(cut, now_ms)
        yield from self.expired(now_ms)

    def drained(self, now_ms: int) -> Iterator[Shipment]:
        """Yield what is left in the buffer."""
        left = self._buffer.cut()
        if left:
            yield self._shipment(left, now_ms)

    def _records(self, points: Sequence[Point], minute: int) -> Iterator[Record]:
        formats = self._options.formats
        # While a stream changes its format both arrive at the same Firehose (section B.1).
        turn = key_of(self._options.seed, "format", self.name, minute) % len(formats)
        share = -(-len(points) // len(formats))
        for position in range(len(formats)):
            yield from pack_records(
                points[position * share : (position + 1) * share],
                formats[(turn + position) % len(formats)],
                max_record_bytes=TYPICAL_RECORD_BYTES,
                stream_name=self._options.stream_name,
                stream_account=self._account,
            )

    def _shipment(self, records: Sequence[Record], due_ms: int) -> Shipment:
        name = request_id(self._options.seed, self.name, self._account, next(self._numbers))
        request = self._stream.request(name, due_ms, [record.data for record in records])
        points = tuple(point for record in records for point in record.points)
        return Shipment(due_ms, request, Batch(points), self._stream)
