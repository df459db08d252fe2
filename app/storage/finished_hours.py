"""The end of an hour's rollup: its blocks take the place of the rows they are made of."""

from dataclasses import dataclass

import sqlalchemy as sa

from app.storage.dialects import insert_into
from app.storage.minute_lock import lock_minute
from app.storage.point_merging import forget_merged
from app.storage.rollup_marks import delete_rollup_marks
from app.storage.tables import dirty_minute, dirty_rollup, metric_value, packed_hour
from app.storage.tiers import Tier


@dataclass(frozen=True, slots=True)
class HourMarks:
    """Ids of marks of an hour: of the hour to be rolled up, of its minutes to be evaluated."""

    hour: frozenset[int]
    minutes: frozenset[int]


def read_hour_marks(connection: sa.Connection, hour: int) -> HourMarks:
    """The marks that an hour has now."""
    of_hour = sa.select(dirty_rollup.c.mark_id).where(
        dirty_rollup.c.tier == int(Tier.HOUR), dirty_rollup.c.minute == hour
    )
    of_minutes = sa.select(dirty_minute.c.mark_id).where(
        dirty_minute.c.minute >= hour, dirty_minute.c.minute < hour + Tier.HOUR
    )
    return HourMarks(
        frozenset(connection.execute(of_hour).scalars()),
        frozenset(connection.execute(of_minutes).scalars()),
    )


def finish_hour(
    connection: sa.Connection, hour: int, marks: HourMarks, *, value_minutes: int
) -> bool:
    """Make the blocks of an hour the place of its minutes, and delete the rows they are made of.

    ``marks`` were there before its minutes were read; in ``value_minutes`` is a bit for each of
    them that has values. Nothing is done, and False returned, when another mark has come: the
    minutes may have changed.
    """
    for minute in range(hour, hour + Tier.HOUR):
        lock_minute(connection, minute)
    found = read_hour_marks(connection, hour)
    if not (found.hour <= marks.hour and found.minutes <= marks.minutes):
        return False
    of_hour = (metric_value.c.minute >= hour) & (metric_value.c.minute < hour + Tier.HOUR)
    connection.execute(sa.delete(metric_value).where(of_hour))
    point_minutes = forget_merged(connection, hour)
    before = sa.select(packed_hour.c.point_minutes).where(packed_hour.c.minute == hour)
    point_minutes |= connection.execute(before).scalar() or 0
    masks = {"point_minutes": point_minutes, "value_minutes": value_minutes}
    record = insert_into(connection, packed_hour).values(minute=hour, **masks)
    connection.execute(record.on_conflict_do_update(index_elements=["minute"], set_=masks))
    delete_rollup_marks(connection, sorted(marks.hour))
    return True
