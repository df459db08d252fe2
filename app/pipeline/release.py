"""Quarantined bytes, decoded once more: by a release that reads what an earlier one did not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pybase64

from app.backup import failed_records_of
from app.catalog import KnownSeries, SeriesRegistry
from app.clock import Clock
from app.errors import InvalidRequest
from app.otlp import (
    BatchBuilder,
    Decoder,
    Encoding,
    Format,
    MetricBatch,
    decode_export,
    decode_record,
    open_export,
)
from app.otlp.rejection import Reason
from app.pipeline.patience import patiently
from app.storage import QuarantinedBytes, Store, read_quarantine, release_quarantined

DECODING_REASONS = frozenset(
    {
        Reason.BASE64,
        Reason.FRAMING,
        Reason.PROTOBUF,
        Reason.JSON,
        Reason.NOT_METRICS,
        Reason.LABELS,
        Reason.TIMESTAMP,
        Reason.VALUE,
        Reason.UNSUPPORTED,
    }
)
"""Reasons that a later release may overcome.

Whatever else was quarantined could be read and was not wanted, such as points of an account that
their sender may not deliver. It is released only when its reason is named.
"""

_ROWS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class ReleasedRow:
    """What became of a row: ``points`` were stored, ``left`` is what still cannot be decoded."""

    quarantine_id: int
    points: int
    expired: int
    left: int


class Release:
    """Goes through the quarantine once. ``hold`` is called before each transaction."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        reason: str | None = None,
        hold: Callable[[], None] = lambda: None,
        decoder: Decoder = Decoder.AUTO,
    ) -> None:
        self._store = store
        self._clock = clock
        self._reason = reason
        self._hold = hold
        self._registry = SeriesRegistry(decoder=decoder)

    def rows(self) -> list[QuarantinedBytes]:
        """The rows to be tried, without their bytes."""
        rows: list[QuarantinedBytes] = []
        while True:
            after = rows[-1].quarantine_id if rows else 0
            page = patiently(self._clock, lambda: self._read(after, _ROWS_AT_ONCE, data=False))  # noqa: B023 - called at once
            if not page:
                break
            rows += page
        if self._reason is not None:
            return rows
        return [row for row in rows if row.reason in DECODING_REASONS]

    def release(self, rows: list[QuarantinedBytes]) -> Iterator[ReleasedRow]:
        """Decode rows, and store what they give; one transaction each.

        A row that has been released by another process meanwhile is passed over. Raises
        ``StorageUnavailable`` when the database stays away.
        """
        for described in rows:
            self._hold()
            done = patiently(self._clock, lambda: self._release(described))  # noqa: B023 - called at once
            if done is not None:
                yield done

    def _release(self, described: QuarantinedBytes) -> ReleasedRow | None:
        number = described.quarantine_id
        found = self._read(number - 1, 1, data=True)
        if not found or found[0].quarantine_id != number:
            return None
        row = found[0]
        known = self._registry.known
        batch = decode_quarantined(row, known)
        if batch is None:
            return ReleasedRow(number, 0, 0, 1)
        stored = self._store.write(
            lambda connection: release_quarantined(connection, row, batch, known)
        )
        if stored is None:
            return None
        self._registry.learn(known, stored.resolution)
        points = len(batch) - stored.expired
        return ReleasedRow(number, points, stored.expired, len(batch.rejections))

    def _read(self, after: int, limit: int, *, data: bool) -> list[QuarantinedBytes]:
        with self._store.read() as connection:
            return read_quarantine(
                connection, limit=limit, after=after, reason=self._reason, data=data
            )


def decode_quarantined(row: QuarantinedBytes, known: KnownSeries) -> MetricBatch | None:
    """What a row's bytes give now; None when all of it is still rejected."""
    data = row.data or b""
    builder = BatchBuilder()
    if row.format == Format.OTLP_JSON:
        try:
            decode_export(open_export(data, Encoding.JSON), known.keys, builder)
        except InvalidRequest:
            return None
    elif row.reason == Reason.BASE64:
        try:
            record = pybase64.b64decode(data, validate=True)
        except ValueError:
            return None
        decode_record(row.record, record, known.keys, builder)
    else:
        for record in failed_records_of(data) or [data]:
            decode_record(row.record, record, known.keys, builder)
    batch = builder.build()
    nothing = not len(batch) and not batch.without_value
    return None if nothing and batch.rejections else batch
