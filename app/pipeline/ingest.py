"""One delivery through the house: envelope, wire, identity, storage; answered after the commit."""

from collections.abc import Callable
from dataclasses import dataclass

from app.catalog import KnownSeries, SeriesRegistry
from app.clock import Clock
from app.firehose import Envelope, open_envelope
from app.otlp import BatchBuilder, Format, Rejection, decode_record
from app.otlp.rejection import Reason
from app.storage import Delivery, Store, delivery_digest, write_delivery
from app.telemetry import counter

POINTS = counter("points_total", "Points received in deliveries that were committed")
RECORDS = counter("records_total", "Records received in deliveries that were committed")
DUPLICATES = counter("duplicate_deliveries_total", "Deliveries skipped as stored before")
REJECTED = counter("rejections_total", "Records, messages and lines put in quarantine", "reason")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a committed delivery."""

    request_id: str
    points: int
    rejections: int
    duplicate: bool


class Ingest:
    """Takes bodies in, gives receipts out. Thread-safe."""

    def __init__(
        self,
        store: Store,
        registry: SeriesRegistry,
        clock: Clock,
        *,
        on_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._registry = registry
        self._clock = clock
        self._on_commit = on_commit

    def open(self, header_request_id: str | None, body: bytes) -> "OpenedDelivery":
        """Read the envelope of an inflated body; nothing is stored yet.

        The header's request id counts where header and body both have one. Raises
        ``InvalidRequest`` for a body that is no envelope.
        """
        envelope = open_envelope(body)
        request_id = header_request_id or envelope.request_id or ""
        return OpenedDelivery(request_id, delivery_digest(request_id, body), envelope)

    def store(self, opened: "OpenedDelivery") -> Receipt:
        """Decode and store a delivery; returns after the commit.

        Raises ``StorageUnavailable`` when nothing could be stored.
        """
        known = self._registry.known
        delivery = self._decode(opened, known)
        resolution = self._store.write(
            lambda connection: write_delivery(connection, delivery, known)
        )
        if resolution is None:
            return _duplicate(opened)
        self._registry.learn(known, resolution)
        self._on_commit()
        POINTS.inc(len(delivery.batch))
        RECORDS.inc(delivery.records)
        for rejection in delivery.batch.rejections:
            REJECTED.labels(rejection.reason.value).inc()
        points, rejections = len(delivery.batch), len(delivery.batch.rejections)
        return Receipt(opened.request_id, points, rejections, duplicate=False)

    def _decode(self, opened: "OpenedDelivery", known: KnownSeries) -> Delivery:
        envelope = opened.envelope
        builder = BatchBuilder()
        for record in envelope.undecodable:
            builder.rejections.append(
                Rejection(record.index, Format.UNKNOWN, Reason.BASE64, record.detail, record.data)
            )
        for index, record_bytes in envelope.records:
            decode_record(index, record_bytes, known.keys, builder)
        return Delivery(
            opened.digest,
            opened.request_id,
            self._clock.now_ms(),
            len(envelope.records) + len(envelope.undecodable),
            builder.build(),
        )


@dataclass(frozen=True, slots=True)
class OpenedDelivery:
    """A delivery whose envelope has been read; ``request_id`` is the one to answer with."""

    request_id: str
    digest: bytes
    envelope: Envelope


def _duplicate(opened: OpenedDelivery) -> Receipt:
    DUPLICATES.inc()
    return Receipt(opened.request_id, 0, 0, duplicate=True)
