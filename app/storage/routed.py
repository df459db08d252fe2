"""Incidents at channels: to be told, told, or told and over; and how far events were dispatched."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from app.storage.chunks import chunked
from app.storage.dialects import insert_into
from app.storage.notification_tables import alarm_dispatched, alarm_routed

_NAME = "notifications"


@dataclass(frozen=True, slots=True)
class RoutedRow:
    """One incident at one channel, from its firing to the notification of its recovery.

    ``alert`` is JSON of the incident as of its last event. Times are those of the wall clock in
    milliseconds: ``fired_ms`` and ``ended_ms`` when the events were recorded, the others when
    something was put into the outbox, None before that. ``flushed_ms`` is of the group.
    """

    channel: str
    incident_id: int
    group_key: str
    alert: str
    fired_ms: int
    ended_ms: int | None = None
    first_told_ms: int | None = None
    last_told_ms: int | None = None
    flushed_ms: int | None = None
    acknowledged_ms: int | None = None


def read_routed(connection: sa.Connection) -> list[RoutedRow]:
    """All incidents at channels, in the order of channels and incidents."""
    query = sa.select(alarm_routed).order_by(alarm_routed.c.channel, alarm_routed.c.incident_id)
    return [RoutedRow(*row) for row in connection.execute(query)]


def write_routed(connection: sa.Connection, rows: Iterable[RoutedRow]) -> None:
    """Insert rows, or replace those that are there."""
    values = [asdict(row) for row in rows]
    if not values:
        return
    statement = insert_into(connection, alarm_routed)
    keys = [column.name for column in alarm_routed.primary_key.columns]
    new = statement.excluded
    replaced = {
        column.name: new[column.name] for column in alarm_routed.c if column.name not in keys
    }
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=replaced), values)


def delete_routed(connection: sa.Connection, keys: Iterable[tuple[str, int]]) -> None:
    """Delete rows by channel and incident."""
    columns = sa.tuple_(alarm_routed.c.channel, alarm_routed.c.incident_id)
    for chunk in chunked(list(keys), 200):
        connection.execute(sa.delete(alarm_routed).where(columns.in_(chunk)))


def read_dispatched(connection: sa.Connection) -> int:
    """The last event that has been dispatched; 0 before the first."""
    query = sa.select(alarm_dispatched.c.event_id).where(alarm_dispatched.c.name == _NAME)
    return connection.execute(query).scalar_one_or_none() or 0


def advance_dispatched(connection: sa.Connection, event_id: int) -> None:
    """Say that events up to this one have been dispatched."""
    statement = insert_into(connection, alarm_dispatched).values(name=_NAME, event_id=event_id)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["name"], set_={"event_id": statement.excluded.event_id}
        )
    )
