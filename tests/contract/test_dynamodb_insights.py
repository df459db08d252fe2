"""Insights into DynamoDB over REST and on the command line, against what the simulator sent."""

import csv
import io
import json
import math
from fractions import Fraction
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import pytest
from typer.testing import CliRunner

from app.cli import application
from app.simulator import Point
from tests.contract.test_openapi import strict
from tests.fixtures.dynamodb_account import (
    END_MS,
    MINUTE_MS,
    MINUTES,
    RANGE,
    START_MS,
    Stored,
    sent,
)
from tests.fixtures.house import House
from tests.fixtures.rest import ask, get

MANY = 10_000_000
ROOT = "/api/v1/dynamodb"
LATENCY = "SuccessfulRequestLatency"
REGION = "us-east-1"
CAPACITY = {
    f"consumed_{name.lower()}_capacity": f"Consumed{name}CapacityUnits"
    for name in ("Read", "Write")
}
COUNTS = {
    **{f"{name.lower()}_throttle_events": f"{name}ThrottleEvents" for name in ("Read", "Write")},
    "write_throttle_events_key_range": "WriteKeyRangeThroughputThrottleEvents",
    "conditional_check_failed": "ConditionalCheckFailedRequests",
    "expired_items": "TimeToLiveDeletedItemCount",
}


@pytest.fixture
def account(dynamodb_account: Stored) -> House:
    return dynamodb_account.inside


def answer(inside: House, route: str, most: int = MANY) -> Any:  # noqa: ANN401 - parsed JSON
    status, found = get(inside, f"{ROOT}{route}", most)
    assert status == 200, found
    return found


def dimensions(item: dict[str, Any]) -> dict[str, str]:
    index = {"GlobalSecondaryIndexName": item["index"]} if item["index"] else {}
    return {"TableName": item["table"], **index}


def test_tables_have_the_sums_of_what_was_sent(account: House) -> None:
    found = answer(account, f"/tables?{RANGE}")
    assert (found["start"], found["end"], found["resolution"]) == (START_MS, END_MS, 60)
    items = found["tables"]
    # All tables and indexes of both regions, those of each region apart.
    places = {(key[0], *sorted(dict(key[1]).items())) for key in sent().by_series if key[1]}
    own = {place for place in places if {name for name, _ in place[1:]} <= OF_RESOURCES}
    assert len(items) == len(own)
    for item in items:
        region, of = item["region"], dimensions(item)
        for name, metric in {**CAPACITY, **COUNTS}.items():
            points = sent().points(region, metric, **of)
            total = sent().total(region, metric, **of)
            seconds = 60 * len(points) if name in CAPACITY else 1
            # What nobody sent is missing, and not 0.
            expected = total / seconds if points else None
            assert item["figures"].get(name) == expected, (item["table"], name)


OF_RESOURCES = {"TableName", "GlobalSecondaryIndexName"}


def test_a_global_tables_writes_are_counted_once(account: House) -> None:
    metric = "ConsumedWriteCapacityUnits"
    parts = sent().points(REGION, metric, TableName="orders", Source="Customer")
    assert parts
    resources = answer(account, f"/tables/orders?{RANGE}&region={REGION}")["resources"]
    table = next(item for item in resources if not item["index"])
    assert table["figures"]["consumed_write_capacity"]["total"] == sent().total(
        REGION, metric, TableName="orders"
    )


def test_requests_and_latency_of_a_table_are_those_of_all_its_operations(account: House) -> None:
    resources = answer(account, f"/tables/carts?{RANGE}")["resources"]
    assert {item["region"] for item in resources} == {"us-east-1", "eu-west-1"}
    for item in resources:
        if item["index"]:
            assert "request_rate" not in item["figures"]
            continue
        every = latencies(item["region"], "carts")
        requests = sum(point.count for point in every)
        total = math.fsum(point.sum for point in every)
        figures = item["figures"]
        assert figures["request_rate"]["total"] == requests
        assert figures["request_rate"]["value"] == requests / (60 * MINUTES)
        assert figures["latency"]["value"] == total / requests
        slowest = max(every, key=lambda point: point.maximum)
        assert figures["latency"]["peak"] == slowest.maximum
        assert figures["latency"]["peak_at"] == slowest.start_ms
        last = [point for point in every if point.start_ms == END_MS - MINUTE_MS]
        assert figures["request_rate"]["latest"] == sum(point.count for point in last) / 60


