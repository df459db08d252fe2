"""The points of a bucket's minutes, series by series: what tiers and packed hours are made of."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.arrays import BoolArray, FloatArray, IntArray, ascending
from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.array_columns import decode_row, decoded, fetch_encoded
from app.storage.packed_hours import read_packed_hours
from app.storage.packed_points import read_packed_points
from app.storage.point_payload import PAYLOAD, decode_points
from app.storage.series_cuts import KEY, keys_of
from app.storage.stored_points import StoredPoints
from app.storage.tiers import Tier

_MOST_REMEMBERED = 4_096
# Where in a payload after its series what is of points that are not streamed or of whole minutes.
_COLUMNS = PAYLOAD[1:]
_IRREGULAR = tuple(_COLUMNS.index(name) for name in ("offset_ms", "period_ms", "backfilled"))
_STATISTICS = tuple(_COLUMNS.index(name) for name in ("sample_count", "sum", "minimum", "maximum"))
_EXTRAS = _COLUMNS.index("extra_series_id")


@dataclass(frozen=True, slots=True)
class BucketPoints:
    """Points ordered by (group, series, time), and their extra statistics.

    ``keys`` (S,) are those of the series, ascending, each once; its points are the rows from
    ``bounds[i]`` up to ``bounds[i + 1]``. ``start_ms`` counts from the start of the bucket. Extra
    statistics are columns of another length, in the order of the points: the row of the point, an
    index into ``names``, and the value.
    """

    keys: IntArray
    bounds: IntArray
    start_ms: IntArray
    period_ms: IntArray
    count: FloatArray
    total: FloatArray
    minimum: FloatArray
    maximum: FloatArray
    backfilled: BoolArray
    extra_row: IntArray
    extra_statistic: IntArray
    extra_value: FloatArray
    names: tuple[str, ...]

    @property
    def series_id(self) -> IntArray:
        """The series, in the order of their keys."""
        return self.keys % KEY


@dataclass(frozen=True, slots=True)
class _Block:
    """A row of a minute's points, and the keys of those of its series that are wanted.

    ``inside`` marks them among all of its ``series_id``; None where all are.
    """

    minute: int
    keys: IntArray
    series_id: IntArray
    inside: BoolArray | None
    row: tuple[Any, ...]

    @property
    def is_regular(self) -> bool:
        """Whether they are known to be streamed points of whole minutes."""
        return all(self.row[column] is None for column in _IRREGULAR)

    @property
    def has_extras(self) -> bool:
        """Whether any has extra statistics."""
        return self.row[_EXTRAS] is not None

    def points(self, connection: sa.Connection) -> StoredPoints:
        """The points."""
        points = decode_points(connection, self.minute, self.series_id, self.row)
        return points if self.inside is None else points.where(self.inside)

    def decode(self, connection: sa.Connection, rows: Sequence[FloatArray]) -> None:
        """Put SampleCount, Sum, Minimum and Maximum of each into rows of as many."""
        before: tuple[bytes, FloatArray] | None = None
        for column, row in zip(_STATISTICS, rows, strict=True):
            encoded = self.row[column]
            if before is not None and before[0] == encoded:
                # Of a single measurement all are the same.
                row[:] = before[1]
            elif self.inside is None:
                decode_row(connection, encoded, row)
            else:
                row[:] = decoded(connection, encoded)[self.inside]
            before = encoded, row


def read_bucket_points(
    connection: sa.Connection, tier: Tier, bucket: int, bounds: range
) -> BucketPoints:
    """The points of a bucket's minutes with keys in ``bounds``.

    They are those of packed hours and merged blocks; batches that came since are left out.
    """
    hour = Tier.HOUR.bucket(bucket)
    blocks = list(_merged(connection, tier, bucket, bounds))
    if read_packed_hours(connection, hour, hour + 1):
        minutes = np.arange(hour, hour + Tier.HOUR)
        of_bucket = (minutes >= bucket) & (minutes < bucket + tier)
        packed = []
        condition = overlapping(bounds)
        for block in read_packed_points(connection, [hour], condition=condition):
            keys = keys_of(connection, block.series_id)
            inside = block.series_id[(keys >= bounds.start) & (keys < bounds.stop)]
            packed.append(block.points(of_bucket, inside))
        return _ordered(connection, bucket, [*packed, *_points(connection, blocks)])
    # A key is in one block of a minute, so without packed ones everything stands.
    if all(block.is_regular for block in blocks):
        return _by_minute(connection, bucket, blocks)
    return _ordered(connection, bucket, list(_points(connection, blocks)))


def overlapping(bounds: range) -> str:
    """A condition on blocks that those fulfil which may have keys in ``bounds``."""
    low, high = divmod(bounds.start, KEY), divmod(bounds.stop - 1, KEY)
    return (
        f" AND group_id >= {low[0]} AND group_id <= {high[0]}"
        f" AND (group_id > {low[0]} OR last_series >= {low[1]})"
        f" AND (group_id < {high[0]} OR first_series <= {high[1]})"
    )


def _merged(connection: sa.Connection, tier: Tier, bucket: int, bounds: range) -> Iterator[_Block]:
    query = (
        f"SELECT minute, group_id, {', '.join(PAYLOAD)} FROM point"  # noqa: S608 - numbers
        f" WHERE minute >= {int(bucket)} AND minute < {int(bucket + tier)}"
        f"{overlapping(bounds)} ORDER BY minute, group_id, first_series"
    )
    # Series mostly are the same from one minute to the next, and then so are these arrays.
    known: dict[tuple[int, bytes], tuple[IntArray, IntArray, BoolArray | None]] = {}
    for minute, group, encoded, *row in fetch_encoded(connection, query):
        found = known.get((group, encoded))
        if found is None:
            series_id = decoded(connection, encoded)
            keys = group * KEY + series_id
            inside: BoolArray | None = (keys >= bounds.start) & (keys < bounds.stop)
            if inside is not None and inside.all():
                inside = None
            if len(known) >= _MOST_REMEMBERED:
                known.clear()
            wanted = keys if inside is None else keys[inside]
            found = known[group, encoded] = wanted, series_id, inside
        yield _Block(minute, *found, tuple(row))


def _points(connection: sa.Connection, blocks: Iterable[_Block]) -> Iterator[StoredPoints]:
    for block in blocks:
        yield block.points(connection)


def _by_minute(connection: sa.Connection, bucket: int, blocks: Sequence[_Block]) -> BucketPoints:
    """Streamed points of whole minutes: a matrix with a column for each minute."""
    minutes = sorted({block.minute for block in blocks})
    of_minute = [[block for block in blocks if block.minute == minute] for minute in minutes]
    keys = _union(of_minute)
    size = len(keys), len(minutes)
    places: dict[tuple[int, ...], IntArray | None] = {}
    of_keys = []
    for some in of_minute:
        same = tuple(id(block.keys) for block in some)
        if same not in places:
            joined = np.concatenate([block.keys for block in some])
            whole = len(joined) == len(keys)
            places[same] = None if whole else np.searchsorted(keys, joined)
        of_keys.append(places[same])
    is_whole = all(place is None for place in of_keys)
    matrices = [np.empty(size[::-1]) for _ in _STATISTICS]
    for matrix in () if is_whole else matrices:
        matrix.fill(np.nan)
    for number, (some, place) in enumerate(zip(of_minute, of_keys, strict=True)):
        begin = 0
        for block in some:
            end = begin + len(block.keys)
            if place is None:
                block.decode(connection, [matrix[number, begin:end] for matrix in matrices])
            else:
                rows = [np.empty(end - begin) for _ in matrices]
                block.decode(connection, rows)
                for matrix, row in zip(matrices, rows, strict=True):
                    matrix[number, place[begin:end]] = row
            begin = end
    columns = [np.ascontiguousarray(matrix.T).ravel() for matrix in matrices]
    count = columns[0]
    starts = (np.array(minutes, np.int64) - bucket) * MILLISECONDS_PER_MINUTE
    start_ms = np.tile(starts, size[0])
    bounds = np.arange(size[0] + 1) * size[1]
    new_row = np.arange(len(count))
    if not is_whole:
        present = ~np.isnan(count)
        new_row = np.cumsum(present) - 1
        bounds = np.concatenate(([0], np.cumsum(present)))[bounds]
        columns = [column[present] for column in columns]
        start_ms = start_ms[present]
    points = len(start_ms)
    period_ms = np.broadcast_to(np.int64(MILLISECONDS_PER_MINUTE), points)
    backfilled = np.broadcast_to(np.bool_(False), points)
    extras = _extras(connection, keys, minutes, blocks, new_row)
    statistics = columns[0], columns[1], columns[2], columns[3]
    return BucketPoints(keys, bounds, start_ms, period_ms, *statistics, backfilled, *extras)


def _union(of_minute: Sequence[Sequence[_Block]]) -> IntArray:
    """The keys of all blocks, ascending."""
    distinct = {
        tuple(id(block.keys) for block in some): [block.keys for block in some]
        for some in of_minute
    }
    lists = [np.concatenate(some) for some in distinct.values()]
    if len(lists) == 1:
        return lists[0]
    return ascending(np.concatenate(lists)) if lists else np.empty(0, np.int64)


def _extras(
    connection: sa.Connection,
    keys: IntArray,
    minutes: Sequence[int],
    blocks: Sequence[_Block],
    new_row: IntArray,
) -> tuple[IntArray, IntArray, FloatArray, tuple[str, ...]]:
    """Rows, statistics and values of extra statistics, and the names."""
    parts = [(block, block.points(connection)) for block in blocks if block.has_extras]
    names = sorted({name for _, points in parts for name in points.extras.names})
    numbers = {name: number for number, name in enumerate(names)}
    none = np.empty(0, np.int64)
    rows, statistics, values = [none], [none], [np.empty(0)]
    for block, points in parts:
        extras = points.extras
        key = block.keys[np.searchsorted(points.series_id, extras.series_id)]
        cell = np.searchsorted(keys, key) * len(minutes) + minutes.index(block.minute)
        rows.append(new_row[cell])
        of_block = np.array([numbers[name] for name in extras.names], np.int64)
        statistics.append(of_block[extras.statistic])
        values.append(extras.value)
    row = np.concatenate(rows)
    order = np.argsort(row, kind="stable")
    return row[order], np.concatenate(statistics)[order], np.concatenate(values)[order], (*names,)


def _ordered(connection: sa.Connection, bucket: int, parts: Sequence[StoredPoints]) -> BucketPoints:
    """What stands of any points."""
    points = StoredPoints.standing(parts)
    series, place = np.unique(points.series_id, return_inverse=True)
    keys = keys_of(connection, series)
    rank = np.argsort(np.argsort(keys, kind="stable"), kind="stable")
    start_ms = points.start_ms - bucket * MILLISECONDS_PER_MINUTE
    row = rank[place]
    order = np.argsort(row * Tier.HOUR.length_ms + start_ms, kind="stable")
    extras = points.extras
    new_row = np.empty(len(order), np.int64)
    new_row[order] = np.arange(len(order))
    extra_row = new_row[points.extra_rows]
    of_extras = np.argsort(extra_row, kind="stable")
    return BucketPoints(
        np.sort(keys),
        np.concatenate(([0], np.cumsum(np.bincount(row, minlength=len(keys))))),
        start_ms[order],
        points.period_ms[order],
        points.count[order],
        points.total[order],
        points.minimum[order],
        points.maximum[order],
        points.backfilled[order],
        extra_row[of_extras],
        extras.statistic[of_extras],
        extras.value[of_extras],
        extras.names,
    )
