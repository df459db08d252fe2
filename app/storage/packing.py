"""Packing: the minutes of an hour, as its rollup has read them, written as blocks.

A block holds the values of some entities, or one statistic of some series of one CloudWatch metric.
It begins and ends with an id of the part in which the bucket is read; what is the same as before is
not written again. Half of an hour's blocks may be there: they count when the hour is recorded.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.blocks import encode_block
from app.storage.buckets import BucketPoints, Job
from app.storage.bulk import bulk_upsert
from app.storage.columns import fetch
from app.storage.statements import UPSERT_PACKED_POINTS, UPSERT_PACKED_VALUES, Upsert
from app.storage.tables import packed_point, packed_value
from app.storage.tiers import Tier
from app.storage.value_ranges import ValueRange

KEYS_OF_A_BLOCK = 128
"""Fewer, and a metric is many blocks; more, and one series costs too much."""
ID = 2**32
"""Entity and label set make one key: the entity times this, and the label set."""
STATISTICS = ("SampleCount", "Sum", "Minimum", "Maximum")
"""Those that every point has, or may have."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What is to be written so that the blocks of a part are those of its minutes.

    ``blocks`` are new or other than before, of ``size`` bytes together.
    """

    write: Job
    blocks: int
    size: int


_Key = tuple[Any, ...]
_Blocks = dict[_Key, tuple[int, bytes]]


def group_id(namespace: str, metric: str) -> int:
    """The number under which the series of a CloudWatch metric are packed."""
    return zlib.crc32(f"{namespace}\0{metric}".encode()) & 0x7FFF_FFFF


def pack_values(
    connection: sa.Connection, hour: int, metric_id: int, values: ValueRange, ids: range
) -> Packed | None:
    """What makes the blocks of some entities those of ``values``; None if they are."""
    start_ms = (values.minute - hour) * MILLISECONDS_PER_MINUTE
    key = values.entity_id * ID + values.label_set_id
    wanted: _Blocks = {}
    rows = np.arange(len(values))
    for some, first, last in _cut(values.entity_id, key, rows):
        data = encode_block(key[some], start_ms[some], None, values.value[some])
        wanted[hour, metric_id, first] = last, data
    parameters = {"minute": hour, "metric": metric_id, "first": ids[0], "last": ids[-1]}
    stored = fetch(connection, _STORED_VALUES, parameters)
    return _job(packed_value, UPSERT_PACKED_VALUES, wanted, stored)


def pack_points(
    connection: sa.Connection, hour: int, points: BucketPoints, ids: range
) -> Packed | None:
    """What makes the blocks of some series those of ``points``; None if they are."""
    wanted: _Blocks = {}
    columns: dict[str, tuple[IntArray, FloatArray]] = {}
    everything = np.arange(len(points.series_id))
    for statistic, values in zip(
        STATISTICS, (points.count, points.total, points.minimum, points.maximum), strict=True
    ):
        columns[statistic] = everything, values
    columns.update(_extras(connection, hour, points, ids))
    regular = _regular_series(points)
    groups = _groups(connection, points.series_id)
    for number in np.unique(groups).tolist():
        of_group = groups == number
        for chosen in (of_group & regular, of_group & ~regular):
            for statistic, (rows, values) in columns.items():
                inside = np.flatnonzero(chosen[rows] & ~np.isnan(values))
                of_point = rows[inside]
                series = points.series_id[of_point]
                for some, first, last in _cut(series, series, np.arange(len(series))):
                    data = encode_block(
                        series[some],
                        points.start_ms[of_point[some]],
                        points.period_ms[of_point[some]],
                        values[inside[some]],
                    )
                    wanted[hour, number, statistic, first] = last, data
    bounds = {"minute": hour, "first": ids[0], "last": ids[-1]}
    return _job(
        packed_point, UPSERT_PACKED_POINTS, wanted, fetch(connection, _STORED_POINTS, bounds)
    )


def _cut(owner: IntArray, keys: IntArray, rows: IntArray) -> Iterator[tuple[IntArray, int, int]]:
    """Rows by block, with the first and the last owner in it; none is in two blocks."""
    if not len(rows):
        return
    begins = np.flatnonzero(np.diff(keys, prepend=keys[0] - 1))
    bounds = [0]
    for place in range(KEYS_OF_A_BLOCK, len(begins), KEYS_OF_A_BLOCK):
        # On to where the next owner begins.
        first = np.searchsorted(owner, owner[begins[place] - 1], side="right")
        if bounds[-1] < first < len(rows):
            bounds.append(int(first))
    for begin, end in pairwise([*bounds, len(rows)]):
        yield rows[begin:end], int(owner[begin]), int(owner[end - 1])


def _regular_series(points: BucketPoints) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether all points of a point's series are of a minute and begin with it."""
    odd = (points.start_ms % MILLISECONDS_PER_MINUTE != 0) | (
        points.period_ms != MILLISECONDS_PER_MINUTE
    )
    return ~np.isin(points.series_id, np.unique(points.series_id[odd]))