def latencies(region: str, table: str) -> list[Point]:
    return [
        point
        for operation in sent().operations(region, table)
        for point in sent().points(region, LATENCY, TableName=table, Operation=operation).values()
    ]


def test_accounts_are_tables_and_indexes_together_by_region(account: House) -> None:
    found = answer(account, f"/account?{RANGE}")["accounts"]
    assert [item["region"] for item in found] == ["eu-west-1", "us-east-1"]
    for item in found:
        own = {
            key[1]: points
            for key, points in sent().by_series.items()
            if key[0] == item["region"]
            and key[2] == "ConsumedReadCapacityUnits"
            and {name for name, _ in key[1]} <= OF_RESOURCES
        }
        assert item["tables"] + item["indexes"] == len(own)
        consumed = item["figures"]["consumed_read_capacity"]
        every = [point for points in own.values() for point in points.values()]
        assert consumed["total"] == math.fsum(point.sum for point in every)
        by_minute = {
            start_ms: math.fsum(point.sum for point in every if point.start_ms == start_ms) / 60
            for start_ms in range(START_MS, END_MS, MINUTE_MS)
        }
        assert consumed["peak"] == max(by_minute.values())
        assert consumed["peak_at"] == max(by_minute, key=lambda start_ms: by_minute[start_ms])
        assert item["figures"]["account_max_reads"]["value"] == 80_000.0
        errors = sent().total(item["region"], "UserErrors")
        assert item["figures"]["user_errors"]["value"] == errors


def test_the_top_of_a_figure_are_the_highest_sums(account: House) -> None:
    found = answer(account, f"/top?by=read_throttle_events&of=indexes&region={REGION}&n=2&{RANGE}")
    sums = {
        dict(key[1])["TableName"]: sent().total(REGION, key[2], **dict(key[1]))
        for key in sent().by_series
        if key[0] == REGION and key[2] == "ReadThrottleEvents" and len(key[1]) == 2
    }
    best = sorted(sums.items(), key=lambda item: -item[1])
    assert [(item["table"], item["value"]) for item in found["top"]] == best[:2]
    assert found["ranked"] == len(best)


def test_utilisation_is_of_the_limit_in_force(account: House) -> None:
    found = answer(account, f"/utilization?{RANGE}&region={REGION}")["utilization"]
    assert [item["peak"] for item in found] == sorted(
        (item["peak"] for item in found), reverse=True
    )
    kinds = set()
    for item in found:
        direction, of = item["direction"].capitalize(), dimensions(item)
        consumed = sent().points(REGION, f"Consumed{direction}CapacityUnits", **of)
        provisioned = sent().points(REGION, f"Provisioned{direction}CapacityUnits", **of)
        limit = 40_000.0
        if provisioned:
            limit = next(iter(provisioned.values())).sum
        kinds.add((item["limited_by"], bool(provisioned)))
        percent = {ms: 100 * point.sum / (60 * limit) for ms, point in consumed.items()}
        assert item["limit"] == limit
        assert item["current"] == pytest.approx(percent[END_MS - MINUTE_MS], rel=1e-15)
        assert item["peak"] == pytest.approx(max(percent.values()), rel=1e-15)
        assert percent[item["peak_at"]] == max(percent.values())
        exact = Fraction(sum(Fraction(point.sum) for point in consumed.values()))
        exact /= Fraction(limit) * 60 * len(consumed) / 100
        assert item["average"] == pytest.approx(float(exact), rel=1e-15)
        above = [value for value in percent.values() if value > 70]
        assert item["above_70"] == pytest.approx(100 * len(above) / len(percent), rel=1e-15)
        assert item["seconds"] == 60 * len(percent)
    assert kinds == {("provisioned", True), ("account_table_limit", False)}


