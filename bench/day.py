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
    Tier,
    register_entities,
    register_label_sets,
    register_metrics,
)
from app.storage.bulk import bulk_upsert
from app.storage.rollup_marks import mark_rollups
from app.storage.series import register_series
from app.storage.statements import UPSERT_POINTS, UPSERT_VALUES

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

    Returns CPU seconds, the blocks, their bytes, and the values and statistics in the rows.
    """

    def mark(connection: Connection) -> None:
        for hour in range(FIRST_MINUTE, until, Tier.HOUR):
            mark_rollups(connection, hour)
        connection.exec_driver_sql(f"DELETE FROM dirty_rollup WHERE tier <> {int(Tier.HOUR)}")  # noqa: S608 - a number

    store.write(mark)
    clock = ManualClock(END_MS + 86_400_000)
    lease = Lease(store, clock, Holder.this_process(), seconds=10)
    lease.look()
    settling = {Tier.FIVE_MINUTES: 0, Tier.HOUR: 0}
    began = time.process_time()
    Rollups(store, dict, clock, lease, settling_seconds=settling).run_once()
    seconds = time.process_time() - began
    lease.give_up()
    with store.read() as connection:
        blocks, size = connection.exec_driver_sql(
            "SELECT COUNT(*), SUM(LENGTH(data)) FROM (SELECT data FROM packed_value"
            " UNION ALL SELECT data FROM packed_point) AS b"
        ).one()
        values = connection.exec_driver_sql("SELECT COUNT(*) FROM metric_value").scalar_one()
        points = connection.exec_driver_sql("SELECT COUNT(*) FROM point").scalar_one()
    return seconds, int(blocks), int(size), values + 4 * points


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
        labels = np.full(size, label_set)
        rows = (np.full(size, minute), metric_id, entity_id, labels, value, absent, absent)
        count = generator.integers(1, 100, len(series)).astype(np.float64)
        total = np.where(sorted_series % 2, count / 2, generator.random(len(series)) * count)
        keys = (np.full(len(series), minute), sorted_series, zeros, zeros + 60_000)
        statistics = (count, total, total / count, total)

        def write(connection: Connection, rows=rows, keys=keys, statistics=statistics) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
            bulk_upsert(connection, UPSERT_VALUES, rows)
            bulk_upsert(connection, UPSERT_POINTS, (*keys, *statistics))

        store.write(write)
    return Filled(metric_ids, entities, series[:: max(1, points)])
