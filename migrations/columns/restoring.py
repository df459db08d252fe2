"""The way back: what stands, written as the rows of revision 0008, an hour at a time."""

# ruff: noqa: S608 - all of it is made of constants

from collections.abc import Iterator

import sqlalchemy as sa

_HOUR = 60
_VALUES = "minute, metric_id, entity_id, label_set_id, value, numerator, weight"
_POINTS = "minute, series_id, offset_ms, period_ms, sample_count, sum, minimum, maximum"
_EXTRAS = "minute, series_id, offset_ms, statistic, value, sample_count"
_BACKFILLED = "CASE WHEN backfilled = 1 THEN true END"


def restore(connection: sa.Connection, old: str) -> None:
    """Fill the tables whose names begin with ``old`` from the views."""
    for suffix, more in (("", ""), ("_5m", ", minutes"), ("_1h", ", minutes")):
        tables = (f"metric_value{suffix}", "" if suffix else "packed_hour")
        for hour in _hours(connection, *tables):
            _copy(
                connection,
                f"{old}metric_value{suffix}",
                f"value_rows{suffix}",
                _VALUES + more,
                hour,
            )
    for hour in _hours(connection, "point_batch", "point", "packed_hour"):
        _copy(connection, f"{old}point", "point_rows", _POINTS, hour, backfilled=True)
        _copy(
            connection,
            f"{old}extra_statistic",
            "extra_statistic_rows",
            _EXTRAS,
            hour,
            backfilled=True,
        )
    for suffix in ("_5m", "_1h"):
        for hour in _hours(connection, f"point{suffix}"):
            _copy(connection, f"{old}point{suffix}", f"point_rows{suffix}", _POINTS, hour)


def _hours(connection: sa.Connection, *tables: str) -> Iterator[int]:
    """First minutes of the hours in which any of the tables has something."""
    found: set[int] = set()
    for table in filter(None, tables):
        rows = connection.exec_driver_sql(f"SELECT DISTINCT minute FROM {table}").scalars()
        found.update(minute - minute % _HOUR for minute in rows)
    return iter(sorted(found))


def _copy(
    connection: sa.Connection,
    table: str,
    view: str,
    columns: str,
    hour: int,
    *,
    backfilled: bool = False,
) -> None:
    more, value = (", backfilled", f", {_BACKFILLED}") if backfilled else ("", "")
    connection.exec_driver_sql(
        f"INSERT INTO {table} ({columns}{more}) SELECT {columns}{value} FROM {view}"
        f" WHERE minute >= {hour} AND minute < {hour + _HOUR}"
    )
