"""Parts of pages: the newest answer counts, failures are said, a reader's place stays."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.fixtures.browser import Visit, Watched
from tests.fixtures.watched import ACCOUNT, Account

pytestmark = pytest.mark.e2e

MINUTE_MS = 60_000
LISTED = "table.tables tbody th a"


def refresh(page: Page) -> None:
    page.evaluate("() => document.body.dispatchEvent(new CustomEvent('hydrant:refresh'))")


def list_of_tables(visit: Visit, account: Account) -> Watched:
    watched = visit(account.page("/tables"))
    expect(watched.page.locator(LISTED)).to_have_count(2)
    settled(watched.page)
    return watched


def settled(page: Page) -> None:
    page.wait_for_function(
        "() => !document.querySelector('[aria-busy=true], .htmx-request, .htmx-settling')"
    )


def test_a_late_refresh_does_not_replace_what_was_searched_since(
    visit: Visit, account: Account
) -> None:
    page = list_of_tables(visit, account).page
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/tables?*", hold_the_first)
    with page.expect_request("**/tables?*"):
        refresh(page)
    page.get_by_role("searchbox").fill("carts")
    expect(page.locator(LISTED)).to_have_text(["carts"])
    with page.expect_response("**/tables?*"):
        held[0].continue_()
    settled(page)
    expect(page.locator(LISTED)).to_have_text(["carts"])
    assert "q=carts" in page.url


def test_what_is_still_being_worked_out_is_asked_for_again(visit: Visit, account: Account) -> None:
    page = list_of_tables(visit, account).page
    page.clock.install()
    answers = ["waiting", "error"]

    def answer(route: Route) -> None:
        if not answers:
            route.continue_()
            return
        route.fulfill(
            body=f"<p class='progress'>{answers.pop(0)}</p>",
            content_type="text/html",
            headers={"Retry-After": "5"},
        )

    page.route("**/tables?*", answer)
    refresh(page)
    for text in ("waiting", "error"):
        expect(page.locator("#rows")).to_have_text(text)
        page.clock.run_for(5_000)
    expect(page.locator(LISTED)).to_have_count(2)


def test_a_part_that_failed_says_so_in_its_place_and_is_asked_for_again(
    visit: Visit, account: Account
) -> None:
    watched = list_of_tables(visit, account)
    watched.forgive("Failed to load resource", "htmx:", "Response Status Error")
    page = watched.page
    page.clock.install()
    notice = page.locator("#rows > .notice")
    page.route("**/tables?*", lambda route: route.fulfill(status=502))
    page.get_by_role("searchbox").fill("carts")
    page.clock.run_for(1_000)
    expect(notice).to_have_text(re.compile("answered 502. It is asked again in a minute"))
    expect(notice).to_have_attribute("role", "status")
    assert page.locator("form .notice").count() == 0
    page.unroute("**/tables?*")
    page.route("**/tables?*", lambda route: route.abort())
    page.clock.run_for(MINUTE_MS)
    expect(notice).to_have_text(re.compile("does not answer"))
    page.unroute("**/tables?*")
    page.clock.run_for(MINUTE_MS)
    expect(page.locator(LISTED)).to_have_text(["carts"])
    expect(notice).to_have_count(0)


def test_a_part_that_hangs_is_given_up_after_a_minute(visit: Visit, account: Account) -> None:
    watched = list_of_tables(visit, account)
    assert watched.page.evaluate("() => htmx.config.timeout") == MINUTE_MS
    watched.forgive("htmx:")
    page = watched.page
    page.evaluate("() => { htmx.config.timeout = 100; }")
    page.route("**/tables?*", lambda _: None)
    refresh(page)
    expect(page.locator("#rows > .notice")).to_contain_text("has not answered for a minute")


def test_a_refresh_keeps_what_is_open_scrolled_and_focused(visit: Visit, account: Account) -> None:
    watched = visit(account.page(f"/accounts/{ACCOUNT}"), width=390, height=844)
    page = watched.page
    settled(page)
    region = page.locator(".scroll[aria-labelledby=regions]")
    link = region.get_by_role("link").first
    link.focus()
    region.evaluate("(element) => element.scrollTo(40, 0)")
    page.evaluate("() => { document.querySelector('#regions').dataset.old = 'old'; }")
    refresh(page)
    expect(page.locator("#regions[data-old]")).to_have_count(0)
    expect(link).to_be_focused()
    assert region.evaluate("(element) => element.scrollLeft") == 40


def test_a_refresh_keeps_details_open_and_raw_series_are_not_refreshed(
    visit: Visit, account: Account
) -> None:
    page = visit(account.page("/tables/orders", tab="raw")).page
    settled(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    details = page.locator("main details details, main .card details").first
    details.locator("summary").click()
    refresh(page)
    settled(page)
    assert asked == []
    # The same content from a part that is loaded again.
    page.evaluate(
        """() => htmx.ajax("get", document.querySelector("main [hx-get]").getAttribute("hx-get"),
          { source: "main [hx-get]", target: "main [hx-get]" })"""
    )
    settled(page)
    assert len(asked) == 1
    expect(details).to_have_attribute("open", "")
    expect(details.locator("summary")).to_be_focused()


def test_the_heading_of_a_metric_is_focused_when_its_series_come(
    visit: Visit, account: Account
) -> None:
    page = visit(account.page("/explore")).page
    page.get_by_role("button", name="ConsumedReadCapacityUnits").press("Enter")
    heading = page.locator("#metrics h3")
    expect(heading).to_be_focused()
    page.get_by_role("button", name="← All metrics").press("Enter")
    expect(page.get_by_role("heading", name="Series")).to_be_focused()


def test_a_live_page_that_was_hidden_is_refreshed_as_soon_as_it_is_seen(visit: Visit) -> None:
    page = visit("/tables").page
    page.clock.install()
    page.reload()
    settled(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    show_as(page, "hidden")
    page.clock.run_for(MINUTE_MS)
    show_as(page, "visible")
    settled(page)
    assert len(asked) == 1
    show_as(page, "visible")
    assert len(asked) == 1
    page.clock.run_for(MINUTE_MS)
    settled(page)
    assert len(asked) == 2


def show_as(page: Page, state: str) -> None:
    page.evaluate(
        """(value) => {
          Object.defineProperty(document, "visibilityState", { value, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        state,
    )
