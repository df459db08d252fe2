"""Every page on a phone and a desk: nothing fails, leaves the origin or sticks out.

With HYDRANT_SCREENSHOTS in three widths and both themes, with a picture of each written there:
``make screenshots``.
"""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.fixtures.browser import Theme, Visit, Watched
from tests.fixtures.watched import ACCOUNT, CONSUMED, REGION, Account

pytestmark = pytest.mark.e2e

PAGES = {
    "overview": "/",
    "account": f"/accounts/{ACCOUNT}",
    "tables": "/tables",
    "table": "/tables/orders",
    "operations": "/tables/orders?tab=operations",
    "figures": "/tables/orders?tab=indexes",
    "cost": "/tables/orders?tab=cost",
    "raw": "/tables/orders?tab=raw",
    "explain": "/explain?metric=aws_dynamodb_endpoint_consumed_read_capacity_units&endpoint=orders",
    "alarms": "/alarms",
    "alarm-history": "/alarms/history",
    "silences": "/alarms/silences",
    "alarm-rule": "/alarms/rules/DynamoDBReadThrottled",
    "incident": "/alarms/incidents/1",
    "streams": "/streams",
    "rules": "/rules",
    "metric": "/rules/aws_dynamodb_endpoint_consumed_read_capacity_units",
    "dashboards": "/dashboards",
    "dashboard": "/dashboards/hydrant-dynamodb-account",
    "one-table": f"/dashboards/hydrant-dynamodb-one-table?var-table=orders&var-region={REGION}",
    "explore": f"/explore?q={CONSUMED}",
    "explore-empty": "/explore",
    "statistics": "/explore/statistics?namespace=AWS/DynamoDB&metric=ConsumedReadCapacityUnits",
    "not-found": "/nowhere",
}
SIZES = ((390, 844), (1280, 900), (1920, 1080))
THEMES: tuple[Theme, ...] = ("light", "dark")
FEW: tuple[tuple[tuple[int, int], Theme], ...] = ((SIZES[0], "light"), (SIZES[1], "dark"))
"""What is looked at where nobody wants pictures of all."""


@pytest.mark.parametrize("name", PAGES)
def test_page(name: str, visit: Visit, account: Account, screenshots: Path | None) -> None:
    path = PAGES[name]
    mark = "&" if "?" in path else "?"
    every = [(size, theme) for size in SIZES for theme in THEMES]
    # One window each suffices where nobody wants pictures: the phone, or the desk in the dark.
    few = [FEW[list(PAGES).index(name) % len(FEW)]]
    for (width, height), theme in few if screenshots is None else every:
        watched = visit(
            f"{path}{mark}{account.times}",
            width=width,
            height=height,
            theme=theme,
            forgiven=("404",) if name == "not-found" else (),
        )
        look_at(watched)
        open_the_range(watched)
        if screenshots is not None:
            screenshots.mkdir(parents=True, exist_ok=True)
            picture = screenshots / f"{name}-{width}-{theme}.png"
            watched.page.screenshot(path=picture, full_page=True)


def open_the_range(watched: Watched) -> None:
    """The chooser, where there is one, has to lie within the window; then it is closed again."""
    summary = watched.page.locator("details.range > summary")
    if summary.count() == 0:
        return
    summary.click()
    box = watched.page.locator("details.range > .panel").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= watched.page.evaluate("innerWidth")
    watched.fits()
    summary.click()


def look_at(watched: Watched) -> None:
    """Wait for what is loaded after the page and for all charts, then check it."""
    page = watched.page
    page.wait_for_function("() => !document.querySelector('[aria-busy=true]')")
    for chart in page.locator("figure.chart").all():
        # One that is only scrolled past is never seen, and so never asked.
        chart.scroll_into_view_if_needed()
        expect(chart.locator(".note")).not_to_have_text("Reading…", timeout=20_000)
    page.evaluate("() => scrollTo(0, 0)")
    assert re.search(r"\S", page.get_by_role("heading", level=1).inner_text())
    watched.fits()
    watched.accessible()
