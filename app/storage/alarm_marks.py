"""Marks of minutes that alarms have not seen, left with the values of a minute, and progress.

As other marks they are only ever inserted, and deleted together with what came of them. The order
of their ids is that in which minutes were stored, which says how disordered the data is.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.storage.alarm_tables import alarm_mark, alarm_progress
from app.storage.chunks import chunked
from app.storage.dialects import insert_into


@dataclass(frozen=True, slots=True)
class AlarmProgress:
    """How far datapoints have been evaluated, and what is known of the order of the data.

    ``frontier_ms`` never goes back. ``newest_minute`` is the newest that has come; ``disorder``
    has, by the minute that was newest then, how many minutes the farthest mark was behind it.
    """

    frontier_ms: int
    newest_minute: int
    disorder: Mapping[int, int]


def mark_for_alarms(connection: sa.Connection, minute: int) -> None:
    """Mark a minute whose values are being stored."""
    connection.exec_driver_sql(f"INSERT INTO alarm_mark (minute) VALUES ({int(minute)})")  # noqa: S608 - a number


def read_alarm_marks(
    connection: sa.Connection, limit: int, *, until_minute: int | None = None
) -> list[tuple[int, int]]:
    """Ids and minutes of the marks, in the order in which they were made.

    With ``until_minute`` those of later minutes are left out, and do not count for the limit.
    """
    query = sa.select(alarm_mark.c.mark_id, alarm_mark.c.minute).order_by(alarm_mark.c.mark_id)
    if until_minute is not None:
        query = query.where(alarm_mark.c.minute <= until_minute)
    return [(mark_id, minute) for mark_id, minute in connection.execute(query.limit(limit))]


def delete_alarm_marks(connection: sa.Connection, mark_ids: Sequence[int]) -> None:
    """Delete marks that have been dealt with."""
    for chunk in chunked(mark_ids, 500):
        connection.execute(sa.delete(alarm_mark).where(alarm_mark.c.mark_id.in_(chunk)))


def read_alarm_progress(connection: sa.Connection) -> AlarmProgress | None:
    """The progress as stored; None before the first round."""
    columns = (
        alarm_progress.c.frontier_ms,
        alarm_progress.c.newest_minute,
        alarm_progress.c.disorder,
    )
    row = connection.execute(sa.select(*columns)).first()
    if row is None:
        return None
    disorder = {int(minute): behind for minute, behind in json.loads(row.disorder).items()}
    return AlarmProgress(row.frontier_ms, row.newest_minute, disorder)


def write_alarm_progress(connection: sa.Connection, progress: AlarmProgress) -> None:
    """Store the progress."""
    values = {
        "frontier_ms": progress.frontier_ms,
        "newest_minute": progress.newest_minute,
        "disorder": json.dumps(dict(sorted(progress.disorder.items()))),
    }
    statement = insert_into(connection, alarm_progress).values(progress_id=1, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["progress_id"], set_=values))
