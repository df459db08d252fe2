"""Points rolled up: the longer tiers, and the blocks of a settled hour, from merged minutes.

A bucket is read in parts of some thousand series, over all groups in the order of their keys. What
differs from what is stored is written.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray, ascending
from app.storage.array_columns import decoded, execute_many, fetch_encoded
from app.storage.bucket_points import BucketPoints, overlapping, read_bucket_points
from app.storage.column_reader import fetch_rows
from app.storage.packed_hours import read_packed_hours
from app.storage.packed_points import COUNT, read_packed_points
from app.storage.packed_sources import SourceIndex
from app.storage.packing import Packed
from app.storage.point_merging import (
    BLOCK_COLUMNS,
    SERIES_OF_A_BLOCK,
    KeyedPoints,
    block_rows,
)
from app.storage.point_packing import pack_points
from app.storage.series_cuts import KEY, cuts, keys_of
from app.storage.stored_points import StoredPoints
from app.storage.tiers import POINTS, Tier
from app.summation import exact_group_sums

_LAST_KEY = 2**63 - 1
_SERIES = "SELECT group_id, series_id FROM point WHERE minute >= ? AND minute < ?"
_NO_KEYS = np.empty(0, np.int64)
# Sums of integers below it are exact in any order.
_EXACT = 2.0**53


@dataclass(frozen=True, slots=True)
class PointPart:
    """The series of a bucket whose keys are in ``bounds``.

    ``begins`` are keys at which blocks of the hour begin, if it has been packed before.
    """

    bounds: range
    begins: IntArray


def point_parts(connection: sa.Connection, tier: Tier, bucket: int) -> list[PointPart]:
    """The parts in which a bucket is to be rolled up; together they are all of it.

    Its minutes have been merged, and nobody else merges more into them until it is rolled up.
    """
    hour = Tier.HOUR.bucket(bucket)
    found = _merged_keys(connection, tier, bucket)
    begins = _NO_KEYS
    if read_packed_hours(connection, hour, hour + 1):
        found += [
            keys_of(connection, block.series_id)
            for block in read_packed_points(connection, [hour], statistics={COUNT})
        ]
        begins = _packed_begins(connection, hour)
    keys = ascending(np.concatenate(found)) if found else _NO_KEYS
    # What is packed is written again block by block, so no block may be in two parts.
    is_packed = np.isin(keys // KEY, begins // KEY)
    begins = begins[1:][begins[1:] // KEY == begins[:-1] // KEY]
    pieces = [
        (int(some[begin]), end - begin)
        for some, at, most in (
            (keys[is_packed], begins, len(keys)),
            (keys[~is_packed], _NO_KEYS, SERIES_OF_A_BLOCK),
        )
        for begin, end in cuts(some, at, most)
    ]
    return _parts(sorted(pieces), begins)


def roll_up_points(
    connection: sa.Connection,
    tier: Tier,
    bucket: int,
    part: PointPart,
    sources: SourceIndex | None = None,
) -> Packed | None:
    """What makes a part of a tier's bucket what its merged minutes are; None if it is.

    An hour is packed in the same go; ``sources`` are then what it is packed as.
    """
    points = read_bucket_points(connection, tier, bucket, part.bounds)
    found = [_store(connection, tier, bucket, part.bounds, points)]
    if tier is Tier.HOUR:
        found.append(
            pack_points(connection, bucket, points, part.bounds, part.begins, sources=sources)
        )
    jobs = [job for job in found if job is not None]
    if not jobs:
        return None

    def write(connection: sa.Connection) -> None:
        for job in jobs:
            job.write(connection)

    return Packed(write, sum(job.blocks for job in jobs), sum(job.size for job in jobs))


def _merged_keys(connection: sa.Connection, tier: Tier, bucket: int) -> list[IntArray]:
    """Keys of the series that the bucket's minutes have, some of them many times."""
    found: dict[tuple[int, bytes], IntArray] = {}
    for group, encoded in fetch_encoded(connection, _SERIES, (bucket, bucket + tier)):
        # From one minute to the next they mostly are the same.
        if (group, encoded) not in found:
            found[group, encoded] = group * KEY + decoded(connection, encoded)
    return list(found.values())


