"""A delivery in SQL: points, new series, rejections and the delivery itself, all or nothing."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from hashlib import sha256

import sqlalchemy as sa

from app.catalog import KnownSeries, Resolution
from app.catalog.identity import DIGEST_BYTES
from app.clock import MILLISECONDS_PER_MINUTE
from app.otlp import MetricBatch
from app.storage.column_reader import fetch_rows
from app.storage.delivered_points import point_columns
from app.storage.point_batches import write_batches
from app.storage.quarantine import add_to_quarantine, count_arrival
from app.storage.series import register_series
from app.storage.tables import LONGEST_REQUEST_ID, delivery
from app.storage.text import storable
from app.storage.tiers import Tier, read_kept


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a request brought. ``digest`` identifies it, see ``delivery_digest``.

    ``source`` is the account and the region of the Firehose, each empty where it is not known.
    """

    digest: bytes
    request_id: str
    received_ms: int
    records: int
    batch: MetricBatch
    source: tuple[str, str] = ("", "")


def delivery_digest(
    request_id: str, parts: Iterable[bytes], accounts: AbstractSet[str] | None = None
) -> bytes:
    """What makes two requests the same delivery: request id and content both; see ADR 0033.

    The id alone will not do: Firehose keeps it *usually*, and a sender that splits or mends a
    request under its old id would lose the difference. So would one who sends again what a key
    bound to other ``accounts`` could not deliver.
    """
    bound_to = "" if accounts is None else "\0".join(["bound", *sorted(accounts)])
    names = [text.encode("utf-8", "surrogatepass") for text in (request_id, bound_to)]
    digest = sha256()
    for part in (*names, *parts):
        # Its length first, so that no two sequences of parts are one and the same text.
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()[:DIGEST_BYTES]


def write_delivery(
    connection: sa.Connection, new: Delivery, known: KnownSeries
) -> Resolution | None:
    """Write a delivery in the current transaction.

    ``known`` is the table that the batch was decoded with. Returns what it is to learn once the
    transaction is committed, or None when the delivery has been stored before and nothing was done.
    """
    if not _insert(connection, new):
        return None
    resolution = write_batch(connection, new.batch, known)
    add_to_quarantine(connection, new.batch.rejections, new.request_id, new.received_ms)
    count_arrival(connection, new.batch.rejections, new.received_ms, *new.source)
    return resolution


def write_batch(connection: sa.Connection, batch: MetricBatch, known: KnownSeries) -> Resolution:
    """Write the points of a batch in the current transaction and mark their minutes."""
    resolution = known.resolve(
        batch.slot, lambda identities: register_series(connection, identities)
    )
    write_batches(connection, point_columns(batch, resolution.series_id))
    return resolution


def without_expired(connection: sa.Connection, batch: MetricBatch) -> MetricBatch:
    """The batch without points of minutes that are no longer kept: the rest of those is gone."""
    return batch.since(read_kept(connection)[Tier.MINUTE] * MILLISECONDS_PER_MINUTE)


def _insert(connection: sa.Connection, new: Delivery) -> bool:
    """Insert the delivery's own row; False when it is there already.

    This comes first: of two processes that take the same delivery, the second waits here for the
    first one's commit, and then has nothing left to do.
    """
    row = (
        new.digest,
        storable(new.request_id)[:LONGEST_REQUEST_ID],
        new.received_ms,
        new.records,
        len(new.batch),
        len(new.batch.rejections),
    )
    return bool(fetch_rows(connection, _INSERT, row))


_INSERT = (
    "INSERT INTO delivery (digest, request_id, received_ms, records, points, rejections)"
    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING 1"
)


def forget_deliveries(connection: sa.Connection, before_ms: int) -> int:
    """Delete deliveries received before a time; Firehose no longer retries them."""
    return connection.execute(
        sa.delete(delivery).where(delivery.c.received_ms < before_ms)
    ).rowcount
