"""``python -m bench.rollups``: CPU seconds of rolling up an hour, and of reading it back.

An hour of points and of values of metrics is written straight into the database; then its twelve
buckets of 5 minutes are rolled up, then its hour, which is packed as well, each once more with
nothing changed, which is what a late point costs. Half of the series hold multiples of one half, as
capacity does, the others doubles of all bits, as latency does. CPU seconds are those of this
process, SQLite's included and PostgreSQL's server not.
"""

import argparse
import platform
import resource
import tempfile
import time
from collections.abc import Sequence

import numpy as np

from app.catalog.identity import DIGEST_BYTES
from app.clock import ManualClock
from app.mal import Combine, Entity, Scope
from app.pipeline import Holder, Lease, Rollups
from app.rules import MetricDefinition
from app.storage import (
    Connection,
    MetricColumns,
    Store,
    Tier,
    register_entities,
    register_metrics,
    write_values,
)
from app.storage.bulk import bulk_upsert
from app.storage.point_batches import write_batches
from app.storage.rollup_marks import mark_rollups
from app.storage.statements import INSERT_SERIES
from app.storage.stored_points import StoredPoints

_FIRST_MINUTE = 29_000_040
_MINUTES = 60
_METRICS = 270
_GROUPS = 200
_POINTS_OF_A_DELIVERY = 3_500


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one benchmark and print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m bench.rollups", description=__doc__)
    parser.add_argument("--series", type=int, default=80_000, help="points a minute")
    parser.add_argument("--values", type=int, default=100_000, help="values of metrics a minute")
    parser.add_argument("--database", help="URL; default: SQLite in a temporary directory")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="hydrant-bench-") as directory:
        store = Store(options.database or f"sqlite:///{directory}/hydrant.db")
        try:
            store.migrate()
            _run(store, options.series, options.values)
        finally:
            store.close()


def _run(store: Store, series: int, values: int) -> None:
    definitions = _fill(store, series, values)
    print(
        f"{series:,} points and {values:,} values a minute, {store.description.partition(':')[0]},"
        f" Python {platform.python_version()}\n"
    )
    print("| what | buckets | CPU s | wall s | longest job ms |")
    print("|---|---:|---:|---:|---:|")
    for name, tiers in (("5m", [Tier.FIVE_MINUTES]), ("1h", [Tier.HOUR])):
        for change in ("", ", nothing changed"):
            _mark(store, tiers)
            _measure(store, definitions, f"{name}{change}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak RSS {peak:.0f} MiB, filling the database included", flush=True)


def _measure(store: Store, metrics: dict[str, MetricDefinition], name: str) -> None:
    longest = 0.0
    write = store.write

    def timed(job: object, *, epoch: int | None = None) -> object:
        nonlocal longest
        began = time.perf_counter()
        result: object = write(job, epoch=epoch)  # type: ignore[arg-type]
        longest = max(longest, time.perf_counter() - began)
        return result

    store.write = timed  # type: ignore[method-assign, assignment]
    clock = ManualClock((_FIRST_MINUTE + 600) * 60_000)
    settling = {Tier.FIVE_MINUTES: 0, Tier.HOUR: 0}
    lease = Lease(store, clock, Holder.this_process(), seconds=10)
    lease.look()
    rollups = Rollups(store, lambda: metrics, clock, lease, settling_seconds=settling)
    began, cpu = time.perf_counter(), time.process_time()
    buckets = rollups.run_once()
    cells = (
        name,
        f"{buckets}",
        f"{time.process_time() - cpu:.1f}",
        f"{time.perf_counter() - began:.1f}",
        f"{1000 * longest:.0f}",
    )
    store.write = write  # type: ignore[method-assign]
    lease.give_up()
    print(f"| {' | '.join(cells)} |", flush=True)


def _mark(store: Store, tiers: Sequence[Tier]) -> None:
    def mark(connection: Connection) -> None:
        for minute in range(_FIRST_MINUTE, _FIRST_MINUTE + _MINUTES):
            mark_rollups(connection, minute)
        kept = ", ".join(str(int(tier)) for tier in tiers)
        connection.exec_driver_sql(f"DELETE FROM dirty_rollup WHERE tier NOT IN ({kept})")  # noqa: S608 - numbers

    store.write(mark)


def _fill(store: Store, series: int, values: int) -> dict[str, MetricDefinition]:
    """Write the hour; the definitions of its metrics, averages and sums in turns."""
    generator = np.random.default_rng(1)
    names = [f"metric_{number}" for number in range(_METRICS)]
    metrics = store.write(lambda c: register_metrics(c, names))
    size = values // _METRICS
    tables = [Entity(Scope.ENDPOINT, "B", "s", endpoint=f"t{n}") for n in range(size)]
    entities = store.write(lambda c: register_entities(c, tables))
    entity_id = np.array(sorted(entities.values()), np.int64)
    ones = np.ones(size, np.int64)
    store.write(lambda c: _register_series(c, series))
    for minute in range(_FIRST_MINUTE, _FIRST_MINUTE + _MINUTES):
        _write_points(store, generator, minute, series)
        columns = []
        for metric_id in metrics.values():
            weight = generator.integers(1, 1_000, size).astype(np.float64)
            if metric_id % 2:
                columns.append(MetricColumns(metric_id, entity_id, ones, weight / 2, None, None))
                continue
            numerator = generator.random(size) * weight
            value = numerator / weight
            columns.append(MetricColumns(metric_id, entity_id, ones, value, numerator, weight))
        store.write(
            lambda c, minute=minute, columns=columns: write_values(  # type: ignore[misc]
                c, minute, columns, metrics=list(metrics.values()), marks=()
            )
        )
    store.write(lambda c: c.exec_driver_sql("DELETE FROM dirty_minute"))
    return {
        name: MetricDefinition(
            name,
            Scope.ENDPOINT,
            "B",
            Combine.SUM if metrics[name] % 2 else Combine.AVERAGE,
            labelled=False,
            expression="",
            place="",
        )
        for name in names
    }


def _register_series(connection: Connection, series: int) -> None:
    numbers = range(1, series + 1)
    columns = (
        [number.to_bytes(DIGEST_BYTES) for number in numbers],
        *(["1"] * series, ["eu-west-1"] * series, ["AWS/DynamoDB"] * series),
        [f"Metric{number % _GROUPS}" for number in numbers],
        *(["{}"] * series, ["Count"] * series, ["summary"] * series),
    )
    bulk_upsert(connection, INSERT_SERIES, columns)


def _write_points(store: Store, generator: np.random.Generator, minute: int, series: int) -> None:
    """A point of each series, in as many batches as Firehose would deliver."""
    ids = generator.permutation(np.arange(1, series + 1))
    for first in range(0, series, _POINTS_OF_A_DELIVERY):
        some = np.sort(ids[first : first + _POINTS_OF_A_DELIVERY])
        size = len(some)
        count = generator.integers(1, 1_000, size).astype(np.float64)
        total = np.where(some % 2, count / 2, generator.random(size) * count)
        points = StoredPoints(
            minute=np.full(size, minute),
            series_id=some,
            offset_ms=np.zeros(size, np.int64),
            period_ms=np.full(size, 60_000),
            count=count,
            total=total,
            minimum=total / count,
            maximum=total,
            backfilled=np.zeros(size, np.bool_),
        )
        store.write(lambda c, points=points: write_batches(c, points))  # type: ignore[misc]


if __name__ == "__main__":
    main()
