"""The range that is chosen in a chart: parts, links, fields and words of the page follow it."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.fixtures.browser import Visit
from tests.fixtures.watched import ACCOUNT, MINUTES, Account

pytestmark = pytest.mark.e2e

ONE_TABLE = "/dashboards/hydrant-dynamodb-one-table?var-table=orders"


def zoom(page: Page) -> None:
    """Drag over the second quarter of the first chart."""
    box = page.locator(".u-over").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60, steps=5)
    page.mouse.up()


def widen(page: Page) -> None:
    page.locator("figure.chart .drawing").first.focus()
    page.keyboard.press("Escape")


def range_of(address: str) -> tuple[str, ...]:
    """The values of ``from`` and ``to``, each of which is there at most once."""
    query = parse_qs(urlsplit(address).query)
    values = [query.get(name, []) for name in ("from", "to")]
    assert all(len(each) < 2 for each in values), address
    return tuple(value for each in values for value in each)


def test_parts_links_and_words_follow_a_zoom_and_going_back(visit: Visit, account: Account) -> None:
    watched = visit(account.page(f"/accounts/{ACCOUNT}"))
    page = watched.page
    watched.drawn()
    page.wait_for_function("() => !document.querySelector('main div[aria-busy=true]')")
    parts: dict[str, str] = {}

    def noted(address: str) -> None:
        query = parse_qs(urlsplit(address).query)
        if "part" in query:
            parts[query["part"][0]] = address

    page.on("request", lambda request: noted(request.url))
    whole = (str(account.start_ms), str(account.end_ms))
    summary = page.locator("details.range > summary")
    tables = page.get_by_role("navigation", name="Pages").get_by_role("link", name="Tables")
    preset = page.locator(".presets a").first.get_attribute("href")
    words = summary.inner_text()

    page.locator("figure.chart").first.scroll_into_view_if_needed()
    zoom(page)
    page.wait_for_url(lambda url: range_of(url) != whole)
    zoomed = range_of(page.url)
    expect(summary).not_to_have_text(words)
    expect(summary.locator("time").first).to_have_attribute("data-ms", zoomed[0])
    assert range_of(tables.get_attribute("href") or "") == zoomed
    assert page.locator(".presets a").first.get_attribute("href") == preset
    page.wait_for_function("() => !document.querySelector('.htmx-request')")
    assert {name: range_of(address) for name, address in parts.items()} == dict.fromkeys(
        ("figures", "costs", "limits", "top"), zoomed
    )

    parts.clear()
    page.go_back()
    expect(summary).to_have_text(words)
    assert range_of(tables.get_attribute("href") or "") == whole
    page.wait_for_function("() => !document.querySelector('.htmx-request')")
    assert {range_of(address) for address in parts.values()} == {whole}


def test_a_zoomed_page_says_so_and_its_forms_keep_the_range(visit: Visit) -> None:
    watched = visit(ONE_TABLE)
    page = watched.page
    watched.drawn()
    summary = page.locator("details.range > summary")
    overview = page.get_by_role("navigation", name="Pages").get_by_role("link", name="Overview")
    expect(summary).to_have_text("Last 3 hours")
    zoom(page)
    expect(summary).to_have_text(re.compile(" UTC to "))
    zoomed = range_of(page.url)
    assert range_of(overview.get_attribute("href") or "") == zoomed
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url(lambda url: "var-region" in url)
    assert range_of(page.url) == zoomed
    page.go_back()
    page.go_back()
    expect(summary).to_have_text("Last 3 hours")
    assert range_of(overview.get_attribute("href") or "") == ()


def test_twice_as_much_of_what_ends_now_is_live_as_well(visit: Visit) -> None:
    watched = visit(ONE_TABLE)
    page = watched.page
    watched.drawn()
    widen(page)
    page.wait_for_url("**from=now-6h&to=now")
    expect(page.locator("details.range > summary")).to_have_text("Last 6 hours")
    page.reload()
    expect(page.locator("details.range > summary")).to_have_text("Last 6 hours")
    page.go_back()
    expect(page.locator("details.range > summary")).to_have_text("Last 3 hours")


def test_twice_as_much_of_what_reaches_until_now_is_before_it(
    visit: Visit, account: Account
) -> None:
    watched = visit(account.page("/explore", q="vector(1)"))
    page = watched.page
    watched.drawn()
    widen(page)
    whole = (str(account.start_ms), str(account.end_ms))
    page.wait_for_url(lambda url: range_of(url) != whole)
    start_ms, end_ms = map(int, range_of(page.url))
    assert end_ms - start_ms == 2 * MINUTES * 60_000
    assert end_ms > account.end_ms - 60_000
