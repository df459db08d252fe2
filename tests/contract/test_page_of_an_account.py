"""The page of an account shows the numbers of REST."""

import json
import re
from html import unescape
from typing import Any

import pytest

from app.web.formatting import money, number, per_second, percent
from tests.fixtures.dynamodb_account import END_MS, RANGE, START_MS, Stored, sent
from tests.fixtures.html_tables import rows_of_tables
from tests.fixtures.rest import ask, get

_MOST = 2_000_000
_ACCOUNT = sent().account
_HOUR_MS = 3_600_000
_WHOLE_MS = END_MS - END_MS % _HOUR_MS


def _part(stored: Stored, question: str) -> str:
    response = ask(
        stored.inside,
        f"/accounts/{_ACCOUNT}?{question}&from={START_MS}&to={END_MS}",
        _MOST,
        headers={"hx-request": "true"},
    )
    assert response.status_code == 200
    return response.text


def _rest(stored: Stored, path: str, question: str = RANGE) -> dict[str, Any]:
    status, answer = get(stored.inside, f"/api/v1/dynamodb/{path}{question}", _MOST)
    assert status == 200
    return answer


def test_regions_and_limits_are_those_of_rest(dynamodb_account: Stored) -> None:
    regions, limits = rows_of_tables(_part(dynamodb_account, "part=figures"))
    reports = _rest(dynamodb_account, f"account?account={_ACCOUNT}&")["accounts"]
    assert len(reports) == 2
    values = [
        {name: figure["value"] for name, figure in each["figures"].items()} for each in reports
    ]
    assert [[row[0], *row[2:]] for row in regions[1:]] == [
        [
            each["region"],
            number(each["tables"]),
            per_second(value.get("request_rate")),
            number(value.get("consumed_read_capacity")),
            number(value.get("consumed_write_capacity")),
            number(value["read_throttle_events"] + value["write_throttle_events"]),
            number(value.get("system_errors")),
            number(value.get("user_errors")),
        ]
        for each, value in zip(reports, values, strict=True)
    ]
    assert limits[1:] == [
        [
            each["region"],
            kind.capitalize(),
            number(value.get(f"provisioned_{kind[:-1]}_capacity")),
            number(value.get(f"account_max_{kind}")),
            percent(value.get(f"account_provisioned_{kind}_utilization")),
            number(value.get(f"account_max_table_level_{kind}")),
            percent(value.get(f"max_provisioned_table_{kind}_utilization")),
        ]
        for each, value in zip(reports, values, strict=True)
        for kind in ("reads", "writes")
    ]
    assert any(row[4] != "–" for row in limits[1:])


def test_costs_by_day_are_those_of_rest(dynamodb_account: Stored) -> None:
    (table,) = rows_of_tables(_part(dynamodb_account, "part=costs"))
    answer = _rest(
        dynamodb_account,
        f"cost?account={_ACCOUNT}&",
        f"start={_WHOLE_MS - 168 * _HOUR_MS}&end={_WHOLE_MS}",
    )
    assert [[row[0].partition("|")[0].strip(), *row[1:]] for row in table[1:]] == [
        [
            day["date"],
            *(
                (money(float(day[name])) for name in ("cost", "provisioned", "on_demand", "unused"))
                if float(day["cost"])
                else ["nothing that costs was delivered"]
            ),
        ]
        for day in reversed(answer["days"])
    ]
    assert {len(row) for row in table[1:]} == {2, 5}


@pytest.mark.parametrize("figure", ["consumed_write_capacity", "latency", "read_throttle_events"])
def test_top_tables_are_those_of_rest(dynamodb_account: Stored, figure: str) -> None:
    (table,) = rows_of_tables(_part(dynamodb_account, f"part=top&by={figure}"))
    answer = _rest(dynamodb_account, f"top?account={_ACCOUNT}&by={figure}&n=15&")["top"]
    assert answer
    assert [row[:4] for row in table[1:]] == [
        [each["table"], each["region"], number(each["value"]), number(each["peak"])]
        for each in answer
    ]


def test_limits_in_words(dynamodb_account: Stored) -> None:
    part = _part(dynamodb_account, "part=limits")
    question = f"start={_WHOLE_MS - 28 * 24 * _HOUR_MS}&end={_WHOLE_MS}"
    limits = _rest(dynamodb_account, f"limits?account={_ACCOUNT}&", question)["limits"]
    told = [each for each in limits if each["outcome"] in {"reached", "projected"}]
    assert f" {len(limits)} limits" in part
    if told:
        (table,) = rows_of_tables(part)
        assert [row[2] for row in table[1:]] == [percent(each["peak"]) for each in told[:10]]
    else:
        assert "none was reached" in part


def test_its_charts_ask_what_the_server_answers(dynamodb_account: Stored) -> None:
    response = ask(
        dynamodb_account.inside,
        f"/accounts/{_ACCOUNT}?from={START_MS}&to={END_MS}",
        _MOST,
        headers={"accept": "text/html"},
    )
    assert response.status_code == 200
    charts = [
        json.loads(unescape(text)) for text in re.findall(r'data-chart="([^"]*)"', response.text)
    ]
    assert [chart["title"] for chart in charts][:2] == ["Requests", "Consumed capacity"]
    for chart in charts:
        for query in chart["queries"]:
            status, answer = get(
                dynamodb_account.inside,
                "/prometheus/api/v1/query?query="
                + query["expression"].replace("$__interval", "300s").replace("+", "%2B"),
            )
            assert (status, answer["status"]) == (200, "success")


def test_an_account_that_is_not_there_names_those_that_are(dynamodb_account: Stored) -> None:
    response = ask(
        dynamodb_account.inside,
        f"/accounts/1234?part=figures&from={START_MS}&to={END_MS}",
        _MOST,
        headers={"hx-request": "true"},
    )
    assert response.status_code == 200
    page = ask(
        dynamodb_account.inside,
        f"/accounts/1234?from={START_MS}&to={END_MS}",
        _MOST,
        headers={"accept": "text/html"},
    )
    assert "Nothing of this account in this time" in page.text
    assert f"/accounts/{_ACCOUNT}" in page.text


@pytest.mark.parametrize(
    ("question", "told"),
    [("part=top&by=size", "is not a figure of tables"), ("part=all", "is none of figures")],
)
def test_a_wrong_part_is_told(dynamodb_account: Stored, question: str, told: str) -> None:
    response = ask(
        dynamodb_account.inside, f"/accounts/{_ACCOUNT}?{question}", headers={"accept": "text/html"}
    )
    assert response.status_code == 400
    assert told in response.text
