"""The list of tables: searched while one types, sorted by its columns, with the numbers of REST."""

import pytest
from playwright.sync_api import Page, expect

from app.web.formatting import number
from tests.fixtures.browser import Visit, Watched
from tests.fixtures.watched import THROTTLED, Account

pytestmark = pytest.mark.e2e

EVENTS = 40
"""Reads throttled in each of those minutes."""


def names(page: Page) -> list[str]:
    return page.locator("table.tables tbody th a").all_inner_texts()


def listed(visit: Visit, account: Account) -> Watched:
    watched = visit(account.page("/tables"))
    expect(watched.page.locator("table.tables tbody tr")).to_have_count(2)
    return watched


def test_the_throttled_table_comes_first_with_its_events(visit: Visit, account: Account) -> None:
    page = listed(visit, account).page
    assert names(page) == ["orders", "carts"]
    answer = account.server.get(
        "/api/v1/dynamodb/throttling",
        table="orders",
        start=account.start_ms,
        end=account.end_ms,
    )
    expected = sum(each["events"] for each in answer["findings"])
    assert expected == len(THROTTLED) * EVENTS
    headings = page.locator("table.tables thead th").all_inner_texts()
    (column,) = (place for place, text in enumerate(headings) if text.startswith("Throttles"))
    cell = page.locator("table.tables tbody tr").first.locator("th, td").nth(column)
    expect(cell).to_have_text(number(expected))


def test_a_search_narrows_the_list_while_one_types_and_keeps_its_address(
    visit: Visit, account: Account
) -> None:
    page = listed(visit, account).page
    page.get_by_role("searchbox").press_sequentially("cart")
    expect(page.locator("table.tables tbody th a")).to_have_text(["carts"])
    page.wait_for_url(lambda url: "q=cart" in url and f"from={account.start_ms}" in url)
    # Another range is one of the search as well.
    assert "q=cart" in (page.locator(".presets a").first.get_attribute("href") or "")
    expect(page.locator("details.range input[name=q]")).to_have_value("cart")
    page.reload()
    expect(page.locator("table.tables tbody th a")).to_have_text(["carts"])
    expect(page.get_by_role("searchbox")).to_have_value("cart")


def test_leaving_the_search_does_not_load_the_list_again(visit: Visit, account: Account) -> None:
    page = listed(visit, account).page
    page.get_by_role("searchbox").fill("cart")
    expect(page.locator("table.tables tbody th a")).to_have_text(["carts"])
    page.wait_for_function("() => !document.querySelector('.htmx-request, .htmx-settling')")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("heading", level=1).click()
    page.get_by_label("Only with problems").check()
    page.wait_for_url("**problems=1**")
    # Chromium asks for the icon of a page whenever it likes.
    assert len([url for url in asked if "/assets/" not in url]) == 1
    with page.expect_request(lambda request: "account=1" in request.url):
        page.get_by_label("Account").select_option(index=1)


def test_what_nothing_matches_leads_back_to_all(visit: Visit, account: Account) -> None:
    page = listed(visit, account).page
    page.get_by_role("searchbox").fill("nothing-like-it")
    page.get_by_role("link", name="Show all 2").click()
    expect(page.locator("table.tables tbody tr")).to_have_count(2)


def test_a_column_sorts_the_list_and_says_so(visit: Visit, account: Account) -> None:
    page = listed(visit, account).page
    for direction, expected in (
        ("ascending", ["carts", "orders"]),
        ("descending", ["orders", "carts"]),
    ):
        page.get_by_role("link", name="Table", exact=True).click()
        heading = page.locator(f"th[aria-sort={direction}]")
        expect(heading).to_contain_text("Table")
        expect(page.locator("table.tables tbody th a")).to_have_text(expected)
