"""Warnings, from the counts of all streams and the time; pure.

A warning is there as long as its reason is, and is over by itself. ``raised`` are those that are
known to be raised: a process that has just started cannot tell a stream that stopped from a server
that did not run, and takes the word of the others.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from statistics import median
from typing import NamedTuple

from app.catalog import Labels
from app.otlp.rejection import Reason
from app.streams.counts import WINDOW_MINUTES, Aspect, Part, StreamCounts, StreamKey
from app.streams.identity import OTHER_STREAM
from app.streams.refusals import OTHER_SOURCE, RefusedKey
from app.streams.rhythm import INTERVALS_OF_SILENCE, MINUTE_MS, intervals, usual_interval_ms

RECENT_MS = 30 * MINUTE_MS
"""For so long after it was seen last, something counts as going on."""
FORMAT_SETTLED_MS = 60 * MINUTE_MS
LONGEST_BUFFER_MS = 15 * MINUTE_MS
"""Firehose's longest buffering interval: the usual interval of a stream hardly known."""
_BREAKS_OF_SILENCE = 1.5
_QUIET_SOURCE_MS = 3 * 24 * 60 * MINUTE_MS
"""How long one account of a stream may be silent while others come through: over a weekend."""
_MOST_NAMED = 5
_MINUTES_ARE_CLEAR = 120
_HOURS_ARE_CLEAR = 48


class Kind(StrEnum):
    """What is wrong; stable, used as a label of our own metrics."""

    STOPPED = "stopped"
    FORMAT_SWITCHED = "format_switched"
    LABELS_LOST = "labels_lost"
    LAGGING = "lagging"
    RECORDS_REJECTED = "records_rejected"
    DELIVERED_TWICE = "delivered_twice"
    KEY_REFUSED = "key_refused"


class WarningId(NamedTuple):
    """``subject`` tells warnings of one kind and stream apart; mostly empty."""

    kind: Kind
    key: StreamKey
    subject: str


@dataclass(frozen=True, slots=True)
class StreamWarning:
    """``message`` says what, since when, and what to do. ``key`` is empty without a stream."""

    kind: Kind
    key: StreamKey
    subject: str
    since_ms: int
    message: str

    @property
    def id(self) -> WarningId:
        """What makes it the same warning as before."""
        return WarningId(self.kind, self.key, self.subject)


@dataclass(frozen=True, slots=True)
class Limits:
    """``rejected_percent`` is the share of records above which rejections are a warning."""

    silence_ms: int = 10 * MINUTE_MS
    lag_ms: int = 15 * MINUTE_MS
    rejected_percent: int = 1


NO_STREAM = StreamKey("", "", "")


def stream_warnings(
    streams: Sequence[StreamCounts],
    refused: Mapping[RefusedKey, Part],
    raised: Collection[WarningId],
    *,
    now_ms: int,
    watching_since_ms: int,
    limits: Limits,
) -> list[StreamWarning]:
    """All warnings, in the order of streams; those of refused keys come last."""
    found: list[StreamWarning] = []
    flowing = []
    coming = {
        counts.key.stream
        for counts in streams
        if now_ms - counts.last_received_ms <= _silence_ms(counts, limits.silence_ms)
    }
    for counts in streams:
        if counts.key == OTHER_STREAM:
            continue
        others_come = counts.key.stream in coming
        stopped = _stopped(
            counts, raised, now_ms, watching_since_ms, limits, others_come=others_come
        )
        if stopped is not None:
            found.append(stopped)
            continue
        flowing.append(counts)
        looked_for = (
            _format_switched(counts, now_ms),
            _labels_lost(counts, now_ms, limits),
            _lagging(counts, now_ms, limits),
            _rejected(counts, now_ms, limits),
        )
        found += (warning for warning in looked_for if warning is not None)
    found += _delivered_twice(flowing, now_ms)
    found += _refused(streams, refused, now_ms)
    return found


def _silence_ms(counts: StreamCounts, least_ms: int) -> int:
    known = intervals(counts)
    if known is None:
        return max(INTERVALS_OF_SILENCE * LONGEST_BUFFER_MS, least_ms)
    # What comes in bursts has many short gaps and long ones again and again; an outage is once.
    break_ms = _BREAKS_OF_SILENCE * sorted(known)[-2] * MINUTE_MS
    return max(int(INTERVALS_OF_SILENCE * median(known) * MINUTE_MS), int(break_ms), least_ms)


