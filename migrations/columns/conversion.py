"""What revision 0008 stored as rows, written as columns, a minute or bucket at a time."""

# ruff: noqa: S608 - all of it is made of constants

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.storage.array_columns import array_parameter, execute_many

MOST_SERIES = 16_384
"""Of a block of one group in a tier."""
_HOUR = 60
_DOUBLES = ("sample_count", "sum", "minimum", "maximum")
_Columns = dict[str, Any]


def convert(connection: sa.Connection, old: str) -> None:
    """Write what is in the tables whose names begin with ``old``, and mark all hours.

    No more than a minute is in memory. The minutes' points become one batch each, which the rollup
    of their hour makes blocks of; 0 is before the ids of all others.
    """
    for suffix, more in (("", ()), ("_5m", ("minutes",)), ("_1h", ("minutes",))):
        for minute in _minutes(connection, f"{old}metric_value{suffix}"):
            _convert_values(connection, old, suffix, more, minute)
    for minute in _minutes(connection, f"{old}point"):
        points = _points(connection, f"{old}point", minute, more=("backfilled",))
        extras = _extras(connection, old, minute)
        columns = {"minute": minute, "batch_id": 0, **_payload(points), **extras}
        _insert(connection, "point_batch", [columns])
    groups = _groups(connection)
    for suffix, length_ms in (("_5m", 300_000), ("_1h", 3_600_000)):
        for minute in _minutes(connection, f"{old}point{suffix}"):
            points = _points(connection, f"{old}point{suffix}", minute)
            blocks = list(_blocks(minute, points, groups, length_ms))
            _insert(connection, f"point{suffix}", blocks)
    _mark_hours(connection)


def _minutes(connection: sa.Connection, table: str) -> Iterator[int]:
    """Hops along the key, in which the minute is first."""
    minute = connection.exec_driver_sql(f"SELECT min(minute) FROM {table}").scalar_one()
    while minute is not None:
        yield minute
        query = f"SELECT min(minute) FROM {table} WHERE minute > {minute}"
        minute = connection.exec_driver_sql(query).scalar_one()


def _read(connection: sa.Connection, query: str, names: Sequence[str]) -> _Columns:
    rows = connection.exec_driver_sql(query).fetchall()
    return dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}


def _integers(values: Sequence[int | None]) -> Any:  # noqa: ANN401 - an array
    return np.array([value or 0 for value in values], np.int64)


def _doubles(values: Sequence[float | None]) -> Any:  # noqa: ANN401 - an array
    """None becomes NaN."""
    return np.array(values, np.float64)


def _convert_values(
    connection: sa.Connection, old: str, suffix: str, more: Sequence[str], minute: int
) -> None:
    names = ("metric_id", "entity_id", "label_set_id", "value", "numerator", "weight", *more)
    columns = _read(
        connection,
        f"SELECT {', '.join(names)} FROM {old}metric_value{suffix} WHERE minute = {minute}"
        " ORDER BY metric_id, entity_id, label_set_id",
        names,
    )
    integers = {name: _integers(columns[name]) for name in (*names[:3], *more)}
    value, numerator, weight = (_doubles(columns[name]) for name in names[3:6])
    metrics, begins = np.unique(integers["metric_id"], return_index=True)
    rows = []
    for metric, some in zip(metrics.tolist(), _slices(begins, len(value)), strict=True):
        parts = [None if np.isnan(part[some]).all() else part[some] for part in (numerator, weight)]
        rows.append(
            {
                "minute": minute,
                "metric_id": metric,
                **{name: ("I", integers[name][some]) for name in (*names[1:3], *more)},
                "value": ("F", _unless_quotient(value[some], *parts)),
                "numerator": ("F", parts[0]),
                "weight": ("F", parts[1]),
            }
        )
    _insert(connection, f"metric_value{suffix}", rows)


def _unless_quotient(value: Any, numerator: Any, weight: Any) -> Any:  # noqa: ANN401 - arrays
    """The values, or None where each is, bit for bit, its numerator divided by its weight."""
    if numerator is None or weight is None:
        return value
    with np.errstate(all="ignore"):
        quotient = numerator / weight
    same = np.array_equal(quotient.view(np.int64), value.view(np.int64))
    # PostgreSQL refuses to divide where the result is too small for a double.
    return None if same and bool((quotient != 0).all() or not numerator.any()) else value


def _points(
    connection: sa.Connection, table: str, minute: int, more: Sequence[str] = ()
) -> _Columns:
    names = ("series_id", "offset_ms", "period_ms", *_DOUBLES, *more)
    query = (
        f"SELECT {', '.join(names)} FROM {table} WHERE minute = {minute}"
        " ORDER BY series_id, offset_ms"
    )
    columns = _read(connection, query, names)
    read = {name: _doubles if name in _DOUBLES else _integers for name in names}
    return {name: read[name](columns[name]) for name in names}


