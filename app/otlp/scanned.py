"""The native scanner's side of a record: it takes what it can, the reference gets the rest.

The scanner knows bytes. Series and quantiles that it has not met are told to it here, in between,
and then it reads their messages again.
"""

from collections.abc import Iterable, Iterator

from app.errors import WireError
from app.otlp import decoder
from app.otlp.batch import BatchBuilder
from app.otlp.decoder import NativeTable
from app.otlp.framing import split_messages
from app.otlp.key_table import RawSeries
from app.otlp.keys import SlotTable
from app.otlp.points import RejectedPoint
from app.otlp.quantiles import percentile_name


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
        record, keys = self._record, self._keys
        native = keys.native
        if native is None:
            yield from split_messages(record)
            return
        position = told_until = 0
        while position < len(record):
            scan = decoder.scan_messages(
                native, record, position, told_until, keys.allowed(), self._into
            )
            self.taken += scan.taken
            if scan.series or scan.quantiles:
                tell(scan.series, scan.quantiles, keys, native)
                position, told_until = scan.again, scan.start
                continue
            if not scan.is_framed:
                yield from split_messages(record, scan.start)
                return
            position = scan.end
            if scan.start < scan.end:
                yield from split_messages(record[scan.start : scan.end])


def tell(
    series: Iterable[RawSeries], quantiles: Iterable[float], keys: SlotTable, native: NativeTable
) -> None:
    """Let the scanner know what can be known; the rest is the reference's to reject."""
    for raw in series:
        try:
            keys.slot(raw)
        except WireError:
            continue
    for quantile in quantiles:
        try:
            native.name_quantile(quantile, percentile_name(quantile))
        except RejectedPoint:
            continue
