"""Legends of charts: series keep their own name, their own switch and their own row."""

import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.test_numbers_of_charts import told
from tests.browser.test_series_of_charts import ask_again, drawn, names, put
from tests.fixtures.browser import Visit
from tests.fixtures.watched import CONSUMED, Account

pytestmark = pytest.mark.e2e

WRITES = CONSUMED.replace("Read", "Write")


def test_expressions_without_labels_are_told_apart_and_hidden_alone(
    visit: Visit, account: Account
) -> None:
    expressions = [f"sum({CONSUMED})", f"sum({WRITES})"]
    watched = visit(account.page("/explore", q=expressions[0]) + f"&q={expressions[1]}")
    watched.drawn()
    figure = watched.page.locator("figure.chart")
    assert names(figure) == expressions
    first, second = figure.locator(".legend button").all()
    first.click()
    expect(second).to_have_attribute("aria-pressed", "true")
    figure.locator(".drawing").focus()
    watched.page.keyboard.press("End")
    spoken = figure.locator("[aria-live=polite]")
    expect(spoken).to_contain_text(expressions[1])
    expect(spoken).not_to_contain_text(expressions[0])


@pytest.mark.parametrize(
    ("expressions", "legend", "expected"),
    [
        ([CONSUMED, WRITES], "{{TableName}}", ["orders", "carts"]),
        (["vector(1)", "vector(1)"], "", ["value (A)", "value (B)"]),
        (["vector(1)", "vector(2)"], "same", ["same (vector(1))", "same (vector(2))"]),
    ],
)
def test_no_two_series_have_the_same_legend(
    visit: Visit, account: Account, expressions: list[str], legend: str, expected: list[str]
) -> None:
    figure = drawn(visit(account.page("/explore")), *expressions, legend=legend)
    shown = names(figure)
    assert len(set(shown)) == len(shown)
    assert [any(text in each for each in shown) for text in expected] == [True] * len(expected)


def test_the_same_expression_twice_is_hidden_once(visit: Visit, account: Account) -> None:
    watched = visit(account.page("/explore"))
    figure = drawn(watched, "vector(1)", "vector(1)")
    figure.locator(".legend button").first.click()
    ask_again(watched.page)
    pressed = [
        each.get_attribute("aria-pressed") for each in figure.locator(".legend button").all()
    ]
    assert pressed == ["false", "true"]
    figure.locator(".drawing").focus()
    watched.page.keyboard.press("End")
    expect(figure.locator("[aria-live=polite]")).to_contain_text(": value (B) 1")


def test_what_is_hidden_stays_so_when_its_legend_changes(visit: Visit, account: Account) -> None:
    watched = visit(account.page("/explore"))
    figure = drawn(watched, CONSUMED, WRITES, legend="{{TableName}}")
    figure.locator(".legend button").first.click()
    # One of the two expressions gives nothing any more, so that legends need not tell them apart.
    empty = {"status": "success", "data": {"resultType": "matrix", "result": []}}

    def answer(route: Route) -> None:
        content = route.fetch().json()
        questions: Any = route.request.post_data_json
        for place, asked in enumerate(questions["queries"]):
            if "Write" in asked["query"]:
                content["data"][place] = empty
        route.fulfill(json=content)

    watched.page.route(re.compile("/api/v1/queries"), answer)
    hidden = names(figure)[0]
    ask_again(watched.page)
    expect(figure.locator(".legend li")).to_have_count(2)
    first = figure.locator(".legend button").first
    assert names(figure)[0] != hidden
    expect(first).to_have_attribute("aria-pressed", "false")


def test_series_that_differ_only_in_name_have_rows_of_their_own(
    visit: Visit, account: Account
) -> None:
    watched = visit(account.page("/explore"))
    both = f'{{__name__=~"{CONSUMED}|{WRITES}", TableName="orders"}}'
    queries = [{"expression": both, "legend": "", "instant": True}]
    figure = put(watched, both, type="table", queries=queries)
    rows = figure.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(figure.locator("thead th").first).to_have_text("Metric")
    assert {row.locator("td").first.inner_text() for row in rows.all()} == {CONSUMED, WRITES}


def test_series_differ_in_more_than_their_colour(visit: Visit) -> None:
    page = visit("/explore").page
    lines = told(page, "charts/palette.js", "given.map(place => module.lineOf(place))", *range(30))
    dashes = [tuple(each["dash"]) for each in lines]
    assert dashes[0] == ()
    assert len(set(dashes[:8])) == 8
    # What is filled has the colour alone.
    assert len({each["stroke"] for each in lines}) == 30
