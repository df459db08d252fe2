"""Marks of deployments: over HTTP, by command, in SQL, and until they are forgotten."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.pipeline import Maintenance, Retention
from app.storage import Tier
from tests.fixtures.house import NOW_MS, House, house
from tests.fixtures.rest import ask
from tests.fixtures.server import RunningServer, command_environment, hydrant

API = "/api/v1/marks"
READER = "a-reading-token-01"
OPERATOR = "an-operator-token-1"
MINUTE_MS = 60_000
DAY_MS = 86_400_000
DEPLOYED = {"text": "orders-service v1.2", "table": "orders"}


@pytest.fixture
def inside(database_url: str) -> Iterator[House]:
    with house(database_url, ()) as made:
        yield made


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """For what is decided before the database: one for all tests."""
    with house(f"sqlite:///{tmp_path_factory.mktemp('door') / 'hydrant.db'}", ()) as made:
        yield made


def send(
    inside: House, method: str, path: str = "", content: object = None, token: str = OPERATOR
) -> httpx.Response:
    return ask(
        inside,
        API + path,
        method=method,
        body=b"" if content is None else json.dumps(content).encode(),
        headers={"content-type": "application/json", "authorization": f"Bearer {token}"},
        operators=(OPERATOR,),
        readers=(READER,),
    )


def added(inside: House, **content: Any) -> dict[str, Any]:  # noqa: ANN401 - as JSON has it
    answer = send(inside, "POST", content={**DEPLOYED, **content})
    assert answer.status_code == 201, answer.text
    mark: dict[str, Any] = answer.json()
    return mark


def texts(inside: House, query: str = "") -> list[str]:
    answer = send(inside, "GET", query, token=READER)
    assert answer.status_code == 200, answer.text
    return [mark["text"] for mark in answer.json()["marks"]]


def test_a_mark_is_set_listed_and_deleted(inside: House) -> None:
    mark = added(inside, url="https://ci.example.com/120", end=NOW_MS + MINUTE_MS)
    assert mark == {
        "id": mark["id"],
        "time": NOW_MS,
        "end": NOW_MS + MINUTE_MS,
        "text": "orders-service v1.2",
        "account": None,
        "region": None,
        "table": "orders",
        "url": "https://ci.example.com/120",
        "author": "key-1",
        "key": None,
        "created": NOW_MS,
    }
    assert send(inside, "GET", token=READER).json() == {"marks": [mark]}
    rows = inside.rows("SELECT text, at_ms, ended_ms, table_name, author, key FROM v_marks")
    assert rows == [("orders-service v1.2", NOW_MS, NOW_MS + MINUTE_MS, "orders", "key-1", None)]
    assert send(inside, "DELETE", f"/{mark['id']}").status_code == 204
    assert texts(inside) == []
    again = send(inside, "DELETE", f"/{mark['id']}")
    assert (again.status_code, again.json()["kind"]) == (404, "not_found")
    assert added(inside)["id"] > mark["id"]


def test_a_mark_with_a_key_is_set_once_and_changed_after(inside: House) -> None:
    first = added(inside, key="deployment-120")
    inside.clock.advance(300)
    answer = send(inside, "POST", content={**DEPLOYED, "key": "deployment-120"})
    assert answer.status_code == 200
    assert answer.json() == first
    ended = {**DEPLOYED, "text": "done", "key": "deployment-120", "end": NOW_MS + 5 * MINUTE_MS}
    changed = send(inside, "POST", content=ended).json()
    assert changed == {**first, "text": "done", "end": NOW_MS + 5 * MINUTE_MS}
    moved = {**ended, "time": NOW_MS + MINUTE_MS}
    assert send(inside, "POST", content=moved).json()["time"] == NOW_MS + MINUTE_MS
    assert texts(inside) == ["done"]
    added(inside)
    added(inside)
    assert len(texts(inside)) == 3


def test_marks_of_a_range_and_a_place(inside: House) -> None:
    added(inside, text="long", time=NOW_MS - 60 * MINUTE_MS, end=NOW_MS - 10 * MINUTE_MS)
    added(inside, text="all", time=NOW_MS - 30 * MINUTE_MS, table="")
    added(inside, text="one", time=NOW_MS, account="111122223333", region="eu-west-1")
    assert texts(inside) == ["one", "all", "long"]
    assert texts(inside, f"?start={NOW_MS - 10 * MINUTE_MS}") == ["one", "long"]
    assert texts(inside, f"?start={NOW_MS - 10 * MINUTE_MS + 1}") == ["one"]
    assert texts(inside, f"?end={NOW_MS}") == ["all", "long"]
    assert texts(inside, "?table=orders") == ["one", "all", "long"]
    assert texts(inside, "?table=users") == ["all"]
    assert texts(inside, "?account=444455556666&table=orders") == ["all", "long"]
    assert texts(inside, "?region=eu-west-1&account=111122223333") == ["one", "all", "long"]
    page = send(inside, "GET", "?limit=2").json()
    assert [mark["text"] for mark in page["marks"]] == ["one", "all"]
    assert texts(inside, f"?limit=2&cursor={page['next']}") == ["long"]


@pytest.mark.parametrize(
    ("content", "at_fault"),
    [
        ({"text": ""}, "text"),
        ({"text": "  "}, "text"),
        ({"text": "x" * 201}, "text"),
        ({"text": "a\x00b"}, "text"),
        ({"text": "a\nb"}, "text"),
        ({"text": "x", "time": "soon"}, "time"),
        ({"text": "x", "time": NOW_MS, "end": NOW_MS - 1}, "end"),
        ({"text": "x", "url": "http://ci.example.com"}, "url"),
        ({"text": "x", "url": "javascript:alert(1)"}, "url"),
        ({"text": "x", "url": "https://"}, "url"),
        ({"text": "x", "url": "https://ci.example.com/\x00"}, "url"),
        ({"text": "x", "url": "https://ci.example.com/ onclick=x"}, "url"),
        ({"text": "x", "table": "t" * 256}, "table"),
        ({"text": "x", "key": ""}, "key"),
        ({}, None),
        ({"text": 1}, None),
        ({"text": "x", "colour": "red"}, None),
        ({"text": "x", "time": True}, None),
    ],
)
def test_what_cannot_be_a_mark(door: House, content: object, at_fault: str | None) -> None:
    answer = send(door, "POST", content=content)
    assert answer.status_code == 400, answer.text
    assert answer.json().get("parameter") == at_fault
    assert texts(door) == []


@pytest.mark.parametrize(("token", "status"), [(READER, 403), ("wrong", 401)])
def test_operators_alone_set_and_delete(door: House, token: str, status: int) -> None:
    assert send(door, "POST", content=DEPLOYED, token=token).status_code == status
    assert send(door, "DELETE", "/1", token=token).status_code == status
    assert texts(door) == []


def test_marks_are_kept_as_long_as_hours(inside: House) -> None:
    def kept_for(days: int) -> list[str]:
        retention = Retention(delivery_hours=48, quarantine_days=30, tier_days={Tier.HOUR: days})
        deleted = Maintenance(inside.store, inside.clock, inside.lease, retention).run_once()
        assert deleted["deployment_mark"] == before - len(texts(inside))
        return texts(inside)

    added(inside, text="old", time=NOW_MS - 456 * DAY_MS)
    added(inside, text="long", time=NOW_MS - 456 * DAY_MS, end=NOW_MS - 454 * DAY_MS)
    added(inside, text="new")
    before = 3
    assert kept_for(0) == ["new", "long", "old"]
    assert kept_for(455) == ["new", "long"]


def test_the_command_sets_marks_in_a_database(database_url: str, tmp_path: Path) -> None:
    with house(database_url, ()) as inside:
        options = ["--at", "2026-11-20T10:00Z", "--table", "orders", "--key", "k"]
        for word in ("set", "changed"):
            run = hydrant(
                "mark",
                "orders v1.2",
                *options,
                directory=tmp_path,
                environment=command_environment(database=database_url),
            )
            assert run.returncode == 0, run.stderr
            assert run.stdout.endswith(f" at 2026-11-20T10:00:00Z {word}\n")
        assert inside.rows("SELECT text, table_name, author, key FROM v_marks") == [
            ("orders v1.2", "orders", "local", "k")
        ]
        wrong = hydrant(
            "mark",
            "x" * 201,
            directory=tmp_path,
            environment=command_environment(database=database_url),
        )
        assert wrong.returncode == 1
        assert wrong.stderr == "hydrant: text: it has more than 200 characters\n"


def test_the_command_asks_a_server(sqlite_url: str, tmp_path: Path) -> None:
    server = RunningServer(tmp_path, sqlite_url, read_tokens=READER, operator_tokens=OPERATOR)
    try:
        server.start()
        url = f"http://127.0.0.1:{server.port}"

        def run(*options: object, token: str = OPERATOR) -> tuple[int, str, str]:
            environment = command_environment(operator_tokens=token)
            done = hydrant(
                "mark", "v1.2", "--url", url, *options, directory=tmp_path, environment=environment
            )
            return done.returncode, done.stdout, done.stderr

        options = ("--at", "2026-11-20T10:00Z", "--link", "https://ci.example.com/1")
        assert run(*options) == (0, "mark 1 at 2026-11-20T10:00:00Z set\n", "")
        assert server.rows("SELECT text, url, author FROM v_marks") == [
            ("v1.2", "https://ci.example.com/1", "key-1")
        ]
        status, _, told = run(token=READER)
        assert (status, told.startswith(f"hydrant: {url} answers 403: ")) == (1, True)
        status, _, told = run("--database", sqlite_url)
        assert (status, told) == (1, "hydrant: give --url or --database, not both\n")
    finally:
        server.close()
    status, _, told = run()
    assert status == 1
    assert told.startswith(f"hydrant: no answer from {url}: ")