def _packed_begins(connection: sa.Connection, hour: int) -> IntArray:
    """Keys at which blocks begin, but for those that overlap with one that begins before."""
    query = (
        "SELECT group_id, first_series, MAX(last_series) FROM packed_point"  # noqa: S608 - a number
        f" WHERE minute = {int(hour)} GROUP BY group_id, first_series"
        " ORDER BY group_id, first_series"
    )
    begins, end = [], -1
    for group, first, last in fetch_rows(connection, query):
        if group * KEY + first > end:
            begins.append(group * KEY + first)
        end = max(end, group * KEY + last)
    return np.array(begins, np.int64)


def _parts(pieces: list[tuple[int, int]], begins: IntArray) -> list[PointPart]:
    """Pieces, the first key and the number of series of each, put together up to a block's size."""
    if not pieces:
        return []
    bounds = [0]
    size = 0
    for key, series in pieces:
        if size and size + series > SERIES_OF_A_BLOCK:
            bounds.append(key)
            size = 0
        size += series
    parts = []
    for first, last in pairwise([*bounds, _LAST_KEY]):
        inside = slice(*np.searchsorted(begins, [first, last]).tolist())
        parts.append(PointPart(range(first, last), begins[inside]))
    return parts


def _store(
    connection: sa.Connection, tier: Tier, bucket: int, bounds: range, points: BucketPoints
) -> Packed | None:
    """What makes the rows of a tier what its minutes are."""
    table = POINTS[tier].name
    wanted = {
        row[1:3]: row
        for row in block_rows(
            connection,
            bucket,
            KeyedPoints(_rolled_up(tier, bucket, points), points.keys, _NO_KEYS),
            _NO_KEYS,
            period_ms=tier.length_ms,
        )
    }
    names = ", ".join(BLOCK_COLUMNS)
    query = f"SELECT {names} FROM {table} WHERE minute = ?{overlapping(bounds)}"  # noqa: S608 - constants
    stored = {
        row[1:3]: row
        for row in fetch_encoded(connection, query, (bucket,))
        if row[1] * KEY + row[2] in bounds
    }
    new = [row for key, row in wanted.items() if stored.get(key) != row]
    gone = [(bucket, *key) for key in stored if stored[key] != wanted.get(key)]
    if not gone and not new:
        return None

    def write(connection: sa.Connection) -> None:
        execute_many(
            connection,
            f"DELETE FROM {table} WHERE minute = ? AND group_id = ? AND first_series = ?",  # noqa: S608 - constants
            gone,
        )
        marks = ", ".join("?" * len(BLOCK_COLUMNS))
        execute_many(connection, f"INSERT INTO {table} ({names}) VALUES ({marks})", new)  # noqa: S608 - constants

    return Packed(write, 0, sum(len(data) for row in new for data in row[4:] if data))


def _rolled_up(tier: Tier, bucket: int, points: BucketPoints) -> StoredPoints:
    """One point for each series: exactly rounded sums, the least Minimum, the largest Maximum."""
    size = len(points.keys)
    starts = points.bounds[:-1]
    # Zeros lose their sign, which would else depend on the order of the points.
    return StoredPoints(
        np.full(size, bucket, np.int64),
        points.series_id,
        np.zeros(size, np.int64),
        np.full(size, tier.length_ms, np.int64),
        _sums(points.count, points.bounds) + 0.0,
        _sums(points.total, points.bounds) + 0.0,
        np.fmin.reduceat(points.minimum, starts) + 0.0 if size else points.minimum,
        np.fmax.reduceat(points.maximum, starts) + 0.0 if size else points.maximum,
        np.zeros(size, np.bool_),
    )


def _sums(values: FloatArray, bounds: IntArray) -> FloatArray:
    if len(values) and (values == np.rint(values)).all() and np.abs(values).sum() < _EXACT:
        return np.add.reduceat(values, bounds[:-1])
    return exact_group_sums(values, bounds)
