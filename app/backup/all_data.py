"""Objects of all data: records run together, without anything between them.

Lines of CloudWatch JSON and messages of OpenTelemetry are told apart at every boundary, because a
metric stream may change its format while an object is being filled. Bytes that are neither are cut
out up to the next boundary, so that damage costs no more than it touches.
"""

import json
import re
from collections.abc import Iterator

from app.backup.content import Content, UnreadableObject
from app.backup.cuts import MOST_UNREADABLE, Cut
from app.otlp.boundaries import (
    JSON_START,
    LARGEST_MESSAGE,
    announced_end,
    find_boundary,
    message_end,
)

_RECORD_BYTES = 256 * 1024
"""What is cut at a time, so that a record of ours is about as large as one of Firehose."""
_LONGEST_LINE = 2 * 1024 * 1024
_AT_HAND = 2 * LARGEST_MESSAGE
_BLANKS = b" \t\r\n"
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
_decode_json = json.JSONDecoder(strict=False).raw_decode


def cut_records(content: Content) -> Iterator[Cut]:
    """Lines and messages in order, several to a record. Raises ``UnreadableObject``."""
    unreadable = 0
    while content.fill(1):
        start = content.start
        # Enough for whatever may begin here to be there as a whole.
        content.fill(_RECORD_BYTES)
        if end := _messages_end(content):
            yield Cut(start, start + end, content.take(end))
        elif blank := _blank(content.window):
            content.take(blank)
        elif JSON_START.match(content.window):
            yield from _lines(content)
        else:
            record = content.take(_damage(content))
            unreadable += len(record)
            yield Cut(start, content.start, record, is_whole=False)
            if unreadable > MOST_UNREADABLE:
                raise UnreadableObject(
                    f"it is given up at byte {content.start}: {unreadable} bytes before could not"
                    " be read"
                )


def _messages_end(content: Content) -> int:
    """The end of the whole messages at the start of the window; 0 when there is none."""
    announced = announced_end(content.window, 0)
    if announced is None:
        return 0
    content.fill(announced)
    position = 0
    while position < _RECORD_BYTES:
        end = message_end(content.window, position)
        if end is None:
            break
        position = end
    return position


def _blank(window: bytearray) -> int:
    return len(window) - len(window.lstrip(_BLANKS)) if window[0] in _BLANKS else 0


def _lines(content: Content) -> Iterator[Cut]:
    """The lines at the start of the window, as far as they begin like objects."""
    last = content.window.rfind(b"\n", 0, _RECORD_BYTES) + 1
    if not last and content.fill(_RECORD_BYTES + 1):
        content.fill(_LONGEST_LINE)
        last = content.window.find(b"\n") + 1
    if not last:
        content.end()
    start = content.start
    # The last line of an object need not end.
    block = bytes(content.window[: last or _LONGEST_LINE])
    lines: list[bytes] = []
    taken = 0
    for line in _LINE.findall(block):
        if not line.isspace() and not JSON_START.match(line.lstrip()):
            break
        if b"}{" in line or not line.rstrip().endswith(b"}"):
            end = _object_end(line)
            if end is not None:
                # Something else follows on the same line.
                lines.append(line[:end] + b"\n")
                taken += end
                break
        lines.append(line)
        taken += len(line)
    content.take(taken)
    yield Cut(start, content.start, b"".join(lines))


def _object_end(line: bytes) -> int | None:
    """Where the line's first object ends, when it is one; None for a line that is broken."""
    try:
        return (
            int(_decode_json(line.decode("latin-1").lstrip())[1]) + len(line) - len(line.lstrip())
        )
    except (ValueError, RecursionError):
        return None


def _damage(content: Content) -> int:
    """How many bytes at the start of the window are neither lines nor messages."""
    content.fill(_AT_HAND)
    window = content.window
    # A message that begins in the first half is at hand as a whole, wherever it ends.
    whole = len(window) < _AT_HAND
    stop = len(window) if whole else len(window) - LARGEST_MESSAGE
    found = find_boundary(window, 1, stop)
    if found is None and whole:
        content.end()
    return stop if found is None else found
