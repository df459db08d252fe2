"""Metric streams as their page shows them, in plain values."""

from collections.abc import Mapping, Sequence

import numpy as np

from app.pipeline import StreamReport
from app.streams import (
    Aspect,
    Part,
    RefusedKey,
    StreamCounts,
    StreamKey,
    StreamWarning,
    gaps,
    points_per_minute,
    usual_interval_ms,
)
from app.streams.counts import WINDOW_MINUTES, WINDOW_MS
from app.streams.warnings import RECENT_MS, Kind
from app.web.figures.spark_line import HEIGHT, WIDTH, polylines

SPARK_WINDOWS = 24
"""Four hours of windows."""


def stream_rows(report: StreamReport, now_ms: int, most: int) -> list[Mapping[str, object]]:
    """The streams; those with warnings first."""
    warnings: dict[StreamKey, list[StreamWarning]] = {}
    for warning in report.warnings:
        warnings.setdefault(warning.key, []).append(warning)
    ordered = sorted(report.streams, key=lambda counts: counts.key not in warnings)
    return [_row(counts, warnings.get(counts.key, []), now_ms) for counts in ordered[:most]]


def refused_rows(refused: Mapping[RefusedKey, Part]) -> list[Mapping[str, object]]:
    """Requests whose access key was refused, the last ones first."""
    rows = sorted(refused.items(), key=lambda item: -item[1].last_ms)
    return [
        {
            "source": key.source,
            "route": key.route,
            "address": key.address,
            "reason": key.reason,
            "count": part.occurrences,
            "since_ms": part.since_ms,
            "last_ms": part.last_ms,
        }
        for key, part in rows
    ]


def warning_rows(warnings: Sequence[StreamWarning]) -> list[Mapping[str, object]]:
    """Warnings as they are listed."""
    return [
        {
            "kind": warning.kind.value.replace("_", " "),
            "state": "critical" if warning.kind is Kind.STOPPED else "warning",
            "message": warning.message,
            "since_ms": warning.since_ms,
            "stream": _name(warning.key),
            "place": f"{warning.key.account} {warning.key.region}".strip(),
        }
        for warning in warnings
    ]


def _row(
    counts: StreamCounts, warnings: Sequence[StreamWarning], now_ms: int
) -> Mapping[str, object]:
    state, words = _state(counts, warnings, now_ms)
    newest = now_ms // WINDOW_MS
    rates = np.full(SPARK_WINDOWS, np.nan)
    for number in range(SPARK_WINDOWS):
        window = counts.windows.get((newest - SPARK_WINDOWS + 1 + number) * WINDOW_MS)
        if window is not None:
            rates[number] = window.points / WINDOW_MINUTES
    return {
        "name": _name(counts.key),
        "arn": counts.key.stream,
        "account": counts.key.account,
        "region": counts.key.region,
        "state": state,
        "words": words,
        "last_received_ms": counts.last_received_ms or None,
        "ago_ms": now_ms - counts.last_received_ms if counts.last_received_ms else None,
        "newest_ms": counts.newest_ms or None,
        "lag_ms": counts.lag_ms,
        "interval_ms": usual_interval_ms(counts),
        "gaps": [(gap.start_ms, gap.end_ms - gap.start_ms) for gap in gaps(counts)],
        "points_per_minute": points_per_minute(counts, now_ms),
        "points": counts.points,
        "formats": sorted(counts.of(Aspect.FORMAT)),
        "namespaces": sorted(counts.of(Aspect.NAMESPACE)),
        "requests": counts.requests,
        "duplicates": counts.duplicates,
        "rejected": counts.rejected_records,
        "rejections": [
            (name, part.occurrences) for name, part in sorted(counts.of(Aspect.REJECTION).items())
        ],
        "spark": polylines(rates),
        "spark_box": f"0 0 {WIDTH} {HEIGHT}",
        "warnings": warning_rows(warnings),
    }


def _state(counts: StreamCounts, warnings: Sequence[StreamWarning], now_ms: int) -> tuple[str, str]:
    """How the stream is: the class of states and a word or two.

    A server that has just started cannot tell a stream that has stopped from one that comes soon.
    """
    if any(warning.kind is Kind.STOPPED for warning in warnings):
        return "critical", "Stopped"
    if warnings:
        return "warning", "With warnings"
    if now_ms - counts.last_received_ms > RECENT_MS:
        return "unknown", "Nothing lately"
    return "good", "Flowing"


def _name(key: StreamKey) -> str:
    return key.stream.rpartition("/")[2]
