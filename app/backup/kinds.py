"""What an object holds, told by how it begins."""

import re
from enum import StrEnum

from app.otlp.boundaries import find_boundary, message_end


class Kind(StrEnum):
    """The kinds of objects that Firehose leaves."""

    FAILED = "failed records"
    RECORDS = "records"


FAILED_START = re.compile(
    rb'\{\s*"(?:attemptsMade|arrivalTimestamp|errorCode|errorMessage|attemptEndingTimestamp'
    rb'|rawData|lambdaArn|subsequenceNumber|subSequenceNumber|sequenceNumber|dataId|EventId)"\s*:'
)
"""How the object of a failed record begins, whatever its first member is."""

_FAILED = re.compile(rb"\s*\[?\s*" + FAILED_START.pattern)
_POINT = re.compile(
    rb'\s*\{\s*"(?:metric_stream_name|account_id|region|namespace|metric_name|dimensions'
    rb'|timestamp|value|unit)"\s*:'
)
_JSON_LINE = re.compile(rb'^[ \t]*\{[ \t]*"', re.MULTILINE)
_BLANK = re.compile(rb"\s*")


def recognise(window: bytes | bytearray, *, certain: bool) -> Kind | None:
    """The kind of an object whose first bytes are given; None when it is nothing known.

    What is ``certain`` begins as it should; else something known may follow damaged bytes.
    """
    if _FAILED.match(window):
        return Kind.FAILED
    if _POINT.match(window):
        return Kind.RECORDS
    blank = _BLANK.match(window)
    for start in {0, blank.end() if blank else 0}:
        if message_end(window, start) is not None:
            return Kind.RECORDS
    if certain:
        return None
    if FAILED_START.search(window):
        return Kind.FAILED
    if _JSON_LINE.search(window) or find_boundary(window, 0, len(window)) is not None:
        return Kind.RECORDS
    return None
