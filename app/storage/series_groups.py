"""Groups: the series of one CloudWatch metric are stored together, under a number made of it."""

import zlib
from collections.abc import Iterator
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
import sqlalchemy as sa

from app.arrays import IntArray, ascending
from app.storage.chunks import chunked
from app.storage.column_reader import fetch_rows, id_list

_UNKNOWN = -1
# Groups of series with higher ids are looked up every time: four bytes each are kept of others.
_MOST_KEPT = 8_000_000
_MOST_NAMED = 5_000
_MOST_IN_A_RANGE = 50_000
_GROUP_BITS = 0x7FFF_FFFF


def group_id(namespace: str, metric: str) -> int:
    """The number under which the series of a CloudWatch metric are stored."""
    return zlib.crc32(f"{namespace}\0{metric}".encode()) & _GROUP_BITS


def ids_by_group(connection: sa.Connection, series_ids: IntArray) -> dict[int, IntArray]:
    """Those of the series that there are, by their groups, both ascending."""
    found: dict[int, list[int]] = {}
    for ids in chunked(series_ids.tolist(), _MOST_NAMED):
        query = (
            f"SELECT series_id, namespace, metric FROM series WHERE series_id IN ({id_list(ids)})"  # noqa: S608 - numbers
        )
        for series_id, *names in fetch_rows(connection, query):
            found.setdefault(group_id(names[0], names[1]), []).append(series_id)
    return {group: np.array(sorted(found[group]), np.int64) for group in sorted(found)}


def groups_of(connection: sa.Connection, series_ids: IntArray) -> IntArray:
    """The group of each of some series, which exist.

    What has been found is remembered for as long as the engine's connections are to the same
    database. So the connection is one that sees nothing but what has been committed.
    """
    with _lock:
        known = _remembered.setdefault(connection.engine.pool, _Remembered())
    return known.groups_of(connection, series_ids)


class _Remembered:
    """Groups by series id. Thread-safe: what is looked up twice is the same."""

    def __init__(self) -> None:
        self._groups = np.full(1024, _UNKNOWN, np.int32)

    def groups_of(self, connection: sa.Connection, series_ids: IntArray) -> IntArray:
        if not len(series_ids):
            return np.empty(0, np.int64)
        last = int(series_ids.max())
        groups = self._groups
        if len(groups) <= last:
            grown = np.full(max(last + 1, 2 * len(groups)), _UNKNOWN, np.int32)
            grown[: len(groups)] = groups
            groups = grown
        missing = ascending(series_ids[groups[series_ids] == _UNKNOWN])
        for ids, found in _look_up(connection, missing):
            groups[ids] = found
        result = groups[series_ids].astype(np.int64)
        self._groups = groups[:_MOST_KEPT]
        return result


_lock = Lock()
_remembered: WeakKeyDictionary[sa.Pool, _Remembered] = WeakKeyDictionary()


def _look_up(
    connection: sa.Connection, series_ids: IntArray
) -> Iterator[tuple[IntArray, IntArray]]:
    """Ids and their groups, perhaps others' too; new series mostly have ids next to each other."""
    numbers: dict[tuple[str, str], int] = {}
    for begin in range(0, len(series_ids), _MOST_NAMED):
        ids = series_ids[begin : begin + _MOST_NAMED]
        first, last = int(ids[0]), int(ids[-1])
        condition = f"IN ({id_list(ids.tolist())})"
        if last - first < _MOST_IN_A_RANGE:
            condition = f"BETWEEN {first} AND {last}"
        query = f"SELECT series_id, namespace, metric FROM series WHERE series_id {condition}"  # noqa: S608 - numbers
        found, groups = [], []
        for series_id, *names in fetch_rows(connection, query):
            name = names[0], names[1]
            number = numbers.get(name)
            if number is None:
                number = numbers[name] = group_id(*name)
            found.append(series_id)
            groups.append(number)
        yield np.array(found, np.int64), np.array(groups, np.int64)