def test_latency_by_operation_has_delivered_percentiles_alone(account: House) -> None:
    found = answer(account, f"/latency?{RANGE}&region={REGION}&table=orders")["operations"]
    assert [item["operation"] for item in found if item["average_ms"]] == sorted(
        sent().operations(REGION, "orders"),
        key=lambda name: -mean(sent().points(REGION, LATENCY, TableName="orders", Operation=name)),
    )
    for item in found:
        of = {"TableName": "orders", "Operation": item["operation"]}
        points = sent().points(REGION, LATENCY, **of)
        assert item["requests"] == sum(point.count for point in points.values())
        assert item["average_ms"] == mean(points)
        assert item["minimum_ms"] == min(point.minimum for point in points.values())
        assert item["maximum_ms"] == max(point.maximum for point in points.values())
        delivered = {ms: dict(point.percentiles)["p99"] for ms, point in points.items()}
        p99 = item["percentiles"]["p99"]
        assert p99["highest_ms"] == max(delivered.values()) == delivered[p99["highest_at"]]
        assert p99["latest_at"] == max(delivered)
        assert p99["latest_ms"] == delivered[max(delivered)]
        errors = sent().points(REGION, "SystemErrors", **of)
        total = math.fsum(point.sum for point in errors.values())
        assert item["system_errors"] == (total if errors else None)


def test_throttling_leads_to_the_series_it_was_found_in(account: House) -> None:
    findings = answer(account, f"/throttling?{RANGE}")["findings"]
    assert {each["direction"] for each in findings} == {"read", "write"}
    assert any(each["index"] for each in findings)
    for each in findings:
        events = f"{each['direction'].title()}ThrottleEvents"
        assert each["events"] == sent().total(each["region"], events, **dimensions(each))
        assert each["inferred"] is False
        assert each["events"] == math.fsum(each["causes"].values())
    one = findings[0]
    for each in one["evidence"]:
        if each["unit"] != "Count" or each["metric"] == "ThrottledRequests":
            # A rate, or of some of the periods.
            continue
        _, statistics = get(account, each["statistics"], MANY)
        (series,) = (
            series for series in statistics["series"] if series["dimensions"] == each["dimensions"]
        )
        during = [
            value
            for start, value in zip(series["timestamps"], series["statistics"]["Sum"], strict=True)
            if each["start"] <= start < each["end"]
        ]
        assert math.fsum(during) == each["value"]
        seconds = (each["end"] - each["start"]) // 1000
        query = quote(f"sum_over_time({each['promql']}[{seconds}s])")
        path = f"/prometheus/api/v1/query?time={each['end'] // 1000}&query={query}"
        (found,) = get(account, path, MANY)[1]["data"]["result"]
        assert float(found["value"][1]) == each["value"]


def mean(points: dict[int, Point]) -> float:
    total = math.fsum(point.sum for point in points.values())
    return total / sum(point.count for point in points.values())


@pytest.mark.parametrize(
    ("most", "resolution", "end_ms"),
    [(10_000, 300, END_MS), (2_000, 3_600, START_MS + 2 * 3_600_000)],
)
def test_where_minutes_are_too_many_longer_buckets_give_the_same_sums(
    account: House, most: int, resolution: int, end_ms: int
) -> None:
    fine = answer(account, f"/tables?{RANGE}")
    coarse = answer(account, f"/tables?{RANGE}", most)
    assert (coarse["resolution"], coarse["end"]) == (resolution, end_ms)
    for one, other in zip(fine["tables"], coarse["tables"], strict=True):
        assert one["figures"].keys() == other["figures"].keys()
        for name in ("read_throttle_events", "latency"):
            if name in one["figures"]:
                assert other["figures"][name] == pytest.approx(one["figures"][name], rel=1e-14)
    # A range that is longer than what is stored is no reason to refuse.
    every = answer(account, f"/tables?start=0&end={END_MS}", most)
    assert (every["resolution"], every["start"]) == (3_600, 0)
    assert len(every["tables"]) == len(fine["tables"])
    status, found = get(account, f"{ROOT}/tables?{RANGE}", 100)
    assert (status, found["kind"]) == (422, "result_too_large")


