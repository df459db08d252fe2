"""``hydrant sql`` on both engines: it shows the views, changes nothing, and is bounded."""

import csv
import io
import json
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import application
from app.errors import ConfigurationError, HydrantError, InvalidRequest, QueryTimeout
from app.errors import ResultTooLarge as TooMany
from tests.fixtures.databases import Copy
from tests.fixtures.house import house
from tests.fixtures.rollups import capacity, deliver, latency, rules
from tests.fixtures.server import REPOSITORY, command_environment, hydrant

SUMS = (0.1, 1 / 3, 1e300, 5e-324, 123456789.125, -2.0)


def some_points(url: str) -> None:
    """Fill a database."""
    with house(url, rules()) as made:
        points = [capacity(minute, total) for minute, total in enumerate(SUMS)]
        deliver(made, *points, latency(0, 3.0, count=3), request_id="1")


@pytest.fixture
def filled(database_copy: Copy) -> str:
    return database_copy(some_points)


def run(database: str, query: str, *options: str, text: str | None = None) -> str:
    arguments = ["sql", query, "--database", database, *options]
    ended = CliRunner().invoke(application, arguments, input=text)
    if isinstance(ended.exception, HydrantError):
        raise ended.exception
    assert ended.exit_code == 0, ended.output
    return ended.stdout


READS = "FROM v_points WHERE metric = 'ConsumedReadCapacityUnits'"


def bits(number: float) -> bytes:
    return struct.pack(">d", number)


def test_doubles_read_back_to_the_last_bit(filled: str) -> None:
    query = f"SELECT sum, minute {READS} ORDER BY minute"
    rows = list(csv.reader(io.StringIO(run(filled, query, "--format", "csv"))))
    assert rows[0] == ["sum", "minute"]
    assert [bits(float(row[0])) for row in rows[1:]] == [bits(number) for number in SUMS]
    answer = json.loads(run(filled, query, "--format", "json"))
    assert answer["columns"] == ["sum", "minute"]
    assert [bits(row[0]) for row in answer["rows"]] == [bits(number) for number in SUMS]
    table = run(filled, query).splitlines()
    assert [bits(float(line.split()[0])) for line in table[1:]] == [bits(n) for n in SUMS]


def test_a_table_is_aligned_and_keeps_to_its_lines(filled: str) -> None:
    query = "SELECT 'a' AS text, 1 AS n, NULL AS none UNION ALL SELECT 'b\nc', 22, NULL ORDER BY 2"
    assert run(filled, query) == "text   n  none\na      1\nb\\nc  22\n"


def test_the_query_may_come_from_standard_input(filled: str) -> None:
    text = f"SELECT count(*) AS n {READS} -- with 'quotes', 100% and \"names\""
    assert run(filled, "-", text=text) == "n\n6\n"
    assert run(filled, f"SELECT count(*) AS n {READS} AND dimensions LIKE '%orders%'") == "n\n6\n"


def test_no_rows_still_have_columns(filled: str) -> None:
    query = "SELECT metric, value FROM v_values WHERE minute = 1"
    assert run(filled, query) == "metric  value\n"
    assert run(filled, query, "--format", "csv") == "metric,value\n"
    assert json.loads(run(filled, query, "--format", "json")) == {
        "columns": ["metric", "value"],
        "rows": [],
    }


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_more_rows_than_the_limit_are_an_error_after_those(filled: str, form: str) -> None:
    options = ["sql", f"SELECT minute {READS}", "--database", filled, "--format", form]
    ended = CliRunner().invoke(application, [*options, "--limit", "5"])
    assert isinstance(ended.exception, TooMany)
    assert "--limit" in ended.exception.message

    def rows(printed: str) -> Sequence[object]:
        found: Sequence[object] = (
            json.loads(printed)["rows"] if form == "json" else printed.splitlines()[1:]
        )
        return found

    assert len(rows(ended.stdout)) == 5
    for limit in ("6", "0"):
        assert len(rows(CliRunner().invoke(application, [*options, "--limit", limit]).stdout)) == 6


OTHERS = (
    "DELETE FROM series",
    "INSERT INTO metric (name) VALUES ('mine')",
    "WITH gone AS (SELECT 1) DELETE FROM series",
    "CREATE TABLE mine (id int)",
    "DROP VIEW v_points",
    "SELECT 1; DROP VIEW v_points",
    "COMMIT; DROP VIEW v_points",
    "ATTACH DATABASE 'mine.db' AS mine",
    "PRAGMA query_only = OFF",
    "PRAGMA journal_mode = DELETE",
    "",
    "/* nothing */",
)


def test_nothing_but_one_query_is_run(filled: str) -> None:
    before = run(filled, "SELECT * FROM v_points ORDER BY metric, minute")
    for statement in OTHERS:
        with pytest.raises(InvalidRequest) as refused:
            run(filled, statement)
        assert "\n" not in refused.value.message
    assert run(filled, "SELECT * FROM v_points ORDER BY metric, minute") == before
    assert not Path("mine.db").exists()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT nothing FROM v_points", "nothing"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("SELEKT 1", "SELEKT"),
    ],
)
def test_what_is_wrong_is_said(filled: str, query: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        run(filled, query)


def test_a_query_ends_when_its_time_is_over(filled: str) -> None:
    endless = (
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1000000000)"
        " SELECT count(*) FROM n"
    )
    with pytest.raises(QueryTimeout, match="--timeout"):
        run(filled, endless, "--timeout", "0.2")


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no database"):
        run(f"sqlite:///{tmp_path}/none.db", "SELECT 1")
    assert not (tmp_path / "none.db").exists()


def test_the_command_says_it_in_one_line(sqlite_url: str, tmp_path: Path) -> None:
    environment = {**command_environment(), "PYTHONPATH": str(REPOSITORY)}
    ended = hydrant(
        "sql", "SELECT", "--database", sqlite_url, directory=tmp_path, environment=environment
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("hydrant: the database refuses the query: ")
    assert ended.stderr.count("\n") == 1
