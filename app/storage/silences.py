"""Silences: conditions on labels under which nobody is told for a while; and acknowledgements."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from app.storage.dialects import insert_into
from app.storage.notification_tables import alarm_acknowledgement, alarm_routed, alarm_silence

SilenceMatcher = tuple[str, str, str]
"""Label, operator (``=``, ``!=``, ``=~`` or ``!~``) and value."""


@dataclass(frozen=True, slots=True)
class SilenceRow:
    """A silence in force from ``starts_ms`` to before ``ends_ms``, wall-clock milliseconds."""

    silence_id: int
    matchers: tuple[SilenceMatcher, ...]
    starts_ms: int
    ends_ms: int
    comment: str
    created_by: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class AcknowledgementRow:
    """Somebody has seen to an incident; wall-clock milliseconds."""

    incident_id: int
    acknowledged_ms: int
    acknowledged_by: str
    comment: str


def create_silence(
    connection: sa.Connection,
    matchers: Iterable[SilenceMatcher],
    *,
    starts_ms: int,
    ends_ms: int,
    comment: str,
    created_by: str,
    now_ms: int,
) -> int:
    """Store a silence that ``app.alarms.notifications.check_silence`` has found right; its id."""
    added = connection.execute(
        sa.insert(alarm_silence).values(
            matchers=orjson.dumps(list(matchers)).decode(),
            starts_ms=starts_ms,
            ends_ms=ends_ms,
            comment=comment,
            created_by=created_by,
            created_ms=now_ms,
        )
    )
    (silence_id,) = added.inserted_primary_key or (0,)
    return int(silence_id)


def read_silence(connection: sa.Connection, silence_id: int) -> SilenceRow | None:
    """One silence; None when there is none of this id."""
    query = sa.select(alarm_silence).where(alarm_silence.c.silence_id == silence_id)
    row = connection.execute(query).first()
    return None if row is None else _silence(row)


def read_silences(
    connection: sa.Connection, *, ending_after_ms: int | None = None
) -> list[SilenceRow]:
    """Silences in the order of their ids; with a time those alone that end after it."""
    query = sa.select(alarm_silence).order_by(alarm_silence.c.silence_id)
    if ending_after_ms is not None:
        query = query.where(alarm_silence.c.ends_ms > ending_after_ms)
    return [_silence(row) for row in connection.execute(query)]


def expire_silence(connection: sa.Connection, silence_id: int, now_ms: int) -> bool:
    """End a silence now; False when it is not there or has ended before."""
    earlier_start = sa.case(
        (alarm_silence.c.starts_ms > now_ms, now_ms), else_=alarm_silence.c.starts_ms
    )
    ended = connection.execute(
        sa.update(alarm_silence)
        .where(alarm_silence.c.silence_id == silence_id, alarm_silence.c.ends_ms > now_ms)
        .values(ends_ms=now_ms, starts_ms=earlier_start)
    )
    return bool(ended.rowcount)


def acknowledge(
    connection: sa.Connection,
    incident_id: int,
    *,
    acknowledged_by: str,
    comment: str = "",
    now_ms: int,
) -> None:
    """Say that somebody sees to an incident; a second time replaces the first."""
    statement = insert_into(connection, alarm_acknowledgement).values(
        incident_id=incident_id,
        acknowledged_ms=now_ms,
        acknowledged_by=acknowledged_by,
        comment=comment,
    )
    new = statement.excluded
    names = ("acknowledged_ms", "acknowledged_by", "comment")
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["incident_id"], set_={name: new[name] for name in names}
        )
    )


def unacknowledge(connection: sa.Connection, incident_id: int) -> bool:
    """Take an acknowledgement back; False when there is none."""
    deleted = connection.execute(
        sa.delete(alarm_acknowledgement).where(alarm_acknowledgement.c.incident_id == incident_id)
    )
    return bool(deleted.rowcount)


def read_acknowledgements(connection: sa.Connection) -> dict[int, AcknowledgementRow]:
    """Acknowledgements by incident."""
    rows = connection.execute(sa.select(alarm_acknowledgement))
    return {row.incident_id: AcknowledgementRow(*row) for row in rows}


def forget_silences(connection: sa.Connection, before_ms: int) -> int:
    """Delete silences that ended before a time, and acknowledgements made before it.

    Acknowledgements of incidents that some channel still is to hear of stay. Returns how many
    rows went.
    """
    told = sa.select(alarm_routed.c.incident_id)
    silences = sa.delete(alarm_silence).where(alarm_silence.c.ends_ms < before_ms)
    acknowledgements = sa.delete(alarm_acknowledgement).where(
        alarm_acknowledgement.c.acknowledged_ms < before_ms,
        alarm_acknowledgement.c.incident_id.not_in(told),
    )
    return connection.execute(silences).rowcount + connection.execute(acknowledgements).rowcount


def _silence(row: sa.Row[Any]) -> SilenceRow:
    loaded = tuple((name, operator, value) for name, operator, value in orjson.loads(row.matchers))
    values = dict(row._mapping) | {"matchers": loaded}  # noqa: SLF001 - documented by SQLAlchemy
    return SilenceRow(**values)
