"""Alarms: an operator finds the one that fires, and says that somebody sees to it."""

import pytest
from playwright.sync_api import expect

from tests.fixtures.browser import Visit
from tests.fixtures.watched import ALARM, Account

pytestmark = pytest.mark.e2e


def test_an_incident_is_found_and_acknowledged(visit: Visit, account: Account) -> None:
    watched = visit("/")
    page = watched.page
    page.get_by_role("link", name="Alarms", exact=True).first.click()
    page.get_by_role("link", name="were throttled").or_(
        page.get_by_role("link", name="are throttled")
    ).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("orders")
    page.get_by_label("Your name").first.fill("ada")
    page.get_by_label("Comment").first.fill("raising the capacity")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("main")).to_contain_text("raising the capacity")
    number = page.url.partition("?")[0].rpartition("/")[2]
    told = account.server.get(f"/api/v1/alarms/incidents/{number}")
    assert told["acknowledgement"]["by"] == "ada"
    assert told["acknowledgement"]["comment"] == "raising the capacity"
    watched.accessible()


def test_the_throttled_table_is_the_first_thing_on_the_overview(
    visit: Visit, account: Account
) -> None:
    watched = visit("/")
    page = watched.page
    throttled = page.locator("section").filter(has=page.get_by_role("heading", name="Throttled"))
    throttled.get_by_role("link", name="orders").first.click()
    expect(page.get_by_role("main")).to_contain_text("Reads of the table were throttled")
    expect(page.get_by_role("main")).to_contain_text("provisioned capacity")
    incidents = account.server.get("/api/v1/alarms/incidents", rule=ALARM)["incidents"]
    summary = incidents[0]["summary"]
    expect(page.get_by_role("main")).to_contain_text(summary[:20])