def _stopped(
    counts: StreamCounts,
    raised: Collection[WarningId],
    now_ms: int,
    watching_since_ms: int,
    limits: Limits,
    *,
    others_come: bool,
) -> StreamWarning | None:
    """``others_come`` says that points of some account come through the stream."""
    last_ms = counts.last_received_ms
    if not last_ms:
        return None
    silence_ms = _silence_ms(counts, limits.silence_ms)
    if others_come:
        # The stream has not stopped. Its accounts may be quiet at night.
        silence_ms = max(silence_ms, _QUIET_SOURCE_MS)
    known = WarningId(Kind.STOPPED, counts.key, "") in raised
    silent_since = last_ms if known else max(last_ms, watching_since_ms)
    if now_ms - silent_since <= silence_ms:
        return None
    usual = usual_interval_ms(counts)
    rhythm = f"; it usually comes every {_length(usual)}" if usual else ""
    reasons = (
        "Points of other accounts still come through this stream: look whether this account is"
        " still linked to the monitoring account, and whether the stream's filter was changed"
        if others_come
        else "Likely reasons: the metric stream was stopped or deleted, its filter or its role"
        " changed, or its Firehose cannot reach this server (address, certificate, access key)."
        " Look at the metric stream's state and at DeliveryToHttpEndpoint.DataFreshness of the"
        " Firehose"
    )
    return StreamWarning(
        Kind.STOPPED,
        counts.key,
        "",
        last_ms,
        f"no point has come since {_time(last_ms)}{rhythm}. {reasons}",
    )


def _format_switched(counts: StreamCounts, now_ms: int) -> StreamWarning | None:
    formats = [
        (part.since_ms, name, part)
        for name, part in counts.of(Aspect.FORMAT).items()
        if now_ms - part.last_ms <= FORMAT_SETTLED_MS
    ]
    if len(formats) < 2:  # noqa: PLR2004 - one format is how it should be
        return None
    formats.sort()
    (_, old, of_old), (since_ms, new, _) = formats[-2:]
    return StreamWarning(
        Kind.FORMAT_SWITCHED,
        counts.key,
        "",
        since_ms,
        f"the format changed from {old} to {new} at {_time(since_ms)}; {old} came last at"
        f" {_time(of_old.last_ms)}. Every format gives the same series here, so nothing is lost;"
        " if nobody meant to change OutputFormat of the metric stream, find out who did, as other"
        " receivers of it may lose labels. This ends an hour after the old format came last",
    )


def _labels_lost(counts: StreamCounts, now_ms: int, limits: Limits) -> StreamWarning | None:
    parts = counts.of(Aspect.LABELS)
    missing = parts.get(Labels.MISSING.value)
    if missing is not None and now_ms - missing.last_ms <= RECENT_MS:
        return StreamWarning(
            Kind.LABELS_LOST,
            counts.key,
            "",
            missing.since_ms,
            f"points without Namespace and MetricName have come since {_time(missing.since_ms)},"
            f" {missing.occurrences} so far, the last at {_time(missing.last_ms)}. CloudWatch"
            " always sends both: something between it and here, such as a Lambda function of the"
            " Firehose, reads one version of OpenTelemetry as the other and writes it without"
            " labels. Take it out or correct it; what was sent this way cannot be put right here",
        )
    whole = parts.get(Labels.DIMENSIONS.value)
    if whole is None:
        return None
    silence_ms = max(_silence_ms(counts, limits.silence_ms), RECENT_MS)
    if counts.last_received_ms - whole.last_ms <= silence_ms:
        return None
    return StreamWarning(
        Kind.LABELS_LOST,
        counts.key,
        "",
        whole.last_ms,
        f"points come, but since {_time(whole.last_ms)} none of them has a dimension, and before"
        f" {whole.occurrences} had. Look whether the filter of the metric stream was changed, and"
        " whether something between it and here, such as a Lambda function, drops dimensions",
    )


def _lagging(counts: StreamCounts, now_ms: int, limits: Limits) -> StreamWarning | None:
    lag_ms = counts.lag_ms
    if lag_ms is None or lag_ms <= limits.lag_ms:
        return None
    if now_ms - counts.last_received_ms > _silence_ms(counts, limits.silence_ms):
        # A quiet account whose last point was late, as a daily one is, has nothing that waits.
        return None
    since_ms = counts.last_received_ms
    for start_ms, window in sorted(counts.windows.items(), reverse=True):
        if window.active and window.lag_ms <= limits.lag_ms:
            break
        since_ms = max(start_ms, counts.first_seen_ms)
    return StreamWarning(
        Kind.LAGGING,
        counts.key,
        "",
        since_ms,
        f"the newest points were {_length(lag_ms)} old when they came, too late since about"
        f" {_time(since_ms)}; 2 to 6 minutes are usual. Look at"
        " DeliveryToHttpEndpoint.DataFreshness and .Success of the Firehose and at 503s of this"
        " server: what waits is retried for as long as the Firehose's retry duration says, then it"
        " is written to its S3 bucket",
    )


