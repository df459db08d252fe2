"""One delivery through the house: wire, identity, storage; answered after the commit.

A delivery is a request of Firehose, whose envelope holds records, or one of an OpenTelemetry
exporter, which is one message, or a piece of an object that Firehose left in S3.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from app.backup import Piece
from app.catalog import KnownSeries, Resolution, SeriesRegistry
from app.clock import Clock
from app.credentials import ANYONE, KeyHolder
from app.firehose import Envelope, open_envelope
from app.otlp import (
    BatchBuilder,
    BoundKeys,
    Encoding,
    ExportRequest,
    Format,
    Rejection,
    SlotTable,
    decode_export,
    decode_record,
    open_export,
)
from app.otlp.rejection import Reason
from app.pipeline.foreign_accounts import ForeignAccounts
from app.storage import (
    Connection,
    Delivery,
    Store,
    delivery_digest,
    short_name,
    without_expired,
    write_delivery,
)
from app.streams import Received
from app.streams.identity import source_key
from app.telemetry import counter

POINTS = counter("points_total", "Points received in deliveries that were committed")
RECORDS = counter("records_total", "Records received in deliveries that were committed")
WITHOUT_VALUE = counter(
    "points_without_value_total", "Points skipped as their source said that they have no value"
)
DUPLICATES = counter("duplicate_deliveries_total", "Deliveries skipped as stored before")
REJECTED = counter("rejections_total", "Records, messages and lines put in quarantine", "reason")


COMMIT_SECONDS = 50.0
"""How long a delivery waits for its commit where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a committed delivery.

    ``points`` were stored, ``rejections`` are in quarantine; of a duplicate, from the time before.
    ``expired`` points of a replay were left out, as their minutes are no longer kept.
    """

    request_id: str
    points: int
    rejections: tuple[Rejection, ...]
    duplicate: bool
    expired: int = 0


Beside = Callable[[Connection, Receipt], None]
"""What is to be written in the transaction of a delivery."""


class Ingest:
    """Takes bodies in, gives receipts out. Thread-safe."""

    def __init__(
        self,
        store: Store,
        registry: SeriesRegistry,
        clock: Clock,
        *,
        on_commit: Callable[[], None] = lambda: None,
        on_received: Callable[[Received], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._registry = registry
        self._clock = clock
        self._on_commit = on_commit
        self._on_received = on_received
        self._foreign = ForeignAccounts(clock)

    def open(
        self,
        header_request_id: str | None,
        body: bytes | bytearray,
        holder: KeyHolder = ANYONE,
        source: str = "",
    ) -> "OpenedDelivery":
        """Read the envelope of an inflated Firehose body; nothing is stored yet.

        ``holder`` is whose access key came with it, ``source`` the ARN of the Firehose, as it says.
        The header's request id counts where header and body both have one. Raises
        ``InvalidRequest`` for a body that is no envelope.
        """
        envelope = open_envelope(body)
        request_id = header_request_id or envelope.request_id or ""
        digest = delivery_digest(request_id, envelope.parts, holder.accounts)
        return OpenedDelivery(request_id, digest, envelope, holder, len(body), source)

    def open_export(
        self, body: bytes, encoding: Encoding, holder: KeyHolder = ANYONE
    ) -> "OpenedDelivery":
        """Read an inflated OTLP body; nothing is stored yet.

        OTLP has no request ids: the same body is the same delivery. Raises ``InvalidRequest`` for a
        body that is no export request.
        """
        export = open_export(body, encoding)
        digest = delivery_digest(encoding.value, [body], holder.accounts)
        return OpenedDelivery(f"otlp-{digest.hex()}", digest, export, holder, len(body))

    def open_piece(self, name: str, piece: Piece, salt: str) -> "OpenedDelivery":
        """Take a piece of an object in S3, called ``name``; nothing is stored yet.

        Replays have no request ids: the same bytes under the same ``salt`` are the same delivery.
        """
        return OpenedDelivery(short_name(name), piece.digest(salt), piece)

    def store(
        self,
        opened: "OpenedDelivery",
        beside: Beside = lambda _connection, _receipt: None,
        *,
        commit_seconds: Callable[[], float] = lambda: COMMIT_SECONDS,
    ) -> Receipt:
        """Decode and store a delivery; returns after the commit.

        Its records are let go as they are decoded. Raises ``StorageUnavailable`` when nothing could
        be stored, or nothing is known after ``commit_seconds``, asked for when decoding has ended.
        """
        epoch = self._store.epoch
        known = self._registry.known
        delivery = self._decode(opened, known)

        def write(connection: Connection) -> tuple[Resolution | None, Receipt]:
            new = delivery
            if isinstance(opened.content, Piece):
                new = replace(delivery, batch=without_expired(connection, delivery.batch))
            resolution = write_delivery(connection, new, known)
            receipt = Receipt(
                opened.request_id,
                len(new.batch),
                new.batch.rejections,
                duplicate=resolution is None,
                expired=len(delivery.batch) - len(new.batch),
            )
            beside(connection, receipt)
            return resolution, receipt

        resolution, receipt = self._store.write_delivery(
            write, epoch=epoch, seconds=commit_seconds()
        )
        batch = delivery.batch
        self._on_received(
            Received(
                batch,
                known,
                delivery.received_ms,
                opened.size,
                opened.source,
                duplicate=receipt.duplicate,
                is_export=isinstance(opened.content, ExportRequest),
            )
        )
        if resolution is None:
            DUPLICATES.inc()
            return receipt
        self._registry.learn(known, resolution)
        self._on_commit()
        POINTS.inc(len(batch))
        RECORDS.inc(delivery.records)
        WITHOUT_VALUE.inc(batch.without_value)
        for rejection in batch.rejections:
            REJECTED.labels(rejection.reason.value).inc()
        self._foreign.tell(opened.holder, batch)
        return receipt

    def _decode(self, opened: "OpenedDelivery", known: KnownSeries) -> Delivery:
        accounts = opened.holder.accounts
        keys = known.keys if accounts is None else BoundKeys(known.keys, accounts)
        builder = BatchBuilder()
        records = 1
        if isinstance(opened.content, Envelope):
            records = _decode_envelope(opened.content, keys, builder)
        elif isinstance(opened.content, Piece):
            records = decode_piece(opened.content, keys, builder)
        else:
            decode_export(opened.content, keys, builder)
        place = source_key(opened.source)
        return Delivery(
            opened.digest,
            opened.request_id,
            self._clock.now_ms(),
            records,
            builder.build(),
            (place.account, place.region),
        )


@dataclass(frozen=True, slots=True)
class OpenedDelivery:
    """A delivery that could be read as a whole; ``request_id`` is the one to answer with.

    ``size`` is the inflated body's in bytes, ``source`` the ARN of the Firehose if there is one.
    """

    request_id: str
    digest: bytes
    content: Envelope | ExportRequest | Piece
    holder: KeyHolder = ANYONE
    size: int = 0
    source: str = ""

    @property
    def content_bytes(self) -> int:
        """Bytes of the records, or of the message."""
        match self.content:
            case Envelope(records=records):
                return sum(len(record) for _, record in records)
            case ExportRequest(body=body):
                return len(body)
            case Piece(cuts=cuts):
                return sum(len(cut.record or b"") for cut in cuts)


def _decode_envelope(envelope: Envelope, keys: SlotTable, into: BatchBuilder) -> int:
    """Append the points of all records; returns the number of records."""
    for record in envelope.undecodable:
        into.rejections.append(
            Rejection(record.index, Format.UNKNOWN, Reason.BASE64, record.detail, record.data)
        )
    number = len(envelope.records) + len(envelope.undecodable)
    envelope.records.reverse()
    while envelope.records:
        decode_record(*envelope.records.pop(), keys, into)
    return number


def decode_piece(piece: Piece, keys: SlotTable, into: BatchBuilder) -> int:
    """Append the points of all records; returns their number.

    Rejections tell at which byte of the object's content their record begins.
    """
    for index, cut in enumerate(piece.cuts):
        first = len(into.rejections)
        if cut.rejection is not None:
            into.rejections.append(replace(cut.rejection, record=index))
        if cut.record is not None:
            decode_record(index, cut.record, keys, into)
        into.rejections[first:] = [
            replace(each, detail=f"byte {cut.start}: {each.detail}")
            for each in into.rejections[first:]
        ]
    return len(piece.cuts)