def _extras(connection: sa.Connection, old: str, minute: int) -> _Columns:
    """Those that count: the point has the same SampleCount and the same origin."""
    fields = ("series_id", "offset_ms", "value", "sample_count", "backfilled", "statistic")
    columns = _read(
        connection,
        f"SELECT {', '.join(f'e.{name}' for name in fields)} FROM {old}extra_statistic e"
        f" JOIN {old}point p ON p.minute = e.minute AND p.series_id = e.series_id"
        " AND p.offset_ms = e.offset_ms AND p.sample_count = e.sample_count"
        " AND (p.backfilled IS NULL) = (e.backfilled IS NULL)"
        f" WHERE e.minute = {minute} AND p.minute = {minute}"
        " ORDER BY e.series_id, e.offset_ms, e.statistic",
        fields,
    )
    if not columns:
        return {}
    names = sorted(set(columns["statistic"]))
    number = {name: place for place, name in enumerate(names)}
    offset, backfilled = _integers(columns["offset_ms"]), _integers(columns["backfilled"])
    return {
        "extra_series_id": ("I", _integers(columns["series_id"])),
        "extra_offset_ms": ("I", offset if offset.any() else None),
        "extra_statistic": ("I", _integers([number[name] for name in columns["statistic"]])),
        "extra_value": ("F", _doubles(columns["value"])),
        "extra_sample_count": ("F", _doubles(columns["sample_count"])),
        "extra_backfilled": ("I", backfilled if backfilled.any() else None),
        "extra_names": json.dumps(names),
    }


def _payload(points: _Columns, length_ms: int = 60_000) -> _Columns:
    offset, period = points["offset_ms"], points["period_ms"]
    backfilled = points.get("backfilled")
    return {
        "series_id": ("I", points["series_id"]),
        "offset_ms": ("I", offset if offset.any() else None),
        "period_ms": ("L", period if (period != length_ms).any() else None),
        **{name: ("F", points[name]) for name in _DOUBLES},
        "backfilled": ("I", backfilled if backfilled is not None and backfilled.any() else None),
    }


def _blocks(minute: int, points: _Columns, groups: Any, length_ms: int) -> Iterator[_Columns]:  # noqa: ANN401 - an array
    """Blocks of one bucket, by group; a series is in one of them."""
    series = points["series_id"]
    of_point = np.where(series < len(groups), groups[np.minimum(series, len(groups) - 1)], 0)
    order = np.argsort(of_point, kind="stable")
    numbers, begins = np.unique(of_point[order], return_index=True)
    for number, some in zip(numbers.tolist(), _slices(begins, len(order)), strict=True):
        rows = order[some]
        ids = np.unique(points["series_id"][rows])
        for first in range(0, len(ids), MOST_SERIES):
            part = ids[first : first + MOST_SERIES]
            inside = rows[np.isin(points["series_id"][rows], part)]
            yield {
                "minute": minute,
                "group_id": number,
                "first_series": int(part[0]),
                "last_series": int(part[-1]),
                **_payload({name: each[inside] for name, each in points.items()}, length_ms),
            }


def _slices(begins: Any, size: int) -> Iterator[slice]:  # noqa: ANN401 - an array
    ends = [*begins.tolist()[1:], size]
    return (slice(*pair) for pair in zip(begins.tolist(), ends, strict=True))


def _groups(connection: sa.Connection) -> Any:  # noqa: ANN401 - an array
    """The group of each series; 0 for ids that no series has."""
    highest = connection.exec_driver_sql("SELECT max(series_id) FROM series").scalar_one() or 0
    groups = np.zeros(highest + 1, np.int64)
    known: dict[tuple[str, str], int] = {}
    query = "SELECT series_id, namespace, metric FROM series"
    for series_id, *name in connection.exec_driver_sql(query):
        pair = name[0], name[1]
        if pair not in known:
            known[pair] = zlib.crc32("\0".join(pair).encode()) & 0x7FFF_FFFF
        groups[series_id] = known[pair]
    return groups


def _insert(connection: sa.Connection, table: str, rows: Sequence[_Columns]) -> None:
    if not rows:
        return
    given = [
        [
            array_parameter(connection, *value) if isinstance(value, tuple) else value
            for value in row.values()
        ]
        for row in rows
    ]
    names = list(rows[0])
    marks = ", ".join("?" * len(names))
    execute_many(connection, f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", given)


def _mark_hours(connection: sa.Connection) -> None:
    """Have every hour rolled up again whose minutes are whole: that is when it is packed."""
    kept = connection.exec_driver_sql("SELECT first_minute FROM kept WHERE tier = 1").scalar_one()
    hours = set()
    for table in ("point_batch", "metric_value"):
        hours |= {minute - minute % _HOUR for minute in _minutes(connection, table)}
    rows = [(_HOUR, hour) for hour in sorted(hours) if hour >= kept]
    execute_many(connection, "INSERT INTO dirty_rollup (tier, minute) VALUES (?, ?)", rows)
