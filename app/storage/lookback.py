"""The newest minute that has something, looked for backwards within a range."""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import sqlalchemy as sa

from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.chunks import chunked
from app.storage.id_sets import IdSet, id_set, is_in
from app.storage.minutes import minutes_between
from app.storage.point_minutes import newest_minute_of_points
from app.storage.present_points import newest_with_points
from app.storage.series_choice import SeriesChoice
from app.storage.tables import metric_value, packed_hour, point
from app.storage.tiers import Tier
from app.storage.value_minutes import read_entities, read_packed_minutes

_MINUTES_AT_ONCE = 50

_Table = Literal["point", "metric_value"]


def newest_minute(connection: sa.Connection, table: _Table) -> int | None:
    """The newest minute of all that a table stands for; None without any."""
    if table == "point":
        return newest_minute_of_points(connection)
    row = connection.execute(sa.select(sa.func.max(metric_value.c.minute))).scalar_one()
    found = [row, _newest_packed(connection, packed_hour.c.value_minutes)]
    return max((minute for minute in found if minute is not None), default=None)


def newest_minute_of_metric(
    connection: sa.Connection,
    metric_id: int,
    entity_ids: Sequence[int] | None,
    first: int,
    last: int,
) -> int | None:
    """The newest minute from ``first`` to ``last`` with a value; no entities given means any."""
    wanted = None if entity_ids is None else id_set(entity_ids)
    start_ms = first * MILLISECONDS_PER_MINUTE
    end_ms = (last + 1) * MILLISECONDS_PER_MINUTE
    minutes = minutes_between(connection, metric_value, start_ms, end_ms)[::-1]
    for chunk in chunked(minutes, _MINUTES_AT_ONCE):
        found = dict(_with_entities(connection, metric_id, sorted(chunk), wanted))
        newest = [minute for minute, has_any in found.items() if has_any]
        if newest:
            return max(newest)
    return None


def _with_entities(
    connection: sa.Connection, metric_id: int, minutes: Sequence[int], wanted: IdSet
) -> Iterator[tuple[int, bool]]:
    """Minutes in which a metric stands, and whether any of the entities has a value in them."""
    left = set(minutes)
    for minute, entity_id, _ in read_entities(connection, Tier.MINUTE, metric_id, minutes):
        left.discard(minute)
        yield minute, bool(is_in(entity_id, wanted).any())
    blocks = read_packed_minutes(connection, metric_id, sorted(left), wanted, parts=False)
    present: dict[int, bool] = {}
    for block in blocks:
        for minute in (block.hour + np.flatnonzero(~np.isnan(block.value).all(axis=0))).tolist():
            present[minute] = True
    yield from present.items()


def _newest_packed(connection: sa.Connection, mask: sa.Column[int]) -> int | None:
    """The newest minute that a packed hour has in a mask."""
    hour = packed_hour.c.minute
    query = sa.select(hour, mask).where(mask != 0).order_by(hour.desc()).limit(1)
    for minute, bits in connection.execute(query):
        return int(minute) + int(bits).bit_length() - 1
    return None


def newest_minute_of_series(
    connection: sa.Connection, series_ids: Sequence[int], first: int, last: int
) -> int | None:
    """The newest minute from ``first`` to ``last`` with a point of any of these series."""
    start_ms, end_ms = first * MILLISECONDS_PER_MINUTE, (last + 1) * MILLISECONDS_PER_MINUTE
    choice = SeriesChoice(connection, id_set(series_ids))
    minutes = minutes_between(connection, point, start_ms, end_ms)[::-1]
    for chunk in chunked(minutes, _MINUTES_AT_ONCE):
        newest = newest_with_points(connection, sorted(chunk), choice)
        if newest is not None:
            return newest
    return None
