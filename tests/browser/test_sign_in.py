"""Signing in, in a browser: led there and back, told what is wrong, and out again."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.fixtures.browser import Watched, visited
from tests.fixtures.server import RunningServer

pytestmark = pytest.mark.e2e

TOKEN = "a-reading-token-01"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that shows its pages to whoever has the token."""
    folder = tmp_path_factory.mktemp("guarded")
    server = RunningServer(folder, f"sqlite:///{folder}/hydrant.db", read_tokens=f'["{TOKEN}"]')
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def watched(chromium: Browser, guarded: RunningServer) -> Iterator[Watched]:
    with visited(chromium, guarded.url, width=390, height=844) as opened:
        yield opened


def give(watched: Watched, token: str) -> None:
    watched.page.get_by_label("Token").fill(token)
    watched.page.get_by_role("main").get_by_role("button", name="Sign in").click()


def test_one_is_led_to_the_form_back_to_the_page_and_out_again(watched: Watched) -> None:
    page = watched.page
    watched.open("/explore?from=now-7d&to=now")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(page.get_by_label("Token")).to_be_focused()
    watched.fits()
    watched.accessible()

    give(watched, TOKEN)
    page.wait_for_url("**/explore?from=now-7d&to=now")
    # What the cookie opens is out of reach of scripts.
    assert page.evaluate("() => document.cookie") == ""

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    watched.open("/explore")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_wrong_token_is_told_beside_the_form(watched: Watched) -> None:
    watched.forgive("403")
    watched.open("/tables")
    give(watched, "not-this-one-at-all")
    field = watched.page.get_by_label("Token")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(watched.page.get_by_role("alert")).to_contain_text("not one of those that are accepted")
    watched.accessible()
    give(watched, TOKEN)
    watched.page.wait_for_url("**/tables**")
    expect(watched.page.get_by_role("heading", level=1)).to_have_text("Tables")
