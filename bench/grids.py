"""``python -m bench.grids``: CPU seconds of reading a day of minutes of many tables.

The values of a few metrics and the points of a few CloudWatch metrics are written straight into the
database for each minute of 24 hours, and the hours are rolled up, which packs them. Then the grids
that queries are made of are read, first from rows and then from blocks. CPU seconds are those of
this process and, on PostgreSQL, of the server's process that works for it, which must be on this
machine.
"""

import argparse
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from app.storage import (
    Connection,
    Store,
    read_point_grids,
    read_value_grid,
)
from bench.day import END_MS, MINUTES, START_MS, Filled, fill, pack
from bench.processes import usage

_REPEATS = 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill a database, measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m bench.grids", description=__doc__)
    parser.add_argument("--tables", type=int, default=2_000)
    parser.add_argument("--metrics", type=int, default=3, help="metrics of rules, for each table")
    parser.add_argument("--points", type=int, default=2, help="CloudWatch metrics of each table")
    parser.add_argument("--database", help="URL; default: SQLite in a temporary directory")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="hydrant-bench-") as directory:
        store = Store(options.database or f"sqlite:///{directory}/hydrant.db")
        try:
            store.migrate()
            names = [f"metric_{number}" for number in range(options.metrics)]
            filled = fill(store, options.tables, names, options.points)
            _run(store, filled, options.tables)
        finally:
            store.close()


def _run(store: Store, filled: Filled, tables: int) -> None:
    print(
        f"{tables:,} tables, {MINUTES:,} minutes, {store.description.partition(':')[0]},"
        f" Python {platform.python_version()}\n"
    )
    rows = dict(_measured(store, filled))
    seconds, blocks, size, cells = pack(store)
    print(f"24 hours rolled up and packed in {seconds:.1f} s of CPU of this process;")
    print(f"{blocks:,} blocks, {size / cells:.2f} bytes for each value and statistic\n")
    print("| read | cells | rows: CPU ms | blocks: CPU ms | blocks: wall ms |")
    print("|---|---:|---:|---:|---:|")
    for name, (count, cpu, wall) in _measured(store, filled):
        print(
            f"| {name} | {count:,} | {1000 * rows[name][1]:.0f} | {1000 * cpu:.1f} |"
            f" {1000 * wall:.1f} |"
        )


def _measured(store: Store, filled: Filled) -> Iterator[tuple[str, tuple[int, float, float]]]:
    """The reads by name: cells of the matrices, CPU seconds and wall seconds."""
    hour_ms = END_MS - 3_600_000
    metric, entities, series = filled.metrics[0], filled.entities, filled.series
    reads: dict[str, Callable[[Connection], int]] = {
        "a metric, 24 hours": lambda c: _values(c, metric, None, START_MS),
        "the same, added up": lambda c: _values(c, metric, None, START_MS, added=True),
        "one series of it, 24 hours": lambda c: _values(c, metric, entities[7:8], START_MS),
        "a metric, one hour": lambda c: _values(c, metric, None, hour_ms),
        "Sum of all tables, 24 hours": lambda c: _points(c, series, "Sum", START_MS),
        "Average of all tables, 24 hours": lambda c: _points(c, series, "Average", START_MS),
        "Sum of one table, 24 hours": lambda c: _points(c, series[7:8], "Sum", START_MS),
        "Sum of all tables, one hour": lambda c: _points(c, series, "Sum", hour_ms),
    }
    for name, read in reads.items():
        best = (0, float("inf"), float("inf"))
        for _ in range(_REPEATS):
            with store.read() as connection, _cpu(connection) as spent:
                began = time.perf_counter()
                cells = read(connection)
                wall = time.perf_counter() - began
            best = min(best, (cells, spent[0], wall), key=lambda item: item[1])
        yield name, best


@contextmanager
def _cpu(connection: Connection) -> Iterator[list[float]]:
    """CPU seconds inside the context, of this process and of PostgreSQL's for the connection."""
    backend = None
    if connection.dialect.name == "postgresql":
        backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    spent: list[float] = []
    began, of_backend = time.process_time(), usage(backend).cpu if backend else 0.0
    yield spent
    spent.append(time.process_time() - began + (usage(backend).cpu if backend else 0) - of_backend)


def _values(
    connection: Connection,
    metric: int,
    entities: Sequence[int] | None,
    start_ms: int,
    *,
    added: bool = False,
) -> int:
    grid = read_value_grid(connection, metric, entities, start_ms, END_MS, take=_any_number)
    if added:
        present = ~np.isnan(grid.values)
        np.where(present, grid.values, 0).sum(axis=0)
    return grid.values.size


def _points(connection: Connection, series: Sequence[int], statistic: str, start_ms: int) -> int:
    grids = read_point_grids(connection, series, statistic, start_ms, END_MS, take=_any_number)
    return sum(grid.values.size for grid in grids)


def _any_number(cells: int) -> None:
    """There is no limit here."""


if __name__ == "__main__":
    main()
