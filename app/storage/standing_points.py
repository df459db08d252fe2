"""The points of minutes as they stand, wherever they lie: batches, merged blocks, packed hours.

These are read in the direction in which points are moved, so that a move in between is seen twice,
which changes nothing, and never not at all.
"""

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import sqlalchemy as sa

from app.rules import MinutePoints
from app.storage.column_reader import id_list
from app.storage.packed_hours import read_packed_hours
from app.storage.packed_points import BACKFILLED, COUNT, MAXIMUM, MINIMUM, SUM, read_packed_points
from app.storage.point_batches import read_batch_ids, read_batches, read_batches_of
from app.storage.point_payload import EXTRA_COLUMNS
from app.storage.point_rows import ALL, read_rows
from app.storage.series_choice import SeriesChoice
from app.storage.stored_points import StoredPoints, minute_points
from app.storage.tiers import POINTS, Tier

_STATISTICS = {"sum": SUM, "minimum": MINIMUM, "maximum": MAXIMUM}


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
        choice=choice,
        statistics=statistics,
    ):
        yield block.points(marked[block.hour], choice.series_ids)
