"""Buckets of the longer tiers: the minutes they are made of, their rows as stored, their changes.

A bucket is read in parts, by ranges of the key below the minute. A part ends where the first of
its minutes was cut off, so that memory is bounded whatever the number of series.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.storage.bulk import bulk_upsert
from app.storage.columns import doubles, fetch, integers, transposed
from app.storage.differences import Columns, delete_rows, difference
from app.storage.statements import upsert_rolled_up
from app.storage.tiers import POINTS, VALUES, Tier
from app.storage.value_ranges import ValueRange

ROWS_AT_ONCE = 120_000
"""Rows of minutes in a part, roughly, for whoever has no reason for another number."""
_LAST_ID = 2**31 - 1
_ROWS_PER_JOB = 20_000

R = TypeVar("R")
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class BucketPoints:
    """Points of a bucket's minutes, ordered by (series, time); columns of one length.

    ``start_ms`` counts from the start of the bucket.
    """

    series_id: IntArray
    start_ms: IntArray
    period_ms: IntArray
    count: FloatArray
    total: FloatArray
    minimum: FloatArray
    maximum: FloatArray


@dataclass(frozen=True, slots=True)
class Part(Generic[R]):
    """A part of a bucket: rows of its minutes, and its rows as they are ``stored``.

    ``ids`` are those that it covers.
    """

    minutes: R
    stored: Columns
    ids: range

    @property
    def following(self) -> int | None:
        """The first id of the next part, None after the last one."""
        return None if self.ids[-1] == _LAST_ID else self.ids[-1] + 1


def read_point_part(
    connection: sa.Connection, tier: Tier, bucket: int, first: int, *, rows: int
) -> Part[BucketPoints]:
    """Points of a bucket, from a series id on."""

    def fetch_minute(minute: int, at_once: int) -> list[Row]:
        return fetch(connection, _POINTS, {"minute": minute, "first": first, "rows": at_once})

    minutes = range(bucket, bucket + tier)
    at_once = max(2, rows // tier)
    minute, found, last = _until_cut_off(fetch_minute, minutes, first, at_once, width=7)
    order = np.argsort(found[:, 0], kind="stable")
    found = found[order]
    series_id, offset_ms, period_ms = found[:, :3].astype(np.int64).T
    start_ms = (minute[order] - bucket) * MILLISECONDS_PER_MINUTE + offset_ms
    points = BucketPoints(series_id, start_ms, period_ms, *found[:, 3:].T)
    bounds = {"minute": bucket, "first": first, "last": last}
    stored = transposed(fetch(connection, _STORED_POINTS[tier], bounds), 8)
    return Part(points, _columns(stored, "iiiidddd"), range(first, last + 1))


def metrics_of_bucket(
    connection: sa.Connection, tier: Tier, bucket: int
) -> dict[int, tuple[int, ...]]:
    """The metrics that have values in a bucket, as stored or in its minutes, and those minutes.

    Most rules have no values at all, and looking for them minute by minute takes its time.
    """
    stored = metrics_of_minute(connection, tier, bucket)
    found: dict[int, tuple[int, ...]] = dict.fromkeys(stored, ())
    for minute in range(bucket, bucket + tier):
        for metric_id in metrics_of_minute(connection, Tier.MINUTE, minute):
            found[metric_id] = (*found.get(metric_id, ()), minute)
    return found


def metrics_of_minute(connection: sa.Connection, tier: Tier, minute: int) -> list[int]:
    """Metrics with values stored in a tier under a minute, ascending."""
    return list(connection.execute(_METRICS[tier], {"minute": minute}).scalars())


def read_value_part(
    connection: sa.Connection,
    tier: Tier,
    bucket: int,
    metric_id: int,
    first: int,
    *,
    minutes: Sequence[int],
    rows: int,
) -> Part[ValueRange]:
    """Values of a metric in a bucket, ordered by (entity, label set, time), from an entity on.

    ``minutes`` are those of the bucket that are to be looked at.
    """
    of_metric = {"metric": metric_id, "first": first}

    def fetch_minute(minute: int, at_once: int) -> list[Row]:
        return fetch(connection, _VALUES, {**of_metric, "minute": minute, "rows": at_once})

    at_once = max(2, rows // tier)
    minute, found, last = _until_cut_off(fetch_minute, minutes, first, at_once, width=5)
    order = np.lexsort((minute, found[:, 1], found[:, 0]))
    found = found[order]
    value, numerator, weight = found[:, 2:].T
    values = ValueRange(
        found[:, 0].astype(np.int64),
        found[:, 1].astype(np.int64),
        minute[order],
        value,
        numerator,
        weight,
        np.ones(len(found), np.int64),
    )
    bounds = {**of_metric, "minute": bucket, "last": last}
    stored = transposed(fetch(connection, _STORED_VALUES[tier], bounds), 8)
    return Part(values, _columns(stored, "iiiidddi"), range(first, last + 1))


def _until_cut_off(
    fetch_minute: Callable[[int, int], list[Row]],
    minutes: Sequence[int],
    first: int,
    at_once: int,
    *,
    width: int,
) -> tuple[IntArray, FloatArray, int]:
    """Minutes and rows of a bucket up to the last id that no minute cuts off, and that id.

    ``at_once`` rows of each minute are read, or more where one id has more. The rows are a matrix,
    whose ids a double holds exactly; NaN stands for NULL.
    """
    last = _LAST_ID
    found = [np.empty((0, width))]
    for minute in minutes:
        of_minute = fetch_minute(minute, at_once)
        if len(of_minute) == at_once:
            # The last id may have further rows in this minute, so it belongs to the next part.
            last = min(last, of_minute[-1][0] - 1)
        found.append(np.array(of_minute, np.float64).reshape(-1, width))
    if last < first:
        return _until_cut_off(fetch_minute, minutes, first, 2 * at_once, width=width)
    sizes = [len(of_minute) for of_minute in found[1:]]
    minute_of_row = np.repeat(np.array(minutes, np.int64), sizes)
    matrix = np.concatenate(found)
    whole = matrix[:, 0] <= last
    return minute_of_row[whole], matrix[whole], last


def _columns(stored: Sequence[Sequence[object]], kinds: str) -> Columns:
    return [
        integers(column) if kind == "i" else doubles(column)
        for column, kind in zip(stored, kinds, strict=True)
    ]


Job = Callable[[sa.Connection], None]


def rollup_jobs(table: sa.Table, wanted: Columns, stored: Columns) -> Iterator[Job]:
    """Jobs of bounded size that make ``stored`` rows of a table of rolled-up rows the ``wanted``.

    Together they write what differs and delete what is gone; there are none if nothing changed.
    """
    written, deleted = difference(wanted, stored, len(table.primary_key.columns))
    upsert = upsert_rolled_up(table.name)
    for start in range(0, len(deleted), _ROWS_PER_JOB):
        gone = [column[deleted[start : start + _ROWS_PER_JOB]] for column in stored]
        yield lambda connection, gone=gone: delete_rows(connection, table, gone)  # type: ignore[misc]
    for start in range(0, len(written), _ROWS_PER_JOB):
        new = [column[written[start : start + _ROWS_PER_JOB]] for column in wanted]
        yield lambda connection, new=new: bulk_upsert(connection, upsert, new)  # type: ignore[misc]


_POINTS = sa.text(
    "SELECT series_id, offset_ms, period_ms, sample_count, sum, minimum, maximum FROM point"
    " WHERE minute = :minute AND series_id >= :first"
    " ORDER BY series_id, offset_ms LIMIT :rows"
)
_VALUES = sa.text(
    "SELECT entity_id, label_set_id, value, numerator, weight FROM metric_value"
    " WHERE minute = :minute AND metric_id = :metric AND entity_id >= :first"
    " ORDER BY entity_id, label_set_id LIMIT :rows"
)
_STORED_POINTS = {
    tier: sa.text(
        "SELECT minute, series_id, offset_ms, period_ms, sample_count, sum, minimum, maximum"  # noqa: S608 - constants
        f" FROM {table.name} WHERE minute = :minute AND series_id >= :first AND series_id <= :last"
    )
    for tier, table in POINTS.items()
}
# From one metric to the next by the key, without walking over their values.
_METRICS = {
    tier: sa.text(
        "WITH RECURSIVE found(id) AS ("  # noqa: S608 - constants
        f" SELECT min(metric_id) FROM {table.name} WHERE minute = :minute"
        f" UNION ALL SELECT (SELECT min(metric_id) FROM {table.name}"
        " WHERE minute = :minute AND metric_id > found.id) FROM found WHERE found.id IS NOT NULL"
        ") SELECT id FROM found WHERE id IS NOT NULL"
    )
    for tier, table in VALUES.items()
}
_STORED_VALUES = {
    tier: sa.text(
        "SELECT minute, metric_id, entity_id, label_set_id, value, numerator, weight,"  # noqa: S608 - constants
        f" {'1' if tier is Tier.MINUTE else 'minutes'} FROM {table.name}"
        " WHERE minute = :minute AND metric_id = :metric"
        " AND entity_id >= :first AND entity_id <= :last"
    )
    for tier, table in VALUES.items()
}
