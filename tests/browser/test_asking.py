"""What charts ask for: once, patiently, of one range, and what they say meanwhile."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.test_series_of_charts import ASK_AGAIN, drawn, put
from tests.fixtures.browser import Visit, Watched
from tests.fixtures.watched import CONSUMED, Account

pytestmark = pytest.mark.e2e

QUESTIONS = re.compile("/api/v1/queries$")
EARLY = re.compile("/api/v1/dashboard_queries")
NOTHING = {"status": "success", "data": {"resultType": "matrix", "result": []}}


def held(page: Page, questions: re.Pattern[str] = QUESTIONS) -> list[Route]:
    """Questions that wait for an answer from now on."""
    waiting: list[Route] = []
    # Playwright looks into what it calls, which a built-in method does not let it.
    page.route(questions, lambda route: waiting.append(route))  # noqa: PLW0108
    return waiting


def until(page: Page, condition: Callable[[], bool]) -> None:
    for _ in range(100):
        if condition():
            return
        page.wait_for_timeout(20)
    raise AssertionError("it does not come")


def on_dashboard(visit: Visit, account: Account) -> Watched:
    watched = visit(account.page("/dashboards/hydrant-dynamodb-account"))
    for figure in watched.page.locator("figure.chart").all()[:3]:
        figure.locator("canvas, .stats, table").first.wait_for()
    return watched


def test_a_slow_server_is_asked_once_and_heard(visit: Visit) -> None:
    watched = visit("/explore?from=now-15m&to=now")
    page = watched.page
    page.clock.install()
    page.reload()
    drawn(watched, "vector(1)", legend="one").evaluate("figure => figure.remove()")
    waiting = held(page)
    figure = put(watched, CONSUMED, legend="{{TableName}}")
    until(page, lambda: len(waiting) == 1)
    for _ in range(5):
        page.clock.run_for(10_000)
    page.wait_for_timeout(100)
    assert len(waiting) == 1
    waiting.pop().fulfill(json={"status": "success", "data": [NOTHING]})
    expect(figure.locator(".note")).to_have_text("There is nothing in this range.")
    page.clock.run_for(10_000)
    until(page, lambda: len(waiting) == 1)
    waiting.pop().continue_()


def queries_of(route: Route) -> list[str]:
    """The expressions that a request asks."""
    content: Any = route.request.post_data_json
    return [each["query"] for each in content["queries"]]


def asked_of(watched: Watched, pattern: re.Pattern[str]) -> list[Any]:
    """The bodies of questions from now on; None of those that have no body."""
    bodies: list[Any] = []

    def note(request: Request) -> None:
        if pattern.search(request.url):
            bodies.append(request.post_data_json)

    watched.page.on("request", note)
    return bodies


def test_a_page_asks_once_for_all_of_its_charts(visit: Visit, account: Account) -> None:
    watched = visit("/explore?from=now-15m&to=now")
    early, late = asked_of(watched, EARLY), asked_of(watched, QUESTIONS)
    watched.open(account.page("/tables/orders"))
    watched.drawn("Read units per second")
    watched.page.wait_for_function("() => !document.querySelector('[aria-busy=true]')")
    watched.page.mouse.wheel(0, 20_000)
    watched.drawn("Throttled writes of indexes")
    assert (early, late) == ([None], [])
    # What is asked again does not get the answers from before.
    watched.page.evaluate(ASK_AGAIN)
    until(watched.page, lambda: len(late) > 0)


def test_charts_ask_themselves_where_what_was_asked_first_fails(
    visit: Visit, account: Account
) -> None:
    watched = visit("/explore?from=now-15m&to=now", forgiven=("status of 503", "preload"))
    page = watched.page
    page.route(EARLY, lambda route: route.fulfill(status=503, body="<html>busy</html>"))
    late = asked_of(watched, QUESTIONS)
    watched.open(account.page("/tables/orders"))
    watched.drawn("Read units per second")
    assert late
    # What is seen at the same time goes together, though not all in one.
    assert all(1 < len(body["queries"]) <= 8 for body in late[:1])
    assert len(late) < sum(len(body["queries"]) for body in late) / 2


def test_what_a_slow_question_held_up_is_asked_alone(visit: Visit, account: Account) -> None:
    watched = visit(account.page("/explore"))
    page = watched.page
    waiting = held(page)
    put(watched, "vector(1)", "vector(2)", "vector(3)", legend="one")
    until(page, lambda: len(waiting) == 1)
    first = waiting.pop()
    assert queries_of(first) == ["vector(1)", "vector(2)", "vector(3)"]
    first.fulfill(json={"status": "success", "data": [NOTHING]})
    until(page, lambda: len(waiting) == 2)
    assert [queries_of(route) for route in waiting] == [["vector(2)"], ["vector(3)"]]
    for route in waiting:
        route.continue_()
    added = page.locator("figure.chart").filter(has=page.get_by_role("heading", name="Added"))
    expect(added.locator(".legend li")).to_have_count(2)


def test_a_server_that_answers_nothing_is_not_asked_for_ever(
    visit: Visit, account: Account
) -> None:
    watched = visit(account.page("/explore"))
    asked = asked_of(watched, QUESTIONS)
    watched.page.route(
        QUESTIONS, lambda route: route.fulfill(json={"status": "success", "data": []})
    )
    figure = put(watched, "vector(1)", legend="one")
    expect(figure.locator(".note.critical")).to_contain_text("The server answered nothing.")
    assert len(asked) == 1


def test_what_nobody_waits_for_is_given_up(visit: Visit, account: Account) -> None:
    watched = visit(account.page("/explore"))
    page = watched.page
    waiting = held(page)
    put(watched, "vector(1)", legend="one")
    until(page, lambda: len(waiting) == 1)
    with page.expect_event("requestfailed") as failed:
        page.evaluate("() => document.querySelector('figure.chart').remove()")
    assert QUESTIONS.search(failed.value.url)


def test_a_drag_zooms_once_whatever_the_number_of_charts(visit: Visit, account: Account) -> None:
    page = on_dashboard(visit, account).page
    before = page.evaluate("() => history.length")
    plot = page.locator("figure.chart .u-over").first
    box = plot.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.3, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile("from=1[0-9]{12}"))
    page.wait_for_timeout(100)
    assert page.evaluate("() => history.length") == before + 1


@pytest.mark.parametrize("status", [429, 502, 503])
def test_a_chart_goes_on_after_a_proxy_answered_for_the_server(
    visit: Visit, account: Account, status: int
) -> None:
    watched = visit(account.page("/explore"), forgiven=(f"status of {status}",))
    page = watched.page
    page.clock.install()
    page.reload()
    drawn(watched, "vector(1)", legend="one").evaluate("figure => figure.remove()")
    page.route(
        QUESTIONS, lambda route: route.fulfill(status=status, body="<html>busy</html>"), times=1
    )
    figure = put(watched, CONSUMED, legend="{{TableName}}")
    expect(figure.locator(".note.critical")).to_contain_text(f"({status})")
    page.clock.run_for(61_000)
    expect(figure.locator(".legend li")).to_have_count(2)
    expect(figure.locator(".note")).to_be_hidden()


def test_what_was_read_before_stays_at_its_time_when_a_range_is_refused(
    visit: Visit, account: Account
) -> None:
    watched = visit(account.page("/explore"), forgiven=("status of 422",))
    page = watched.page
    figure = drawn(watched, CONSUMED, legend="{{TableName}}")
    figure.get_by_role("button", name=re.compile("^Menu of")).click()
    figure.get_by_role("menuitem", name="As table").click()
    rows = figure.locator("tbody tr")
    before = rows.all_inner_texts()
    assert len(before) > 10
    refusal = {"status": "error", "errorType": "execution", "error": "too many points"}
    page.route(QUESTIONS, lambda route: route.fulfill(status=422, json=refusal))
    watched.page.evaluate(
        """async () => {
      const { href } = document.querySelector("link[rel=modulepreload][href$='charts/range.js']");
      const { widen } = await import(href);
      widen();
      widen();
    }"""
    )
    note = figure.locator(".note.critical")
    expect(note).to_contain_text("too many points What was read before is drawn.")
    assert rows.all_inner_texts() == before
    page.evaluate("() => document.dispatchEvent(new CustomEvent('hydrant:times'))")
    assert rows.all_inner_texts() == before
    expect(note).to_contain_text("too many points")


def test_values_do_not_wait_for_marks_and_lacking_ones_are_told(
    visit: Visit, account: Account
) -> None:
    watched = visit(account.page("/explore"), forgiven=("status of 503",))
    waiting = held(watched.page, re.compile("/api/v1/marks"))
    watched.page.evaluate(ASK_AGAIN)
    watched.page.wait_for_timeout(50)
    figure = drawn(watched, CONSUMED, legend="{{TableName}}")
    expect(figure.locator(".legend li")).to_have_count(2)
    until(watched.page, lambda: len(waiting) >= 1)
    for route in waiting:
        route.fulfill(status=503, body="")
    expect(figure.locator(".note.warning")).to_contain_text("Not all alarms and deployments")


JOINED = """async ([path, values]) => {
  const { href } = document.querySelector("link[rel=modulepreload][href$='charts/columns.js']");
  const { joined, stackedColumns } = await import(href);
  const letter = (value) => (value === undefined ? "-" : value === null ? "." : String(value));
  const text = (column) => column.map(letter);
  if (path === "joined") return text(joined(values));
  return stackedColumns(values.map(joined), [...values.keys()]).map(text);
}"""


def test_what_comes_regularly_is_joined_and_what_comes_now_and_then_is_not(visit: Visit) -> None:
    page = visit("/explore?from=now-15m&to=now").page

    def joined(*values: int | None) -> str:
        return "".join(page.evaluate(JOINED, ["joined", list(values)]))

    n = None
    assert joined(1, n, n, 2, n, n, 3) == "1--2--3"
    assert joined(1, n, n, 2, n, 3, n, n, n, n, n, 4, n, n, 5) == "1--2-3.....4--5"
    assert joined(1, n, n, n, n, n, 2, n) == "1.....2."
    assert joined(1, n, n, 2, n, n, n, n, n, n, n, 3) == "1..2.......3"
    assert joined(1, 2, n, 3) == "12.3"


def test_stacks_keep_what_lies_between_regular_values(visit: Visit) -> None:
    page = visit("/explore?from=now-15m&to=now").page
    n = None
    every = [1, 1, 1, 1, 1, 1, 1]
    third = [3, n, n, 6, n, n, 9]
    assert page.evaluate(JOINED, ["stacked", [every, third]]) == [
        list("1111111"),
        ["4", "5", "6", "7", "8", "9", "10"],
    ]
    assert page.evaluate(JOINED, ["stacked", [third, third]]) == [
        ["3", "-", "-", "6", "-", "-", "9"],
        ["6", "-", "-", "12", "-", "-", "18"],
    ]
