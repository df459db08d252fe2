"""Costs over REST and on the command line: one answer, its shape as described, and clear errors."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import orjson
import pytest
from anyio.from_thread import start_blocking_portal
from typer.testing import CliRunner

from app.cli import application
from app.dynamodb.cost_hours import HOUR_MS
from app.errors import PriceFileError
from app.main import build_application
from app.settings import load_settings
from app.simulator import Format, Point, Series, encode_records
from tests.contract.test_openapi import strict
from tests.fixtures.house import NOW_MS, House, house
from tests.fixtures.rest import ask, get

START_MS = NOW_MS // HOUR_MS * HOUR_MS - 26 * HOUR_MS
END_MS = START_MS + 24 * HOUR_MS
RANGE = f"start={START_MS}&end={END_MS}"
MANY = 1_000_000
COST = f"/api/v1/dynamodb/cost?{RANGE}"
STREAM_COST = f"/api/v1/dynamodb/stream-cost?{RANGE}"


def point(metric: str, minute: int, value: float, table: str, region: str) -> Point:
    series = Series("1", region, "AWS/DynamoDB", metric, (("TableName", table),), "Count")
    return Point(series, START_MS + minute * 60_000, 1, value, value, value)


def a_day() -> Iterator[Point]:
    """An idle provisioned table, a small one on demand, and one in a region without prices."""
    for minute in range(24 * 60):
        yield point("ConsumedReadCapacityUnits", minute, 60.0, "idle", "eu-west-1")
        yield point("ConsumedWriteCapacityUnits", minute, 4.5, "carts", "eu-west-1")
        if minute % 5 == 0:
            yield point("ProvisionedReadCapacityUnits", minute, 1000.0, "idle", "eu-west-1")
            yield point("ProvisionedWriteCapacityUnits", minute, 10.0, "idle", "eu-west-1")
            yield point("ConsumedReadCapacityUnits", minute, 1.0, "far", "eu-south-2")


def fill(url: str) -> None:
    with house(url, files=[]) as inside:
        inside.store.migrate()
        inside.post(encode_records(list(a_day()), Format.OPENTELEMETRY_1_0))
        inside.streams.flush()


@pytest.fixture
def inside(database_copy: Any) -> Iterator[House]:  # noqa: ANN401 - a fixture's function
    with house(database_copy(fill), files=[]) as inside:
        yield inside


def test_the_dearest_table_comes_first_with_its_advice(inside: House) -> None:
    status, answer = get(inside, COST, MANY)
    assert status == 200, answer
    assert (answer["start"], answer["end"], answer["resolution"]) == (START_MS, END_MS, 60)
    assert [table["table"] for table in answer["tables"]] == ["idle", "carts", "far"]
    idle, carts, far = answer["tables"]
    # 24 × (1,000 × 0.000147 + 10 × 0.000735)
    assert idle["total"]["cost"] == "3.7044"
    # 1,440 × 4.5 × 0.705 / 10^6
    assert carts["total"]["cost"] == "0.0045684"
    assert answer["total"]["cost"] == "3.7089684"
    assert idle["modes"] == [{"start": START_MS, "end": END_MS, "mode": "provisioned"}]
    assert carts["hours"]["on_demand"] == 24
    assert idle["advice"]["action"] == "switch_to_on_demand"
    assert idle["advice"]["cost_then"] == idle["total"]["if_on_demand"] == "0.0122256"
    assert carts["advice"] is None
    assert idle["break_even_percent"]["reads"] == pytest.approx(100 * 0.000147 / (3600 * 0.1415e-6))
    assert far["total"]["cost"] is None
    assert idle["missing_prices"] == []
    assert "million_read_request_units" in far["missing_prices"]
    assert "million_replicated_write_request_units" not in far["missing_prices"]
    assert (answer["unpriced_tables"], answer["unpriced_regions"]) == (1, ["eu-south-2"])
    assert any("without free tier" in text for text in answer["assumptions"])
    assert answer["prices"]["date"] == "2026-09-29"


def test_days_and_tables_add_up_in_any_offset(inside: House) -> None:
    status, answer = get(inside, f"{COST}&utc_offset=%2B09:30&table=idle", MANY)
    assert status == 200, answer
    days = [Decimal(day["cost"]) for day in answer["days"]]
    assert len(days) == 2
    assert sum(days) == Decimal("3.7044") == Decimal(answer["total"]["cost"])
    (idle,) = answer["tables"]
    assert [day["cost"] for day in idle["resources"][0]["days"]] == [
        day["cost"] for day in answer["days"]
    ]


def test_answers_have_the_shapes_that_are_described(inside: House) -> None:
    _, document = get(inside, "/openapi.json", MANY)
    for url in (COST, STREAM_COST):
        operation = document["paths"][url.partition("?")[0]]["get"]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        assert jsonschema_rs.meta.is_valid(schema)
        status, answer = get(inside, url, MANY)
        assert status == 200, answer
        validator = jsonschema_rs.Draft202012Validator(strict(schema))
        validator.validate(answer)
        validator.validate(schema["example"])


def test_rows_are_of_days(inside: House) -> None:
    rows = list(csv.DictReader(io.StringIO(ask(inside, f"{COST}&format=csv", MANY).text)))
    of_idle = [row for row in rows if row["table"] == "idle"]
    assert len(of_idle) == len({row["date"] for row in of_idle}) == 2
    assert sum(Decimal(row["cost"]) for row in of_idle) == Decimal("3.7044")
    lines = ask(inside, f"{STREAM_COST}&format=ndjson", MANY).text.splitlines()
    first = orjson.loads(lines[0])
    assert (first["metric"], first["points"]) == ("ConsumedReadCapacityUnits", 1440)


def test_the_stream_of_a_day(inside: House) -> None:
    status, answer = get(inside, STREAM_COST, MANY)
    assert status == 200, answer
    assert answer["is_complete"]
    assert answer["total"]["updates"] == answer["total"]["points"] == 2 * 1440 + 3 * 288
    assert answer["total"]["cost"] is None
    assert answer["unpriced_regions"] == ["eu-south-2"]
    costs = {row["region"]: row["cost"] for row in answer["namespaces"]}
    assert costs == {"eu-west-1": "0.010368", "eu-south-2": None}
    assert [row["table"] for row in answer["tables"]] == ["idle", "carts", "far"]
    (ours, _) = sorted(answer["firehose"], key=lambda row: row["region"], reverse=True)
    # A record of OpenTelemetry 1.0 takes some 200 bytes a point.
    assert 100 < ours["bytes_per_point"] < 400


WRONG = [
    (f"{COST}&utc_offset=2", "utc_offset", "is not an offset from UTC"),
    (f"{COST}&target_utilization=95", "target_utilization", "90"),
    (f"/api/v1/dynamodb/cost?start={END_MS}&end={START_MS}", "start", "whole hours"),
    ("/api/v1/dynamodb/cost?start=2199-01-01", "start", "whole hours that are over"),
    ("/api/v1/dynamodb/cost?start=0", "start", "400 days at most"),
    (f"{COST}&tabel=orders", "tabel", "no such parameter"),
    (f"/api/v1/dynamodb/stream-cost?start={END_MS}&end={START_MS}", "end", "after the start"),
    (f"{STREAM_COST}&hours=0", "hours", "1"),
]


def test_what_is_wrong_is_said(sqlite_url: str) -> None:
    with house(sqlite_url, files=[]) as inside:
        for url, parameter, says in WRONG:
            status, answer = get(inside, url, MANY)
            assert (status, answer["kind"]) == (400, "invalid_parameter"), url
            assert answer["parameter"] == parameter
            assert says in answer["message"]


def test_a_table_that_is_not_there(inside: House) -> None:
    status, answer = get(inside, f"{COST}&table=nope", MANY)
    assert (status, answer["kind"]) == (404, "not_found")
    assert "'nope'" in answer["message"]


def test_fewer_points_are_read_where_there_are_many(inside: House) -> None:
    _, whole = get(inside, COST, MANY)
    # In eight parts of three hours.
    assert get(inside, COST, 2_000) == (200, whole)
    status, coarse = get(inside, COST, 700)
    assert status == 200, coarse
    assert coarse["resolution"] == 300
    assert coarse["total"]["cost"] == whole["total"]["cost"]
    status, answer = get(inside, COST, 10)
    assert (status, answer["kind"]) == (422, "result_too_large")


def run(inside: House, *arguments: str, **environment: str) -> str:
    url = inside.store.description
    ended = CliRunner().invoke(
        application,
        ["dynamodb", *arguments, "--start", str(START_MS), "--end", str(END_MS)],
        env={"HYDRANT_DATABASE": url, **environment},
    )
    assert ended.exit_code == 0, ended.output + str(ended.exception)
    return ended.stdout


def test_the_commands_say_the_same(sqlite_url: str) -> None:
    with house(sqlite_url, files=[]) as inside:
        inside.post(encode_records(list(a_day()), Format.OPENTELEMETRY_1_0))
        inside.streams.flush()
        for command, url in (("cost", COST), ("stream-cost", STREAM_COST)):
            _, answer = get(inside, url, MANY)
            assert (
                orjson.loads(run(inside, command, "--format", "json", "--limit", "100")) == answer
            )
        text = run(inside, "cost")
        assert "3.7044" in text
        assert "idle: switch to on demand: 0.0122 instead of 3.7044 in 24 hours" in text
        assert "  eu-south-2 standard, 1 tables: million_read_request_units, " in text
        text = run(inside, "cost", "--table", "carts", "--limit", "1")
        assert "2026-11-1" in text
        text = run(inside, "stream-cost")
        assert "all points counted" in text
        assert "3,744 updates in 3,744 points of 5 series" in text


MINE = """\
date: 2026-11-01
currency: EUR
source: our contract
regions:
  eu-west-1:
    standard: {read_capacity_unit_hour: 0.001, write_capacity_unit_hour: 0.01}
  eu-south-2:
    standard: {million_read_request_units: 1000}