def _groups(connection: sa.Connection, series_id: IntArray) -> IntArray:
    """The group of each point; 0 for a series that is not known."""
    if not len(series_id):
        return np.empty(0, np.int64)
    bounds = {"first": int(series_id[0]), "last": int(series_id[-1])}
    known: dict[tuple[str, str], int] = {}
    of_series = np.zeros(bounds["last"] - bounds["first"] + 1, np.int64)
    for one, *name in fetch(connection, _NAMES, bounds):
        pair = name[0], name[1]
        number = known.get(pair)
        if number is None:
            number = known[pair] = group_id(*pair)
        of_series[one - bounds["first"]] = number
    return of_series[series_id - bounds["first"]]


def _extras(
    connection: sa.Connection, hour: int, points: BucketPoints, ids: range
) -> Mapping[str, tuple[IntArray, FloatArray]]:
    """Extra statistics by name: rows of their points, ascending, and values."""
    if not connection.execute(_ANY_EXTRA, {"first": hour, "last": hour + Tier.HOUR}).first():
        return {}
    length = Tier.HOUR.length_ms
    place = points.series_id * length + points.start_ms
    found: dict[str, list[tuple[int, float]]] = {}
    for minute in range(hour, hour + Tier.HOUR):
        bounds = {"minute": minute, "first": ids[0], "last": ids[-1]}
        for series, offset_ms, statistic, value in fetch(connection, _EXTRAS, bounds):
            start_ms = (minute - hour) * MILLISECONDS_PER_MINUTE + offset_ms
            found.setdefault(statistic, []).append((series * length + start_ms, value))
    columns = {}
    for statistic, pairs in sorted(found.items()):
        wanted, values = (np.array(column) for column in zip(*pairs, strict=True))
        order = np.argsort(wanted)
        rows = np.searchsorted(place, wanted[order])
        columns[statistic] = rows, values[order].astype(np.float64)
    return columns


def _job(table: sa.Table, upsert: Upsert, wanted: _Blocks, stored: Sequence[_Key]) -> Packed | None:
    """Write what is new or other, delete what is gone."""
    keys = upsert.keys
    before: _Blocks = {row[:keys]: (row[keys], bytes(row[keys + 1])) for row in stored}
    gone = [key for key in before if key not in wanted]
    new = sorted(key for key, block in wanted.items() if before.get(key) != block)
    if not gone and not new:
        return None
    names = [f"key_{name}" for name in upsert.columns[:keys]]
    pairs = zip(table.primary_key.columns, names, strict=True)
    delete = sa.delete(table).where(*(column == sa.bindparam(name) for column, name in pairs))

    def write(connection: sa.Connection) -> None:
        if gone:
            connection.execute(delete, [dict(zip(names, key, strict=True)) for key in gone])
        if new:
            rows = [(*key, *wanted[key]) for key in new]
            bulk_upsert(connection, upsert, [list(column) for column in zip(*rows, strict=True)])

    return Packed(write, len(new), sum(len(wanted[key][1]) for key in new))


_STORED_VALUES = sa.text(
    "SELECT minute, metric_id, first_entity, last_entity, data FROM packed_value"
    " WHERE minute = :minute AND metric_id = :metric"
    " AND first_entity >= :first AND first_entity <= :last"
)
_STORED_POINTS = sa.text(
    "SELECT minute, group_id, statistic, first_series, last_series, data FROM packed_point"
    " WHERE minute = :minute AND first_series >= :first AND first_series <= :last"
)
_NAMES = sa.text(
    "SELECT series_id, namespace, metric FROM series"
    " WHERE series_id >= :first AND series_id <= :last"
)
_ANY_EXTRA = sa.text(
    "SELECT 1 FROM extra_statistic WHERE minute >= :first AND minute < :last LIMIT 1"
)
_EXTRAS = sa.text(
    "SELECT e.series_id, e.offset_ms, e.statistic, e.value FROM extra_statistic e"
    " JOIN point p ON p.minute = e.minute AND p.series_id = e.series_id"
    " AND p.offset_ms = e.offset_ms AND p.sample_count = e.sample_count"
    " AND (p.backfilled IS NULL) = (e.backfilled IS NULL)"
    " WHERE e.minute = :minute AND p.minute = :minute"
    " AND e.series_id >= :first AND e.series_id <= :last"
)
