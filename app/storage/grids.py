"""Stored values and points as matrices, a row for each series and a column for each time.

This is how queries over many series read: the minutes of one metric, or one statistic.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.column_reader import fetch_columns, id_list, without_null
from app.storage.grid_builder import GridBuilder, Take
from app.storage.minutes import hours_between
from app.storage.tables import metric_value, point

LONGEST_PERIOD_MS = 3_600_000
"""Points of longer periods are not found by their end."""

# Of ids that lie closer than this, all between the first and the last are read.
_SPARSE = 4
_MOST_LOOKUPS = 5_000
_ID = 2**32
_COLUMNS = {
    "SampleCount": ("p.sample_count",),
    "Sum": ("p.sum",),
    "Minimum": ("p.minimum",),
    "Maximum": ("p.maximum",),
    "Average": ("p.sum", "p.sample_count"),
}


@dataclass(frozen=True, slots=True)
class ValueGrid:
    """Values of one metric. ``entity_id`` and ``label_set_id`` (S,) ascend together.

    ``minutes`` (G,) are ascending minutes since the epoch; ``values`` (S, G) are NaN where there is
    none.
    """

    entity_id: IntArray
    label_set_id: IntArray
    minutes: IntArray
    values: FloatArray


@dataclass(frozen=True, slots=True)
class PointGrid:
    """One statistic of series that have points of one period at the same times.

    ``series_id`` (S,) ascends, ``ends_ms`` (G,) are the ascending ends of the periods; ``values``
    (S, G) are NaN where there is no point, or none with this statistic.
    """

    series_id: IntArray
    period_ms: int
    ends_ms: IntArray
    values: FloatArray


def read_value_grid(
    connection: sa.Connection,
    metric_id: int,
    entity_ids: Sequence[int] | None,
    start_ms: int,
    end_ms: int,
    *,
    take: Take,
) -> ValueGrid:
    """Values of a metric's minutes that begin in [``start_ms``, ``end_ms``).

    None means every entity. Only minutes and rows that have a value are among them.
    """
    builder = GridBuilder()
    wanted = None if entity_ids is None else np.unique(np.array(entity_ids, np.int64))
    first, last = _minute_after(start_ms), _minute_after(end_ms)
    for minutes in hours_between(connection, metric_value, first, last):
        for condition in _conditions("entity_id", wanted):
            query = (
                f"SELECT minute, CAST(entity_id AS BIGINT) * {_ID} + label_set_id, value"  # noqa: S608 - numbers
                f" FROM metric_value WHERE minute IN ({id_list(minutes)})"
                f" AND metric_id = {int(metric_id)}{condition}"
            )
            minute, key, value = fetch_columns(connection, query, ("int4", "int8", "float8"))
            if wanted is not None:
                found = _is_in(key // _ID, wanted)
                minute, key, value = minute[found], key[found], value[found]
            take(len(key))
            builder.add(minute, key, value)
    keys, times, values = builder.build(take)
    return ValueGrid(keys // _ID, keys % _ID, times, values)


def read_point_grids(
    connection: sa.Connection,
    series_ids: Sequence[int],
    statistic: str,
    start_ms: int,
    end_ms: int,
    *,
    take: Take,
) -> list[PointGrid]:
    """One statistic of series, of points whose periods end in (``start_ms``, ``end_ms``].

    ``statistic`` is CloudWatch's name: Sum, SampleCount, Minimum, Maximum, Average, or an extra
    one such as p99. Periods are at most ``LONGEST_PERIOD_MS``. A series is in one grid for each of
    its periods; series are together when their points begin at the same places within the minute.
    """
    wanted = np.unique(np.array(series_ids, np.int64))
    found: list[list[IntArray | FloatArray]] = []
    for minutes, condition in _minutes_by_end(connection, start_ms, end_ms):
        for some in _conditions("p.series_id", wanted):
            minute, series_id, offset_ms, period_ms, value = _fetch_points(
                connection, statistic, minutes, some + condition
            )
            start = minute * MILLISECONDS_PER_MINUTE + offset_ms
            end = start + period_ms
            good = (end > start_ms) & (end <= end_ms) & (period_ms <= LONGEST_PERIOD_MS)
            good &= _is_in(series_id, wanted) & ~np.isnan(value)
            columns = [column[good] for column in (series_id, offset_ms, period_ms, end, value)]
            take(len(columns[0]))
            found.append(columns)
    if not found:
        return []
    series_id, offset_ms, period_ms, end, value = (
        np.concatenate(parts) for parts in zip(*found, strict=True)
    )
    grids = []
    for period in np.unique(period_ms).tolist():
        of_period = np.flatnonzero(period_ms == period)
        for rows in _groups(series_id[of_period], offset_ms[of_period]):
            chosen = of_period[rows]
            builder = GridBuilder()
            builder.add(end[chosen], series_id[chosen], value[chosen])
            grids.append(PointGrid(*_point_grid(int(period), builder, take)))
    return grids


def _point_grid(
    period_ms: int, builder: GridBuilder, take: Take
) -> tuple[IntArray, int, IntArray, FloatArray]:
    keys, times, values = builder.build(take)
    return keys, period_ms, times, values


def _groups(series_id: IntArray, offset_ms: IntArray) -> Iterator[IntArray | slice]:
    """Rows of series whose points begin at the same places within the minute."""
    if not offset_ms.any():
        yield slice(None)
        return
    pairs = np.unique(series_id * MILLISECONDS_PER_MINUTE + offset_ms)
    owner, offset = np.divmod(pairs, MILLISECONDS_PER_MINUTE)
    series, begins = np.unique(owner, return_index=True)
    places: dict[bytes, list[int]] = {}
    for one, offsets in zip(series.tolist(), np.split(offset, begins[1:]), strict=True):
        places.setdefault(offsets.tobytes(), []).append(one)
    for members in places.values():
        yield np.flatnonzero(_is_in(series_id, np.array(members, np.int64)))


def _fetch_points(
    connection: sa.Connection, statistic: str, minutes: Sequence[int], condition: str
) -> Sequence[Any]:
    """Minute, series, offset, period and value of the points of some minutes."""
    listed = id_list(minutes)
    texts: tuple[str, ...] = ()
    columns = _COLUMNS.get(statistic)
    if columns is None:
        texts = (statistic,)
        columns = ("e.value",)
        source = (
            "extra_statistic e JOIN point p ON p.minute = e.minute"
            " AND p.series_id = e.series_id AND p.offset_ms = e.offset_ms"
            " AND p.sample_count = e.sample_count"
            " AND (p.backfilled IS NULL) = (e.backfilled IS NULL)"
            f" WHERE e.minute IN ({listed}) AND p.minute IN ({listed}) AND e.statistic = ?"
        )
        condition += condition.replace("p.series_id", "e.series_id")
    else:
        source = f"point p WHERE p.minute IN ({listed})"
    values = ", ".join(without_null(column, connection) for column in columns)
    query = f"SELECT p.minute, p.series_id, p.offset_ms, p.period_ms, {values} FROM {source}"  # noqa: S608 - constants and numbers
    types = ("int4", "int4", "int4", "int8", *("float8" for _ in columns))
    found = fetch_columns(connection, query + condition, types, texts)
    if statistic == "Average":
        *key, total, count = found
        # Not in SQL: PostgreSQL has errors where a double overflows.
        with np.errstate(all="ignore"):
            return [*key, np.where(count > 0, total / count, np.nan)]
    return found


def _minutes_by_end(
    connection: sa.Connection, start_ms: int, end_ms: int
) -> Iterator[tuple[Sequence[int], str]]:
    """Minutes in which points begin that end in (start, end], and a condition on them.

    Most periods are a minute. Of what began earlier only those that last longer are fetched.
    """
    first = (start_ms - MILLISECONDS_PER_MINUTE) // MILLISECONDS_PER_MINUTE
    last = end_ms // MILLISECONDS_PER_MINUTE + 1
    earliest = (start_ms - LONGEST_PERIOD_MS) // MILLISECONDS_PER_MINUTE
    for minutes in hours_between(connection, point, earliest, first):
        yield minutes, f" AND p.period_ms > {MILLISECONDS_PER_MINUTE}"
    for minutes in hours_between(connection, point, first, last):
        yield minutes, ""


def _conditions(column: str, wanted: IntArray | None) -> Iterator[str]:
    """Conditions that together find all rows of the ids, and perhaps some of others."""
    if wanted is None:
        yield ""
    elif not len(wanted):
        return
    elif int(wanted[-1] - wanted[0]) < _SPARSE * len(wanted) or len(wanted) > _MOST_LOOKUPS:
        yield f" AND {column} >= {int(wanted[0])} AND {column} <= {int(wanted[-1])}"
    else:
        yield f" AND {column} IN ({id_list(wanted.tolist())})"


def _is_in(ids: IntArray, wanted: IntArray) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which of the ids are among those wanted, which ascend."""
    if not len(wanted):
        return np.zeros(len(ids), np.bool_)
    place = np.minimum(np.searchsorted(wanted, ids), len(wanted) - 1)
    found: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = wanted[place] == ids
    return found


def _minute_after(time_ms: int) -> int:
    """The first minute that begins at or after a time."""
    return -(-time_ms // MILLISECONDS_PER_MINUTE)
