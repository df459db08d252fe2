"""Where messages and lines begin in records that were run together.

Firehose's all-data objects in S3 hold the bytes of records one after another, without anything
between them. A message is recognised by its length and its shape, so that after damaged bytes
reading can go on with the next whole message instead of losing the rest.
"""

import re
from collections.abc import Iterator

from google.protobuf.message import DecodeError

from app.otlp.descriptor import ExportMetricsServiceRequest

LARGEST_MESSAGE = 2 * 1024 * 1024
"""Bytes; a record of Firehose has at most 1,024,000, so no message of one is longer."""

JSON_START = re.compile(rb'\{[ \t]*"')
"""How an object of CloudWatch JSON begins; no length of a message is followed by these bytes."""

_RESOURCE_METRICS_TAG = 0x0A
_LONGEST_LENGTH = 4
"""Bytes of a varint up to ``LARGEST_MESSAGE``."""
_LINE_END = b"\r\n}"
_BLANKS = b" \t"


def message_end(run: bytes | bytearray, position: int) -> int | None:
    """The end of the message whose length stands at ``position``.

    None when no whole message stands there: a length, and resource metrics that fill it exactly.
    """
    body, end = _length(run, position)
    if body is None or end > len(run) or end == body:
        return None
    at: int | None = body
    while at is not None and at < end:
        if run[at] != _RESOURCE_METRICS_TAG:
            return None
        at = _length(run, at + 1)[1]
    return end if at == end else None


def announced_end(run: bytes | bytearray, position: int) -> int | None:
    """Where a message at ``position`` would end, which may be behind the bytes that are there.

    None when these bytes cannot be the beginning of a message.
    """
    body, end = _length(run, position)
    if body is None:
        # Perhaps the length itself is not all there yet.
        left = run[position:]
        whole = len(left) >= _LONGEST_LENGTH or any(byte < 0x80 for byte in left)  # noqa: PLR2004
        return None if whole else position + _LONGEST_LENGTH
    if body < len(run) and run[body] != _RESOURCE_METRICS_TAG:
        return None
    return end if end > body else None


def find_boundary(run: bytes | bytearray, position: int, stop: int) -> int | None:
    """The first position of [position, stop) at which a message or a JSON line begins.

    A message counts only if it has metrics: parts of a message may look like a whole one.
    """
    line = _find_line(run, position, stop)
    bound = stop if line is None else line
    for start in _starts(run, position, bound):
        end = message_end(run, start)
        if end is not None and _has_metrics(bytes(run[_body(run, start) : end])):
            return start
    return line


def _find_line(run: bytes | bytearray, position: int, stop: int) -> int | None:
    """The first JSON object that begins a line, or follows another on its line."""
    for found in JSON_START.finditer(run, position, min(stop + _LONGEST_LENGTH, len(run))):
        start = found.start()
        while start > position and run[start - 1] in _BLANKS:
            start -= 1
        if start < stop and start and run[start - 1] in _LINE_END:
            return start
    return None


def _starts(run: bytes | bytearray, position: int, stop: int) -> Iterator[int]:
    """Positions at which there is a varint with the tag of resource metrics behind it."""
    last = min(stop + _LONGEST_LENGTH, len(run))
    tag = run.find(_RESOURCE_METRICS_TAG, position + 1, last)
    while tag >= 0:
        # The last byte of a varint is below 0x80, those before it are not.
        start = tag - 1
        if run[start] < 0x80:  # noqa: PLR2004 - the varint's continuation bit
            first = max(position, tag - _LONGEST_LENGTH)
            starts = [start]
            while start > first and run[start - 1] >= 0x80:  # noqa: PLR2004
                start -= 1
                starts.append(start)
            yield from (start for start in reversed(starts) if start < stop)
        tag = run.find(_RESOURCE_METRICS_TAG, tag + 1, last)


def _has_metrics(message: bytes) -> bool:
    try:
        request = ExportMetricsServiceRequest.FromString(message)
    except DecodeError:
        return False
    return any(
        metric.name and (metric.ListFields()[-1][0].number > _LAST_DESCRIPTION)
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )


_LAST_DESCRIPTION = 3
"""Fields of a metric up to its unit; what follows are its points."""


def _body(run: bytes | bytearray, position: int) -> int:
    while run[position] >= 0x80:  # noqa: PLR2004 - the varint's continuation bit
        position += 1
    return position + 1


def _length(run: bytes | bytearray, position: int) -> tuple[int | None, int]:
    """Where what has its length at ``position`` begins and ends; (None, 0) without a length."""
    length = 0
    for index in range(_LONGEST_LENGTH):
        if position + index >= len(run):
            return None, 0
        byte = run[position + index]
        length |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:  # noqa: PLR2004 - the varint's continuation bit
            body = position + index + 1
            return (body, body + length) if length <= LARGEST_MESSAGE else (None, 0)
    return None, 0
