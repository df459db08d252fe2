"""Values of packed hours that lie among points: SQLite's view of them, and their way back."""

# ruff: noqa: S608 - all of it is made of constants

import json
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.storage.array_columns import array_parameter, decoded, execute_many
from migrations.columns.sqlite_views import FIELDS, MINUTES_OF_AN_HOUR, stored_values

_MINUTES = 60
_PLACES = 1024
_NUMBERS = ("value", "numerator", "weight")
_SOURCE = (
    "SELECT value FROM packed_point"
    " WHERE minute = ? AND group_id = ? AND statistic = ? AND first_series = ?"
)

# The function takes the block's own columns, and one by one the sources that it names.
VALUES = f"""
    {stored_values("")} UNION ALL
    SELECT h.minute + o.n, m.metric_id, m.name, {FIELDS}
    FROM packed_hour h CROSS JOIN ({MINUTES_OF_AN_HOUR}) o CROSS JOIN metric m
    CROSS JOIN packed_value p ON p.minute = h.minute AND p.metric_id = m.metric_id
    CROSS JOIN json_each((SELECT hydrant_placed_rows(o.n, q.source, q.place, q.value, q.entity_id,
        q.label_set_id, q.row, q.minute_of_hour, q.numerator, q.weight, q.value_place,
        q.numerator_place, q.weight_place, q.sources) FROM (
        SELECT -1 AS source, NULL AS place, p.value AS value, p.entity_id AS entity_id,
            p.label_set_id AS label_set_id, p.row AS row, p.minute_of_hour AS minute_of_hour,
            p.numerator AS numerator, p.weight AS weight, p.value_place AS value_place,
            p.numerator_place AS numerator_place, p.weight_place AS weight_place,
            p.sources AS sources
        UNION ALL
        SELECT s.key, f.key, c.value, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
            NULL
        FROM json_each(p.sources) s CROSS JOIN json_each(json_extract(s.value, '$[2]')) f
        CROSS JOIN packed_point c
        WHERE c.minute = h.minute AND c.group_id = json_extract(s.value, '$[0]')
          AND c.statistic = json_extract(s.value, '$[1]')
          AND c.first_series = f.value) q)) j
    WHERE h.value_minutes >> o.n & 1 AND NOT EXISTS (
        SELECT 1 FROM metric_value v
        WHERE v.minute = h.minute + o.n AND v.metric_id = m.metric_id)
"""


def store_values(connection: sa.Connection) -> None:
    """Store what blocks of packed hours find elsewhere in the blocks themselves."""
    keys = connection.exec_driver_sql(
        "SELECT p.minute, p.metric_id, p.first_entity FROM packed_value p JOIN packed_hour h"
        " ON h.minute = p.minute WHERE p.sources IS NOT NULL"
    ).fetchall()
    for key in keys:
        _store(connection, tuple(key))
    # Nobody reads blocks of other hours.
    connection.exec_driver_sql("DELETE FROM packed_value WHERE sources IS NOT NULL")


def _store(connection: sa.Connection, key: tuple[int, ...]) -> None:
    names = ", ".join((*_NUMBERS, *(f"{name}_place" for name in _NUMBERS)))
    query = (
        f"SELECT sources, entity_id, row, minute_of_hour, {names} FROM packed_value"
        " WHERE minute = ? AND metric_id = ? AND first_entity = ?"
    )
    row = connection.exec_driver_sql(query, key).one()
    entity_id, of_key, minute, *numbers = (decoded(connection, data) for data in row[1:])
    sources = [
        decoded(connection, connection.exec_driver_sql(_SOURCE, (key[0], *source)).scalar_one())
        for group, statistic, begins in json.loads(row[0])
        for source in [(group, statistic, first) for first in begins]
    ]
    matrices = []
    for column, places in zip(numbers[:3], numbers[3:], strict=True):
        if column is None and places is None:
            matrices.append(None)
            continue
        matrix = np.full((len(entity_id), _MINUTES), np.nan)
        if column is not None and of_key is None:
            matrix = column.reshape(-1, _MINUTES)
        elif column is not None:
            matrix[of_key, minute] = column
        for place in range(len(entity_id)) if places is not None else ():
            if places[place]:
                number, there = divmod(int(places[place]) - 1, _PLACES)
                matrix[place] = sources[number].reshape(-1, _MINUTES)[there]
        matrices.append(matrix)
    columns: dict[str, Any] = dict.fromkeys(("row", "minute_of_hour"))
    for name, stored in zip(_NUMBERS, matrices, strict=True):
        given = None if stored is None else stored.ravel()
        columns[name] = array_parameter(connection, "F", given)
        columns[f"{name}_place"] = None
    columns["sources"] = None
    settings = ", ".join(f"{name} = ?" for name in columns)
    statement = (
        f"UPDATE packed_value SET {settings}"
        " WHERE minute = ? AND metric_id = ? AND first_entity = ?"
    )
    execute_many(connection, statement, [(*columns.values(), *key)])
