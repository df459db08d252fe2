"""Objects of failed records: a JSON object for each, with the record in base64 as ``rawData``.

Usually a line each, but AWS does not promise it. ``errorMessage`` holds what the endpoint said, and
AWS's own example has quotes in it that are not escaped. So a failed record that is not JSON is cut
at the next one's beginning, and its data is looked for by name.
"""

import json
import re
from collections.abc import Iterator

import msgspec
import pybase64

from app.backup.content import Content
from app.backup.cuts import Cut
from app.backup.kinds import FAILED_START
from app.otlp import Format, Rejection
from app.otlp.rejection import Reason

LARGEST_OBJECT = 4 * 1024 * 1024
"""Bytes; base64 of the largest record has 1,365,336 and a message at most 8192 characters."""

_BETWEEN = re.compile(rb"[\s,\[\]]*")
_NEXT = re.compile(
    rb"\}[\s,]*(?=" + FAILED_START.pattern + rb")|\n(?=\s*" + FAILED_START.pattern + rb")"
)
_RAW_DATA = re.compile(rb'"rawData"\s*:\s*"((?:[^"\\]|\\.)*)"')


class _Failed(msgspec.Struct):
    rawData: str  # noqa: N815 - the wire's spelling


_decode = msgspec.json.Decoder(_Failed).decode
_decode_json = json.JSONDecoder(strict=False).raw_decode


def cut_failed_records(content: Content) -> Iterator[Cut]:
    """The records of an object, in order."""
    while content.fill(1):
        between = _BETWEEN.match(content.window)
        if between and between.end():
            content.take(between.end())
            continue
        start = content.start
        failed = content.take(_end(content))
        yield _cut(start, content.start, failed)


def _end(content: Content) -> int:
    """How far the failed record at the start of the window reaches."""
    size = 64 * 1024
    while True:
        more = content.fill(size)
        end = content.window.find(b"\n", 0, size)
        if end >= 0 and _is_failed(bytes(content.window[:end])):
            return end
        if not more or size >= LARGEST_OBJECT:
            return _defensive_end(content)
        size = min(size * 4, LARGEST_OBJECT)


def _is_failed(line: bytes) -> bool:
    try:
        _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _defensive_end(content: Content) -> int:
    """The end of what is no line by itself: run together, over several lines, or not JSON."""
    head = bytes(content.window[:LARGEST_OBJECT])
    # In Latin-1 a character is a byte; everything that matters is ASCII.
    text = head.decode("latin-1")
    try:
        return int(_decode_json(text)[1])
    except (ValueError, RecursionError):
        following = _NEXT.search(head, 1)
        if following is None and len(head) < LARGEST_OBJECT:
            content.end()
        return following.end() if following else len(head)


def _cut(start: int, end: int, failed: bytes) -> Cut:
    try:
        data = _decode(failed).rawData
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        found = _RAW_DATA.search(failed)
        if found is None:
            detail = f"there is no failed record that could be read: {error}"
            return _rejected(start, end, Reason.JSON, detail, failed)
        data = found[1].replace(b"\\/", b"/").decode("ascii", "replace")
    try:
        return Cut(start, end, pybase64.b64decode(data, validate=True))
    except ValueError as error:
        detail = f"rawData is not base64: {error}"
        text = data.encode("utf-8", "surrogatepass")
        return _rejected(start, end, Reason.BASE64, detail, text)


def _rejected(start: int, end: int, reason: Reason, detail: str, data: bytes) -> Cut:
    return Cut(start, end, None, Rejection(0, Format.UNKNOWN, reason, detail, data), is_whole=False)


def failed_records_of(data: bytes) -> list[bytes]:
    """The records of an object's part that was set aside; none unless all of it can be read."""
    if not FAILED_START.match(data):
        return []
    cuts = list(cut_failed_records(Content(iter([data]), len(data))))
    records = [cut.record for cut in cuts if cut.record is not None]
    return records if len(records) == len(cuts) else []
