"""A day of minutes of many DynamoDB tables, straight into a database, for the benchmarks."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.catalog import SeriesIdentity
from app.clock import ManualClock
from app.mal import Entity, Scope
from app.pipeline import Holder, Lease, Rollups
from app.storage import (
    Connection,
    Store,
    StoredPoints,
    Tier,
    ValueColumns,
    register_entities,
    register_label_sets,
    register_metrics,
    write_minute,
)
from app.storage.array_columns import decoded, fetch_encoded
from app.storage.point_batches import write_batches
from app.storage.rollup_marks import mark_rollups
from app.storage.series import register_series

FIRST_MINUTE = 29_000_160
MINUTES = 1_440
LAST_MINUTE = FIRST_MINUTE + MINUTES
START_MS, END_MS = FIRST_MINUTE * 60_000, LAST_MINUTE * 60_000


@dataclass(frozen=True, slots=True)
class Filled:
    """Ids of what was written: metrics, entities, and series of the first CloudWatch metric."""

    metrics: list[int]
    entities: list[int]
    series: list[int]


def pack(store: Store, until: int = LAST_MINUTE) -> tuple[float, int, int, int]:
    """Roll up and pack the hours before a minute.

    Returns CPU seconds, the blocks, their bytes, and the values and statistics there were before.
    """

    def mark(connection: Connection) -> None:
        for hour in range(FIRST_MINUTE, until, Tier.HOUR):
            mark_rollups(connection, hour)
        connection.exec_driver_sql(f"DELETE FROM dirty_rollup WHERE tier <> {int(Tier.HOUR)}")  # noqa: S608 - a number

    store.write(mark)
    with store.read() as connection:
        values = _elements(connection, "SELECT entity_id FROM metric_value")
        points = _elements(connection, "SELECT series_id FROM point_batch")
    clock = ManualClock(END_MS + 86_400_000)
    lease = Lease(store, clock, Holder.this_process(), seconds=10)
    lease.look()
    settling = {Tier.FIVE_MINUTES: 0, Tier.HOUR: 0}
    began = time.process_time()
    Rollups(store, dict, clock, lease, settling_seconds=settling).run_once()
    seconds = time.process_time() - began
    lease.give_up()
    with store.read() as connection:
        length = "LENGTH" if store.partitions is None else "pg_column_size"
        columns = {
            "packed_value": ("entity_id", "label_set_id", "value", "numerator", "weight"),
            "packed_point": ("series_id", "value"),
        }
        blocks = size = 0
        for table, names in columns.items():
            sizes = " + ".join(f"COALESCE({length}({name}), 0)" for name in names)
            query = f"SELECT COUNT(*), SUM({sizes}) FROM {table}"  # noqa: S608 - constants
            found = connection.exec_driver_sql(query).one()
            blocks, size = blocks + int(found[0]), size + int(found[1] or 0)
    return seconds, blocks, size, values + 4 * points


def _elements(connection: Connection, query: str) -> int:
    found = fetch_encoded(connection, query)
    return sum(len(decoded(connection, data)) for (data,) in found)


def fill(
    store: Store, tables: int, metrics: Sequence[str], points: int, *, short_minutes: int = MINUTES
) -> Filled:
    """Write a day of the first metric and of ``points`` CloudWatch metrics of each table.

    The other metrics have values in the last ``short_minutes`` only. Every other metric has
    multiples of one half, the rest doubles of all bits.
    """
    generator = np.random.default_rng(1)
    ids = store.write(lambda c: register_metrics(c, list(metrics)))
    metric_ids = [ids[name] for name in metrics]
    made = [
        Entity(
            Scope.ENDPOINT,
            "AWS_DYNAMODB",
            "aws-dynamodb::118736666877",
            endpoint=f"t{n}",
            region=("eu-west-1", "us-east-1", "us-west-2")[n % 3],
        )
        for n in range(tables)
    ]
    entities = sorted(store.write(lambda c: register_entities(c, made)).values())
    (label_set,) = store.write(lambda c: register_label_sets(c, [()])).values()
    identities = [
        SeriesIdentity(
            "118736666877",
            "eu-west-1",
            "AWS/DynamoDB",
            f"Metric{m}",
            (("TableName", f"t{n}"),),
            "Count",
        )
        for n in range(tables)
        for m in range(points)
    ]
    series = store.write(lambda c: register_series(c, identities))
    sorted_series = np.sort(np.array(series, np.int64))
    zeros = np.zeros(len(series), np.int64)
    for minute in range(FIRST_MINUTE, LAST_MINUTE):
        present = metric_ids if minute >= LAST_MINUTE - short_minutes else metric_ids[:1]
        size = tables * len(present)
        metric_id, entity_id = np.repeat(present, tables), np.tile(entities, len(present))
        halves = generator.integers(1, 1_000, size) / 2
        value = np.where(metric_id % 2, halves, generator.random(size))
        absent = np.full(size, np.nan)
        values = ValueColumns(
            np.full(size, minute),
            metric_id,
            entity_id,
            np.full(size, label_set),
            value,
            absent,
            absent,
        )
        count = generator.integers(1, 100, len(series)).astype(np.float64)
        total = np.where(sorted_series % 2, count / 2, generator.random(len(series)) * count)
        stored = StoredPoints(
            np.full(len(series), minute),
            sorted_series,
            zeros,
            zeros + 60_000,
            count,
            total,
            total / count,
            total,
            np.zeros(len(series), np.bool_),
        )

        def write(
            connection: Connection,
            minute: int = minute,
            values: ValueColumns = values,
            stored: StoredPoints = stored,
        ) -> None:
            write_minute(connection, minute, values, metrics=metric_ids, marks=())
            write_batches(connection, stored)

        store.write(write)
    return Filled(metric_ids, entities, series[:: max(1, points)])
