"""The list of tables and the overview show the numbers of REST, and find what is asked for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.web.formatting import MISSING, milliseconds, number, per_second, percent
from tests.fixtures.dynamodb_account import END_MS, RANGE, START_MS, Stored
from tests.fixtures.house import House, house
from tests.fixtures.html_tables import rows_of_tables
from tests.fixtures.rest import ask, get

_MOST = 2_000_000
_RANGE = f"from={START_MS}&to={END_MS}"
_PART = {"accept": "text/html", "hx-request": "true"}
_PAGE = {"accept": "text/html"}
_TITLES = (
    "Table State Account Region Capacity Reads|units/s Writes|units/s Consumed Peak"
    " use|of limit Throttles|events Slowest|average Errors|HTTP 500 Cost|24 h"
)


def _page(inside: House, url: str, headers: dict[str, str] | None = None) -> str:
    response = ask(inside, url, _MOST, headers=headers or _PART)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/html")
    return response.text


def _rest(inside: House, path: str, question: str = RANGE) -> dict[str, Any]:
    status, answer = get(inside, f"/api/v1/dynamodb/{path}?{question}", _MOST)
    assert status == 200
    return answer


def _listed(inside: House, question: str = "") -> list[list[str]]:
    (table,) = rows_of_tables(_page(inside, f"/tables?{_RANGE}{question}"))
    return table[1:]


def _key(row: list[str]) -> tuple[str, str, str]:
    return row[2], row[3], row[0].partition("|")[0].strip()


def test_the_list_has_the_numbers_of_rest(dynamodb_account: Stored) -> None:
    inside = dynamodb_account.inside
    items = _rest(inside, "tables")["tables"]
    tables = {
        (each["account"], each["region"], each["table"]): each["figures"]
        for each in items
        if not each["index"]
    }
    peaks: dict[tuple[str, ...], float] = {}
    for each in _rest(inside, "utilization")["utilization"]:
        key = (each["account"], each["region"], each["table"])
        if not each["index"] and each["peak"] is not None:
            peaks[key] = max(each["peak"], peaks.get(key, 0.0))
    slowest: dict[tuple[str, ...], dict[str, Any]] = {}
    for each in _rest(inside, "latency")["operations"]:
        if each["average_ms"] is not None:
            slowest.setdefault((each["account"], each["region"], each["table"]), each)
    rows = {_key(row): row for row in _listed(inside)}
    assert rows.keys() == tables.keys()
    assert len(rows) == 20
    for key, row in rows.items():
        figures = tables[key]
        events = [figures.get(f"{kind}_throttle_events", 0.0) for kind in ("read", "write")]
        assert row[5:7] == [
            number(figures.get(f"consumed_{kind}_capacity")) for kind in ("read", "write")
        ]
        assert row[8] == percent(peaks.get(key))
        assert row[9].partition("|")[0] == number(sum(events))
        latency = slowest.get(key)
        assert row[10] == (
            f"{milliseconds(latency['average_ms'])}|{latency['operation']}" if latency else MISSING
        )
        assert row[11] == number(figures.get("system_errors"))


def test_costs_of_the_list_are_those_of_rest(dynamodb_account: Stored) -> None:
    inside = dynamodb_account.inside
    end_ms = END_MS - END_MS % 3_600_000
    question = f"start={end_ms - 24 * 3_600_000}&end={end_ms}"
    costs = {
        (each["account"], each["region"], each["table"]): each["total"]["cost"]
        for each in _rest(inside, "cost", question)["tables"]
    }
    rows = _listed(inside, "&costs=1&sort=cost")
    assert len(rows) == len(costs)
    shown = [(_key(row), row[12]) for row in rows]
    for key, text in shown:
        amount = float(costs[key])
        decimals = 2 if amount == 0 or amount >= 0.1 else 4
        assert text == f"{amount:,.{decimals}f} USD"
    order = [float(costs[key]) for key, _ in shown]
    assert order == sorted(order, reverse=True)


def test_it_is_searched_filtered_and_sorted(dynamodb_account: Stored) -> None:
    inside = dynamodb_account.inside
    every = _listed(inside)
    name = every[3][0].partition("|")[0].strip()
    sought = name[1:4].upper()
    found = _listed(inside, f"&q={sought}")
    assert sorted(_key(row) for row in found) == sorted(
        _key(row) for row in every if sought.lower() in _key(row)[2]
    )
    region = every[0][3]
    assert {row[3] for row in _listed(inside, f"&region={region}")} == {region}
    assert len(_listed(inside, f"&region={region}")) == 10
    problems = _listed(inside, "&problems=1")
    assert sorted(map(_key, problems)) == sorted(_key(row) for row in every if row[1] != "Calm")
    names = [_key(row)[2] for row in _listed(inside, "&sort=table")]
    assert names == sorted(names)
    assert [_key(row)[2] for row in _listed(inside, "&sort=table&order=desc")] == names[::-1]
    throttles = {
        (each["account"], each["region"], each["table"]): 0.0
        for each in _rest(inside, "tables")["tables"]
    }
    for each in _rest(inside, "tables")["tables"]:
        for kind in ("read", "write"):
            key = each["account"], each["region"], each["table"]
            throttles[key] += each["figures"].get(f"{kind}_throttle_events", 0.0)
    order = [throttles[_key(row)] for row in _listed(inside, "&sort=throttles")]
    assert order == sorted(order, reverse=True)
    assert order[0] > 0
    assert "No table matches" in _page(inside, f"/tables?{_RANGE}&q=no-such-table")


def test_what_is_sorted_is_said_and_can_be_turned(dynamodb_account: Stored) -> None:
    inside = dynamodb_account.inside
    part = _page(inside, f"/tables?{_RANGE}&sort=reads")
    head = rows_of_tables(part)[0][0]
    assert " ".join(each.replace(" ▼", "") for each in head) == _TITLES
    assert part.count('aria-sort="descending"') == part.count("aria-sort") == 1
    assert "sort=reads&amp;order=asc" in part


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("sort=size", "&#39;size&#39; is no column"),
        ("order=up", "&#39;up&#39; is neither asc nor desc"),
        ("page=0", "&#39;0&#39; is not the number of a page"),
        ("from=now-x", "&#39;now-x&#39; is not a time"),
    ],
)
def test_a_wrong_question_is_told(dynamodb_account: Stored, question: str, told: str) -> None:
    response = ask(dynamodb_account.inside, f"/tables?{question}", headers=_PAGE)
    assert response.status_code == 400
    assert told in response.text


def test_the_overview_has_the_numbers_of_rest(dynamodb_account: Stored) -> None:
    inside = dynamodb_account.inside
    throttled, accounts = rows_of_tables(_page(inside, f"/?part=figures&{_RANGE}"))
    expected = []
    for each in _rest(inside, "account")["accounts"]:
        value = {name: figure["value"] for name, figure in each["figures"].items()}
        throttles = [
            value[f"{k}_throttle_events"]
            for k in ("read", "write")
            if f"{k}_throttle_events" in value
        ]
        expected.append(
            [
                each["account"],
                each["region"],
                number(each["tables"]),
                per_second(value.get("request_rate")),
                number(value.get("consumed_read_capacity")),
                number(value.get("consumed_write_capacity")),
                number(sum(throttles) if throttles else None),
                number(value.get("system_errors")),
                number(value.get("user_errors")),
            ]
        )
    assert accounts[1:] == expected
    assert len(expected) == 2
    events: dict[tuple[str, str, str], float] = {}
    for each in _rest(inside, "tables")["tables"]:
        key = each["account"], each["region"], each["table"]
        for kind in ("read", "write"):
            found = each["figures"].get(f"{kind}_throttle_events", 0.0)
            events[key] = events.get(key, 0.0) + found
    some = {key: count for key, count in events.items() if count}
    assert some
    assert f"{len(some)} of 20 tables" in _page(inside, f"/?part=figures&{_RANGE}")
    shown = [row[2].partition("|")[0] for row in throttled[1:]]
    assert sorted(shown) == sorted(map(number, sorted(some.values(), reverse=True)[: len(shown)]))


def test_the_page_says_what_is_wrong_first(dynamodb_account: Stored) -> None:
    inside = dynamodb_account.inside
    _page(inside, f"/?part=figures&{_RANGE}")
    page = _page(inside, f"/?{_RANGE}", _PAGE)
    places = [page.index(f'aria-labelledby="{name}"') for name in ("firing", "flow", "throttled")]
    assert places == sorted(places)
    assert (
        page.index('id="throttled"') < page.index('id="accounts"') < page.index('id="top-latency"')
    )
    # Links keep the range.
    assert f"from={START_MS}&amp;to={END_MS}" in page
    assert " style=" not in page


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[House]:
    """A house into which nothing has come."""
    with house(f"sqlite:///{tmp_path / 'h.db'}", []) as made:
        yield made


def test_an_empty_database_tells_the_first_steps(empty: House) -> None:
    assert "Nothing has arrived yet" in _page(empty, "/", _PAGE)
    assert "No table in this time" in _page(empty, "/tables", _PAGE)


def test_the_address_of_what_is_shown_can_be_kept(dynamodb_account: Stored) -> None:
    response = ask(
        dynamodb_account.inside,
        f"/tables?{_RANGE}&q=a&account=&region=&problems=1&costs=1&sort=reads&order=asc",
        _MOST,
        headers=_PART,
    )
    address = response.headers["hx-replace-url"]
    assert address == f"/tables?q=a&problems=1&sort=reads&order=asc&{_RANGE}"
    again = ask(dynamodb_account.inside, address, _MOST, headers=_PART)
    assert rows_of_tables(again.text) == rows_of_tables(response.text)
