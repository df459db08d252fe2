"""``python -m bench.disk``: bytes of disk per point after a simulated day, and what the day cost.

A day of an account goes through everything but HTTP: envelope, decoding, storage, the evaluation of
all shipped rules after each minute, the rollups of both tiers when their buckets have settled. CPU
seconds are those of this process, by part. What is printed at last is the size of the database as
it lies there, and how much of that is free for what comes next.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import sqlalchemy as sa

from app.simulator import AccountModel
from app.simulator.stream import StreamOptions, shipments
from bench.contents import print_contents
from bench.databases import own_postgresql
from bench.prepared import START_MS
from bench.table import print_table
from tests.fixtures.house import House, house

_MINUTE_MS = 60_000
_ROLLUPS_EVERY_MS = 5 * _MINUTE_MS


class _Costs:
    """CPU seconds by part."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def of(self, part: str, work: Callable[[], object]) -> None:
        """Do something and count its CPU for a part."""
        began = time.process_time()
        work()
        self.seconds[part] = self.seconds.get(part, 0.0) + time.process_time() - began


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate, and print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m bench.disk", description=__doc__)
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--contents", action="store_true", help="say what lies in it (SQLite)")
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL of its own")
    options = parser.parse_args(arguments)
    if options.postgresql:
        with own_postgresql() as database:
            _day(database, options)
        return
    with tempfile.TemporaryDirectory(prefix="hydrant-bench-") as directory:
        _day(f"sqlite:///{Path(directory) / 'hydrant.db'}", options)


def _day(database: str, options: argparse.Namespace) -> None:
    costs = _Costs()
    points = 0
    with house(database) as whole:
        whole.clock.advance((START_MS - whole.clock.now_ms()) / 1000)
        stream = StreamOptions(start_ms=START_MS, minutes=60 * options.hours)
        due = rolled_up = START_MS
        for shipment in shipments(AccountModel(1, tables=options.tables), stream):
            request = shipment.request
            if shipment.due_ms > due:
                costs.of("evaluation", whole.evaluator.evaluate_dirty)
                whole.clock.advance((shipment.due_ms - due) / 1000)
                due = shipment.due_ms
            if due - rolled_up >= _ROLLUPS_EVERY_MS:
                costs.of("rollups", whole.rollups.run_once)
                rolled_up = due
            costs.of(
                "deliveries",
                lambda request=request: whole.ingest.store(  # type: ignore[misc]
                    whole.ingest.open(request.request_id, request.body)
                ),
            )
            points += len(shipment.batch.points)
        costs.of("evaluation", whole.evaluator.evaluate_dirty)
        whole.clock.advance(2 * 3600)
        costs.of("rollups", whole.rollups.run_once)
        size, free = _size(whole)
        if options.contents:
            with whole.store.read() as connection:
                print_contents(connection, points)
    print(f"{options.tables:,} tables, {options.hours} hours, {points:,} points\n")
    print_table(
        ("what", "of the whole", "per point"),
        [
            ("in use, bytes", f"{size - free:,}", f"{(size - free) / points:.1f}"),
            ("pages that are free", f"{free:,}", f"{free / points:.1f}"),
            ("file", f"{size:,}", f"{size / points:.1f}"),
            *(
                (f"{part}, CPU s and µs", f"{seconds:.1f}", f"{1e6 * seconds / points:.2f}")
                for part, seconds in costs.seconds.items()
            ),
        ],
    )
    print(flush=True)


def _size(whole: House) -> tuple[int, int]:
    with whole.store.read() as connection:
        if connection.dialect.name == "postgresql":
            total = connection.execute(
                sa.text("SELECT pg_database_size(current_database())")
            ).scalar_one()
            return int(total), 0
        pragma = {
            name: int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
            for name in ("page_size", "page_count", "freelist_count")
        }
    size = pragma["page_size"]
    return size * pragma["page_count"], size * pragma["freelist_count"]


if __name__ == "__main__":
    main()
