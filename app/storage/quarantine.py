"""Quarantine: bytes that could not be decoded, kept with their reason.

The same bytes rejected for the same reason are one row, however often they come.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import sqlalchemy as sa

from app.catalog.identity import DIGEST_BYTES
from app.otlp import Rejection
from app.storage.alarm_tables import quarantine_arrival
from app.storage.dialects import insert_into
from app.storage.tables import LONGEST_REQUEST_ID, quarantine
from app.storage.text import storable

_LONGEST_DETAIL = 1_000


@dataclass(frozen=True, slots=True)
class QuarantinedBytes:
    """A row of the quarantine; times in milliseconds since the epoch, ``data`` if asked for."""

    quarantine_id: int
    first_received_ms: int
    last_received_ms: int
    occurrences: int
    request_id: str
    record: int
    format: str
    reason: str
    detail: str
    points: int
    size: int
    data: bytes | None


_DESCRIPTION = (
    "quarantine_id",
    "first_received_ms",
    "last_received_ms",
    "occurrences",
    "request_id",
    "record",
    "format",
    "reason",
    "detail",
    "points",
)


def add_to_quarantine(
    connection: sa.Connection,
    rejections: Sequence[Rejection],
    request_id: str,
    received_ms: int,
    *,
    first_received_ms: int | None = None,
    occurrences: int = 1,
) -> None:
    """Keep what a delivery could not give to the tables of points.

    What has been received before says when first and how often.
    """
    if not rejections:
        return
    statement = insert_into(connection, quarantine)
    upsert = statement.on_conflict_do_update(
        index_elements=["digest"],
        set_={
            "last_received_ms": statement.excluded.last_received_ms,
            "occurrences": quarantine.c.occurrences + statement.excluded.occurrences,
        },
    )
    rows = [
        {
            "digest": rejection_digest(rejection),
            "first_received_ms": received_ms if first_received_ms is None else first_received_ms,
            "last_received_ms": received_ms,
            "occurrences": occurrences,
            "request_id": storable(request_id)[:LONGEST_REQUEST_ID],
            "record": rejection.record,
            "format": rejection.format.value,
            "reason": rejection.reason.value,
            "detail": storable(rejection.detail)[:_LONGEST_DETAIL],
            "points": rejection.points,
            "data": rejection.data,
        }
        for rejection in sorted(rejections, key=rejection_digest)
    ]
    connection.execute(upsert, rows)


def count_arrival(
    connection: sa.Connection,
    rejections: Sequence[Rejection],
    received_ms: int,
    account: str,
    region: str,
) -> None:
    """Count the records of a delivery that had anything to keep, for alarms."""
    if rejections:
        records = len({rejection.record for rejection in rejections})
        row = {"account": storable(account), "region": storable(region), "records": records}
        connection.execute(sa.insert(quarantine_arrival).values(received_ms=received_ms, **row))


def read_arrivals(
    connection: sa.Connection, start_ms: int, end_ms: int
) -> list[tuple[int, str, str, int]]:
    """Time, account, region and number of records that came in [``start_ms``, ``end_ms``)."""
    table = quarantine_arrival
    columns = table.c.received_ms, table.c.account, table.c.region, table.c.records
    inside = (table.c.received_ms >= start_ms) & (table.c.received_ms < end_ms)
    return [tuple(row) for row in connection.execute(sa.select(*columns).where(inside))]


def read_quarantine(
    connection: sa.Connection,
    *,
    limit: int,
    after: int = 0,
    reason: str | None = None,
    data: bool = False,
) -> list[QuarantinedBytes]:
    """Rows with ids above ``after``, in the order of ids; their bytes only if asked for."""
    columns = [quarantine.c[name] for name in _DESCRIPTION]
    size = sa.func.length(quarantine.c.data)
    query = (
        sa.select(*columns, size, quarantine.c.data if data else sa.null())
        .where(quarantine.c.quarantine_id > after)
        .order_by(quarantine.c.quarantine_id)
        .limit(limit)
    )
    if reason is not None:
        query = query.where(quarantine.c.reason == reason)
    return [QuarantinedBytes(*list(row)) for row in connection.execute(query)]


def count_quarantine(connection: sa.Connection) -> int:
    """Number of rows."""
    return connection.execute(sa.select(sa.func.count()).select_from(quarantine)).scalar_one()


def rejection_digest(rejection: Rejection) -> bytes:
    """What makes rejections one row: format, reason and bytes."""
    digest = blake2b(digest_size=DIGEST_BYTES)
    digest.update(f"{rejection.format}\n{rejection.reason}\n".encode())
    digest.update(rejection.data)
    return digest.digest()
