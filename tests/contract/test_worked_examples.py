"""The worked examples of docs/, run: what they show is what a user gets."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import orjson
import pybase64
import pytest
from typer.testing import CliRunner

from app.cli import application
from app.storage import add_sql_functions
from app.storage.deployment_marks import NewMark, set_mark
from tests.fixtures.house import House, house
from tests.fixtures.rest import get

DOCS = Path(__file__).resolve().parents[2] / "docs"
SIMULATED = "hydrant simulate --format mixed --start 2026-01-31T12:00:00Z --minutes 10 --tables 5"
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
DEPLOYMENT = NewMark(
    text="orders-service v1.2",
    at_ms=1769860860000,
    table_name="orders",
    url="https://ci.example.com/deployments/120",
    author="key-1",
    key="deployment-120",
)
OWNERS = {
    "carts": "checkout",
    "orders": "checkout",
    "customers": "accounts",
    "sessions": "accounts",
    "inventory": "stock",
}


def blocks(page: str) -> list[tuple[str, str]]:
    """Language and text of the fenced blocks of a page."""
    return FENCED.findall((DOCS / page).read_text("utf-8"))


def run(*arguments: str) -> str:
    result = CliRunner().invoke(application, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = tmp_path_factory.mktemp("worked")
    run(*SIMULATED.split()[1:], "--output", str(directory / "requests"))
    url = f"sqlite:///{directory / 'h.db'}"
    with house(url) as inside:
        for file in sorted((directory / "requests").iterdir()):
            body = pybase64.b64decode(orjson.loads(file.read_bytes())["body_base64"])
            inside.ingest.store(inside.ingest.open(None, body))
        inside.contents()
        now_ms = inside.clock.now_ms()
        inside.store.write(lambda connection: set_mark(connection, DEPLOYMENT, now_ms))
    return url


@pytest.fixture
def inside(database: str) -> Iterator[House]:
    with house(database) as made:
        yield made


def shown(abridged: str, whole: str) -> bool:
    """Whether the parts between the ellipses stand in ``whole`` in their order."""
    parts = re.split(r"\s*…\s*", abridged.strip())
    return re.search(".*".join(map(re.escape, parts)), whole, re.DOTALL) is not None


@pytest.mark.parametrize("page", ["http-api.md", "explain.md"])
def test_the_pages_name_what_was_simulated(page: str) -> None:
    assert SIMULATED in (DOCS / page).read_text("utf-8")


def test_explanations_of_the_command_line(database: str) -> None:
    examples = [text for _, text in blocks("explain.md") if text.startswith("$ hydrant ")]
    assert len(examples) == 2
    for example in examples:
        command, expected = example.split("\n", 1)
        answer = run(*command.split()[2:], "--database", database)
        assert shown(expected, answer), answer


def rest_examples() -> list[tuple[str, str]]:
    lines = "\n".join(text for _, text in blocks("http-api.md")).splitlines()
    found = [
        (line.removeprefix("GET "), answer)
        for line, answer in pairwise(lines)
        if line.startswith("GET /api/v1/") and answer.startswith("{")
    ]
    # These are of servers with other rules, or that received what is broken.
    broken = ("/api/v1/metrics/shop_", "/api/v1/rules?state=broken", "/api/v1/quarantine")
    # This is of a server that has been receiving for hours.
    # These are of hours of larger accounts, and of a server that alarms.
    insights = ("/api/v1/dynamodb/", "/api/v1/alarms")
    others = (*broken, "/api/v1/streams", *insights)
    return [(path, answer) for path, answer in found if not path.startswith(others)]


@pytest.mark.parametrize(("path", "expected"), rest_examples())
def test_answers_of_rest(inside: House, path: str, expected: str) -> None:
    status, answer = get(inside, path, query_max_points=1_000_000)
    assert status == 200
    whole = orjson.dumps(answer).decode()
    assert shown(expected, whole), whole[:5_000]


def test_there_are_answers_of_rest() -> None:
    assert len(rest_examples()) >= 8


def test_queries_in_sql(database: str) -> None:
    page = blocks("schema.md")
    compared = 0
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as connection:
        add_sql_functions(connection)
        for number, (language, text) in enumerate(page):
            if language != "sql":
                continue
            rows = connection.execute(text).fetchall()
            if text.startswith("CREATE TABLE table_owner "):
                owners = [("118736666877", table, team) for table, team in OWNERS.items()]
                connection.executemany("INSERT INTO table_owner VALUES (?, ?, ?)", owners)
                continue
            # Nothing has been filled in where all has come, and nobody has looked for alarms.
            assert rows or "WHERE backfilled" in text or "v_alarm_" in text
            if page[number + 1 :] and not page[number + 1][0]:
                expected = [line.split() for line in page[number + 1][1].splitlines()]
                assert [[str(cell) for cell in row] for row in rows] == expected
                compared += 1
    assert compared == 3
