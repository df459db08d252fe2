"""``python -m bench.alarms``: CPU seconds of evaluating alarm rules, per minute of data.

The minutes of an account of many tables are delivered one after the other, and after each of them
the worker evaluates the rules as far as data time has come, and stores what it finds. Minutes
before those that are measured fill the windows of the rules. CPU seconds are those of this process
in the worker's rounds, SQLite's included, and of PostgreSQL's server beside them.
"""

import argparse
import cProfile
import platform
import pstats
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from app.alarms import AlarmRules, AlarmWorker, load_alarm_rules
from app.catalog import SeriesRegistry, load_statistic_catalog
from app.clock import ManualClock
from app.pipeline import Evaluator, Holder, Ingest, Lease
from app.query.prometheus import PrometheusData
from app.rules import RuleBook
from app.settings import DEFAULT_ALARM_RULES
from app.simulator import Format, encode_records
from app.simulator.account import AccountModel
from app.storage import Store
from bench.databases import own_postgresql, own_sqlite, server_pid
from bench.processes import usage
from bench.table import print_table
from tests.fixtures.house import envelope

_FIRST_MS = 1_770_000_000_000 // 3_600_000 * 3_600_000
_RECORDS_OF_A_REQUEST = 8


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark on both databases and print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m bench.alarms", description=__doc__)
    parser.add_argument("--tables", type=int, default=2_000)
    parser.add_argument("--minutes", type=int, default=20, help="that are measured")
    parser.add_argument("--before", type=int, default=20, help="minutes that are there before")
    parser.add_argument("--rules", type=Path, default=DEFAULT_ALARM_RULES)
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="one of the databases")
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    options = parser.parse_args(arguments)
    rules = load_alarm_rules(options.rules)
    print(
        f"{options.tables:,} tables, {len(rules.rules)} rules, {options.minutes} minutes,"
        f" Python {platform.python_version()}\n"
    )
    rows = []
    for name, own in (("sqlite", own_sqlite), ("postgresql", own_postgresql)):
        if options.only in {None, name}:
            with own() as url:
                rows.append((name, *_run(url, rules, options)))
    print_table(
        ("database", "entities", "CPU s a minute", "server CPU s a minute", "longest round s"), rows
    )


def _run(url: str, rules: AlarmRules, options: argparse.Namespace) -> tuple[str, ...]:
    store = Store(url)
    try:
        store.migrate()
        return _measured(store, url, rules, options)
    finally:
        store.close()


def _measured(
    store: Store, url: str, rules: AlarmRules, options: argparse.Namespace
) -> tuple[str, ...]:
    clock = ManualClock(_FIRST_MS)
    registry = SeriesRegistry()
    book = RuleBook([], load_statistic_catalog(), clock)
    lease = Lease(store, clock, Holder.this_process(), seconds=3_600)
    lease.look()
    evaluator = Evaluator(store, registry, book.current, clock, lease)
    prometheus = PrometheusData(store, lambda: book.current().definitions)
    worker = AlarmWorker(store, prometheus, lambda: rules, clock, lease)
    ingest = Ingest(store, registry, clock)
    account = AccountModel(tables=options.tables)
    server = server_pid(url)
    profile = cProfile.Profile() if options.profile else None
    cpu = server_cpu = longest = 0.0
    for minute in range(options.before + options.minutes):
        start_ms = _FIRST_MS + minute * 60_000
        clock.advance(60)
        _deliver(ingest, account, start_ms)
        evaluator.evaluate_dirty()
        is_measured = minute >= options.before
        began, wall = time.process_time(), time.perf_counter()
        of_server = usage(server).cpu if server else 0.0
        with profile if profile is not None and is_measured else nullcontext():
            worker.run()
        if is_measured:
            cpu += time.process_time() - began
            server_cpu += usage(server).cpu - of_server if server else 0.0
            longest = max(longest, time.perf_counter() - wall)
    with store.read() as connection:
        entities = connection.exec_driver_sql("SELECT count(*) FROM alarm_state").scalar_one()
    if profile is not None:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
    lease.give_up()
    return (
        f"{entities:,}",
        f"{cpu / options.minutes:.2f}",
        f"{server_cpu / options.minutes:.2f}" if server else "",
        f"{longest:.2f}",
    )


def _deliver(ingest: Ingest, account: AccountModel, start_ms: int) -> None:
    records = encode_records(account.points(start_ms), Format.OPENTELEMETRY_1_0)
    for begin in range(0, len(records), _RECORDS_OF_A_REQUEST):
        request_id = f"{start_ms}-{begin}"
        body = envelope(records[begin : begin + _RECORDS_OF_A_REQUEST], request_id)
        ingest.store(ingest.open(request_id, body))


if __name__ == "__main__":
    main()
