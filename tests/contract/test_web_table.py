"""The page of a table and that of explanations, with the numbers that REST answers."""

import html
import json
import re
from typing import Any
from urllib.parse import quote

import pytest

from app.web.formatting import exact, milliseconds, number
from tests.fixtures.dynamodb_account import END_MS, RANGE, START_MS, Stored, sent
from tests.fixtures.house import House
from tests.fixtures.html_tables import rows_of_tables
from tests.fixtures.rest import ask, get
from tests.fixtures.shop import END_MS as SHOP_END_MS
from tests.fixtures.shop import SERVICE
from tests.fixtures.shop import START_MS as SHOP_START_MS

MANY = 10_000_000
BROWSER = {"accept": "text/html"}
SHOWN = f"from={START_MS}&to={END_MS}"
REGION = "us-east-1"


def page(inside: House, url: str, status: int = 200, most: int = MANY) -> str:
    answer = ask(inside, url, most, headers=BROWSER)
    assert answer.status_code == status, answer.text
    return answer.text


def words(text: str) -> str:
    """The text of a page, blanks as one."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def rest(inside: House, path: str) -> Any:  # noqa: ANN401 - parsed JSON
    status, answer = get(inside, path, MANY)
    assert status == 200, answer
    return answer


@pytest.fixture
def account(dynamodb_account: Stored) -> House:
    return dynamodb_account.inside


@pytest.fixture
def throttled(account: House) -> str:
    """The table that is throttled most in the region."""
    found = rest(account, f"/api/v1/dynamodb/throttling?region={REGION}&{RANGE}")["findings"]
    table: str = found[0]["table"]
    return table


def here(table: str, rest: str = "") -> str:
    place = f"account={sent().account}&region={REGION}"
    return f"/tables/{quote(table, safe='')}?{place}&{SHOWN}{rest}"


def test_the_diagnosis_has_every_finding_of_rest_with_its_numbers(
    account: House, throttled: str
) -> None:
    text = words(page(account, here(throttled, "&part=insight")))
    question = f"account={sent().account}&region={REGION}&table={throttled}&{RANGE}"
    found = rest(account, f"/api/v1/dynamodb/throttling?{question}")["findings"]
    assert found
    assert text.count(" throttled ") >= len(found)
    for each in found:
        what = f"index {each['index']}" if each["index"] else "the table"
        assert f"{number(each['events'])} times, {what}" in text
        assert ("inferred" in text) or not each["inferred"]
        for advice in each["advice"]:
            assert advice["text"] in text
        for one in each["evidence"]:
            assert f"{exact(one['value'])} {one['unit']}" in text


def test_operations_have_the_latencies_of_rest(account: House, throttled: str) -> None:
    (table,) = rows_of_tables(page(account, here(throttled, "&part=operations")))
    question = f"account={sent().account}&region={REGION}&table={throttled}&{RANGE}"
    found = rest(account, f"/api/v1/dynamodb/latency?{question}")["operations"]
    assert [row[0] for row in table[1:]] == [each["operation"] for each in found]
    assert [row[3] for row in table[1:]] == [milliseconds(each["average_ms"]) for each in found]
    assert [row[1] for row in table[1:]] == [number(each["requests"]) for each in found]


def test_figures_are_those_of_rest_each_index_by_itself(account: House, throttled: str) -> None:
    tables = rows_of_tables(page(account, here(throttled, "&part=indexes")))
    question = f"account={sent().account}&region={REGION}&{RANGE}"
    found = rest(account, f"/api/v1/dynamodb/tables/{throttled}?{question}")["resources"]
    assert len(tables) == len(found)
    for table, each in zip(tables, found, strict=True):
        assert [row[1] for row in table[1:]] == [
            number(figure["value"]) for figure in each["figures"].values()
        ]


def test_the_diagnosis_is_read_in_the_periods_of_rest(account: House, throttled: str) -> None:
    question = f"account={sent().account}&region={REGION}&table={throttled}&{RANGE}"
    answered = 0
    for most in (2**power for power in range(8, 22)):
        status, answer = get(account, f"/api/v1/dynamodb/throttling?{question}", most)
        if status != 200:
            continue
        text = words(page(account, here(throttled, "&part=insight"), most=most))
        if "could not be" in text or "too many" in text:
            continue
        for each in answer["findings"]:
            answered += 1
            assert f"{number(each['events'])} times" in text, most
            for advice in each["advice"]:
                assert advice["text"] in text, most
    assert answered > 5


def test_costs_of_years_are_of_the_last_four_hundred_days(account: House, throttled: str) -> None:
    place = f"account={sent().account}&region={REGION}"
    years = f"from={END_MS - 900 * 86_400_000}&to={END_MS}"
    text = words(page(account, f"/tables/{quote(throttled, safe='')}?{place}&{years}&part=cost"))
    assert re.search(r"(399|400) d[^.]* together", text), text[:500]
    assert "Time to limit" in text


def test_costs_are_those_of_rest(account: House, throttled: str) -> None:
    text = words(page(account, here(throttled, "&part=cost")))
    start_ms = END_MS - 7 * 86_400_000
    question = f"account={sent().account}&region={REGION}&table={throttled}"
    answer = rest(account, f"/api/v1/dynamodb/cost?{question}&start={start_ms}&end={END_MS}")
    total = float(answer["tables"][0]["total"]["cost"])
    assert f"together {total:,.2f} USD" in text or f"together {total:,.4f} USD" in text


def test_every_series_of_the_table_is_named_as_cloudwatch_names_it(
    account: House, throttled: str
) -> None:
    text = page(account, here(throttled, "&part=raw"))
    metrics = {
        metric
        for region, dimensions, metric in sent().by_series
        if region == REGION and dict(dimensions).get("TableName") == throttled
    }
    assert set(re.findall(r"<summary>(\w+) ", text)) == metrics


def test_the_charts_are_of_this_table_alone(account: House, throttled: str) -> None:
    text = page(account, here(throttled))
    charts = [json.loads(html.unescape(each)) for each in re.findall(r'data-chart="([^"]*)"', text)]
    expressions = [query["expression"] for chart in charts for query in chart["queries"]]
    assert len(charts) >= 12
    assert all(f'"{throttled}"' in each and f'"{REGION}"' in each for each in expressions)


@pytest.mark.parametrize("tab", ["overview", "operations", "indexes", "alarms", "cost", "raw"])
def test_every_tab_and_its_part_are_there(account: House, throttled: str, tab: str) -> None:
    text = page(account, here(throttled, f"&tab={tab}"))
    part = "insight" if tab == "overview" else tab
    (address,) = re.findall(rf'hx-get="([^"]*part={part}[^"]*)"', text)
    page(account, html.unescape(address))


def test_a_name_in_two_regions_is_a_choice(account: House, throttled: str) -> None:
    text = page(account, f"/tables/{throttled}?{SHOWN}")
    links = [html.unescape(each) for each in re.findall(r'<li><a href="(/[^"]*)"', text)]
    assert len(links) == 2
    assert all(f"from={START_MS}" in link for link in links)
    page(account, links[0])


def test_an_unknown_table_is_told_with_similar_names(account: House, throttled: str) -> None:
    text = words(page(account, f"/tables/{throttled}x?{SHOWN}", 404))
    assert throttled in text.replace(f"{throttled}x", "")


@pytest.mark.parametrize("question", ["&tab=none", "&part=none"])
def test_a_wrong_question_is_told(account: House, throttled: str, question: str) -> None:
    assert "is none of" in page(account, here(throttled, question), 400)


def test_any_name_can_be_a_table(shop: House) -> None:
    shown = f"region=eu-west-1&from={SHOP_START_MS}&to={SHOP_END_MS}"
    text = page(shop, f"/tables/{quote('=sum(1)', safe='')}?{shown}")
    assert "<h1>=sum(1)</h1>" in text
    for part in ("insight", "operations", "indexes", "alarms", "raw"):
        page(shop, f"/tables/{quote('=sum(1)', safe='')}?{shown}&part={part}")


def test_a_value_is_explained_as_rest_explains_it(shop: House) -> None:
    minute = SHOP_START_MS + 3 * 60_000
    question = f"service={quote(SERVICE)}&endpoint=carts&region=eu-west-1&time={minute}"
    text = page(shop, f"/explain?metric=shop_reads&{question}")
    answer = rest(shop, f"/api/v1/explain/shop_reads?{question}")
    (value,) = answer["values"]
    assert f"<strong>{exact(value['value'])}</strong>" in text
    assert value["verdict_text"].capitalize() in words(text)
    for step in value["steps"]:
        assert html.unescape(step["text"]) in html.unescape(text)
    points = rows_of_tables(text)[-1][1:]
    assert [row[4] for row in points] == [
        exact(point["Sum"]) for series in value["series"] for point in series["points"]
    ]


def test_labels_of_a_chart_choose_the_value(shop: House) -> None:
    minute = SHOP_START_MS + 3 * 60_000
    question = f"endpoint=carts&region=eu-west-1&Operation=GetItem&layer=x&time={minute}"
    text = page(shop, f"/explain?metric=shop_latency&{question}")
    assert "Operation=GetItem" in words(text)
    assert "Operation=Query" not in words(text.split("<h3>Points")[0].split("<h2>", 2)[2])


def test_why_there_is_no_value_is_told(shop: House) -> None:
    late = SHOP_END_MS + 86_400_000
    text = words(page(shop, f"/explain?metric=shop_reads&endpoint=carts&time={late}"))
    assert "notice" not in text
    assert "series" in text
    assert "there is no metric shop_raeds" in words(
        page(shop, "/explain?metric=shop_raeds", 404)
    ).replace("There", "there")


def test_a_raw_statistic_leads_to_its_points(shop: House) -> None:
    answer = ask(
        shop,
        f"/explain?metric=aws_dynamodb_Reads_sum&TableName=carts&region=eu-west-1&time={SHOP_START_MS}",
        headers=BROWSER,
    )
    assert answer.status_code == 303
    text = page(shop, answer.headers["location"])
    assert "TableName=carts" in text
    assert "us-east-1" not in text


def test_what_is_asked_for_is_escaped(shop: House) -> None:
    text = page(shop, "/explain?metric=%3Cscript%3Ealert(1)%3C/script%3E", 404)
    assert "<script>alert" not in text
