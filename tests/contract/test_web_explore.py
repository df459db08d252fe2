"""Explore: expressions and raw series on pages, with the numbers that REST answers."""

import html
import json
import re
from urllib.parse import quote

import pytest

from app.web.formatting import exact
from tests.fixtures.house import House
from tests.fixtures.rest import ask, get
from tests.fixtures.shop import ACCOUNT, END_MS, START_MS

BROWSER = {"accept": "text/html"}
RANGE = f"from={START_MS}&to={START_MS + 600_000}"


def page(shop: House, url: str) -> str:
    answer = ask(shop, url, 1_000_000, headers=BROWSER)
    assert answer.status_code == 200, answer.text
    return answer.text


def charts(text: str) -> list[dict[str, object]]:
    return [json.loads(html.unescape(each)) for each in re.findall(r'data-chart="([^"]*)"', text)]


def test_an_expression_is_drawn_over_the_range(shop: House) -> None:
    text = page(shop, f"/explore?{RANGE}&q={quote('sum(shop_reads)')}")
    (chart,) = charts(text)
    assert chart["queries"] == [{"expression": "sum(shop_reads)", "legend": "", "instant": False}]
    assert f'value="{START_MS}"' in text


def test_what_is_wrong_with_an_expression_is_told_beside_it_and_others_are_drawn(
    shop: House,
) -> None:
    text = page(shop, f"/explore?q={quote('sum(')}&q={quote('rate(shop_reads[$__interval])')}")
    assert "parse error: " in text
    (chart,) = charts(text)
    assert [each["expression"] for each in chart["queries"]] == [  # type: ignore[attr-defined]
        "rate(shop_reads[$__interval])"
    ]


def test_an_expression_is_text_to_the_page(shop: House) -> None:
    text = page(shop, f"/explore?q={quote('</textarea><script>alert(1)</script>')}")
    assert "<script>alert" not in text


def test_at_most_eight_expressions_are_shown(shop: House) -> None:
    answer = ask(shop, "/explore?" + "&".join(["q=1"] * 9), headers=BROWSER)
    assert answer.status_code == 400
    assert "at most 8 expressions" in answer.text


def test_metrics_are_found_by_a_part_of_their_names(shop: House) -> None:
    listed = page(shop, "/explore/series?search=LATEN")
    assert re.findall(r"<button[^>]*>(\w+)</button>", listed) == ["Latency"]
    assert "No metric has" in page(shop, "/explore/series?search=nothing")


@pytest.mark.parametrize("search", ["", "carts", "=sum(1)", "EU-WEST"])
def test_each_listed_selector_selects_exactly_its_series(shop: House, search: str) -> None:
    listed = page(
        shop, f"/explore/series?namespace=AWS/DynamoDB&metric=Reads&search={quote(search)}"
    )
    selectors = [html.unescape(each) for each in re.findall(r'href="/explore\?q=([^"&]*)"', listed)]
    assert selectors
    for selector in selectors:
        status, answer = get(shop, f"/prometheus/api/v1/series?match[]={selector}", 1_000_000)
        assert status == 200, answer
        assert len(answer["data"]) == 1, selector


def test_points_are_those_of_rest_with_all_their_digits(shop: House) -> None:
    question = f"namespace=AWS/DynamoDB&metric=Latency&account={ACCOUNT}&dimension=TableName:carts"
    text = page(shop, f"/explore/statistics?{question}&{RANGE}")
    _, answer = get(
        shop,
        f"/api/v1/statistics?{question}&start={START_MS}&end={START_MS + 600_000}",
        1_000_000,
    )
    expected = [
        [exact(value) for value in values]
        for series in answer["series"]
        for values in reversed(list(zip(*series["statistics"].values(), strict=True)))
    ]
    rows = [
        re.findall(r'<td class="number">([^<]*)</td>', row)
        for row in re.findall(r"<tr>(.*?)</tr>", text, re.DOTALL)
    ]
    assert [row for row in rows if row] == expected
    assert len(expected) > 4


def test_a_series_without_points_in_the_range_is_told_from_one_that_is_not_there(
    shop: House,
) -> None:
    late = f"from={END_MS + 86_400_000}&to={END_MS + 90_000_000}"
    assert "no points in this range" in page(
        shop, f"/explore/statistics?namespace=AWS/DynamoDB&metric=Reads&{late}"
    )
    assert "There is no such series" in page(
        shop, "/explore/statistics?namespace=AWS/DynamoDB&metric=Rads"
    )


def test_statistics_lead_to_the_same_as_json(shop: House) -> None:
    question = "namespace=AWS/DynamoDB&metric=Reads&dimension=TableName:carts&statistic=Sum"
    text = page(shop, f"/explore/statistics?{question}&{RANGE}&period=300")
    found = re.search(r'href="(/api/v1/statistics[^"]+)"', text)
    assert found
    status, answer = get(shop, html.unescape(found[1]), 1_000_000)
    assert status == 200, answer
    values = [each for series in answer["series"] for each in series["statistics"]["Sum"]]
    assert values
    assert sorted(re.findall(r'<td class="number">([^<]+)</td>', text)) == sorted(
        map(exact, values)
    )
