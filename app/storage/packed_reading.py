"""Blocks of packed hours read back, as few of them as hold what is wanted."""

from collections.abc import Iterator, Sequence

import numpy as np
import sqlalchemy as sa

from app.arrays import IntArray
from app.storage.blocks import Dense, Sparse, decode_block
from app.storage.chunks import chunked
from app.storage.column_reader import fetch_rows, id_list
from app.storage.packing import group_id

_HOURS_AT_ONCE = 24
# Up to this number each id is looked for on its own.
_MOST_LOOKUPS = 10
_MOST_NAMED = 5_000

Block = Dense | Sparse


def read_value_blocks(
    connection: sa.Connection, metric_id: int, hours: Sequence[int], entity_ids: IntArray | None
) -> Iterator[tuple[int, Block]]:
    """Hours and their blocks with values of a metric, perhaps of other entities too.

    ``entity_ids`` ascend; None means all.
    """
    condition = _overlap("first_entity", "last_entity", entity_ids)
    for some in chunked(hours, _HOURS_AT_ONCE):
        query = (
            "SELECT minute, first_entity, last_entity, data FROM packed_value"  # noqa: S608 - numbers
            f" WHERE minute IN ({id_list(some)}) AND metric_id = {int(metric_id)}{condition}"
        )
        for hour, first, last, data in fetch_rows(connection, query):
            if entity_ids is None or _holds_any(first, last, entity_ids):
                yield hour, decode_block(data)


def read_point_blocks(
    connection: sa.Connection, statistic: str, hours: Sequence[int], series_ids: IntArray
) -> Iterator[tuple[int, Block]]:
    """Hours and their blocks of one stored statistic, perhaps of other series too.

    They are in the order of their keys, which is the same for all statistics that every point has.
    """
    groups = _groups_of(connection, series_ids) if hours else []
    if not groups:
        return
    condition = _overlap("first_series", "last_series", series_ids)
    for some in chunked(hours, _HOURS_AT_ONCE):
        query = (
            "SELECT minute, first_series, last_series, data FROM packed_point"  # noqa: S608 - numbers
            f" WHERE minute IN ({id_list(some)}) AND group_id IN ({id_list(groups)})"
            f" AND statistic = ?{condition} ORDER BY minute, group_id, first_series"
        )
        for hour, first, last, data in fetch_rows(connection, query, (statistic,)):
            if _holds_any(first, last, series_ids):
                yield hour, decode_block(data)


def _groups_of(connection: sa.Connection, series_ids: IntArray) -> list[int]:
    """The groups in which these series, and perhaps others, are packed."""
    groups: set[int] = set()
    for ids in chunked(series_ids.tolist(), _MOST_NAMED):
        query = f"SELECT DISTINCT namespace, metric FROM series WHERE series_id IN ({id_list(ids)})"  # noqa: S608 - numbers
        groups.update(group_id(*names) for names in fetch_rows(connection, query))
    return sorted(groups)


def _overlap(first: str, last: str, ids: IntArray | None) -> str:
    """A condition on blocks that those with any of the ids fulfil."""
    if ids is None:
        return ""
    if not len(ids):
        return " AND 1 = 0"
    pairs = [(one, one) for one in ids.tolist()]
    if len(ids) > _MOST_LOOKUPS:
        pairs = [(int(ids[0]), int(ids[-1]))]
    tests = (f"({first} <= {high} AND {last} >= {low})" for low, high in pairs)
    return f" AND ({' OR '.join(tests)})"


def _holds_any(first: int, last: int, ids: IntArray) -> bool:
    place = np.searchsorted(ids, first)
    return bool(place < len(ids) and ids[place] <= last)
