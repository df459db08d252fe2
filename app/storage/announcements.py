"""Which warnings are raised: among several processes, one logs each of them, once.

A row stands for a warning that has been logged and is not over. Whoever inserts the row logs that
it is raised, whoever deletes it that it is over; the database lets only one do either.
"""

from collections.abc import Iterable

import sqlalchemy as sa

from app.storage.dialects import insert_into
from app.storage.stream_tables import stream_warning
from app.storage.streams import try_lock_streams
from app.streams import Kind, StreamKey, WarningId


def read_raised(connection: sa.Connection) -> set[WarningId]:
    """Warnings that have been logged and are not over."""
    known = {kind.value: kind for kind in Kind}
    return {
        WarningId(known[row.kind], StreamKey(row.account, row.region, row.stream), row.subject)
        for row in connection.execute(sa.select(stream_warning))
        # Another release may know others.
        if row.kind in known
    }


def announce(
    connection: sa.Connection,
    raised: Iterable[WarningId],
    over: Iterable[WarningId],
    now_ms: int,
) -> tuple[list[WarningId], list[WarningId]]:
    """Those of the warnings that are this process's to log as raised, and as over."""
    if not try_lock_streams(connection):
        return [], []
    return (
        [warning for warning in raised if _insert(connection, warning, now_ms)],
        [warning for warning in over if _delete(connection, warning)],
    )


def _insert(connection: sa.Connection, warning: WarningId, now_ms: int) -> bool:
    row = {**_columns(warning), "raised_ms": now_ms}
    statement = insert_into(connection, stream_warning).values(row).on_conflict_do_nothing()
    return connection.execute(statement.returning(stream_warning.c.kind)).first() is not None


def _delete(connection: sa.Connection, warning: WarningId) -> bool:
    this = [stream_warning.c[name] == value for name, value in _columns(warning).items()]
    return connection.execute(sa.delete(stream_warning).where(*this)).rowcount > 0


def _columns(warning: WarningId) -> dict[str, str]:
    kind, key, subject = warning
    return {"kind": kind.value, **key._asdict(), "subject": subject}
