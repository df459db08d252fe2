"""``python -m bench.pages``: what pages over many tables cost a real server.

Hours of minutes of an account are written straight into the database, up to now, and rolled up as
far as they have settled. Then a server is started and asked for each page over HTTP as a browser
asks: the page, at once, then the parts that it loads later. The first row of a page is a server
that has just started; later ones have what was worked out before. CPU milliseconds are those of
the server and, on PostgreSQL, of the database; sizes are compressed.
"""

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.storage import Store
from bench.account_day import ACCOUNT, fill_account
from bench.databases import own_postgresql, own_sqlite, server_pid
from bench.processes import cpu_of, until_idle, usage
from bench.server import running_server
from bench.table import print_table

_DAY = "from=now-24h&to=now"
PAGES = (
    "/",
    "/?part=figures",
    "/?part=costs",
    "/tables",
    "/tables?sort=throttles&q=99",
    f"/accounts/{ACCOUNT}",
    f"/accounts/{ACCOUNT}?part=top&by=latency",
    f"/accounts/{ACCOUNT}?part=limits",
    f"/accounts/{ACCOUNT}?part=costs",
    f"/?{_DAY}",
    f"/?part=figures&{_DAY}",
    f"/tables?{_DAY}",
)


@dataclass(frozen=True, slots=True)
class _Answer:
    wall: float
    cpu: float
    size: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill a database, ask a server, and print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--tables", type=int, default=2_000)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--repeats", type=int, default=10, help="after the first time")
    parser.add_argument("--postgresql", action="store_true", help="a PostgreSQL of its own")
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        database = stack.enter_context(own_postgresql() if options.postgresql else own_sqlite())
        store = Store(database)
        try:
            store.migrate()
            fill_account(store, options.tables, options.hours)
        finally:
            store.close()
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="hydrant-bench-"))
        (Path(directory) / "no-rules").mkdir()
        environment = {
            "HYDRANT_DATABASE": database,
            "HYDRANT_ALLOW_ANONYMOUS": "true",
            "HYDRANT_LOG_LEVEL": "error",
            "HYDRANT_RULES": f"{directory}/no-rules",
            # They would go through the whole time at the start, beside what is measured.
            "HYDRANT_ALARM_RULES": f"{directory}/no-rules",
        }
        with running_server(environment) as (url, pid):
            of_database = server_pid(database)
            _report(url, [pid] if of_database is None else [pid, of_database], options)


def _report(url: str, pids: list[int], options: argparse.Namespace) -> None:
    engine = "postgresql" if len(pids) > 1 else "sqlite"
    print(
        f"{options.tables:,} tables, {options.hours} hours of minutes, {engine},"
        f" Python {platform.python_version()}\n"
    )
    with httpx.Client(base_url=url, trust_env=False, timeout=120.0) as client:
        firsts = {page: _ask(client, page, pids) for page in PAGES}
        until_idle(pids)
        rows = []
        for page, first in firsts.items():
            later = [_ask(client, page, pids) for _ in range(options.repeats)]
            rows.append(
                (
                    f"`{page.replace(ACCOUNT, '…')}`",
                    f"{first.wall:.0f}",
                    f"{first.cpu:.0f}",
                    f"{statistics.median(each.wall for each in later):.0f}",
                    f"{max(each.wall for each in later):.0f}",
                    f"{statistics.mean(each.cpu for each in later):.0f}",
                    f"{max(each.size for each in later) / 1000:.1f}",
                )
            )
    print_table(
        (
            "page",
            "first: wall ms",
            "first: CPU ms",
            "wall ms",
            "highest wall ms",
            "CPU ms",
            "kB",
        ),
        rows,
    )
    print(f"\npeak RSS of the server {usage(pids[0]).peak_bytes / (1 << 20):.0f} MiB")


def _ask(client: httpx.Client, page: str, pids: list[int]) -> _Answer:
    """Parts and lists that are loaded later are asked for as htmx does."""
    headers = {"accept": "text/html"}
    if "part=" in page:
        headers["hx-request"] = "true"
    cpu = cpu_of(pids)
    began = time.perf_counter()
    size = 0
    with client.stream("GET", page, headers=headers) as response:
        response.raise_for_status()
        for chunk in response.iter_raw():
            size += len(chunk)
    return _Answer(1000 * (time.perf_counter() - began), 1000 * (cpu_of(pids) - cpu), size)


if __name__ == "__main__":
    main()
