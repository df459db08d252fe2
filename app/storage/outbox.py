"""The outbox: notifications that have been decided on, and what has come of each.

A row is written in the transaction that decides on it and stays until it is delivered, refused or
given up; then it is history until its time is over. An incident's notifications at one channel are
delivered in the order of their ids, so a row is not due while an earlier one waits.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from app.storage.chunks import chunked
from app.storage.notification_tables import alarm_notification as outbox
from app.storage.notification_tables import alarm_notification_incident as link

_FORGOTTEN_AT_ONCE = 500


class NotificationState(StrEnum):
    """What has become of a notification."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    REFUSED = "refused"
    GIVEN_UP = "given_up"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class NewNotification:
    """A notification to be sent. ``key`` is unique and tells receivers a repetition by."""

    key: str
    channel: str
    kind: str
    group_key: str
    content: str
    incidents: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """A notification as stored; times in milliseconds since the epoch, by the wall clock.

    ``content`` is JSON of the alerts in it, without anything secret. ``last_error`` is what the
    last attempt ran into, empty when there was nothing.
    """

    notification_id: int
    key: str
    channel: str
    kind: str
    group_key: str
    content: str
    state: NotificationState
    created_ms: int
    due_ms: int
    attempts: int
    last_attempt_ms: int | None
    last_error: str
    finished_ms: int | None


def add_notifications(
    connection: sa.Connection, notifications: Iterable[NewNotification], now_ms: int
) -> None:
    """Put notifications into the outbox, due at once and in this order."""
    for notification in notifications:
        added = connection.execute(
            sa.insert(outbox).values(
                key=notification.key,
                channel=notification.channel,
                kind=notification.kind,
                group_key=notification.group_key,
                content=notification.content,
                state=NotificationState.WAITING.value,
                created_ms=now_ms,
                due_ms=now_ms,
                attempts=0,
                last_error="",
            )
        )
        (notification_id,) = added.inserted_primary_key or (None,)
        rows = [
            {"incident_id": incident_id, "notification_id": notification_id}
            for incident_id in notification.incidents
        ]
        if rows:
            connection.execute(sa.insert(link), rows)


def read_due_notifications(
    connection: sa.Connection, now_ms: int, *, without: Collection[str] = (), limit: int = 100
) -> list[NotificationRow]:
    """What may be sent now, oldest first; ``without`` are channels that are not asked for.

    A notification waits for every earlier one of its channel about one of its incidents.
    """
    mine, other, earlier = link.alias("mine"), link.alias("other"), outbox.alias("earlier")
    held_up = (
        sa.select(sa.literal(1))
        .select_from(mine)
        .join(other, other.c.incident_id == mine.c.incident_id)
        .join(earlier, earlier.c.notification_id == other.c.notification_id)
        .where(
            mine.c.notification_id == outbox.c.notification_id,
            other.c.notification_id < mine.c.notification_id,
            earlier.c.channel == outbox.c.channel,
            earlier.c.state == NotificationState.WAITING.value,
        )
        .correlate(outbox)
        .exists()
    )
    query = (
        sa.select(outbox)
        .where(
            outbox.c.state == NotificationState.WAITING.value,
            outbox.c.due_ms <= now_ms,
            outbox.c.channel.not_in(list(without)),
            ~held_up,
        )
        .order_by(outbox.c.notification_id)
        .limit(limit)
    )
    return [_row(row) for row in connection.execute(query)]


def count_waiting(connection: sa.Connection) -> dict[str, tuple[int, int]]:
    """Waiting notifications by channel: how many, and when the oldest was created."""
    query = (
        sa.select(outbox.c.channel, sa.func.count(), sa.func.min(outbox.c.created_ms))
        .where(outbox.c.state == NotificationState.WAITING.value)
        .group_by(outbox.c.channel)
    )
    return {channel: (number, oldest) for channel, number, oldest in connection.execute(query)}


def read_waiting_groups(connection: sa.Connection) -> set[tuple[str, str]]:
    """Channel and group key of whatever waits to be sent."""
    query = sa.select(outbox.c.channel, outbox.c.group_key).where(
        outbox.c.state == NotificationState.WAITING.value
    )
    return {(channel, group_key) for channel, group_key in connection.execute(query.distinct())}


