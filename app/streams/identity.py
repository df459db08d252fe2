"""Which metric stream a point came through.

OpenTelemetry's resource has the stream's ARN, JSON only its name. A metric stream and its Firehose
live in one account and region (CloudWatch guide, metric streams), so that the ARN of the Firehose,
which every request carries, completes the name: a stream that changes its format stays itself.
"""

import re
from functools import lru_cache

from app.streams.counts import StreamKey

_LONGEST_PLACE_BYTES = 64
_LONGEST_NAME_BYTES = 512
_FIREHOSE = re.compile(
    r"arn:(aws[a-z-]{0,32}):firehose:([a-z0-9-]{1,32}):(\d{12}):deliverystream/[\w.-]{1,64}",
    re.ASCII,
)


OTHER_STREAM = StreamKey("other", "other", "other")
"""Takes the counts of streams above the number that is kept apart."""


def firehose_arn(text: str) -> str:
    """The text if it is the ARN of a Firehose; empty if it is anything else."""
    return text if _FIREHOSE.fullmatch(text) else ""


@lru_cache(maxsize=10_000)
def stream_key(account: str, region: str, stream: str, source: str) -> StreamKey:
    """The key of a stream, from what an origin tells and the ARN of the Firehose, if known."""
    place = _clipped(account, _LONGEST_PLACE_BYTES), _clipped(region, _LONGEST_PLACE_BYTES)
    if stream and not stream.startswith("arn:") and (found := _FIREHOSE.fullmatch(source)):
        partition, of_region, owner = found.groups()
        stream = f"arn:{partition}:cloudwatch:{of_region}:{owner}:metric-stream/{stream}"
    return StreamKey(*place, clipped_name(stream or source))


def source_key(source: str) -> StreamKey:
    """The key of what a Firehose sent and no stream can be told of."""
    found = _FIREHOSE.fullmatch(source)
    return StreamKey(found[3], found[2], source) if found else StreamKey("", "", "")


def clipped_name(text: str) -> str:
    """The text, as long as the key of an index may be."""
    return _clipped(text, _LONGEST_NAME_BYTES)


def _clipped(text: str, most: int) -> str:
    return text.encode("utf-8", "replace")[:most].decode("utf-8", "ignore")
