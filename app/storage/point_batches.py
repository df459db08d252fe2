"""Batches: points of a minute as a delivery brought them, until they are merged."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import sqlalchemy as sa

from app.arrays import IntArray
from app.storage.array_columns import decoded, execute_many, fetch_encoded
from app.storage.column_reader import fetch_rows, id_list
from app.storage.dirty import mark_dirty
from app.storage.id_sets import is_in
from app.storage.point_payload import PAYLOAD, encode_points
from app.storage.point_rows import read_rows
from app.storage.stored_points import StoredPoints

# Of more series than this, all batches are read at once.
_FEW = 20
_INSERT = (
    f"INSERT INTO point_batch (minute, batch_id, {', '.join(PAYLOAD)})"  # noqa: S608 - constants
    f" VALUES ({', '.join('?' * (2 + len(PAYLOAD)))})"
)


def write_batches(connection: sa.Connection, points: StoredPoints) -> None:
    """Add points, one of each key in the order of the key, and mark their minutes.

    A batch has the id of its minute's mark. Whatever is stored of these points already is left as
    it is: which of them stands is decided by whoever reads.
    """
    if not len(points):
        return
    begins = np.flatnonzero(np.diff(points.minute, prepend=-1))
    minutes = points.minute[begins]
    marks = mark_dirty(connection, minutes.tolist())
    ends = [*begins.tolist()[1:], len(points)]
    extras = points.extras
    rows = []
    for minute, begin, end in zip(minutes.tolist(), begins.tolist(), ends, strict=True):
        batch = points.take(slice(begin, end))
        if len(extras):
            first, last = np.searchsorted(extras.minute, [minute, minute + 1]).tolist()
            batch = batch.with_extras(extras.take(slice(first, last)))
        rows.append((minute, marks[minute], *encode_points(connection, batch, quick=True)))
    execute_many(connection, _INSERT, rows)


def read_batch_ids(connection: sa.Connection, minute: int) -> IntArray:
    """The ids of a minute's batches, ascending."""
    query = f"SELECT batch_id FROM point_batch WHERE minute = {int(minute)} ORDER BY batch_id"  # noqa: S608 - a number
    return np.array([row[0] for row in fetch_rows(connection, query)], np.int64)


def read_batches(connection: sa.Connection, minute: int, batch_ids: IntArray) -> StoredPoints:
    """What stands of some of a minute's batches."""
    return StoredPoints.standing(read_batch_rows(connection, minute, batch_ids))


def read_batch_rows(
    connection: sa.Connection, minute: int, batch_ids: IntArray
) -> list[StoredPoints]:
    """Some of a minute's batches, in the order in which they came."""
    if not len(batch_ids):
        return []
    condition = f"minute = {int(minute)} AND batch_id IN ({id_list(batch_ids.tolist())})"
    return list(read_rows(connection, "point_batch", condition, order="batch_id"))


def read_batches_of(
    connection: sa.Connection, minutes: str, series_ids: IntArray | None, columns: Collection[str]
) -> list[StoredPoints]:
    """Batches of minutes with any of the series, in the order in which they came.

    ``minutes`` is a condition on them; the others are as in ``read_rows``.
    """
    condition = f"minute {minutes}"
    if series_ids is not None and len(series_ids) <= _FEW and connection.dialect.name == "sqlite":
        # Series come in any batches: of most there is no more to be read than which they have.
        holding = [
            f"({minute}, {batch_id})"
            for minute, batch_id, ids in _series_of_batches(connection, condition)
            if is_in(series_ids, ids).any()
        ]
        if not holding:
            return []
        condition = f"(minute, batch_id) IN (VALUES {', '.join(holding)})"
    found = read_rows(
        connection,
        "point_batch",
        condition,
        series_ids=series_ids,
        columns=columns,
        order="minute, batch_id",
    )
    return list(found)


def _series_of_batches(
    connection: sa.Connection, condition: str
) -> Iterator[tuple[int, int, IntArray]]:
    query = f"SELECT minute, batch_id, series_id FROM point_batch WHERE {condition}"  # noqa: S608 - numbers
    for minute, batch_id, encoded in fetch_encoded(connection, query):
        yield minute, batch_id, decoded(connection, encoded)


def delete_batches(connection: sa.Connection, minute: int, batch_ids: Sequence[int]) -> None:
    """Delete batches of a minute that have been merged."""
    statement = f"DELETE FROM point_batch WHERE minute = {int(minute)} AND batch_id = ?"  # noqa: S608 - a number
    execute_many(connection, statement, [(batch_id,) for batch_id in batch_ids])
