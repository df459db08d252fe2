"""One request as counts of its streams: a few operations on columns, nothing for each point."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.arrays import IntArray
from app.catalog import KnownSeries, Labels
from app.otlp import MetricBatch
from app.streams.counts import WINDOW_MS, Aspect, Part, StreamCounts, StreamKey, Window
from app.streams.identity import clipped_name, source_key, stream_key

# What ends later than that after its arrival has a wrong time, and would be the newest for long.
_MOST_AHEAD_MS = 60_000


@dataclass(frozen=True, slots=True)
class Received:
    """A request that was committed, or had been before.

    ``known`` is the table that the batch was decoded with, ``size`` the inflated body's. Of an
    export, which is no request of a Firehose, only what names its metric stream is counted.
    """

    batch: MetricBatch
    known: KnownSeries
    received_ms: int
    size: int
    source: str
    duplicate: bool
    is_export: bool


def count_request(request: Received, newest_end_ms: Mapping[StreamKey, int]) -> list[StreamCounts]:
    """Counts for each stream of a request.

    ``newest_end_ms`` is the end of the newest period by stream as known before; a late point does
    not make a stream lag that delivers newer ones beside it.
    """
    streams, of_point = _streams_of_points(request)
    records = _records(request, streams, of_point)
    rejected = _rejected(request, streams, records)
    found = _points(request, streams)
    for key, of_key in rejected.items():
        found.setdefault(key, _empty(request, key))
        records.setdefault(key, set()).update(of_key)
    reasons = _reasons(request)
    for key, counts in found.items():
        counts.records = len(records.get(key, ()))
        window = counts.windows[request.received_ms // WINDOW_MS * WINDOW_MS]
        window.records = counts.records
        if not request.duplicate:
            _reject(request, counts, window, rejected.get(key, set()), reasons)
        if counts.newest_end_ms:
            newest = max(counts.newest_end_ms, newest_end_ms.get(key, 0))
            window.lag_ms = max(0, request.received_ms - newest)
    return list(found.values())


def _streams_of_points(request: Received) -> tuple[list[StreamKey], IntArray]:
    """The streams of the request, and for each point the index of its own; -1 has none."""
    origins = request.known.origins
    numbers = request.known.keys.numbers(request.batch.slot)
    streams: dict[StreamKey, int] = {}
    of_origin = np.full(len(origins), -1, np.int64)
    for number in np.flatnonzero(np.bincount(numbers)).tolist():
        key = _key(request, number)
        if key is not None:
            of_origin[number] = streams.setdefault(key, len(streams))
    return list(streams), of_origin[numbers]


def _key(request: Received, number: int) -> StreamKey | None:
    origin = request.known.origins[number]
    if request.is_export and not origin.stream:
        return None
    return stream_key(origin.account, origin.region, origin.stream, request.source)


def _points(request: Received, streams: list[StreamKey]) -> dict[StreamKey, StreamCounts]:
    found = {key: _empty(request, key) for key in streams}
    if request.duplicate or not streams:
        return found
    batch, now_ms = request.batch, request.received_ms
    numbers = request.known.keys.numbers(batch.slot)
    points = np.bincount(numbers)
    newest = np.zeros(len(points), np.int64)
    newest_end = np.zeros(len(points), np.int64)
    end_ms = batch.start_ms + batch.period_ms
    plausible = end_ms <= now_ms + _MOST_AHEAD_MS
    np.maximum.at(newest, numbers, np.where(plausible, batch.start_ms, 0))
    np.maximum.at(newest_end, numbers, np.where(plausible, end_ms, 0))
    for number in np.flatnonzero(points).tolist():
        key = _key(request, number)
        if key is None:
            continue
        counts = found[key]
        origin = request.known.origins[number]
        count = int(points[number])
        counts.points += count
        counts.last_received_ms = now_ms
        counts.newest_ms = max(counts.newest_ms, int(newest[number]))
        counts.newest_end_ms = max(counts.newest_end_ms, int(newest_end[number]))
        part = Part(now_ms, now_ms, count)
        counts.see((Aspect.LABELS, origin.labels.value), part)
        if origin.labels is not Labels.MISSING:
            counts.see((Aspect.FORMAT, origin.format.value), part)
            namespace = clipped_name(origin.namespace)
            counts.see((Aspect.NAMESPACE, namespace), part)
            if request.known.origins.is_shared(origin):
                counts.see((Aspect.SHARED, namespace), part)
    for counts in found.values():
        (window,) = counts.windows.values()
        window.points = counts.points
        window.active = 1 << now_ms % WINDOW_MS // 60_000
    return found


def _empty(request: Received, key: StreamKey) -> StreamCounts:
    return StreamCounts(
        key,
        request.source,
        request.received_ms,
        request.received_ms,
        requests=1,
        duplicates=int(request.duplicate),
        request_bytes=request.size,
        last_request_bytes=request.size,
        largest_request_bytes=request.size,
        windows={request.received_ms // WINDOW_MS * WINDOW_MS: Window(requests=1)},
    )


def _records(
    request: Received, streams: list[StreamKey], of_point: IntArray
) -> dict[StreamKey, set[int]]:
    """The records, by their index in the request, in which each stream has points."""
    found: dict[StreamKey, set[int]] = {key: set() for key in streams}
    if not streams:
        return found
    numbers, ends = zip(*(request.batch.records or ((0, len(of_point)),)), strict=True)
    points = np.diff(ends, prepend=0)
    if len(streams) == 1 and not of_point.any():
        # As nearly always: one stream, and every point is of it.
        found[streams[0]].update(
            n for n, count in zip(numbers, points.tolist(), strict=True) if count
        )
        return found
    record = np.repeat(np.arange(len(ends)), points)
    told = of_point >= 0
    # Sorting is what costs; points of one stream are in the order of their records.
    codes = record[told] * len(streams) + of_point[told]
    codes = codes[np.flatnonzero(np.diff(codes, prepend=-1))]
    pairs = np.unique(codes)
    for pair in pairs.tolist():
        position, stream = divmod(pair, len(streams))
        found[streams[stream]].add(numbers[position])
    return found


def _rejected(
    request: Received, streams: list[StreamKey], records: dict[StreamKey, set[int]]
) -> dict[StreamKey, set[int]]:
    """Records of which something was rejected, by stream.

    A record counts for the streams that have points in it, without such for the only stream of the
    request, and else for what cannot be told of the Firehose.
    """
    found: dict[StreamKey, set[int]] = {}
    rejected = {rejection.record for rejection in request.batch.rejections}
    with_points: dict[int, list[StreamKey]] = {}
    for key in streams:
        for number in records[key] & rejected:
            with_points.setdefault(number, []).append(key)
    for number in rejected:
        of_record = with_points.get(number, [])
        if not of_record and len(streams) == 1:
            of_record = streams
        if not of_record and not request.is_export:
            of_record = [source_key(request.source)]
        for key in of_record:
            found.setdefault(key, set()).add(number)
    return found


def _reasons(request: Received) -> dict[int, Counter[str]]:
    """Why something of a record was rejected, and how often."""
    found: dict[int, Counter[str]] = {}
    for rejection in request.batch.rejections:
        found.setdefault(rejection.record, Counter())[rejection.reason.value] += 1
    return found


def _reject(
    request: Received,
    counts: StreamCounts,
    window: Window,
    rejected: set[int],
    reasons: dict[int, Counter[str]],
) -> None:
    counts.rejected_records = window.rejected_records = len(rejected)
    for number in rejected:
        for reason, occurrences in reasons[number].items():
            part = Part(request.received_ms, request.received_ms, occurrences)
            counts.see((Aspect.REJECTION, reason), part)
