"""Time to limit over REST and on the command line, on both engines, by hours and by minutes."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from typer.testing import CliRunner

from app.cli import application
from app.simulator import Format, Point, Series, encode_records
from tests.contract.test_openapi import strict
from tests.fixtures.databases import Copy
from tests.fixtures.house import NOW_MS, House, house
from tests.fixtures.rest import get

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
DAYS = 14
# The newest hour is not over, so its first minutes have not been rolled up.
END_MS = NOW_MS // HOUR_MS * HOUR_MS
START_MS = END_MS - DAYS * DAY_MS
ROUTE = "/api/v1/dynamodb/limits"
ORDERS = (("TableName", "orders"),)
USERS = (("TableName", "users"),)
MANY = 1_000_000


def point(
    metric: str, start_ms: int, value: float, dimensions: tuple[tuple[str, str], ...]
) -> Point:
    series = Series("1", "eu-west-1", "AWS/DynamoDB", metric, dimensions, "Count")
    return Point(series, start_ms, 1, value, value, value)


def points() -> Iterator[Point]:
    """Orders grows by 1 % a day in its best hour, users does not, the account is over its limit."""
    for hour in range(DAYS * 24):
        # Eighteen hours of a day are enough.
        if hour % 24 < 6:
            continue
        start_ms = START_MS + hour * HOUR_MS
        if hour % 24 == 20:
            # The hour is at 75 % on the first day; half of it comes in its last minute.
            units = 1_800 * (75.0 + hour // 24)
            yield point("ConsumedWriteCapacityUnits", start_ms, units, ORDERS)
            yield point("ConsumedWriteCapacityUnits", start_ms + 59 * 60_000, units, ORDERS)
        else:
            yield point("ConsumedWriteCapacityUnits", start_ms, 3_600.0, ORDERS)
        yield point("ConsumedReadCapacityUnits", start_ms, 3_600.0, USERS)
        yield point("ProvisionedWriteCapacityUnits", start_ms, 100.0, ORDERS)
        yield point("ProvisionedReadCapacityUnits", start_ms, 10.0, USERS)
        yield point("AccountProvisionedReadCapacityUtilization", start_ms, 101.0, ())


def stored(url: str) -> None:
    """Two weeks, not rolled up."""
    with house(url, []) as made:
        made.post(encode_records(list(points()), Format.OPENTELEMETRY_1_0))
        made.evaluator.evaluate_dirty()


@pytest.fixture
def url(database_copy: Copy) -> str:
    return database_copy(stored)


@pytest.fixture
def inside(url: str) -> Iterator[House]:
    with house(url, []) as made:
        yield made


def answer(inside: House, query: str = "") -> dict[str, Any]:
    status, found = get(inside, f"{ROUTE}?start={START_MS}&end={END_MS}{query}", MANY)
    assert status == 200, found
    return found


def test_limits_are_told_alike_before_and_after_hours_are_rolled_up(inside: House) -> None:
    found = answer(inside)
    assert (found["start"], found["end"], found["resolution"]) == (START_MS, END_MS, 3600)
    account, orders, users = found["limits"]
    assert (account["of"], account["outcome"], account["table"]) == ("account", "reached", "")
    assert (account["peak"], account["limit"]) == (101.0, None)
    assert (users["table"], users["outcome"]) == ("users", "not_growing")
    # 88 % in the middle of the last day.
    assert (orders["table"], orders["outcome"], orders["periods"]) == ("orders", "projected", DAYS)
    assert (orders["peak"], orders["limit"], orders["direction"]) == (88.0, 100.0, "write")
    assert orders["growth"] == pytest.approx(1.0)
    assert orders["reached"] == END_MS + 11.5 * DAY_MS
    assert orders["earliest"] == orders["latest"] == orders["reached"]

    _, document = get(inside, "/openapi.json", MANY)
    content = document["paths"][ROUTE]["get"]["responses"]["200"]["content"]
    schema = content["application/json"]["schema"]
    validator = jsonschema_rs.Draft202012Validator(strict(schema))
    validator.validate(found)
    validator.validate(schema["example"])

    inside.rollups.run_once()
    assert inside.rows("SELECT count(*) FROM point_1h") != [(0,)]
    assert answer(inside) == found


def test_without_times_it_is_four_weeks_and_a_table_alone_if_wanted(inside: House) -> None:
    status, found = get(inside, f"{ROUTE}?table=orders", MANY)
    assert status == 200
    assert found["end"] - found["start"] == 28 * DAY_MS + HOUR_MS
    assert [each["outcome"] for each in found["limits"] if each["table"]] == ["projected"]
    status, found = get(inside, f"{ROUTE}?table=nothing", MANY)
    assert (status, found["kind"]) == (404, "not_found")


def run(database: str, *arguments: str) -> str:
    command = ["dynamodb", "limits", "--database", database, *arguments]
    times = ["--start", str(START_MS), "--end", str(END_MS)]
    ended = CliRunner().invoke(application, [*command, *times])
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def test_the_command_shows_what_reaches_its_limit(inside: House, url: str) -> None:
    assert json.loads(run(url, "--format", "json")) == answer(inside)
    lines = run(url).splitlines()
    assert lines[1].split()[:3] == ["account", "region", "of"]
    assert "reached" in lines[2]
    assert "2026-11-29T23:00:00Z" in lines[3]
    assert lines[4:] == ["of 1 no time can be told: 1 not growing; --all shows them"]
    assert "it does not grow" in run(url, "--all")
    assert "it does not grow" in run(url, "--table", "users")
