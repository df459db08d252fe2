"""Numbers of charts as people read them: shares, axes, tables and how many of them are shown."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from app.web.formatting import percent
from tests.browser.test_charts import choose
from tests.browser.test_series_of_charts import many, put
from tests.fixtures.browser import Visit
from tests.fixtures.watched import CONSUMED, Account

pytestmark = pytest.mark.e2e


def told(page: Page, module: str, expression: str, *given: object) -> Any:  # noqa: ANN401 - JSON
    """What an expression of ``module``, one of the page's, and ``given`` gives."""
    return page.evaluate(
        f"""async ([path, given]) => {{
      const page = document.querySelector("script[src$='page.js']").src;
      const module = await import(page.replace("page.js", path));
      return {expression};
    }}""",
        [module, list(given)],
    )


def test_a_share_below_100_never_reads_100_and_one_above_0_never_0(visit: Visit) -> None:
    page = visit("/explore").page
    shares = {
        0.0: "0 %",
        0.000_012_3: "0.0000123 %",
        97.64: "97.6 %",
        99.57: "99.57 %",
        99.96: "99.96 %",
        99.996: "99.99 %",
        99.999_999_999_999: "99.99 %",
        -99.996: "−99.99 %",
        100.0: "100 %",
        100.2: "100 %",
    }
    call = "given.map(([value, unit]) => module.valueText(value, unit))"
    percents = told(page, "charts/units.js", call, *([each, "percent"] for each in shares))
    assert percents == list(shares.values())
    ratios = told(page, "charts/units.js", call, *([each / 100, "ratio"] for each in shares))
    assert ratios == list(shares.values())
    # Tables that the server writes tell the same of what is near the end.
    near = [99 + number / 1000 for number in range(1, 1000)]
    shown = told(page, "charts/units.js", call, *([each, "percent"] for each in near))
    assert shown == [percent(each) for each in near]


def test_a_stat_of_many_series_says_how_many_it_shows(visit: Visit) -> None:
    watched = visit("/explore")
    figure = put(watched, many(), legend="{{n}}", type="stat")
    expect(figure.locator(".stats li")).to_have_count(12)
    expect(figure.locator(".drawing .note")).to_contain_text("12 of 40 shown")


def test_the_table_of_a_chart_has_the_keys_and_the_role_of_a_table(
    visit: Visit, account: Account
) -> None:
    watched = visit(account.page("/explore", q=CONSUMED), width=500)
    watched.drawn()
    page = watched.page
    figure = page.locator("figure.chart")
    drawing = figure.locator(".drawing")
    choose(figure, "As table")
    scroll = figure.locator(".scroll")
    scroll.wait_for()
    for name in ("role", "tabindex", "aria-label"):
        assert drawing.get_attribute(name) is None
    watched.accessible()
    scroll.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('figure.chart .scroll').scrollLeft > 0")
    url = page.url
    page.keyboard.press("Enter")
    expect(figure.get_by_role("menu")).to_be_hidden()
    page.keyboard.press("Escape")
    assert page.url == url
    choose(figure, "As chart")
    expect(drawing).to_have_attribute("role", "img")
    drawing.focus()
    page.keyboard.press("End")
    expect(figure.locator("[aria-live=polite]")).to_contain_text("orders")


AXIS = """given.map(([chart, least, most]) => {
  const usual = { type: "line", stacked: false, thresholds: [], minimum: 0, maximum: null };
  return module.valuesRange({ ...usual, ...chart })(null, least, most, "y");
})"""


def test_an_axis_is_as_its_minimum_and_maximum_say(visit: Visit) -> None:
    page = visit("/explore").page
    auto: dict[str, object] = {"minimum": None}
    percentage = {"maximum": 100}
    cases: list[tuple[tuple[dict[str, object], float | None, float | None], list[float]]] = [
        (({}, 95, 99), [0, 106.92]),
        ((auto, 95, 99), [94.68, 99.3456]),
        ((auto, 1, 99), [0, 106.92]),
        ((auto, -10, 90), [-18, 98.64]),
        ((auto, None, None), [0, 1]),
        (({**auto, "type": "bars"}, 95, 99), [0, 106.92]),
        (({**auto, "type": "area", "stacked": True}, 95, 99), [0, 106.92]),
        (({**percentage}, 20, 100), [0, 100]),
        (({**percentage}, 20, 30), [0, 100]),
        (({**percentage, "thresholds": [{"value": 99}]}, 20, 98), [0, 100]),
        (({**percentage}, 20, 200), [0, 216]),
    ]
    ranges = told(page, "charts/axes.js", AXIS, *(given for given, _ in cases))
    for shown, (given, expected) in zip(ranges, cases, strict=True):
        assert shown == pytest.approx(expected), given


def test_the_axis_of_explore_begins_at_zero(visit: Visit, account: Account) -> None:
    watched = visit(account.page("/explore", q="vector(97)"))
    chart = watched.page.locator("figure.chart").get_attribute("data-chart")
    assert json.loads(chart or "")["minimum"] == 0


def test_an_axis_of_hours_says_of_which_day_they_are(visit: Visit) -> None:
    page = visit("/explore").page
    late = 1_767_308_400  # 2026-01-01 23:00 UTC
    call = 'module.axesOf("none")[0].values(null, given, 0, 70, 1800)'
    assert told(page, "charts/axes.js", call, *(late + 1800 * place for place in range(4))) == [
        "23:00\nJan 1",
        "23:30",
        "00:00\nJan 2",
        "00:30",
    ]
