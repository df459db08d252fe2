"""Charts: numbers, gaps, zoom, one cursor for all, tables, keyboard, live data, errors."""

import re
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.fixtures.browser import Visit
from tests.fixtures.watched import (
    CONSUMED,
    GAP,
    MINUTE_MS,
    MINUTES,
    Account,
    consumed,
)

pytestmark = pytest.mark.e2e

DASHBOARD = "/dashboards/hydrant-dynamodb-one-table"
OF_TABLES = f"sum by (TableName) ({CONSUMED})"


def chart(page: Page, title: str) -> Locator:
    heading = page.get_by_role("heading", name=title, exact=False)
    return page.locator("figure.chart").filter(has=heading).first


def choose(figure: Locator, entry: str) -> None:
    figure.get_by_role("button", name=re.compile("^Menu of")).click()
    figure.get_by_role("menuitem", name=entry).click()


def values(figure: Locator) -> dict[str, str]:
    rows = figure.locator(".legend li")
    return {
        row.locator(".name").inner_text(): row.locator(".value").inner_text() for row in rows.all()
    }


def table_rows(figure: Locator) -> list[list[str]]:
    return [row.locator("th, td").all_inner_texts() for row in figure.locator("tbody tr").all()]


def test_a_table_has_every_number_and_no_row_for_what_never_came(
    visit: Visit, account: Account
) -> None:
    # A sum over a minute looks no further back than that, so that the gap is one.
    expression = f'sum_over_time({CONSUMED}{{TableName="orders"}}[1m])'
    watched = visit(account.page("/explore", q=expression))
    watched.drawn()
    figure = chart(watched.page, "Result")
    choose(figure, "As table")
    figure.locator("tbody tr").first.wait_for()
    rows = table_rows(figure)
    delivered = [minute for minute in range(MINUTES) if minute not in GAP]
    assert [float(row[1]) for row in rows] == [
        consumed(minute, "orders") for minute in reversed(delivered)
    ]


def test_legends_have_the_last_values_as_promql_answers_them(
    visit: Visit, account: Account
) -> None:
    watched = visit(account.page("/explore", q=OF_TABLES))
    watched.drawn()
    answer = account.server.get(
        "/prometheus/api/v1/query", query=OF_TABLES, time=account.end_ms / 1000
    )
    expected = {
        each["metric"]["TableName"]: float(each["value"][1]) for each in answer["data"]["result"]
    }
    shown = values(chart(watched.page, "Result"))
    assert {
        name.split('"')[1]: float(value.replace(",", "")) for name, value in shown.items()
    } == expected


def test_the_gap_is_drawn_as_a_gap(visit: Visit, account: Account) -> None:
    expression = f'sum_over_time({CONSUMED}{{TableName="orders"}}[1m])'
    watched = visit(account.page("/explore", q=expression))
    watched.drawn()
    # Of each column of pixels of the canvas: whether --series-1 of the light theme is in it.
    painted = watched.page.evaluate(
        """() => {
      const canvas = document.querySelector("figure.chart canvas");
      const { width, height } = canvas;
      const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
      return Array.from({ length: width }, (_, x) => {
        for (let y = 0; y < height; y += 1) {
          const place = 4 * (y * width + x);
          const near = (other, wanted) => Math.abs(data[place + other] - wanted) < 30;
          if (near(0, 0) && near(1, 114) && near(2, 178) && data[place + 3] > 150) return true;
        }
        return false;
      });
    }"""
    )
    inside = painted[painted.index(True) : len(painted) - painted[::-1].index(True)]
    longest = max(map(len, "".join("x" if each else " " for each in inside).split("x")))
    # Two steps more than were lost lie between the points at its sides.
    assert longest / len(inside) == pytest.approx((len(GAP) + 1) / (MINUTES - 1), abs=0.02)


