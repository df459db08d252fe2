"""What is known of each metric stream: counts, and the warnings that follow from them. Pure."""

from app.streams.accounting import Received, count_request
from app.streams.counts import (
    MOST_STREAMS,
    Aspect,
    Part,
    StreamCounts,
    StreamKey,
    Window,
    merge_into,
)
from app.streams.identity import OTHER_STREAM, firehose_arn
from app.streams.refusals import MOST_REFUSED, OTHER_SOURCE, Refusals, RefusedKey, refused_key
from app.streams.rhythm import Gap, gaps, points_per_minute, usual_interval_ms
from app.streams.warnings import (
    Kind,
    Limits,
    StreamWarning,
    WarningId,
    stream_warnings,
)

__all__ = [
    "MOST_REFUSED",
    "MOST_STREAMS",
    "OTHER_SOURCE",
    "OTHER_STREAM",
    "Aspect",
    "Gap",
    "Kind",
    "Limits",
    "Part",
    "Received",
    "Refusals",
    "RefusedKey",
    "StreamCounts",
    "StreamKey",
    "StreamWarning",
    "WarningId",
    "Window",
    "count_request",
    "firehose_arn",
    "gaps",
    "merge_into",
    "points_per_minute",
    "refused_key",
    "stream_warnings",
    "usual_interval_ms",
]
