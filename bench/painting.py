"""``python -m bench.painting``: until the last chart of a table's page is painted, in Chromium.

Hours of minutes of an account are written straight into the database, up to now, all rules are
evaluated over them, and what has settled is rolled up. Then the page of a table with an index that
throttles is opened by a browser: with a window in which all charts are at once, as they are drawn
when they come into view, with one that has a dozen, and with one of usual height. Cold is a browser
that has never been here; warm has the style sheets and modules. Milliseconds are those of the
browser since it began to go there, until every chart in view and every part of the page is drawn;
sizes are what came over the wire, compressed.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from playwright.sync_api import Browser, BrowserContext

from app.clock import MILLISECONDS_PER_MINUTE
from app.storage import Store
from bench.account_day import fill_account
from bench.databases import own_postgresql, own_sqlite, server_pid
from bench.processes import until_idle
from bench.server import running_server
from bench.table import print_table
from tests.fixtures.browser import launched

PAGE = "/tables/table-0100?from=now-24h&to=now"
_HEIGHTS = (6_000, 2_100, 900)
_LONGEST_SETTLING_SECONDS = 900.0
# What is asked while the page still works must cost it nothing, such as a layout.
_PAINTED = """() => {
  if (!document.querySelector("figure.chart canvas")) return null;
  if (document.querySelector("[aria-busy=true]")) return null;
  const seen = [...document.querySelectorAll("figure.chart")].filter(
    (chart) => chart.getBoundingClientRect().top < innerHeight);
  if (!seen.every((chart) => chart.querySelector(".note")?.textContent !== "Reading…")) return null;
  return [performance.now(), seen.length];
}"""
_LOOK_AGAIN_MS = 10
_AT_REST_MS = 1_500


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill a database, open the page in a browser, and print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m bench.painting", description=__doc__)
    parser.add_argument("--tables", type=int, default=2_000)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--postgresql", action="store_true", help="a PostgreSQL of its own")
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        database = stack.enter_context(own_postgresql() if options.postgresql else own_sqlite())
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="hydrant-bench-"))
        _fill(database, options.tables, options.hours)
        environment = {
            "HYDRANT_DATABASE": database,
            "HYDRANT_ALLOW_ANONYMOUS": "true",
            "HYDRANT_LOG_LEVEL": "error",
            # They would go through the whole time at the start, beside what is measured.
            "HYDRANT_ALARM_RULES": directory,
        }
        url, pid = stack.enter_context(running_server(environment))
        of_database = server_pid(database)
        until_idle([pid] if of_database is None else [pid, of_database], _LONGEST_SETTLING_SECONDS)
        browser = stack.enter_context(launched())
        engine = "sqlite" if of_database is None else "postgresql"
        print(
            f"{options.tables:,} tables, {options.hours} hours of minutes, {engine},"
            f" Python {platform.python_version()}, Chromium {browser.version}\n"
        )
        print_table(
            ("window", "charts", "browser", "median ms", "highest ms", "kB"),
            list(_rows(browser, url + PAGE, options.repeats)),
        )


def _fill(database: str, tables: int, hours: int) -> None:
    store = Store(database)
    try:
        store.migrate()
        first, end = fill_account(store, tables, hours)
    finally:
        store.close()
    since, until = (minute * MILLISECONDS_PER_MINUTE // 1000 for minute in (first, end))
    command = ("rules", "backfill", "--all", "--since", str(since), "--until", str(until))
    subprocess.run(
        [sys.executable, "-m", "app.cli", *command],
        env={**os.environ, "HYDRANT_DATABASE": database},
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _rows(browser: Browser, url: str, repeats: int) -> Iterator[tuple[str, ...]]:
    for height in _HEIGHTS:
        cold, warm = [], []
        for _ in range(repeats):
            context = browser.new_context(viewport={"width": 1280, "height": height})
            cold.append(_visit(context, url))
            warm.append(_visit(context, url))
            context.close()
        for name, visits in (("cold", cold), ("warm", warm)):
            times, charts, sizes = zip(*visits, strict=True)
            yield (
                f"1280 × {height:,}",
                str(max(charts)),
                name,
                f"{statistics.median(times):.0f}",
                f"{max(times):.0f}",
                f"{max(sizes) / 1000:.0f}",
            )


def _visit(context: BrowserContext, url: str) -> tuple[float, int, int]:
    """Milliseconds until all was painted, the charts there were, and bytes."""
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: list[int] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    # A new tab loads pages of the browser's own at first.
    page.wait_for_timeout(_AT_REST_MS)
    page.goto(url, wait_until="commit")
    painted = page.wait_for_function(_PAINTED, polling=_LOOK_AGAIN_MS, timeout=60_000).json_value()
    page.wait_for_timeout(200)
    page.close()
    return painted[0], painted[1], sum(sizes)


if __name__ == "__main__":
    main()
