"""Rankings over a whole range, on both engines: values are those of the minutes, from any tier."""

import csv
import io
from collections import defaultdict
from collections.abc import Callable
from fractions import Fraction
from typing import Any
from urllib.parse import quote

import pytest

from tests.fixtures.house import House
from tests.fixtures.rest import ask, get
from tests.fixtures.shop import (
    END_MS,
    MINUTES,
    OPERATIONS,
    REGIONS,
    SERVICE,
    START_MS,
    TABLES,
    ShopPoint,
    stored_points,
)

MANY = 1_000_000
# Whole hours, whole buckets, and edges that only minutes answer.
RANGES = [(0, 120), (0, MINUTES), (3, 127), (7, 13), (5, 65), (63, 64), (58, 125)]


def points(first: int, last: int) -> list[ShopPoint]:
    return [p for p in stored_points() if first <= p.minute < last]


def top(shop: House, name: str, query: str = "", first: int = 0, last: int = MINUTES) -> Any:  # noqa: ANN401 - parsed JSON
    start, end = START_MS + first * 60_000, START_MS + last * 60_000
    status, answer = get(shop, f"/api/v1/top/{name}?start={start}&end={end}&n=10000{query}", MANY)
    assert status == 200, answer
    assert (answer["start"], answer["end"]) == (start, end)
    return answer


def reads(first: int, last: int, combine: str) -> dict[tuple[str, str], float]:
    values = defaultdict(list)
    for p in points(first, last):
        if p.metric == "Reads":
            value = {"max": p.most, "min": p.least}.get(combine, p.total)
            values[p.table, p.region].append(value)
    return {key: over_time(combine, of_key) for key, of_key in values.items()}


def over_time(combine: str, values: list[float]) -> float:
    match combine:
        case "sum":
            return sum(values)
        case "max":
            return max(values)
        case "min":
            return min(values)
        case "latest":
            return values[-1]
        case _:
            return sum(values) / len(values)


@pytest.mark.parametrize(("first", "last"), RANGES)
@pytest.mark.parametrize(
    ("name", "combine"),
    [
        ("shop_reads", "sum"),
        ("shop_peak", "max"),
        ("shop_least", "min"),
        ("shop_newest", "latest"),
        ("shop_mean", "avg"),
    ],
)
def test_values_are_those_of_the_minutes(
    shop: House, name: str, combine: str, first: int, last: int
) -> None:
    answer = top(shop, name, "", first, last)
    assert answer["combine"] == combine
    found = {(item["endpoint"], item["region"]): item["value"] for item in answer["top"]}
    assert found == reads(first, last, combine)
    assert answer["total"] == len(TABLES) * len(REGIONS)


@pytest.mark.parametrize(("first", "last"), RANGES)
def test_averages_are_weighed_and_never_averaged(shop: House, first: int, last: int) -> None:
    def expected(*keys: str) -> dict[tuple[str, ...], float]:
        made: dict[tuple[str, ...], tuple[Fraction, Fraction]] = {}
        for p in points(first, last):
            if p.metric == "Latency":
                key = tuple(getattr(p, name) for name in keys)
                total, count = made.get(key, (Fraction(0), Fraction(0)))
                made[key] = total + Fraction(p.total), count + Fraction(p.count)
        return {key: float(total / count) for key, (total, count) in made.items()}

    for item in top(shop, "shop_latency", "", first, last)["top"]:
        key = item["endpoint"], item["region"], item["labels"]["Operation"]
        assert item["value"] == pytest.approx(
            expected("table", "region", "operation")[key], rel=1e-14
        )
    by = top(shop, "shop_latency", "&by=region&by=label:Operation", first, last)["top"]
    found = {(item["region"], item["labels"]["Operation"]): item["value"] for item in by}
    assert found == pytest.approx(expected("region", "operation"), rel=1e-14)
    assert {item["series"] for item in by} == {len(TABLES)}
    (whole,) = top(shop, "shop_latency", "&by=service", first, last)["top"]
    assert whole["service"] == SERVICE
    assert whole["value"] == pytest.approx(expected()[()], rel=1e-14)


def test_sums_and_extremes_combine_by_groups(shop: House) -> None:
    (whole,) = top(shop, "shop_reads", "&by=service")["top"]
    assert whole["value"] == sum(reads(0, MINUTES, "sum").values())
    by_region = top(shop, "shop_peak", "&by=region")["top"]
    peaks = reads(0, MINUTES, "max")
    assert {item["region"]: item["value"] for item in by_region} == {
        region: max(v for (_, of), v in peaks.items() if of == region) for region in REGIONS
    }
    assert list(by_region[0]) == ["region", "labels", "value", "series"]


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("shop_newest?by=region", "by"),
        ("shop_mean?by=region", "by"),
        ("shop_reads?by=table", "by"),
        ("shop_reads?by=label:", "by"),
        ("shop_reads?n=0", "n"),
        ("shop_reads?n=10001", "n"),
        ("shop_reads?n=ten", "n"),
        ("shop_reads?order=up", "order"),
        ("shop_reads?label=Operation", "label"),
        ("shop_reads?scope=table", "scope"),
        ("shop_reads?format=xml", "format"),
        ("shop_reads?step=60", "step"),
    ],
)
def test_what_would_not_be_exact_and_what_is_wrong_is_refused(
    shop: House, path: str, parameter: str
) -> None:
    status, error = get(shop, f"/api/v1/top/{path}", MANY)
    assert (status, error["kind"], error["parameter"]) == (400, "invalid_parameter", parameter)
    assert "Input should" not in error["message"]


