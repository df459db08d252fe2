"""How the metric streams flow, in a few words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.pipeline import StreamReport
from app.streams import points_per_minute
from app.streams.warnings import RECENT_MS, Kind

_WORDS = {
    Kind.STOPPED: "has stopped",
    Kind.FORMAT_SWITCHED: "has switched its format",
    Kind.LABELS_LOST: "has lost labels",
    Kind.LAGGING: "is late",
    Kind.RECORDS_REJECTED: "sends records that cannot be read",
    Kind.DELIVERED_TWICE: "delivers twice",
    Kind.KEY_REFUSED: "A key was refused",
}


@dataclass(frozen=True, slots=True)
class StreamHealth:
    """``heard`` are those heard of lately, ``lag_ms`` is that of the one furthest behind."""

    streams: int
    heard: int
    silent: int
    lag_ms: int | None
    points_per_minute: float
    rejected: int
    quarantine: int
    warnings: Sequence[Mapping[str, object]]

    @property
    def state(self) -> str:
        """The class of states that it is shown as."""
        if any(warning["kind"] == Kind.STOPPED for warning in self.warnings):
            return "critical"
        if self.warnings:
            return "warning"
        return "good" if self.heard else "unknown"


def stream_health(report: StreamReport, quarantine: int, now_ms: int) -> StreamHealth:
    """What a report says of all streams together."""
    heard = [
        counts
        for counts in report.streams
        if counts.last_received_ms and now_ms - counts.last_received_ms < RECENT_MS
    ]
    lags = [counts.lag_ms for counts in heard if counts.lag_ms is not None]
    return StreamHealth(
        len(report.streams),
        len(heard),
        sum(warning.kind is Kind.STOPPED for warning in report.warnings),
        max(lags, default=None),
        sum(points_per_minute(counts, now_ms) for counts in heard),
        sum(counts.rejected_records for counts in report.streams),
        quarantine,
        [
            {
                "kind": warning.kind,
                "stream": warning.key.stream.rpartition("/")[2],
                "place": " ".join(
                    part for part in (warning.key.account, warning.key.region) if part
                ),
                "words": _WORDS[warning.kind],
                "since_ms": warning.since_ms,
                "message": warning.message,
            }
            for warning in report.warnings
        ],
    )
