"""The points of minutes as they stand, wherever they lie: batches, merged blocks, packed hours.

These are read in the direction in which points are moved, so that a move in between is seen twice,
which changes nothing, and never not at all.
"""

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import sqlalchemy as sa

from app.arrays import IntArray
from app.rules import MinutePoints
from app.storage.column_reader import id_list
from app.storage.id_sets import overlap
from app.storage.packed_hours import read_packed_hours
from app.storage.packed_points import BACKFILLED, COUNT, MAXIMUM, MINIMUM, SUM, read_packed_points
from app.storage.point_batches import read_batch_ids, read_batches, read_batches_of
from app.storage.point_payload import EXTRA_COLUMNS
from app.storage.point_rows import ALL, read_rows
from app.storage.series_groups import groups_among
from app.storage.stored_points import StoredPoints, minute_points
from app.storage.tiers import POINTS, Tier

# Of more series than this, groups are not looked up, but all are looked at.
_MOST_LOOKUPS = 5_000
_STATISTICS = {"sum": SUM, "minimum": MINIMUM, "maximum": MAXIMUM}


class SeriesChoice:
    """Series to be read, ascending, and what finds their blocks; None means all."""

    def __init__(self, connection: sa.Connection, series_ids: IntArray | None) -> None:
        self.series_ids = series_ids
        self.groups: list[int] | None = None
        if series_ids is not None and len(series_ids) <= _MOST_LOOKUPS:
            self.groups = groups_among(connection, series_ids)

    @property
    def condition(self) -> str:
        """One more on the rows of merged blocks."""
        if self.groups is None:
            return overlap("first_series", "last_series", self.series_ids)
        # Series that are in no table have no group.
        groups = f"group_id IN ({id_list(self.groups)})" if self.groups else "1 = 0"
        return f" AND {groups}{overlap('first_series', 'last_series', self.series_ids)}"


def read_minute_points(connection: sa.Connection, minute: int) -> MinutePoints:
    """All points of a minute."""
    batches = read_batches(connection, minute, read_batch_ids(connection, minute))
    base = read_base(connection, minute)
    return minute_points(minute, StoredPoints.standing([base, batches]))


def read_base(connection: sa.Connection, minute: int) -> StoredPoints:
    """What stands of a minute's points but for its batches."""
    return StoredPoints.standing(_base(connection, [minute], _everything(connection), ALL))


def read_standing(
    connection: sa.Connection,
    minutes: Sequence[int],
    choice: SeriesChoice,
    columns: Collection[str] = ALL,
) -> StoredPoints:
    """The points of some series in some minutes, which ascend.

    Statistics that are not among the ``columns`` have no meaning; SampleCount has to be.
    """
    if not minutes or (choice.series_ids is not None and not len(choice.series_ids)):
        return StoredPoints.empty()
    batches = read_batches_of(connection, listed(minutes), choice.series_ids, columns)
    return StoredPoints.standing([*_base(connection, minutes, choice, columns), *batches])


def read_tier(
    connection: sa.Connection, tier: Tier, buckets: Sequence[int], choice: SeriesChoice
) -> StoredPoints:
    """The points of some series in some buckets of a longer tier, which ascend."""
    if not buckets or (choice.series_ids is not None and not len(choice.series_ids)):
        return StoredPoints.empty()
    found = read_rows(
        connection,
        POINTS[tier].name,
        f"minute {listed(buckets)}{choice.condition}",
        series_ids=choice.series_ids,
        period_ms=tier.length_ms,
    )
    return StoredPoints.standing(list(found))


def listed(minutes: Sequence[int]) -> str:
    """A condition that minutes, which ascend, are these."""
    if len(minutes) > 1 and minutes[-1] - minutes[0] == len(minutes) - 1:
        return f"BETWEEN {int(minutes[0])} AND {int(minutes[-1])}"
    return f"IN ({id_list(minutes)})"


def _everything(connection: sa.Connection) -> SeriesChoice:
    return SeriesChoice(connection, None)


def _base(
    connection: sa.Connection,
    minutes: Sequence[int],
    choice: SeriesChoice,
    columns: Collection[str],
) -> list[StoredPoints]:
    """Packed hours first, then merged blocks."""
    blocks = list(
        read_rows(
            connection,
            POINTS[Tier.MINUTE].name,
            f"minute {listed(minutes)}{choice.condition}",
            series_ids=choice.series_ids,
            columns=columns,
        )
    )
    return [*_packed(connection, minutes, choice, columns), *blocks]


def _packed(
    connection: sa.Connection,
    minutes: Sequence[int],
    choice: SeriesChoice,
    columns: Collection[str],
) -> Iterator[StoredPoints]:
    wanted = {Tier.HOUR.bucket(minute) for minute in minutes}
    recorded = read_packed_hours(connection, minutes[0], minutes[-1] + 1)
    hours = [hour for hour in recorded if hour in wanted]
    if not hours:
        return
    statistics = None
    if EXTRA_COLUMNS[0] not in columns:
        statistics = {COUNT, BACKFILLED, SUM} | {
            name for column, name in _STATISTICS.items() if column in columns
        }
    of_minutes = np.array(minutes, np.int64)
    marked = {
        hour: np.isin(np.arange(hour, hour + Tier.HOUR), of_minutes, assume_unique=True)
        for hour in hours
    }
    for block in read_packed_points(
        connection,
        hours,
        series_ids=choice.series_ids,
        groups=choice.groups,
        statistics=statistics,
    ):
        yield block.points(marked[block.hour], choice.series_ids)
