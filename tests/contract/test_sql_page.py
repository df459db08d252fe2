"""The queries of docs/sql.md, run on both engines over what the page says was simulated."""

import re
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.rules import RuleFile, load_rule_directory
from app.settings import DEFAULT_RULES
from app.simulator import AccountModel, Point
from app.simulator.stream import StreamOptions, shipments
from app.storage import add_sql_functions
from tests.fixtures.house import house
from tests.fixtures.postgresql import PostgresqlServer

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sql.md"
SIMULATED = re.compile(r"^hydrant simulate --start (\S+) --minutes 5 --tables (\d)$", re.MULTILINE)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
NOW_MS = 1_769_860_800_000
WEEK_MS = 604_800_000
MINUTES = 5
ACCOUNT = "118736666877"

Row = tuple[Any, ...]
Results = dict[str, list[Row]]


def models() -> list[tuple[int, AccountModel]]:
    return [
        (NOW_MS - WEEK_MS, AccountModel(tables=6)),
        (NOW_MS, AccountModel(tables=5)),
    ]


def rule_files() -> list[RuleFile]:
    """Those of tables and indexes; the page asks for no others."""
    wanted = ("dynamodb-endpoint.yaml", "dynamodb-index.yaml")
    return [file for file in load_rule_directory(DEFAULT_RULES) if file.path.endswith(wanted)]


def points() -> list[Point]:
    """The points of the five minutes of the last day."""
    model = models()[1][1]
    return [p for minute in range(MINUTES) for p in model.points(NOW_MS + minute * 60_000)]


def fill(url: str) -> None:
    with house(url, rule_files()) as made:
        for start_ms, model in models():
            for shipment in shipments(model, StreamOptions(start_ms=start_ms, minutes=MINUTES)):
                made.ingest.store(
                    made.ingest.open(shipment.request.request_id, shipment.request.body)
                )
        made.evaluator.evaluate_dirty()
        made.clock.advance(2 * 3600)
        made.rollups.run_once()