def test_groups_of_one_series_each_need_no_weights(shop: House) -> None:
    answer = top(shop, "shop_mean", "&by=endpoint&by=region")
    found = {(item["endpoint"], item["region"]): item["value"] for item in answer["top"]}
    assert found == reads(0, MINUTES, "avg")


def test_the_order_is_that_of_values_and_ties_are_stable(shop: House) -> None:
    down, up = (
        [(i["value"], i["endpoint"], i["region"]) for i in top(shop, "shop_reads", query)["top"]]
        for query in ("", "&order=asc")
    )
    assert down == sorted(down, key=lambda item: (-item[0], item[1:]))
    assert up == sorted(up)
    # The two tables that are alike in one region are neighbours, in the order of their names.
    alike = [name for value, name, region in down if region == REGIONS[1] and name != "=sum(1)"]
    assert (
        len({value for value, name, region in down if name in alike and region == REGIONS[1]}) == 1
    )
    assert alike == sorted(alike)
    first = get(shop, "/api/v1/top/shop_reads?n=1", MANY)[1]
    assert len(first["top"]) == 1
    assert first["total"] == 6
    assert first["end"] is None


def test_filters_combine(shop: House) -> None:
    expected = reads(0, MINUTES, "sum")
    table = quote(TABLES[2])
    cases: list[tuple[str, Callable[[tuple[str, str]], bool]]] = [
        (f"&endpoint={table}", lambda key: key[0] == TABLES[2]),
        (f"&region={REGIONS[0]}", lambda key: key[1] == REGIONS[0]),
        ("&layer=AWS_DYNAMODB&scope=endpoint", lambda _: True),
        ("&layer=OTHER", lambda _: False),
        ("&scope=service", lambda _: False),
        ("&label=Operation:Query", lambda _: False),
        ("&label=Operation:", lambda _: True),
    ]
    for query, keep in cases:
        found = {
            (i["endpoint"], i["region"]): i["value"] for i in top(shop, "shop_reads", query)["top"]
        }
        assert found == {key: value for key, value in expected.items() if keep(key)}, query
    for operation in OPERATIONS:
        answer = top(shop, "shop_latency", f"&label=Operation:{operation}")
        assert {item["labels"]["Operation"] for item in answer["top"]} == {operation}
        assert answer["total"] == 6


def test_it_reads_long_tiers_and_says_when_there_is_too_much(shop: House) -> None:
    hour = f"start={START_MS}&end={START_MS + 3_600_000}"
    # 6 rows of the hour's tier, not 144 of its minutes.
    assert get(shop, f"/api/v1/top/shop_reads?{hour}", 6)[0] == 200
    status, error = get(shop, f"/api/v1/top/shop_reads?{hour}", 5)
    assert (status, error["kind"]) == (422, "result_too_large")
    # The second hour has changed: 11 buckets of 5 minutes and 2 minutes of each table.
    changed = f"start={START_MS + 3_600_000}&end={START_MS + 7_200_000}"
    assert get(shop, f"/api/v1/top/shop_reads?{changed}", 6 * 13)[0] == 200
    assert get(shop, f"/api/v1/top/shop_reads?{changed}", 6 * 13 - 1)[0] == 422


def test_as_a_table(shop: House) -> None:
    end = f"end={END_MS}"
    rows = list(
        csv.reader(io.StringIO(ask(shop, f"/api/v1/top/shop_reads?{end}&format=csv", MANY).text))
    )
    assert rows[0][:4] == ["metric", "layer", "service", "endpoint"]
    assert rows[0][-2:] == ["labels", "value"]
    # A spreadsheet would compute this one.
    assert {row[3] for row in rows[1:]} == {"carts", "orders", "'=sum(1)"}
    by = ask(shop, f"/api/v1/top/shop_reads?{end}&by=region&format=csv", MANY).text
    assert by.splitlines()[0] == "metric,region,labels,value,series"
    assert len(by.splitlines()) == 3


def test_what_does_not_exist_is_not_found(shop: House) -> None:
    status, error = get(shop, "/api/v1/top/shop_raeds")
    assert (status, error["kind"]) == (404, "not_found")
    assert "shop_reads" in error["message"]