def _rejected(counts: StreamCounts, now_ms: int, limits: Limits) -> StreamWarning | None:
    recent = [w for start_ms, w in counts.windows.items() if now_ms - start_ms <= RECENT_MS]
    records = sum(window.records for window in recent)
    rejected = sum(window.rejected_records for window in recent)
    if not rejected or rejected * 100 <= records * limits.rejected_percent:
        return None
    reasons = {
        name: part
        for name, part in counts.of(Aspect.REJECTION).items()
        if now_ms - part.last_ms <= RECENT_MS + WINDOW_MINUTES * MINUTE_MS
    }
    since_ms = min((part.since_ms for part in reasons.values()), default=now_ms)
    advice = "look for a data transformation of the Firehose, or a source that is no metric stream"
    if reasons.keys() == {Reason.ACCOUNT}:
        advice = "bind the access key to these accounts too, or take them out of the stream"
    return StreamWarning(
        Kind.RECORDS_REJECTED,
        counts.key,
        "",
        since_ms,
        f"{rejected} of the last {records} records held something that was not stored"
        f" ({', '.join(sorted(reasons))}), first at {_time(since_ms)}. It is in quarantine with its"
        " reason: see /api/v1/quarantine. Firehose is not told and will not send it again;"
        f" {advice}",
    )


def _delivered_twice(streams: Sequence[StreamCounts], now_ms: int) -> Iterator[StreamWarning]:
    """Warnings of streams that deliver metrics of the same account, region and namespace.

    That they are the same metrics has been seen when the series were new (``Origins.is_shared``).
    """
    by_namespace: dict[tuple[str, str, str], list[tuple[StreamKey, Part]]] = {}
    for counts in streams:
        for namespace, part in counts.of(Aspect.SHARED).items():
            if now_ms - part.last_ms <= RECENT_MS:
                place = (counts.key.account, counts.key.region, namespace)
                by_namespace.setdefault(place, []).append((counts.key, part))
    shared: dict[StreamKey, dict[str, int]] = {}
    others: dict[StreamKey, set[str]] = {}
    for (_, _, namespace), parts in by_namespace.items():
        if len(parts) > 1:
            since_ms = sorted(part.since_ms for _, part in parts)[1]
            # Every stream beside every other one would be a square of what a sender can invent.
            # So many tell, without the stream itself, whether there are more than are named.
            first = sorted(key for key, _ in parts)[: _MOST_NAMED + 2]
            for key, _ in parts:
                shared.setdefault(key, {})[namespace] = since_ms
                others.setdefault(key, set()).update(k.stream for k in first if k != key)
    for key, namespaces in shared.items():
        since_ms = min(namespaces.values())
        yield StreamWarning(
            Kind.DELIVERED_TWICE,
            key,
            "",
            since_ms,
            f"metrics of {_named(namespaces)} also come through {_first_named(others[key])},"
            f" since {_time(since_ms)}. Points are stored once, but CloudWatch and Firehose bill"
            " both streams: exclude these metrics from one of them, or delete one",
        )


def _refused(
    streams: Sequence[StreamCounts], refused: Mapping[RefusedKey, Part], now_ms: int
) -> Iterator[StreamWarning]:
    by_source: dict[str, list[tuple[RefusedKey, Part]]] = {}
    for key, part in refused.items():
        # Whoever scans the internet for open doors has neither a Firehose nor a key.
        if now_ms - part.last_ms <= RECENT_MS and _is_sender(key):
            by_source.setdefault(key.source, []).append((key, part))
    for source, entries in by_source.items():
        since_ms = min(part.since_ms for _, part in entries)
        count = sum(part.occurrences for _, part in entries)
        reasons = _named(sorted({key.reason for key, _ in entries}))
        who = {"": "a sender without a Firehose's ARN", OTHER_SOURCE: "further senders"}.get(
            source, source
        )
        message = (
            f"{count} requests of {who} were refused, the first at {_time(since_ms)}: access key"
            f" {reasons}. Nothing is lost while Firehose retries; then it writes to its S3 bucket."
            " Compare the access key in the Firehose's destination settings with"
            " HYDRANT_ACCESS_KEYS. If nobody of yours sends this, somebody is trying keys"
        )
        keys = [counts.key for counts in streams if source and counts.source == source]
        for stream in keys or [NO_STREAM]:
            yield StreamWarning(Kind.KEY_REFUSED, stream, source, since_ms, message)


def _is_sender(key: RefusedKey) -> bool:
    # What goes under OTHER_SOURCE claims to be a Firehose: see Refusals.
    return bool(key.source or key.reason != "missing")


def _named(names: Collection[str]) -> str:
    ordered = sorted(names)
    more = len(ordered) - _MOST_NAMED
    return ", ".join(ordered[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _first_named(names: Collection[str]) -> str:
    """Of names that are not all of them, how many there are cannot be told."""
    ordered = sorted(names)
    more = " and others" if len(ordered) > _MOST_NAMED else ""
    return ", ".join(ordered[:_MOST_NAMED]) + more


def _time(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _length(length_ms: int) -> str:
    minutes = round(length_ms / MINUTE_MS)
    if minutes == 1:
        return "minute"
    if minutes < _MINUTES_ARE_CLEAR:
        return f"{minutes} minutes"
    hours = round(minutes / 60)
    return f"{hours} hours" if hours < _HOURS_ARE_CLEAR else f"{round(hours / 24)} days"
