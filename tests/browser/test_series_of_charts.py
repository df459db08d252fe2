"""Series of charts: which are drawn, hidden, stacked and listed, and what stays when data come."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.fixtures.browser import Visit, Watched
from tests.fixtures.watched import CONSUMED, MINUTES, Account, consumed

pytestmark = pytest.mark.e2e

MANY = 40
ASK_AGAIN = """async () => {
  const { href } = document.querySelector("link[rel=modulepreload][href$='charts/range.js']");
  const { shownRange } = await import(href);
  const detail = { range: shownRange(), before: shownRange() };
  document.dispatchEvent(new CustomEvent("hydrant:range", { detail }));
}"""
BOTTOM = """([figure, heightOfPixel]) => {
  const canvas = figure.querySelector("canvas");
  const { left, top, width, height } = figure.querySelector(".u-over").getBoundingClientRect();
  const outer = canvas.getBoundingClientRect();
  const x = (left - outer.left + width / 4) * devicePixelRatio;
  const y = (top - outer.top + height - heightOfPixel) * devicePixelRatio;
  return [...canvas.getContext("2d").getImageData(x, y, 1, 1).data];
}"""


def put(watched: Watched, *expressions: str, legend: str = "", **members: Any) -> Locator:  # noqa: ANN401 - JSON
    """Put a chart into the page, as a fragment that comes later does."""
    chart = {
        "title": "Added",
        "description": "",
        "unit": "count",
        "type": "line",
        "stacked": False,
        "queries": [
            {"expression": each, "legend": legend, "instant": False} for each in expressions
        ],
        "thresholds": [],
        "minimum": None,
        "maximum": None,
        "empty": "",
    }
    watched.page.evaluate(
        """(chart) => {
      const figure = document.createElement("figure");
      figure.className = "chart";
      figure.dataset.chart = chart;
      document.querySelector("main").prepend(figure);
    }""",
        json.dumps({**chart, **members}),
    )
    return watched.page.locator("figure.chart").filter(
        has=watched.page.get_by_role("heading", name="Added")
    )


def drawn(watched: Watched, *expressions: str, legend: str = "", **members: Any) -> Locator:  # noqa: ANN401 - JSON
    """The same, and wait until it is drawn."""
    figure = put(watched, *expressions, legend=legend, **members)
    figure.locator("canvas").wait_for()
    return figure


def ask_again(page: Page) -> None:
    """What a live page does when a minute has gone by, and wait until it is drawn."""
    with page.expect_response(re.compile("/api/v1/queries")) as answer:
        page.evaluate(ASK_AGAIN)
    answer.value.finished()
    page.wait_for_function("() => !document.querySelector('figure.chart[aria-busy]')")


def names(figure: Locator) -> list[str]:
    return figure.locator(".legend li:visible .name").all_inner_texts()


def many() -> str:
    """As many series, with the values 1, 2, 3 and so on."""
    return " or ".join(
        f'label_replace(vector({number}), "n", "s{number}", "", "")'
        for number in range(1, MANY + 1)
    )


def test_what_the_reader_hid_stays_hidden_and_keeps_the_focus(
    visit: Visit, account: Account
) -> None:
    watched = visit(account.page("/explore"))
    figure = drawn(watched, CONSUMED, legend="{{TableName}}")
    button = figure.get_by_role("button", name="orders")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    ask_again(watched.page)
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(button).to_be_focused()
    figure.locator(".drawing").focus()
    watched.page.keyboard.press("End")
    spoken = figure.locator("[aria-live=polite]")
    expect(spoken).to_contain_text(f"carts {consumed(MINUTES - 1, 'carts'):,.0f}")
    expect(spoken).not_to_contain_text("orders")


def test_legends_have_the_highest_value_of_the_range(visit: Visit, account: Account) -> None:
    watched = visit(account.page("/explore"))
    figure = drawn(watched, f'{CONSUMED}{{TableName="orders"}}', legend="{{TableName}}")
    most = max(consumed(minute, "orders") for minute in range(MINUTES))
    expect(figure.locator(".legend .most")).to_have_text(f"max {most:,.0f}")


def test_a_stack_closes_over_what_is_hidden_and_tells_each_value(
    visit: Visit, account: Account
) -> None:
    watched = visit(account.page("/explore"))
    figure = drawn(watched, CONSUMED, legend="{{TableName}}", type="area", stacked=True)
    # Chromium's advice to whoever reads canvases often, as this test does.
    watched.forgive("willReadFrequently")
    values = figure.locator(".legend .value")
    shown = dict(zip(names(figure), values.all_inner_texts(), strict=True))
    last = MINUTES - 1
    assert shown == {table: f"{consumed(last, table):,.0f}" for table in ("orders", "carts")}
    figure_element = figure.element_handle()
    lowest = watched.page.evaluate(BOTTOM, [figure_element, 12])
    empty = watched.page.evaluate(BOTTOM, [figure_element, -3])
    figure.locator(".legend button").first.click()
    above = watched.page.evaluate(BOTTOM, [figure_element, 12])
    # The other one has come down to where the hidden one was.
    assert above not in (lowest, empty)
    figure.locator(".legend button").last.click()
    nothing = watched.page.evaluate(BOTTOM, [figure_element, 12])
    assert nothing not in (lowest, above)


def test_the_greatest_of_many_series_are_drawn_and_all_are_in_the_table(
    visit: Visit, account: Account
) -> None:
    watched = visit(account.page("/explore"))
    figure = drawn(watched, many(), legend="{{n}}")
    expect(figure.locator(".note")).to_contain_text(f"The 30 greatest of {MANY} series are drawn")
    assert names(figure) == [f"s{MANY - place}" for place in range(8)]
    figure.get_by_role("button", name="22 more").click()
    assert len(names(figure)) == 30
    ask_again(watched.page)
    assert len(names(figure)) == 30
    figure.get_by_role("button", name=re.compile("^Menu of")).click()
    figure.get_by_role("menuitem", name=f"All {MANY} series as table").click()
    rows = [row.locator("td").all_inner_texts() for row in figure.locator("tbody tr").all()]
    assert rows == [[f"s{number}", str(number)] for number in range(MANY, 0, -1)]
    watched.accessible()


def test_a_chart_of_the_past_asks_again_when_the_server_could_not_be_asked(
    visit: Visit, account: Account
) -> None:
    watched = visit(account.page("/explore"))
    page = watched.page
    watched.forgive("ERR_INTERNET_DISCONNECTED", "Failed to load resource")
    page.clock.install()
    page.reload()
    # So that the module of charts is there before the server is not.
    drawn(watched, CONSUMED).evaluate("figure => figure.remove()")
    page.context.set_offline(True)
    figure = put(watched, CONSUMED, legend="{{TableName}}")
    expect(figure.locator(".note.critical")).to_contain_text("does not answer")
    page.context.set_offline(False)
    page.clock.run_for(61_000)
    expect(figure.locator(".legend li")).to_have_count(2)


def test_names_and_labels_are_text_and_never_markup(visit: Visit, account: Account) -> None:
    watched = visit(account.page("/explore"))
    markup = "<img src=x onerror=alert(1)>"
    figure = drawn(watched, f'label_replace(vector(1), "n", "{markup}", "", "")', legend="{{n}}")
    expect(figure.locator(".legend .name")).to_have_text(markup)
    assert figure.locator("img").count() == 0


def test_a_number_of_several_metrics_is_not_explained_by_one_of_them(
    visit: Visit, account: Account
) -> None:
    watched = visit(account.page("/explore"))
    writes = CONSUMED.replace("Read", "Write")
    figure = drawn(watched, f"{CONSUMED} / {writes}")
    figure.get_by_role("button", name=re.compile("^Menu of")).click()
    expect(figure.get_by_role("menuitem", name="Open in Explore")).to_be_visible()
    expect(figure.get_by_role("menuitem", name="Why this number?")).to_have_count(0)