def read_refused_incidents(
    connection: sa.Connection, notification_id: int, kinds: Sequence[str]
) -> set[int]:
    """Of a notification's incidents those whose earlier ones at its channel were all refused.

    Only notifications of these ``kinds`` count. A receiver that never took the firing has nothing
    to recover from; one that may have taken it, as after a time-out, has.
    """
    mine, other, earlier = link.alias("mine"), link.alias("other"), outbox.alias("earlier")
    this = outbox.alias("this")
    refused = sa.case((earlier.c.state == NotificationState.REFUSED.value, 0), else_=1)
    query = (
        sa.select(mine.c.incident_id)
        .join(this, this.c.notification_id == mine.c.notification_id)
        .join(other, other.c.incident_id == mine.c.incident_id)
        .join(
            earlier,
            (earlier.c.notification_id == other.c.notification_id)
            & (earlier.c.channel == this.c.channel),
        )
        .where(
            mine.c.notification_id == notification_id,
            earlier.c.notification_id < notification_id,
            earlier.c.kind.in_(kinds),
        )
        .group_by(mine.c.incident_id)
        .having(sa.func.max(refused) == 0)
    )
    return set(connection.execute(query).scalars())


def finish_notification(
    connection: sa.Connection,
    notification_id: int,
    state: NotificationState,
    now_ms: int,
    *,
    error: str = "",
    attempted: bool = True,
) -> None:
    """Say what became of a waiting notification; nothing happens to one that is finished."""
    connection.execute(
        _waiting(notification_id).values(
            state=state.value, finished_ms=now_ms, last_error=error, **_attempt(now_ms, attempted)
        )
    )


def postpone_notification(
    connection: sa.Connection,
    notification_id: int,
    now_ms: int,
    *,
    due_ms: int,
    error: str,
    attempted: bool = True,
) -> None:
    """Have a waiting notification tried again later."""
    connection.execute(
        _waiting(notification_id).values(
            due_ms=due_ms, last_error=error, **_attempt(now_ms, attempted)
        )
    )


def read_notifications(
    connection: sa.Connection,
    *,
    channel: str | None = None,
    state: NotificationState | None = None,
    incident_id: int | None = None,
    before_id: int | None = None,
    limit: int | None = None,
) -> list[NotificationRow]:
    """Notifications, newest first; ``before_id`` is the last one of the page before."""
    query = sa.select(outbox).order_by(outbox.c.notification_id.desc())
    if channel is not None:
        query = query.where(outbox.c.channel == channel)
    if state is not None:
        query = query.where(outbox.c.state == state.value)
    if incident_id is not None:
        about = sa.select(link.c.notification_id).where(link.c.incident_id == incident_id)
        query = query.where(outbox.c.notification_id.in_(about))
    if before_id is not None:
        query = query.where(outbox.c.notification_id < before_id)
    if limit is not None:
        query = query.limit(limit)
    return [_row(row) for row in connection.execute(query)]


def read_notified_incidents(
    connection: sa.Connection, notification_ids: Iterable[int]
) -> dict[int, tuple[int, ...]]:
    """The incidents that notifications are about, ascending, by the notification's id."""
    found: dict[int, list[int]] = {}
    for chunk in chunked(list(notification_ids), 500):
        query = (
            sa.select(link.c.notification_id, link.c.incident_id)
            .where(link.c.notification_id.in_(chunk))
            .order_by(link.c.incident_id)
        )
        for notification_id, incident_id in connection.execute(query):
            found.setdefault(notification_id, []).append(incident_id)
    return {notification_id: tuple(incidents) for notification_id, incidents in found.items()}


def forget_notifications(connection: sa.Connection, before_ms: int) -> int:
    """Delete notifications finished before a time, some at a time; returns how many.

    There may be more as long as it is not 0.
    """
    old = (
        sa.select(outbox.c.notification_id)
        .where(outbox.c.state != NotificationState.WAITING.value, outbox.c.finished_ms < before_ms)
        .limit(_FORGOTTEN_AT_ONCE)
    )
    ids = list(connection.execute(old).scalars())
    if ids:
        connection.execute(sa.delete(link).where(link.c.notification_id.in_(ids)))
        connection.execute(sa.delete(outbox).where(outbox.c.notification_id.in_(ids)))
    return len(ids)


def _waiting(notification_id: int) -> sa.Update:
    return sa.update(outbox).where(
        outbox.c.notification_id == notification_id,
        outbox.c.state == NotificationState.WAITING.value,
    )


def _attempt(now_ms: int, attempted: bool) -> dict[str, Any]:  # noqa: FBT001 - of the callers
    if not attempted:
        return {}
    return {"attempts": outbox.c.attempts + 1, "last_attempt_ms": now_ms}


def _row(row: sa.Row[Any]) -> NotificationRow:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented name for it
    values["state"] = NotificationState(values["state"])
    return NotificationRow(**values)
