"""Lists over REST on both engines: several metrics, formats, pages, ETags, several periods."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urljoin

import pytest

from tests.fixtures.house import House
from tests.fixtures.rest import ask, get
from tests.fixtures.shop import (
    END_MS,
    LATE,
    OPERATIONS,
    REGIONS,
    SERVICE,
    START_MS,
    TABLES,
    WITH_POINTS,
    ShopPoint,
)

MANY = 1_000_000
RANGE = f"start={START_MS}&end={START_MS + 600_000}"
READS = f"/api/v1/metrics/shop_reads?{RANGE}"
BOTH = f"/api/v1/values?metric=shop_latency&metric=shop_reads&{RANGE}"
STATISTICS = f"/api/v1/statistics?{RANGE}"
LISTS = {
    READS: "series",
    BOTH: "series",
    STATISTICS: "series",
    "/api/v1/series?namespace=AWS/DynamoDB": "series",
    "/api/v1/entities?layer=AWS_DYNAMODB": "entities",
}


def answered(shop: House, url: str) -> Any:  # noqa: ANN401 - parsed JSON
    status, answer = get(shop, url, MANY)
    assert status == 200, answer
    return answer


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_several_metrics_are_those_of_each(shop: House) -> None:
    both = answered(shop, BOTH)
    alone = [
        {"metric": name, **item}
        for name in ("shop_latency", "shop_reads")
        for item in answered(shop, f"/api/v1/metrics/{name}?{RANGE}")["series"]
    ]
    assert len(alone) == 18
    assert both == {"step": 60, "series": alone}
    again = answered(shop, BOTH + "&metric=shop_reads&step=300")
    assert [len(item["values"]) for item in again["series"]] == [2] * 18


def test_labels_layer_and_scope_choose(shop: House) -> None:
    everything = answered(shop, BOTH)["series"]
    cases: list[tuple[str, Callable[[dict[str, Any]], bool]]] = [
        ("label=Operation:Query", lambda i: i["labels"].get("Operation") == "Query"),
        ("label=Operation:", lambda i: "Operation" not in i["labels"]),
        ("label=Operation:Query&label=x:y", lambda _: False),
        (
            f"region={REGIONS[0]}&label=Operation:",
            lambda i: i["region"] == REGIONS[0] and not i["labels"],
        ),
        ("layer=AWS_DYNAMODB&scope=endpoint", lambda _: True),
        ("layer=AWS", lambda _: False),
        ("scope=process", lambda _: False),
    ]
    for query, keep in cases:
        found = answered(shop, f"{BOTH}&{query}")["series"]
        assert found == [item for item in everything if keep(item)], query


@pytest.mark.parametrize(
    ("url", "parameter"),
    [
        ("/api/v1/values", "metric"),
        ("/api/v1/values?" + "&".join(f"metric=m{n}" for n in range(101)), "metric"),
        (BOTH + "&label=x", "label"),
        (BOTH + "&step=90", "step"),
        (BOTH + "&limit=0", "limit"),
        (READS + "&limit=1.5", "limit"),
        (READS + "&format=CSV", "format"),
        (READS + "&scope=table", "scope"),
        (STATISTICS + "&period=60&period=61", "period"),
        (STATISTICS + "".join(f"&period={60 * n}" for n in range(1, 12)), "period"),
        ("/api/v1/entities?q=" + "x" * 257, "q"),
        ("/api/v1/entities?limit=10001", "limit"),
    ],
)
def test_wrong_parameters_are_told_in_our_words(shop: House, url: str, parameter: str) -> None:
    status, error = get(shop, url, MANY)
    assert (status, error["kind"], error["parameter"]) == (400, "invalid_parameter", parameter)
    for words in ("Input should", "Field required", "String should"):
        assert words not in error["message"]


def test_an_unknown_metric_among_known_ones_is_not_found(shop: House) -> None:
    assert get(shop, "/api/v1/values?metric=shop_reads&metric=nothing")[0] == 404


def test_together_they_read_no_more_than_one_may(shop: House) -> None:
    # 4 values of reads, and 8 of latency, of 6 tables.
    assert get(shop, BOTH, 6 * 12)[0] == 200
    status, error = get(shop, BOTH, 6 * 12 - 1)
    assert (status, error["kind"]) == (422, "result_too_large")
    assert get(shop, BOTH + "&limit=1", 12)[0] == 200
    # 16 points for each of the periods, and 12 where nobody writes.
    both = STATISTICS + "&period=60&period=300"
    assert get(shop, both, 2 * (4 * 16 + 2 * 12))[0] == 200
    assert get(shop, both, 2 * (4 * 16 + 2 * 12) - 1)[0] == 422
    assert get(shop, both + "&limit=1", 8)[0] == 200


@pytest.mark.parametrize("url", [READS, BOTH])
@pytest.mark.parametrize("name", ["csv", "ndjson"])
def test_tables_hold_what_json_holds(shop: House, url: str, name: str) -> None:
    series = answered(shop, url)["series"]
    expected = [
        (item.get("metric", "shop_reads"), item["endpoint"], item["region"], item["labels"], t, v)
        for item in series
        for t, v in zip(item["timestamps"], item["values"], strict=True)
    ]
    response = ask(shop, f"{url}&format={name}", MANY)
    if name == "csv":
        assert response.headers["content-type"].startswith("text/csv")
        assert response.text.count("\r\n") == len(expected) + 1
        found = [
            {**row, "value": float(row["value"]), "labels": json.loads(row["labels"])}
            for row in rows(response.text)
        ]
        for row in found:
            row["endpoint"] = str(row["endpoint"]).removeprefix("'")
    else:
        assert response.headers["content-type"].startswith("application/x-ndjson")
        found = [json.loads(line) for line in response.text.splitlines()]
    assert [
        (r["metric"], r["endpoint"], r["region"], r["labels"], int(r["timestamp"]), r["value"])
        for r in found
    ] == expected
    assert {r["time"] for r in found} == {f"2024-10-01T00:0{n}:00Z" for n in (0, 3, 5, 8)}


def test_statistics_stand_side_by_side_in_tables(shop: House) -> None:
    query = f"{STATISTICS}&metric=Reads&dimension=TableName:orders&period=300&period=600"
    answer = answered(shop, query + "&statistic=Sum&statistic=p99")
    assert [item["period"] for item in answer["periods"]] == [300, 600]
    for item in answer["periods"]:
        one = f"{STATISTICS}&metric=Reads&dimension=TableName:orders&period={item['period']}"
        assert item == answered(shop, one + "&statistic=Sum&statistic=p99")
    found = rows(ask(shop, query + "&statistic=Sum&statistic=p99&format=csv", MANY).text)
    assert [(r["period"], r["region"], r["time"], float(r["Sum"]), r["p99"]) for r in found] == [
        (str(item["period"]), series["region"], time, value, "")
        for item in answer["periods"]
        for series in item["series"]
        for time, value in zip(
            ("2024-10-01T00:00:00Z", "2024-10-01T00:05:00Z"),
            series["statistics"]["Sum"],
            strict=False,
        )
    ]
    assert len(found) == 6
    everything = rows(ask(shop, query + "&format=csv", MANY).text)[0]
    assert list(everything)[-5:] == ["SampleCount", "Sum", "Minimum", "Maximum", "Average"]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/csv", "text/csv"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("application/ndjson", "application/x-ndjson"),
        ("application/json, text/csv;q=0.9", "application/json"),
        ("text/csv;q=0.5, */*;q=0.1", "text/csv"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("image/png", "application/json"),
        ("application/json;q=0, text/csv;q=x, application/x-ndjson;q=0.1", "application/x-ndjson"),
        ("text/*", "text/csv"),
    ],
)
def test_accept_chooses_the_format(shop: House, accept: str, expected: str) -> None:
    response = ask(shop, READS, MANY, headers={"accept": accept})
    assert response.headers["content-type"].partition(";")[0] == expected
    assert "accept" in response.headers["vary"].lower()
    chosen = ask(shop, READS + "&format=json", MANY, headers={"accept": accept})
    assert chosen.headers["content-type"] == "application/json"


@pytest.mark.parametrize("url", LISTS)
@pytest.mark.parametrize("limit", [1, 2, 5, 100])
def test_pages_make_up_the_whole(shop: House, url: str, limit: int) -> None:
    whole = answered(shop, url)[LISTS[url]]
    found: list[Any] = []
    page, pages = f"{url}&limit={limit}", 0
    while page:
        response = ask(shop, page, MANY)
        answer = response.json()
        found += answer[LISTS[url]]
        pages += 1
        assert pages < 100
        link = response.headers.get("link")
        assert ("next" in answer) == (link is not None)
        page = ""
        if link is not None:
            page = urljoin(url, link.removeprefix("<").partition(">")[0])
            assert f"cursor={answer['next']}" in page

    def order(item: dict[str, Any]) -> str:
        return json.dumps([item.get("metric") if url == BOTH else None, item], sort_keys=True)

    # A page of several metrics has all metrics of some entities.
    assert sorted(found, key=order) == sorted(whole, key=order)
    if url != BOTH:
        assert found == whole
    assert pages >= min(len(whole), 6) / limit


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_pages_pass_over_entities_without_values(shop: House, limit: int) -> None:
    # Of three tables in two regions, the ones in the middle have none.
    url = f"/api/v1/metrics/shop_writes?{RANGE}"
    whole = answered(shop, url)["series"]
    assert [item["endpoint"] for item in whole] == ["=sum(1)", "=sum(1)", "orders", "orders"]
    found, cursor = [], ""
    while True:
        page = answered(shop, f"{url}&limit={limit}{cursor}")
        found += page["series"]
        if "next" not in page:
            break
        assert len(page["series"]) == limit
        cursor = f"&cursor={page['next']}"
    assert found == whole


def test_cursors_are_of_one_question(shop: House) -> None:
    cursor = answered(shop, READS + "&limit=2")["next"]
    assert answered(shop, f"{READS}&limit=1&format=json&cursor={cursor}")["series"]
    entities = answered(shop, "/api/v1/entities?limit=1")["next"]
    for url in (
        f"{READS}&step=300&cursor={cursor}",
        f"{BOTH}&cursor={cursor}",
        f"{READS}&cursor={entities}",
        f"/api/v1/series?cursor={cursor}",
        f"{READS}&cursor=",
        f"{READS}&cursor={cursor[:-1]}",
        f"{READS}&cursor={cursor}A",
        f"{READS}&cursor={cursor[:20]}x{cursor[21:]}",
        f"{READS}&cursor=%C3%A4",
        f"{READS}&cursor=!!!!",
        f"{READS}&cursor=" + "A" * 5_000,
    ):
        status, error = get(shop, url, MANY)
        assert (status, error.get("parameter")) == (400, "cursor"), url


def test_closed_ranges_have_tags_and_late_points_change_them(shop: House) -> None:
    begin = START_MS + 75 * 60_000
    then = f"start={begin}&end={begin + 300_000}"
    urls = [
        f"/api/v1/metrics/shop_writes?{then}",
        f"/api/v1/values?metric=shop_writes&{then}",
        f"/api/v1/top/shop_writes?{then}",
        f"/api/v1/statistics?metric=Writes&{then}",
        f"/api/v1/statistics?metric=Writes&period=60&period=300&{then}",
    ]
    tags = {}
    for url in urls:
        response = ask(shop, url, MANY)
        tags[url] = response.headers["etag"]
        assert tags[url].startswith('"')
        assert response.headers["cache-control"] == "private, no-cache"
        assert ask(shop, url, MANY).headers["etag"] == tags[url]
        for known in (tags[url], f'"x", W/{tags[url]}', "*"):
            unchanged = ask(shop, url, MANY, headers={"if-none-match": known})
            assert (unchanged.status_code, unchanged.content) == (304, b"")
            assert unchanged.headers["etag"] == tags[url]
            assert unchanged.headers["cache-control"] == "private, no-cache"
        assert ask(shop, url, MANY, headers={"if-none-match": '"x"'}).status_code == 200
        assert ask(shop, url + "&format=csv", MANY).headers["etag"] != tags[url]
    assert len(set(tags.values())) == len(urls)
    elsewhere = f"/api/v1/metrics/shop_writes?start={START_MS}&end={begin}"
    tag_elsewhere = ask(shop, elsewhere, MANY).headers["etag"]
    late = ShopPoint("Writes", REGIONS[0], "orders", "", LATE.minute, 4_000, 12_345, 0, 999)
    shop.post([late.line], "later")
    shop.evaluator.evaluate_dirty()
    for url in urls:
        response = ask(shop, url, MANY, headers={"if-none-match": tags[url]})
        assert response.status_code == 200, url
        assert response.headers["etag"] != tags[url]
    assert ask(shop, elsewhere, MANY).headers["etag"] == tag_elsewhere


@pytest.mark.parametrize(
    "url",
    [
        "/api/v1/metrics/shop_reads",
        "/api/v1/metrics/shop_reads?end=2150-01-01",
        # The last period is not over, though the range is.
        f"/api/v1/metrics/shop_reads?end=2026-11-18&step={400 * 86_400}",
        "/api/v1/entities",
        "/api/v1/series",
    ],
)
def test_what_is_not_over_is_not_kept(shop: House, url: str) -> None:
    response = ask(shop, url, MANY)
    assert response.status_code == 200
    assert "etag" not in response.headers
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("query", "tables"),
    [
        ("q=ORD", ["orders"]),
        ("q=r", ["carts", "orders"]),
        ("q=r&endpoint=carts", ["carts"]),
        ("q=c*", ["carts"]),
        ("q=*r*s", ["carts", "orders"]),
        ("q=?????", ["carts"]),
        ("q=%3D*", ["=sum(1)"]),
        ("q=shop", sorted(TABLES)),
        ("q=nothing", []),
        ("q=", sorted(TABLES)),
        ("scope=service", []),
    ],
)
def test_entities_are_found_by_name(shop: House, query: str, tables: list[str]) -> None:
    answer = answered(shop, f"/api/v1/entities?{query}")
    assert [(item["endpoint"], item["region"]) for item in answer["entities"]] == [
        (table, region) for table in tables for region in REGIONS
    ]
    assert answer["total"] == 2 * len(tables)
    for item in answer["entities"]:
        assert (item["scope"], item["service"]) == ("endpoint", SERVICE)


def test_long_answers_are_the_same_in_pieces(shop: House, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = f"/api/v1/statistics?start={START_MS}&end={END_MS}"
    whole = ask(shop, everything, MANY)
    assert int(whole.headers["content-length"]) == len(whole.content)
    monkeypatch.setattr("app.api.answers.CHUNK_BYTES", 1_000)
    pieces = ask(shop, everything, MANY)
    assert "content-length" not in pieces.headers
    assert pieces.content == whole.content
    assert pieces.headers["etag"] == whole.headers["etag"]
    series = whole.json()["series"]
    assert len(series) == 6 * (1 + len(OPERATIONS)) + 4
    lines = ask(shop, everything + "&format=ndjson", MANY).text.splitlines()
    assert len(lines) == len(series) * len(WITH_POINTS)
    assert json.loads(lines[-1])["Sum"] == series[-1]["statistics"]["Sum"][-1]


def test_one_metric_by_name_in_the_path_is_quoted(shop: House) -> None:
    table = quote(TABLES[2])
    assert len(answered(shop, f"{READS}&endpoint={table}")["series"]) == 2
