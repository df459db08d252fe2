"""Rows of the quarantine that can be decoded after all."""

from dataclasses import dataclass

import sqlalchemy as sa

from app.catalog import KnownSeries, Resolution
from app.otlp import MetricBatch
from app.storage.deliveries import without_expired, write_batch
from app.storage.quarantine import QuarantinedBytes, add_to_quarantine, rejection_digest
from app.storage.tables import quarantine


@dataclass(frozen=True, slots=True)
class Released:
    """``resolution`` is for the batch's table to learn once the transaction is committed.

    ``expired`` points were left out, as their minutes are no longer kept.
    """

    resolution: Resolution
    expired: int


def release_quarantined(
    connection: sa.Connection, row: QuarantinedBytes, batch: MetricBatch, known: KnownSeries
) -> Released | None:
    """Store what a row's bytes give now, and keep of the row what they still do not.

    What is left keeps the times and the occurrences of the row. Returns None when the row is gone,
    released by another process.
    """
    this = quarantine.c.quarantine_id == row.quarantine_id
    found = connection.execute(sa.select(quarantine.c.digest).where(this).with_for_update()).first()
    if found is None:
        return None
    recent = without_expired(connection, batch)
    resolution = write_batch(connection, recent, known)
    left = [each for each in batch.rejections if rejection_digest(each) != bytes(found[0])]
    add_to_quarantine(
        connection,
        left,
        row.request_id,
        row.last_received_ms,
        first_received_ms=row.first_received_ms,
        occurrences=row.occurrences,
    )
    if len(left) == len(batch.rejections):
        connection.execute(sa.delete(quarantine).where(this))
    return Released(resolution, len(batch) - len(recent))
