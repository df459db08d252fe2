"""What the charts of a dashboard ask, with the answers: in one request, as PromQL gives them."""

import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from app.clock import ManualClock
from app.dashboards.questions import MOST_POINTS, step_seconds
from tests.fixtures.house import House
from tests.fixtures.rest import ask
from tests.fixtures.shop import END_MS, START_MS
from tests.fixtures.ticking import Ticking

API = "/prometheus/api/v1"
MINUTE_MS = 60_000
BOARD = """
uid: shop
title: Shop
variables:
  - {name: table, title: Table, selector: shop_reads, label: endpoint}
rows:
  - title: Reads
    widgets:
      - title: Read
        unit: count
        queries:
          - expression: sum(sum_over_time(shop_reads{endpoint=~"$table"}[$__interval]))
            legend: all
          - {expression: 'shop_reads{endpoint=~"$table"}', legend: "{{endpoint}}"}
      - title: The same
        unit: count
        queries:
          - {expression: 'shop_reads{endpoint=~"$table"}', legend: "{{endpoint}}"}
      - title: Now
        unit: count
        type: stat
        queries:
          - expression: sum(sum_over_time(shop_reads{endpoint=~"$table"}[$__range]))
            legend: all
"""


@pytest.fixture
def boards(tmp_path: Path) -> Path:
    (tmp_path / "shop.yaml").write_text(BOARD)
    return tmp_path


def answered(
    shop: House, boards: Path, start_ms: int, end_ms: int, **given: str
) -> list[dict[str, Any]]:
    parameters = "".join(f"&{name.replace('_', '-')}={quote(v)}" for name, v in given.items())
    times = f"start={start_ms / 1000}&end={end_ms / 1000}"
    url = f"{API}/dashboard_queries?uid=shop&{times}{parameters}"
    answer = ask(shop, url, dashboards=boards)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


@pytest.mark.parametrize("hours", [1, 24, 24 * 40])
def test_each_question_is_answered_as_promql_answers_it(
    shop: House, boards: Path, hours: int
) -> None:
    start_ms = max(END_MS - hours * 60 * MINUTE_MS, 0)
    found = answered(shop, boards, start_ms, END_MS, var_table="orders")
    # A question that two charts have is asked once.
    assert len(found) == 3
    for each in found:
        form = {name: str(value) for name, value in each["asked"].items()}
        path = "query" if "time" in form else "query_range"
        assert ask(shop, f"{API}/{path}", form=form).json() == each["answer"]
    step = step_seconds(start_ms, END_MS)
    assert found[0]["asked"]["query"].endswith(f'endpoint=~"orders"}}[{step}s]))')
    assert (END_MS - start_ms) / step / 1000 <= MOST_POINTS
    assert found[2]["asked"] == {
        "query": f'sum(sum_over_time(shop_reads{{endpoint=~"orders"}}[{hours * 3600}s]))',
        "time": END_MS // 1000,
    }
    assert found[2]["answer"]["data"]["result"]


def test_a_variable_without_a_value_stands_for_all(shop: House, boards: Path) -> None:
    found = answered(shop, boards, START_MS, END_MS, var_table="")
    assert 'endpoint=~".+"' in found[0]["asked"]["query"]


def test_a_page_asks_in_its_head_for_what_its_charts_ask(shop: House, boards: Path) -> None:
    url = f"/dashboards/shop?from={START_MS}&to={END_MS}&var-table=orders&var-table=it%22s"
    text = ask(shop, url, headers={"accept": "text/html"}, dashboards=boards).text
    (link,) = re.findall(r'<link rel="preload" as="fetch" crossorigin href="([^"]*)"', text)
    found = ask(shop, unescape(link), dashboards=boards).json()["data"]
    charts = [json.loads(unescape(each)) for each in re.findall(r'data-chart="([^"]*)"', text)]
    step = step_seconds(START_MS, END_MS)
    expected = [
        query["expression"]
        .replace("$__interval", f"{step}s")
        .replace("$__range", f"{(END_MS - START_MS) // 1000}s")
        for chart in charts
        for query in chart["queries"]
    ]
    assert [each["asked"]["query"] for each in found] == list(dict.fromkeys(expected))


def test_what_there_is_no_time_for_is_left_out(shop: House, boards: Path) -> None:
    slow = replace(shop, clock=Ticking(step=5.0))
    assert answered(slow, boards, START_MS, END_MS) == []
    one = replace(shop, clock=Ticking(step=0.1))
    assert len(answered(one, boards, START_MS, END_MS)) < 3
    assert len(answered(replace(shop, clock=ManualClock()), boards, START_MS, END_MS)) == 3


@pytest.mark.parametrize(
    ("parameters", "status", "said"),
    [
        ("uid=shops&start=0&end=60", 404, "there is no dashboard 'shops'"),
        ("start=0&end=60", 404, "there is no dashboard ''"),
        ("uid=shop&start=60&end=60", 400, "the end must be after the start"),
        ("uid=shop&start=-60&end=60", 400, "the end must be after the start"),
        ("uid=shop&start=60", 400, 'invalid parameter "end"'),
        ("uid=shop&start=0&end=9e12", 400, "the end must be after the start"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    shop: House, boards: Path, parameters: str, status: int, said: str
) -> None:
    answer = ask(shop, f"{API}/dashboard_queries?{parameters}", dashboards=boards)
    assert answer.status_code == status
    assert said in answer.json()["error"]
