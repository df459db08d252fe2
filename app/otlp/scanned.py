"""The native scanner's side of a record: it takes what it can, the reference gets the rest.

The scanner knows bytes. Series and statistics that it has not met are told to it here, in between,
and then it reads their messages or lines again.
"""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from app.otlp import decoder, points
from app.otlp.batch import BatchBuilder
from app.otlp.framing import split_messages
from app.otlp.keys import SlotTable
from app.otlp.points import RejectedPoint
from app.otlp.quantiles import percentile_name
from app.otlp.scan import News, Scan

if TYPE_CHECKING:
    from app.otlp.decoder import NativeTable

# From its first character that is no blank to its end.
_LINE = re.compile(rb"\S[^\n]*")

_Scanner = Callable[["NativeTable", bytes, int, int, bytes | None, BatchBuilder], Scan]


class LeftMessages:
    """Iterates over the messages of a record that the reference decoder has to read, in order.

    Those between are appended to the columns on the way. ``taken`` is how many these were so far.
    Raises ``FramingError`` as ``split_messages`` does.
    """

    def __init__(self, record: bytes, keys: SlotTable, into: BatchBuilder) -> None:
        self._record = record
        self._keys = keys
        self._into = into
        self.taken = 0

    def __iter__(self) -> Iterator[bytes]:
        record = self._record
        if self._keys.native is None:
            yield from split_messages(record)
            return
        for scan in _scans(decoder.scan_messages, record, self._keys, self._into):
            self.taken = scan.taken
            if not scan.is_framed:
                yield from split_messages(record, scan.start)
                return
            if scan.start < len(record):
                yield from split_messages(record[scan.start : scan.end])


def left_lines(record: bytes, keys: SlotTable, into: BatchBuilder) -> Iterator[tuple[int, bytes]]:
    """Where the lines begin that the reference decoder has to read, and the lines, in order.

    Those between are appended to the columns on the way.
    """
    if keys.native is None:
        # Not split: a record of line breaks would become a list of as many texts.
        for found in _LINE.finditer(record):
            yield found.start(), found.group()
        return
    for scan in _scans(decoder.scan_lines, record, keys, into):
        if scan.start < len(record):
            yield scan.start, record[scan.start : scan.end]


def _scans(scanner: _Scanner, record: bytes, keys: SlotTable, into: BatchBuilder) -> Iterator[Scan]:
    """What the scanner left each time; between two, the reference may append to the columns."""
    native = keys.native
    if native is None:
        return
    position = told_until = taken = 0
    while position < len(record):
        scan = scanner(native, record, position, told_until, keys.allowed(), into)
        taken += scan.taken
        if scan.again < 0:
            yield scan._replace(taken=taken)
            position = scan.end
        else:
            _tell(scan.news, keys, native)
            position, told_until = scan.again, scan.start


def _tell(news: News, keys: SlotTable, native: "NativeTable") -> None:
    """Let the scanner know what can be known; the rest is the reference's to reject."""
    if news.series is not None:
        keys.meet(news.series)
    for quantile in news.quantiles:
        try:
            native.name_quantile(quantile, percentile_name(quantile).encode())
        except RejectedPoint:
            continue
    for name in news.names:
        try:
            points.check_extras([(name.decode(), 0.0)])
        except RejectedPoint:
            continue
        native.name_statistic(name)
