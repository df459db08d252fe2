"""The counts of one stream: what requests add, processes share and the database keeps.

Adding is commutative: in which order counts of several processes meet makes no difference.
Times are milliseconds since the epoch; 0 is never.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

WINDOW_MINUTES = 10
WINDOW_MS = WINDOW_MINUTES * 60_000
KEPT_WINDOWS_MS = 4 * 3_600_000
"""How long before a stream's last request its windows reach back."""
RUN_GAP_MS = 3_600_000
"""What has not been seen for longer begins anew when it is seen again."""
MOST_STREAMS = 10_000
"""Streams that are kept apart, in a process and in the database; further ones count together."""
MOST_PARTS = 1_000
"""Parts of a stream that are kept apart; further ones are not counted."""


class StreamKey(NamedTuple):
    """``account`` and ``region`` are the source of the metrics, which need not be the stream's.

    ``stream`` is the ARN of the metric stream, or its name where the ARN cannot be known. What
    cannot be counted for any stream has the ARN of the Firehose there.
    """

    account: str
    region: str
    stream: str


class Aspect(StrEnum):
    """What the parts of a stream are told apart by."""

    FORMAT = "format"
    LABELS = "labels"
    NAMESPACE = "namespace"
    SHARED = "shared"
    """Namespaces of which another stream delivers the same metrics."""
    REJECTION = "rejection"


@dataclass(slots=True)
class Part:
    """Something that a stream has been seen to hold, without longer breaks since ``since_ms``."""

    since_ms: int
    last_ms: int
    occurrences: int

    def add(self, other: "Part") -> None:
        """Merge what has been seen elsewhere or later."""
        if other.since_ms - self.last_ms > RUN_GAP_MS:
            self.since_ms = other.since_ms
        elif self.since_ms - other.last_ms <= RUN_GAP_MS:
            self.since_ms = min(self.since_ms, other.since_ms)
        self.last_ms = max(self.last_ms, other.last_ms)
        self.occurrences += other.occurrences


@dataclass(slots=True)
class Window:
    """Ten minutes of receiving. Bit n of ``active`` is set if points came in its minute n."""

    active: int = 0
    points: int = 0
    requests: int = 0
    records: int = 0
    rejected_records: int = 0
    lag_ms: int = 0
    """The longest."""

    def add(self, other: "Window") -> None:
        """Merge the same window as another process has seen it."""
        self.active |= other.active
        self.points += other.points
        self.requests += other.requests
        self.records += other.records
        self.rejected_records += other.rejected_records
        self.lag_ms = max(self.lag_ms, other.lag_ms)


@dataclass(slots=True)
class StreamCounts:
    """A request counts for every stream that has points in it; sizes are of the whole request.

    ``last_received_ms`` is when points were stored last, ``newest_ms`` and ``newest_end_ms`` the
    start and end of the newest period; ``parts`` by aspect and name, ``windows`` by their start.
    """

    key: StreamKey
    source: str
    first_seen_ms: int
    last_request_ms: int
    last_received_ms: int = 0
    newest_ms: int = 0
    newest_end_ms: int = 0
    points: int = 0
    requests: int = 0
    duplicates: int = 0
    records: int = 0
    rejected_records: int = 0
    request_bytes: int = 0
    last_request_bytes: int = 0
    largest_request_bytes: int = 0
    parts: dict[tuple[Aspect, str], Part] = field(default_factory=dict)
    windows: dict[int, Window] = field(default_factory=dict)

    @property
    def lag_ms(self) -> int | None:
        """From the end of the newest period to when points were received last."""
        if not self.newest_end_ms:
            return None
        return max(0, self.last_received_ms - self.newest_end_ms)

    def add(self, other: "StreamCounts") -> None:
        """Merge counts that are not among these yet; takes over the other's parts and windows."""
        if other.last_request_ms >= self.last_request_ms:
            self.source = other.source
            self.last_request_ms = other.last_request_ms
            self.last_request_bytes = other.last_request_bytes
        self.first_seen_ms = min(self.first_seen_ms, other.first_seen_ms)
        self.last_received_ms = max(self.last_received_ms, other.last_received_ms)
        self.newest_ms = max(self.newest_ms, other.newest_ms)
        self.newest_end_ms = max(self.newest_end_ms, other.newest_end_ms)
        self.points += other.points
        self.requests += other.requests
        self.duplicates += other.duplicates
        self.records += other.records
        self.rejected_records += other.rejected_records
        self.request_bytes += other.request_bytes
        self.largest_request_bytes = max(self.largest_request_bytes, other.largest_request_bytes)
        for name, part in other.parts.items():
            self.see(name, part)
        for start_ms, window in other.windows.items():
            self.windows.setdefault(start_ms, Window()).add(window)

    def see(self, name: tuple[Aspect, str], part: Part) -> None:
        """Count a part."""
        known = self.parts.get(name)
        if known is not None:
            known.add(part)
        elif len(self.parts) < MOST_PARTS:
            self.parts[name] = Part(part.since_ms, part.last_ms, part.occurrences)

    def of(self, aspect: Aspect) -> dict[str, Part]:
        """The parts of an aspect by name."""
        return {name: part for (of, name), part in self.parts.items() if of is aspect}


def merge_into(
    streams: dict[StreamKey, StreamCounts],
    new: Iterable[StreamCounts],
    *,
    most: int,
    other: StreamKey,
) -> None:
    """Add counts to those of their streams; above ``most`` streams, further ones go to ``other``.

    The objects of ``new`` are not touched and not kept.
    """
    for counts in new:
        key = counts.key if counts.key in streams or len(streams) < most else other
        known = streams.get(key)
        if known is None:
            known = StreamCounts(key, counts.source, counts.first_seen_ms, counts.last_request_ms)
            streams[key] = known
        known.add(counts)
