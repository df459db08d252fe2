"""Dirty minutes: marks left by commits, taken by the evaluator.

Marks are only ever inserted, so two writers never wait for each other; a minute marked twice is
evaluated once. A mark is deleted together with the values that were computed after it was seen.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from app.storage.chunks import chunked
from app.storage.tables import dirty_minute


def mark_dirty(connection: sa.Connection, minutes: Sequence[int]) -> dict[int, int]:
    """Mark minutes whose points have changed; the id of each one's mark, later ones greater."""
    marks: dict[int, int] = {}
    for chunk in chunked(minutes, 500):
        rows = ", ".join(f"({int(minute)})" for minute in chunk)
        statement = f"INSERT INTO dirty_minute (minute) VALUES {rows} RETURNING minute, mark_id"  # noqa: S608 - numbers
        marks.update((row[0], row[1]) for row in connection.exec_driver_sql(statement))
    return marks


def read_marks(connection: sa.Connection, minutes: int) -> dict[int, list[int]]:
    """Mark ids of the first ``minutes`` dirty minutes, ascending."""
    first = sa.select(dirty_minute.c.minute).distinct().order_by(dirty_minute.c.minute)
    query = (
        sa.select(dirty_minute.c.minute, dirty_minute.c.mark_id)
        .where(dirty_minute.c.minute.in_(first.limit(minutes).scalar_subquery()))
        .order_by(dirty_minute.c.mark_id)
    )
    marks: dict[int, list[int]] = {}
    for minute, mark_id in connection.execute(query):
        marks.setdefault(minute, []).append(mark_id)
    return marks


def read_marks_of(connection: sa.Connection, minute: int) -> list[int]:
    """Mark ids of one minute, ascending."""
    query = sa.select(dirty_minute.c.mark_id).where(dirty_minute.c.minute == minute)
    return list(connection.execute(query.order_by(dirty_minute.c.mark_id)).scalars())


def is_marked(connection: sa.Connection, first: int, last: int) -> bool:
    """Whether any of the minutes from ``first`` to ``last`` waits to be evaluated."""
    query = sa.select(dirty_minute.c.mark_id).where(dirty_minute.c.minute.between(first, last))
    return connection.execute(query.limit(1)).first() is not None


def are_marks_left(connection: sa.Connection, mark_ids: Sequence[int]) -> bool:
    """Whether none of these marks has been deleted."""
    count = sa.select(sa.func.count()).select_from(dirty_minute)
    return all(
        connection.execute(count.where(dirty_minute.c.mark_id.in_(chunk))).scalar_one()
        == len(chunk)
        for chunk in chunked(mark_ids, 500)
    )


def count_marks(connection: sa.Connection) -> int:
    """How many marks wait."""
    return connection.execute(sa.select(sa.func.count()).select_from(dirty_minute)).scalar_one()


def delete_marks(connection: sa.Connection, mark_ids: Sequence[int]) -> None:
    """Delete marks whose minutes have been evaluated."""
    for chunk in chunked(mark_ids, 500):
        connection.execute(sa.delete(dirty_minute).where(dirty_minute.c.mark_id.in_(chunk)))
