"""Statistics of streams: gathered in memory, added to the database every few seconds.

A delivery's transaction does not know of them. They are advice and not data: what a process has
gathered since the last flush is lost when it is killed.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog

from app.clock import Clock
from app.pipeline.stream_metrics import STREAM_METRICS
from app.pipeline.worker import Worker
from app.storage import (
    Connection,
    Store,
    add_to_streams,
    announce,
    read_raised,
    read_refused,
    read_streams,
)
from app.streams import (
    MOST_STREAMS,
    OTHER_STREAM,
    Limits,
    Part,
    Received,
    Refusals,
    RefusedKey,
    StreamCounts,
    StreamKey,
    StreamWarning,
    WarningId,
    count_request,
    merge_into,
    refused_key,
    stream_warnings,
)

FLUSH_SECONDS = 5.0
_FLUSHES_PER_LOOK = 3

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StreamReport:
    """Streams in the order of their keys, refused requests, and the warnings that follow."""

    streams: list[StreamCounts]
    refused: dict[RefusedKey, Part]
    warnings: list[StreamWarning]


@dataclass(slots=True)
class _Gathered:
    streams: dict[StreamKey, StreamCounts] = field(default_factory=dict)
    refused: Refusals = field(default_factory=Refusals)

    def add(self, counts: Iterable[StreamCounts]) -> None:
        merge_into(self.streams, counts, most=MOST_STREAMS, other=OTHER_STREAM)


class StreamStatistics(Worker):
    """Gathers, flushes, and says what is wrong. Thread-safe."""

    def __init__(self, store: Store, clock: Clock, limits: Limits) -> None:
        super().__init__("streams")
        self._store = store
        self._clock = clock
        self._limits = limits
        self._watching_since_ms = clock.now_ms()
        self._gathered = _Gathered()
        self._newest_end_ms: dict[StreamKey, int] = {}
        self._lock = threading.Lock()
        # Held while counts move to the database, in which time they are in neither place.
        self._moving = threading.Lock()

    def received(self, request: Received) -> None:
        """Count a request that was committed or had been before. Never raises."""
        try:
            with self._lock:
                counts = count_request(request, self._newest_end_ms)
                self._gathered.add(counts)
                self._remember_newest(counts)
        except Exception:  # noqa: BLE001 - the points are stored, and Firehose must be told so
            _log.exception("statistics of a request were not counted")

    def refused(self, route: str, source: str, host: str | None, reason: str) -> None:
        """Count a request refused for its access key, ``missing`` or ``wrong``."""
        now_ms = self._clock.now_ms()
        key = refused_key(route, source, host, reason)
        with self._lock:
            self._gathered.refused.add(key, Part(now_ms, now_ms, 1))

    def report(self, *, account: str | None = None, region: str | None = None) -> StreamReport:
        """Everything known now, what this process has not flushed yet included.

        Raises ``StorageUnavailable``.
        """
        with self._moving:
            with self._store.read() as connection:
                streams = read_streams(connection, account=account, region=region)
                refused = Refusals(read_refused(connection))
                raised = read_raised(connection)
            with self._lock:
                own = [
                    counts
                    for key, counts in self._gathered.streams.items()
                    if account in (None, key.account) and region in (None, key.region)
                ]
                merge_into(streams, own, most=MOST_STREAMS, other=OTHER_STREAM)
                for key, part in self._gathered.refused.folded(refused).of.items():
                    refused.add(key, part)
        ordered = [streams[key] for key in sorted(streams)]
        return StreamReport(ordered, refused.of, self._warnings(ordered, refused.of, raised))

    def flush(self) -> bool:
        """Add what has been gathered to the database; False if it has to be tried again.

        Raises ``StorageUnavailable``; nothing is lost by it.
        """
        with self._moving:
            with self._lock:
                moving, self._gathered = self._gathered, _Gathered()
            if not moving.streams and not moving.refused.of:
                return True
            done = False
            try:
                streams = sorted(moving.streams.values(), key=lambda counts: counts.key)
                done = self._store.write(lambda c: add_to_streams(c, streams, moving.refused))
            finally:
                if not done:
                    self._take_back(moving)
            return done

    def run_once(self) -> None:
        """Look at what is stored, serve it as metrics, and log warnings that begin or are over."""
        with self._store.read() as connection:
            streams = list(read_streams(connection).values())
            refused = read_refused(connection)
            raised = read_raised(connection)
        warnings = self._warnings(streams, refused, raised)
        STREAM_METRICS.show(streams, warnings)
        there = {warning.id: warning for warning in warnings}
        begun, over = there.keys() - raised, raised - there.keys()
        if not begun and not over:
            return
        now_ms = self._clock.now_ms()

        def job(connection: Connection) -> tuple[list[WarningId], list[WarningId]]:
            return announce(connection, sorted(begun), sorted(over), now_ms)

        for_us, over_for_us = self._store.write(job)
        for warning in for_us:
            _log.warning("stream warning", **_named(warning), message=there[warning].message)
        for warning in over_for_us:
            _log.info("stream warning is over", **_named(warning))

    def stop(self) -> None:
        """Stop, and flush what is left."""
        super().stop()
        self._flush_attempt()

    def _warnings(
        self,
        streams: list[StreamCounts],
        refused: dict[RefusedKey, Part],
        raised: set[WarningId],
    ) -> list[StreamWarning]:
        return stream_warnings(
            streams,
            refused,
            raised,
            now_ms=self._clock.now_ms(),
            watching_since_ms=self._watching_since_ms,
            limits=self._limits,
        )

    def _remember_newest(self, counts: list[StreamCounts]) -> None:
        for of_stream in counts:
            known = self._newest_end_ms.get(of_stream.key)
            if known is None and len(self._newest_end_ms) >= MOST_STREAMS:
                self._newest_end_ms.clear()
            self._newest_end_ms[of_stream.key] = max(known or 0, of_stream.newest_end_ms)

    def _take_back(self, moving: _Gathered) -> None:
        with self._lock:
            later, self._gathered = self._gathered, moving
            self._gathered.add(later.streams.values())
            for key, part in later.refused.of.items():
                self._gathered.refused.add(key, part)

    def _flush_attempt(self) -> bool:
        return bool(
            self._attempt(
                self.flush,
                postponed="statistics of streams postponed",
                failed="statistics of streams failed",
            )
        )

    def _loop(self) -> None:
        flushes = 0
        while not self._stopped.wait(FLUSH_SECONDS):
            flushed = self._flush_attempt()
            flushes += 1
            # Only what all processes see is announced, or they would contradict each other.
            if flushed and flushes >= _FLUSHES_PER_LOOK:
                flushes = 0
                self._attempt(
                    self.run_once,
                    postponed="warnings of streams postponed",
                    failed="warnings of streams failed",
                )


def _named(warning: WarningId) -> dict[str, str]:
    kind, key, subject = warning
    named = {"kind": kind.value, **key._asdict(), "subject": subject}
    return {name: text for name, text in named.items() if text}