def queries(engine: str) -> list[tuple[str, str, list[list[str]] | None]]:
    """Heading, query and the result that is shown below it, of those that an engine runs."""
    found = []
    for part in re.split(r"^#{2,3} ", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        heading = part.splitlines()[0]
        blocks = BLOCK.findall(part)
        for (language, text), (next_language, shown) in zip(
            blocks, [*blocks[1:], ("none", "")], strict=True
        ):
            if language in ("sql", engine):
                rows = [re.split(r"\s\s+", line) for line in shown.splitlines()]
                found.append((heading, text, None if next_language else rows))
    return found


def run(engine: str, connection: Any) -> Results:  # noqa: ANN401 - of either driver
    """Rows of all queries of the page, in its order, by heading and number."""
    results: Results = {}
    cursor = connection.cursor()
    for number, (heading, text, _) in enumerate(queries(engine)):
        cursor.execute(text)
        results[f"{number} {heading}"] = cursor.fetchall() if cursor.description else []
    return results


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def answered(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    postgresql_server: PostgresqlServer,
) -> Iterator[tuple[str, Results, str]]:
    """The engine, the results of all queries, and the database that they are of."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("sql") / "hydrant.db"
        fill(f"sqlite:///{path}")
        with closing(sqlite3.connect(path)) as connection:
            add_sql_functions(connection)
            yield request.param, run(request.param, connection), str(path)
    else:
        postgresql_server.create_database("sql_page")
        url = postgresql_server.url("sql_page")
        fill(url)
        with psycopg.connect(url.replace("+psycopg", "")) as driver:
            results = run(request.param, driver)
        yield request.param, results, url
        postgresql_server.drop_database("sql_page")


def of(results: Results, heading: str) -> list[Row]:
    """Rows of the last query below a heading."""
    return [rows for name, rows in results.items() if name.split(" ", 1)[1] == heading][-1]


def test_the_page_says_what_was_simulated() -> None:
    text = PAGE.read_text("utf-8")
    assert SIMULATED.findall(text) == [("2026-01-24T12:00:00Z", "6"), ("2026-01-31T12:00:00Z", "5")]
    headings = {heading for heading, _, _ in queries("sqlite")}
    assert len(headings) >= 10
    assert headings == {heading for heading, _, _ in queries("postgresql")}


def test_results_are_those_of_the_page(answered: tuple[str, Results, str]) -> None:
    engine, results, _ = answered
    compared = 0
    for (heading, text, shown), rows in zip(queries(engine), results.values(), strict=True):
        if not text.startswith(("SELECT", "WITH")):
            continue
        assert rows, heading
        assert shown is not None, heading
        assert len(shown) == len(rows), (heading, rows)
        for cells, row in zip(shown, rows, strict=True):
            assert [same(cell, value) for cell, value in zip(cells, row, strict=True)] == [
                True
            ] * len(row), (heading, rows)
        compared += 1
    assert compared >= 11


def same(cell: str, value: object) -> bool:
    if isinstance(value, str):
        return cell == value
    return float(cell) == pytest.approx(float(value), rel=1e-9)  # type: ignore[arg-type]


def test_results_are_those_of_the_points(answered: tuple[str, Results, str]) -> None:
    _, results, _ = answered
    reads: dict[str, float] = defaultdict(float)
    writes: dict[str, float] = defaultdict(float)
    cost = 0.0
    latency: dict[str, list[float]] = {}
    p99: dict[str, float] = defaultdict(float)
    for p in points():
        dimensions = dict(p.series.dimensions)
        table = dimensions.get("TableName", "")
        prices = {"ConsumedReadCapacityUnits": 0.125, "ConsumedWriteCapacityUnits": 0.625}
        if p.series.metric in prices and table and "Source" not in dimensions:
            cost += p.sum / 1e6 * prices[p.series.metric]
            if len(dimensions) == 1:
                (reads if "Read" in p.series.metric else writes)[table] += p.sum
        if p.series.metric == "SuccessfulRequestLatency" and table == "orders":
            total = latency.setdefault(dimensions["Operation"], [0.0, 0.0])
            total[0] += p.sum
            total[1] += p.count
            worst = dict(p.percentiles)["p99"]
            p99[dimensions["Operation"]] = max(p99[dimensions["Operation"]], worst)
    busiest = sorted(reads, key=lambda table: -reads[table] - writes[table])[:3]
    assert of(results, "The busiest tables") == [
        (table, "us-east-1", reads[table], writes[table]) for table in busiest
    ]
    (row,) = of(results, "What requests would cost")
    assert row[:2] == (ACCOUNT, "us-east-1")
    assert float(row[2]) == pytest.approx(cost, rel=1e-12)
    teams = {
        "checkout": ("carts", "orders"),
        "accounts": ("customers", "sessions"),
        "nobody": ("inventory",),
    }
    assert {team: units for team, units, _ in of(results, "Consumption by team")} == {
        team: sum(writes[table] for table in tables) for team, tables in teams.items()
    }
    for table, now, _ in of(results, "This week against last week"):
        assert now == reads[table]
    heading = "Average latency, and the percentiles that were delivered"
    averages = next(rows for name, rows in results.items() if name.endswith(heading))
    for dimensions_text, average, requests in averages:
        operation = re.findall(r'"Operation":"(\w+)"', dimensions_text)[0]
        of_operation, count = latency[operation]
        assert (average, requests) == (pytest.approx(of_operation / count, rel=1e-12), count)
    for dimensions_text, worst, _ in of(results, heading):
        assert worst == p99[re.findall(r'"Operation":"(\w+)"', dimensions_text)[0]]
    (gone,) = of(results, "Idle tables")
    models_then, models_now = (model for _, model in models())
    names = {table.name for table in models_then.tables} - {t.name for t in models_now.tables}
    assert gone[1] in names | {table for table in reads if not reads[table] + writes[table]}


def test_csv_from_the_tools_of_the_databases(answered: tuple[str, Results, str]) -> None:
    engine, _, database = answered
    name, url = "hydrant.db", database.replace("+psycopg", "")
    program = f"{sys.executable} -m app.cli sql"
    (command,) = (
        text
        for language, text in BLOCK.findall(PAGE.read_text("utf-8"))
        if language == "sh"
        and "> values.csv" in text
        and text.startswith("hydrant sql" if engine == "sqlite" else "psql")
    )
    command = command.replace(name, database).replace("$DATABASE", url).replace("> values.csv", "")
    command = command.replace("hydrant sql", program)
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=PAGE.parents[1],
    )
    lines = done.stdout.splitlines()
    assert lines[0].startswith("metric,scope,layer,service,")
    assert len(lines) == 1 + 5 * MINUTES
