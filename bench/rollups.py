"""``python -m bench.rollups``: CPU seconds of rolling up an hour, and of reading it back.

An hour of points and of values of metrics is written straight into the database; then its twelve
buckets of 5 minutes and its hour are rolled up, then once more with nothing changed, which is what
a late point costs. Half of the series hold multiples of one half, as capacity does, the others
doubles of all bits, as latency does. CPU seconds are those of this process, SQLite's included and
PostgreSQL's server not.
"""

import argparse
import platform
import resource
import tempfile
import time
from collections.abc import Sequence

import numpy as np

from app.clock import ManualClock
from app.mal import Combine, Entity, Scope
from app.pipeline import Holder, Lease, Rollups
from app.rules import MetricDefinition
from app.storage import Connection, Store, Tier, register_entities, register_metrics
from app.storage.bulk import bulk_upsert
from app.storage.rollup_marks import mark_rollups
from app.storage.statements import UPSERT_POINTS, UPSERT_VALUES

_FIRST_MINUTE = 29_000_040
_MINUTES = 60
_METRICS = 50


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
    for what, metrics in (("points", {}), ("points and values", definitions)):
        for name, tiers in (("5m", [Tier.FIVE_MINUTES]), ("1h", [Tier.HOUR])):
            for change in ("", ", nothing changed"):
                _mark(store, tiers)
                _measure(store, metrics, f"{what}, {name}{change}")
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
    metric_id = np.repeat(np.array(list(metrics.values())), size)
    entity_id = np.tile(np.array(sorted(entities.values())), _METRICS)
    averages = metric_id % 2 == 0
    for minute in range(_FIRST_MINUTE, _FIRST_MINUTE + _MINUTES):
        count = generator.integers(1, 1_000, series).astype(np.float64)
        total = np.where(np.arange(series) % 2, count / 2, generator.random(series) * count)
        ids = np.arange(1, series + 1)
        zeros = np.zeros(series, np.int64)
        points = (
            np.full(series, minute),
            ids,
            zeros,
            zeros + 60_000,
            count,
            total,
            total / count,
            total,
        )
        weight = generator.integers(1, 1_000, len(metric_id)).astype(np.float64)
        numerator = np.where(averages, generator.random(len(metric_id)) * weight, weight / 2)
        rows = (
            np.full(len(metric_id), minute),
            metric_id,
            entity_id,
            np.ones(len(metric_id), np.int64),
            np.where(averages, numerator / weight, numerator),
            np.where(averages, numerator, np.nan),
            np.where(averages, weight, np.nan),
        )
        store.write(lambda c, points=points: bulk_upsert(c, UPSERT_POINTS, points))  # type: ignore[misc]
        store.write(lambda c, rows=rows: bulk_upsert(c, UPSERT_VALUES, rows))  # type: ignore[misc]
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


if __name__ == "__main__":
    main()