"""


def test_prices_of_ones_own(sqlite_url: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(MINE, "utf-8")
    no_rules = tmp_path / "rules"
    no_rules.mkdir()
    with house(sqlite_url, files=[]) as inside:
        inside.post(encode_records(list(a_day()), Format.OPENTELEMETRY_1_0))
        text = run(inside, "cost", "--prices", str(file))
        assert "EUR, prices of 2026-11-01" in text
        # 24 × (1,000 × 0.001 + 10 × 0.01), and 288 × 1,000 / 10^6
        assert "26.4000" in text
        assert "0.2880" in text
        assert "eu-west-1 standard, 1 tables: million_read_request_units" in text
        assert run(inside, "cost", HYDRANT_PRICE_FILE=str(file)) == text
    settings = load_settings(
        allow_anonymous=True, database=sqlite_url, price_file=file, rules=no_rules
    )
    with start_blocking_portal() as portal:
        web = build_application(settings)
        with portal.wrap_async_context_manager(web.router.lifespan_context(web)):

            async def answer() -> httpx.Response:
                transport = httpx.ASGITransport(web)
                async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
                    return await client.get(COST)

            assert portal.call(answer).json()["total"]["cost"] == "26.688"
            # It takes effect at once, and a fault is told with its place.
            file.write_text(MINE.replace("0.001,", "0.002,"), "utf-8")
            assert portal.call(answer).json()["total"]["cost"] == "50.688"
            file.write_text(MINE.replace("0.001,", "-1,"), "utf-8")
            refused = portal.call(answer)
            assert (refused.status_code, refused.json()["kind"]) == (500, "configuration")
            assert f"{file}:6:" in refused.json()["message"]
    with pytest.raises(PriceFileError, match=r"mine\.yaml:6:"):
        build_application(settings)