def test_dragging_zooms_the_page_and_going_back_restores_it(visit: Visit, account: Account) -> None:
    watched = visit(account.page("/explore", q=OF_TABLES))
    watched.drawn()
    page = watched.page
    box = page.locator(".u-over").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60, steps=5)
    page.mouse.up()
    page.wait_for_url(lambda url: f"from={account.start_ms}" not in url)
    query = parse_qs(urlsplit(page.url).query)
    start_ms, end_ms = int(query["from"][0]), int(query["to"][0])
    quarter = MINUTES * MINUTE_MS / 4
    assert start_ms == pytest.approx(account.start_ms + quarter, abs=2 * MINUTE_MS)
    assert end_ms == pytest.approx(account.start_ms + 2 * quarter, abs=2 * MINUTE_MS)
    figure = chart(page, "Result")
    choose(figure, "As table")
    expect(figure.locator("tbody tr")).to_have_count((end_ms - start_ms) // MINUTE_MS)
    page.go_back()
    expect(figure.locator("tbody tr")).not_to_have_count((end_ms - start_ms) // MINUTE_MS)
    assert parse_qs(urlsplit(page.url).query)["from"] == [str(account.start_ms)]


def test_one_cursor_moves_through_all_charts(visit: Visit, account: Account) -> None:
    watched = visit(account.page(DASHBOARD, **{"var-table": "orders"}))
    watched.drawn("Write units per second")
    reads, writes = (chart(watched.page, f"{each} units per second") for each in ("Read", "Write"))
    last = values(writes)
    box = reads.locator(".u-over").bounding_box()
    assert box is not None
    # A minute whose numbers differ from those of the last one.
    place = next(
        minute for minute in range(30, 60) if consumed(minute, "") != consumed(MINUTES - 1, "")
    )
    watched.page.mouse.move(
        box["x"] + box["width"] * (place + 1) / MINUTES, box["y"] + box["height"] / 2
    )
    expect(writes.locator(".legend .value").first).not_to_have_text(last["consumed"])
    # A value stands at the end of its minute.
    at = datetime.fromtimestamp(account.start_ms / 1000 + (place + 1) * 60, UTC)
    for each in (reads, writes):
        expect(each.locator(".moment")).to_have_text(f"{at:%Y-%m-%d %H:%M} UTC")
    watched.page.mouse.move(5, 5)
    expect(reads.locator(".moment")).to_have_text("Last values")


def test_the_expression_can_be_copied(visit: Visit, account: Account) -> None:
    watched = visit(account.page("/explore", q="sum_over_time(up[$__interval])"))
    watched.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    figure = chart(watched.page, "Result")
    expect(figure.locator(".note")).to_contain_text("no series")
    choose(figure, "Copy PromQL")
    watched.page.get_by_text("Copied.").wait_for()
    copied = watched.page.evaluate("() => navigator.clipboard.readText()")
    assert copied == "sum_over_time(up[60s])"


def test_an_expression_that_may_not_be_copied_is_selected_until_it_is_closed(
    visit: Visit, account: Account
) -> None:
    expression = "sum(up)"
    watched = visit("/explore")
    page = watched.page
    # As on plain HTTP, where browsers have no clipboard.
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.clock.install()
    watched.open(account.page("/explore", q=expression))
    figure = chart(page, "Result")
    choose(figure, "Copy PromQL")
    field = page.get_by_label("Copy this")
    expect(field).to_be_focused()
    assert page.evaluate("() => getSelection().toString()") == expression
    page.clock.run_for(10_000)
    expect(field).to_have_value(expression)
    watched.accessible()
    page.keyboard.press("Escape")
    expect(field).to_have_count(0)
    expect(figure.get_by_role("button", name=re.compile("^Menu of"))).to_be_focused()


def test_the_keyboard_reads_values_and_opens_the_menu(visit: Visit, account: Account) -> None:
    watched = visit(account.page("/explore", q=f'{CONSUMED}{{TableName="orders"}}'))
    watched.drawn()
    page = watched.page
    figure = chart(page, "Result")
    figure.locator(".drawing").focus()
    page.keyboard.press("End")
    expected = f"{consumed(MINUTES - 1, 'orders'):,.0f}"
    expect(figure.locator("[aria-live=polite]")).to_contain_text(expected)
    page.keyboard.press("ArrowLeft")
    before = f"{consumed(MINUTES - 2, 'orders'):,.0f}"
    expect(figure.locator("[aria-live=polite]")).to_contain_text(before)
    page.keyboard.press("Enter")
    expect(figure.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(figure.get_by_role("menuitem").nth(1)).to_be_focused()
    page.keyboard.press("Escape")
    expect(figure.get_by_role("menu")).to_be_hidden()


def test_a_number_leads_to_its_explanation(visit: Visit, account: Account) -> None:
    metric = "aws_dynamodb_endpoint_consumed_read_capacity_units"
    watched = visit(
        account.page("/explore", q=f'sum by (endpoint) ({metric}{{endpoint="orders"}})')
    )
    watched.drawn()
    figure = chart(watched.page, "Result")
    figure.get_by_role("button", name=re.compile("^Menu of")).click()
    address = figure.get_by_role("menuitem", name="Why this number?").get_attribute("href")
    assert address is not None
    query = parse_qs(urlsplit(address).query)
    # The minute that ends where the chart ends.
    minute = str(account.end_ms - MINUTE_MS)
    assert query == {"metric": [metric], "endpoint": ["orders"], "time": [minute]}
    watched.open(address)
    expected = f"{consumed(MINUTES - 1, 'orders'):,.0f}"
    expect(watched.page.locator(".result strong")).to_have_text(expected)
    watched.accessible()


def test_a_series_can_be_hidden(visit: Visit, account: Account) -> None:
    watched = visit(account.page("/explore", q=OF_TABLES))
    watched.drawn()
    button = watched.page.locator(".legend button").first
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    watched.accessible()
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 24
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")


def test_a_dashboard_shows_another_choice_when_it_is_told_to(
    visit: Visit, account: Account
) -> None:
    watched = visit(account.page(DASHBOARD, **{"var-table": "orders"}))
    page = watched.page
    page.locator("select[name=var-table]").select_option("carts")
    assert "var-table=orders" in page.url
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url(re.compile("var-table=carts"))


def test_what_the_server_refuses_is_told_in_the_chart(visit: Visit, account: Account) -> None:
    watched = visit(account.page("/explore", q=f"{CONSUMED} * on (region) {CONSUMED}"))
    watched.forgive("422")
    note = chart(watched.page, "Result").locator(".note.critical")
    expect(note).to_contain_text("many-to-many matching not allowed")


def test_completion_offers_metrics_labels_and_values(visit: Visit) -> None:
    watched = visit("/explore")
    page = watched.page
    area = page.locator("textarea")
    area.press_sequentially("ConsumedReadCapacityUnits_su")
    page.get_by_role("option", name=re.compile(CONSUMED)).first.wait_for()
    area.press("Tab")
    expect(area).to_have_value(CONSUMED)
    area.press_sequentially("{Tab")
    page.get_by_role("option", name=re.compile("^TableName")).wait_for()
    area.press("Tab")
    area.press_sequentially('="or')
    page.get_by_role("option", name=re.compile("^orders")).wait_for()
    area.press("Tab")
    expect(area).to_have_value(f'{CONSUMED}{{TableName="orders')
    watched.accessible()


def test_completion_goes_on_after_the_server_could_not_answer(visit: Visit) -> None:
    watched = visit("/explore")
    watched.forgive("503")
    page = watched.page
    answers = re.compile("/metadata")
    busy = {"status": "error", "errorType": "unavailable", "error": "busy"}
    page.route(answers, lambda route: route.fulfill(status=503, json=busy))
    area = page.locator("textarea")
    with page.expect_response(answers):
        area.press_sequentially("su")
    page.get_by_role("option", name=re.compile("^sum")).first.wait_for()
    page.unroute(answers)
    area.fill("")
    area.press_sequentially("ConsumedReadCapacityUnits_su")
    page.get_by_role("option", name=re.compile(CONSUMED)).first.wait_for()


def test_a_live_page_asks_again_and_shows_what_has_come(visit: Visit, account: Account) -> None:
    expression = f'count_over_time({CONSUMED}{{TableName="orders"}}[$__range])'
    watched = visit(f"/explore?from=now-15m&q={quote(expression)}")
    watched.drawn()
    figure = chart(watched.page, "Result")
    choose(figure, "As table")
    expect(figure.locator("tbody tr").first).to_be_visible()
    before = figure.locator("tbody tr").first.inner_text()
    account.deliver([MINUTES])
    # A range of a quarter of an hour is asked again every ten seconds.
    expect(figure.locator("tbody tr").first).not_to_have_text(before, timeout=45_000)


def test_charts_are_drawn_anew_in_the_dark_and_in_local_time(
    visit: Visit, account: Account
) -> None:
    watched = visit(account.page("/explore", q=OF_TABLES))
    watched.drawn()
    page = watched.page
    light = page.locator("figure.chart canvas").evaluate("canvas => canvas.toDataURL()")
    page.get_by_role("button", name=re.compile("^Theme")).click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    dark = page.locator("figure.chart canvas").evaluate("canvas => canvas.toDataURL()")
    assert dark != light
    page.get_by_role("button", name="Local time").click()
    expect(page.get_by_role("button", name="Local time")).to_have_attribute("aria-pressed", "true")
    watched.accessible()
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"
