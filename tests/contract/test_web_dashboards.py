"""Dashboards on pages: their choices, their charts, and files that are none."""

import html
import json
import re
from pathlib import Path
from urllib.parse import quote

import httpx

from app.rules.files import parse_rule_file
from tests.e2e.deliveries import metric_lines
from tests.fixtures.house import House, house
from tests.fixtures.rest import ask
from tests.fixtures.shop import END_MS, START_MS, TABLES

BROWSER = {"accept": "text/html"}
RANGE = f"from={START_MS}&to={END_MS}"
SHOP = """
uid: shop
title: Shop
variables:
  - {name: region, title: Region, selector: shop_reads, label: region}
  - name: table
    title: Table
    selector: 'shop_reads{region=~"$region"}'
    label: endpoint
    multiple: false
rows:
  - title: Reads
    widgets:
      - title: Read
        unit: count
        queries:
          - {expression: 'shop_reads{region=~"$region", endpoint="$table"}', legend: "{{region}}"}
"""


def page(shop: House, url: str, directory: Path | None = None) -> httpx.Response:
    return ask(shop, url, 1_000_000, headers=BROWSER, dashboards=directory)


def own(tmp_path: Path, text: str = SHOP) -> Path:
    (tmp_path / "shop.yaml").write_text(text)
    return tmp_path


def expressions(text: str) -> list[str]:
    charts = [json.loads(html.unescape(each)) for each in re.findall(r'data-chart="([^"]*)"', text)]
    return [query["expression"] for chart in charts for query in chart["queries"]]


def test_all_shipped_dashboards_are_listed_and_drawn(shop: House) -> None:
    listed = re.findall(r'href="(/dashboards/[^"?]+)"', page(shop, "/dashboards").text)
    assert len(listed) >= 6
    for path in listed:
        answer = page(shop, f"{path}?{RANGE}")
        assert answer.status_code == 200, path
        assert expressions(answer.text), path


def test_what_can_be_chosen_are_the_values_of_series_in_the_range(
    shop: House, tmp_path: Path
) -> None:
    text = page(shop, f"/dashboards/shop?{RANGE}", own(tmp_path)).text
    assert re.findall(r'name="var-region" value="([^"]*)"', text) == ["eu-west-1", "us-east-1"]
    assert sorted(re.findall(r"<option[^>]*>([^<]*)</option>", text)) == sorted(TABLES)


def test_what_is_chosen_stands_in_the_expressions(shop: House, tmp_path: Path) -> None:
    chosen = f"var-region=eu-west-1&var-table={quote('=sum(1)')}"
    text = page(shop, f"/dashboards/shop?{RANGE}&{chosen}", own(tmp_path)).text
    assert expressions(text) == ['shop_reads{region=~"eu-west-1", endpoint="=sum(1)"}']
    both = "var-region=eu-west-1&var-region=us-east-1&var-table=carts"
    text = page(shop, f"/dashboards/shop?{RANGE}&{both}", own(tmp_path)).text
    assert expressions(text) == ['shop_reads{region=~"(eu-west-1|us-east-1)", endpoint="carts"}']


def test_a_single_choice_begins_with_the_first_and_no_choice_is_all(
    shop: House, tmp_path: Path
) -> None:
    text = page(shop, f"/dashboards/shop?{RANGE}", own(tmp_path)).text
    assert expressions(text) == ['shop_reads{region=~".+", endpoint="=sum(1)"}']


def test_links_to_what_has_gone_keep_their_meaning(shop: House, tmp_path: Path) -> None:
    text = page(shop, f"/dashboards/shop?{RANGE}&var-table=gone", own(tmp_path)).text
    assert expressions(text) == ['shop_reads{region=~".+", endpoint="gone"}']
    assert "<option selected>gone</option>" in text


def test_a_file_that_appears_is_there_without_a_restart(shop: House, tmp_path: Path) -> None:
    assert page(shop, "/dashboards/shop", tmp_path).status_code == 404
    own(tmp_path)
    shop.clock.advance(3)
    assert page(shop, f"/dashboards/shop?{RANGE}", tmp_path).status_code == 200


def test_a_broken_one_shows_its_faults_and_the_others_go_on(shop: House, tmp_path: Path) -> None:
    directory = own(tmp_path, SHOP.replace("unit: count", "unit: apples"))
    answer = page(shop, "/dashboards/shop", directory)
    assert answer.status_code == 200
    assert "cannot be drawn" in answer.text
    assert f"{directory}/shop.yaml:15" in answer.text
    assert "apples" in answer.text
    # Long lines scroll sideways, which without a mouse needs focus.
    assert '<pre tabindex="0">' in answer.text
    listed = page(shop, "/dashboards", directory).text
    assert "is no dashboard" in listed
    assert "DynamoDB: tables" in listed


def test_an_unknown_one_is_told_with_those_that_are_like_it(shop: House) -> None:
    answer = page(shop, "/dashboards/hydrant-dynamodb-tabel")
    assert answer.status_code == 404
    assert "hydrant-dynamodb-table" in answer.text


def test_the_overview_links_dashboards_beside_the_services_that_they_are_about(
    sqlite_url: str, tmp_path: Path
) -> None:
    (tmp_path / "ours.yaml").write_text(
        "uid: ours\ntitle: Ours\nservices: ['shop::*']\nrows: [{title: R, widgets: [{title: A,"
        " unit: count, queries: [{expression: vector(1)}]}]}]\n",
        "utf-8",
    )
    rule = """
metricPrefix: shop
filter: "{ tags -> tags.Namespace == 'AWS/DynamoDB' && tags.TableName }"
expSuffix: service(['TableName'], Layer.AWS_S3)
metricsRules:
  - name: sum
    exp: >-
      amazonaws_com_AWS_DynamoDB_ConsumedReadCapacityUnits_sum
      .tag({tags -> tags.TableName = 'shop::' + tags.TableName})
"""
    with house(sqlite_url, [parse_rule_file(rule, "a.yaml")]) as inside:
        inside.post(
            [metric_lines("ConsumedReadCapacityUnits", 0, 0), metric_lines("ItemCount", 0, 1)]
        )
        inside.evaluator.evaluate_dirty()
        text = ask(inside, "/", headers={"accept": "text/html"}, dashboards=tmp_path).text
    services = text.partition('id="services"')[2].partition("</section>")[0]
    assert "shop::" in services
    assert 'href="/dashboards/ours' in services
    assert "hydrant-s3" not in services
