"""What a page does when there is no data yet, a dashboard is broken, or the server restarts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.fixtures.browser import Watched, visited
from tests.fixtures.server import RunningServer, ServerStarter
from tests.fixtures.watched import CONSUMED

pytestmark = pytest.mark.e2e

OWN = """
uid: mine
title: Mine
rows:
  - title: All
    widgets:
      - title: Read units
        unit: {unit}
        queries:
          - expression: sum(aws_dynamodb_ConsumedReadCapacityUnits_sum)
"""


@pytest.fixture
def server(start_server: ServerStarter, tmp_path: Path) -> RunningServer:
    (tmp_path / "own").mkdir()
    return start_server(f"sqlite:///{tmp_path}/hydrant.db", dashboards=tmp_path / "own")


@pytest.fixture
def watched(chromium: Browser, server: RunningServer) -> Iterator[Watched]:
    with visited(chromium, server.url) as opened:
        yield opened


def test_an_empty_database_shows_the_next_step_and_no_error(watched: Watched) -> None:
    for path, words in {
        "/": "/aws/firehose/metrics",
        "/tables": "Streams",
        "/explore": "Streams",
        "/dashboards": "HYDRANT_DASHBOARDS",
    }.items():
        watched.open(path)
        expect(watched.page.get_by_role("main")).to_contain_text(words)
        watched.page.wait_for_function("() => !document.querySelector('[aria-busy=true]')")
        watched.accessible()


def test_a_dashboard_appears_breaks_and_is_mended_while_serving(
    watched: Watched, tmp_path: Path
) -> None:
    page, file = watched.page, tmp_path / "own" / "mine.yaml"
    page.goto(f"{watched.base}/dashboards/mine")
    watched.forgive("404")
    file.write_text(OWN.format(unit="count"))
    until(watched, "/dashboards/mine", "Mine")
    file.write_text(OWN.format(unit="apples"))
    until(watched, "/dashboards/mine", "This dashboard cannot be drawn")
    expect(page.get_by_role("main")).to_contain_text("apples")
    expect(page.get_by_role("main")).to_contain_text("mine.yaml:8")
    file.write_text(OWN.format(unit="units"))
    until(watched, "/dashboards/mine", "Mine")


def until(watched: Watched, path: str, heading: str) -> None:
    """Look again until the page has a heading; files are looked at every two seconds."""
    shown = watched.page.get_by_role("heading", level=1, name=heading)
    for _ in range(20):
        watched.page.goto(watched.base + path)
        if shown.count():
            return
        watched.page.wait_for_timeout(500)
    raise AssertionError(watched.page.content())


def test_a_page_goes_on_by_itself_after_the_server_was_restarted(
    watched: Watched, server: RunningServer
) -> None:
    # The clock of the page is ours, so that nobody waits for its next question.
    watched.page.clock.install()
    watched.open(f"/explore?from=now-15m&q={CONSUMED}")
    note = watched.page.locator("figure.chart .note")
    expect(note).to_contain_text("no series")
    # The browser's own words for what it could not load.
    watched.forgive("ERR_CONNECTION", "Failed to load resource", "ERR_EMPTY_RESPONSE")
    server.stop()
    watched.page.clock.run_for(11_000)
    expect(note).to_contain_text("does not answer")
    server.start()
    watched.page.clock.run_for(11_000)
    expect(note).to_contain_text("no series")
