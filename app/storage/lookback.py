"""The newest minute that has something, looked for backwards within a range."""

from collections.abc import Sequence
from typing import Literal

import sqlalchemy as sa

from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.chunks import chunked
from app.storage.minutes import minutes_between
from app.storage.tables import metadata

_MINUTES_AT_ONCE = 50
_IDS_AT_ONCE = 500

_Table = Literal["point", "metric_value"]


def newest_minute(connection: sa.Connection, table: _Table) -> int | None:
    """The newest minute with any row; None in an empty table."""
    newest: int | None = connection.execute(_NEWEST[table]).scalar_one()
    return newest


def newest_minute_of_metric(
    connection: sa.Connection,
    metric_id: int,
    entity_ids: Sequence[int] | None,
    first: int,
    last: int,
) -> int | None:
    """The newest minute from ``first`` to ``last`` with a value; no entities given means any."""
    metric: dict[str, object] = {"metric": metric_id}
    if entity_ids is None:
        return _newest(connection, "metric_value", _VALUES, [metric], range(first, last + 1))
    each = [{**metric, "ids": ids} for ids in chunked(entity_ids, _IDS_AT_ONCE)]
    return _newest(connection, "metric_value", _VALUES_OF, each, range(first, last + 1))


def newest_minute_of_series(
    connection: sa.Connection, series_ids: Sequence[int], first: int, last: int
) -> int | None:
    """The newest minute from ``first`` to ``last`` with a point of any of these series."""
    each: list[dict[str, object]] = [{"ids": ids} for ids in chunked(series_ids, _IDS_AT_ONCE)]
    return _newest(connection, "point", _POINTS_OF, each, range(first, last + 1))


def _newest(
    connection: sa.Connection,
    table: _Table,
    query: sa.TextClause,
    each: Sequence[dict[str, object]],
    minutes: range,
) -> int | None:
    """The newest of these minutes for which the query, under any of the parameters, has rows."""
    start_ms = minutes.start * MILLISECONDS_PER_MINUTE
    end_ms = minutes.stop * MILLISECONDS_PER_MINUTE
    with_rows = minutes_between(connection, metadata.tables[table], start_ms, end_ms)[::-1]
    for chunk in chunked(with_rows, _MINUTES_AT_ONCE):
        found = [
            connection.execute(query, {**parameters, "minutes": chunk}).scalar_one()
            for parameters in each
        ]
        newest: list[int] = [minute for minute in found if minute is not None]
        if newest:
            return max(newest)
    return None


_NEWEST = {
    "point": sa.text("SELECT MAX(minute) FROM point"),
    "metric_value": sa.text("SELECT MAX(minute) FROM metric_value"),
}
_SELECT_VALUES = (
    "SELECT MAX(minute) FROM metric_value WHERE minute IN :minutes AND metric_id = :metric"
)
_VALUES = sa.text(_SELECT_VALUES).bindparams(sa.bindparam("minutes", expanding=True))
_VALUES_OF = sa.text(f"{_SELECT_VALUES} AND entity_id IN :ids").bindparams(
    sa.bindparam("minutes", expanding=True), sa.bindparam("ids", expanding=True)
)
_POINTS_OF = sa.text(
    "SELECT MAX(minute) FROM point WHERE minute IN :minutes AND series_id IN :ids"
).bindparams(sa.bindparam("minutes", expanding=True), sa.bindparam("ids", expanding=True))