def test_a_range_may_have_nothing_in_it(account: House) -> None:
    empty = f"start={START_MS - 7_200_000}&end={START_MS - 3_600_000}"
    assert answer(account, f"/tables?{empty}")["tables"] == []
    assert answer(account, f"/tables/orders?{empty}")["resources"] == []
    assert answer(account, f"/latency?{empty}")["operations"] == []
    assert answer(account, f"/utilization?{empty}")["utilization"] == []
    assert answer(account, f"/account?{empty}")["accounts"] == []
    # Without an end, the hour before now.
    assert answer(account, "/tables")["end"] - answer(account, "/tables")["start"] in {
        3_600_000,
        3_660_000,
    }


@pytest.mark.parametrize(
    ("route", "status", "said"),
    [
        ("/tables/nowhere", 404, "'nowhere'"),
        ("/latency?table=nowhere", 404, "'nowhere'"),
        ("/latency?table=order", 404, "similar: orders"),
        ("/tables?tabel=orders", 400, "table"),
        ("/utilization?start=2026-01-02&end=2026-01-01", 400, "after the start"),
        ("/top?by=speed", 400, "consumed_read_capacity"),
        ("/top", 400, "by"),
    ],
)
def test_what_cannot_be_answered_is_said(
    account: House, route: str, status: int, said: str
) -> None:
    code, found = get(account, f"{ROOT}{route}", MANY)
    assert code == status
    assert said in json.dumps(found)


ROUTES = {
    "/tables": f"/tables?{RANGE}",
    "/tables/{table}": f"/tables/orders?{RANGE}",
    "/account": f"/account?{RANGE}",
    "/top": f"/top?by=latency&{RANGE}",
    "/utilization": f"/utilization?{RANGE}",
    "/latency": f"/latency?{RANGE}",
    "/throttling": f"/throttling?{RANGE}",
}


@pytest.mark.parametrize("path", ROUTES)
def test_answers_have_the_shapes_that_are_described(account: House, path: str) -> None:
    _, document = get(account, "/openapi.json", MANY)
    content = document["paths"][f"{ROOT}{path}"]["get"]["responses"]["200"]["content"]
    schema = content["application/json"]["schema"]
    validator = jsonschema_rs.Draft202012Validator(strict(schema))
    validator.validate(answer(account, ROUTES[path]))
    validator.validate(schema["example"])


COMMANDS = {
    "report": ("/tables", ()),
    "report orders": ("/tables/orders", ()),
    "account": ("/account", ()),
    "top latency": ("/top", ("by=latency",)),
    "utilization": ("/utilization", ()),
    "latency --table orders": ("/latency", ("table=orders",)),
    "throttling": ("/throttling", ()),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_print_what_the_routes_give(
    dynamodb_account: Stored, account: House, command: str
) -> None:
    route, parameters = COMMANDS[command]
    url = f"{ROOT}{route}?{'&'.join((RANGE, *parameters))}"
    assert json.loads(run(dynamodb_account.url, command, "--format", "json")) == (
        ask(account, url, MANY).json()
    )
    table = run(dynamodb_account.url, command, "--format", "csv")
    of_route = ask(account, f"{url}&format=csv", MANY).text
    assert list(csv.reader(io.StringIO(table))) == list(csv.reader(io.StringIO(of_route)))
    text = run(dynamodb_account.url, command)
    assert sent().account in text
    assert "points of 60 s" in text


def run(database: str, command: str, *more: str) -> str:
    arguments = ["dynamodb", *command.split(), "--database", database, *more]
    arguments += ["--start", str(START_MS), "--end", str(END_MS)]
    ended = CliRunner().invoke(application, arguments)
    assert ended.exit_code == 0, ended.output
    return ended.stdout
