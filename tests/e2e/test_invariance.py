"""The same data gives the same result: batching, order, duplicates and restarts leave no trace."""

import base64
import json
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import pytest

from app.simulator import AccountModel, Format
from app.simulator.stream import StreamOptions, shipments
from tests.fixtures.samples import sample
from tests.fixtures.server import RunningServer, ServerStarter

pytestmark = pytest.mark.e2e

NAMES = [
    "otlp-0.7/capture.json",
    "otlp-1.0/capture.json",
    "json/records.json",
    "json/record.json",
    "negative/broken-base64.json",
    "negative/console-demo-data.json",
]

Post = tuple[str, bytes]
Contents = dict[str, list[str]]


def samples() -> list[Post]:
    found = [sample(name) for name in NAMES]
    return [(headers["X-Amz-Firehose-Request-Id"], body) for headers, body in found]


def simulated() -> list[Post]:
    """Requests of all three formats whose minutes overlap, over two accounts and regions."""
    model = AccountModel(5, tables=6, accounts=2, regions=2)
    options = StreamOptions(
        start_ms=1_727_740_800_000, minutes=6, seed=5, formats=tuple(Format), late=0.2
    )
    return [(s.request.request_id, s.request.body) for s in shipments(model, options)]


def one_by_one(posts: Sequence[Post]) -> Iterator[Post]:
    """Each record in a request of its own, under the request id of the whole."""
    for request_id, body in posts:
        envelope = json.loads(body)
        for record in envelope["records"]:
            yield request_id, json.dumps(envelope | {"records": [record]}).encode()


def all_in_one(posts: Sequence[Post]) -> list[Post]:
    """All records in one request."""
    records = list(chain.from_iterable(json.loads(body)["records"] for _, body in posts))
    return [("all", json.dumps({"requestId": "all", "records": records}).encode())]


def post(server: RunningServer, posts: Sequence[Post]) -> None:
    for request_id, body in posts:
        answer = server.deliver(body, request_id)
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """The contents after everything was posted once, in order, on SQLite."""
    directory: Path = tmp_path_factory.mktemp("expected")
    server = RunningServer(directory, f"sqlite:///{directory / 'hydrant.db'}")
    server.start()
    try:
        post(server, [*samples(), *simulated()])
        contents = server.contents()
    finally:
        server.close()
    assert all(len(rows) > 100 for rows in contents.values())
    return contents


def test_the_engines_agree_and_repetitions_change_nothing(
    start_server: ServerStarter, database_url: str, expected: Contents
) -> None:
    server = start_server(database_url)
    everything = [*samples(), *simulated()]
    post(server, everything)
    assert server.contents() == expected
    post(server, everything)
    # Under another id it is no longer the same delivery, and all of its points are written again.
    post(server, [(f"again-{request_id}", body) for request_id, body in everything])
    assert server.contents() == expected


def test_a_restart_between_any_two_posts_changes_nothing(
    start_server: ServerStarter, database_url: str, expected: Contents
) -> None:
    server = start_server(database_url)
    everything = [*samples(), *simulated()]
    third = len(everything) // 3
    post(server, everything[2 * third :])
    server.stop()
    server.start()
    post(server, everything[third:])
    server.kill()
    server.start()
    post(server, everything)
    assert server.contents() == expected


def test_the_order_does_not_matter(
    start_server: ServerStarter, database_url: str, expected: Contents
) -> None:
    server = start_server(database_url)
    # Evaluated in between, so that each minute has values from only some of its points at first.
    for request_id, body in reversed([*samples(), *simulated()]):
        post(server, [(request_id, body)])
        server.settle()
    assert server.contents() == expected


def test_one_request_per_record_gives_the_same(
    start_server: ServerStarter, database_url: str, expected: Contents
) -> None:
    server = start_server(database_url)
    everything = list(one_by_one([*samples(), *simulated()]))
    post(server, everything[::2])
    post(server, everything[::-1])
    assert server.contents() == expected


def test_one_request_for_everything_gives_the_same(
    start_server: ServerStarter, database_url: str, expected: Contents
) -> None:
    server = start_server(database_url)
    post(server, all_in_one([*samples(), *simulated()]))
    assert server.contents() == expected


def test_a_second_process_may_write_to_the_same_database(
    start_server: ServerStarter, postgresql_url: str, expected: Contents
) -> None:
    servers = [start_server(postgresql_url), start_server(postgresql_url)]
    for number, (request_id, body) in enumerate([*samples(), *simulated()]):
        post(servers[number % 2], [(request_id, body)])
    assert servers[0].contents() == expected


ODD = [-0.0, 0.0, 5e-324, -1.5e308, 2.0**53 + 2, -1e22, 0.1 + 0.2, 1e-7, 3.0]


def odd_records() -> list[dict[str, str]]:
    """A table for each of the odd values, in CloudWatch JSON."""
    records = []
    for number, value in enumerate(ODD):
        statistics = {"max": value, "min": value, "sum": value, "count": 1.0, "p99": value}
        point = {
            "account_id": "111122223333",
            "region": "eu-west-1",
            "namespace": "AWS/DynamoDB",
            "metric_name": "ConsumedReadCapacityUnits",
            "dimensions": {"TableName": f"table-{number}"},
            "timestamp": 1_727_740_800_000,
            "value": statistics,
            "unit": "Count",
        }
        line = json.dumps(point).encode() + b"\n"
        records.append({"data": base64.b64encode(line).decode()})
    return records


def test_odd_doubles_are_the_same_on_both_engines(
    start_server: ServerStarter, sqlite_url: str, postgresql_url: str
) -> None:
    servers = [start_server(sqlite_url), start_server(postgresql_url)]
    body = json.dumps({"requestId": "odd", "records": odd_records()}).encode()
    for server in servers:
        post(server, [("odd", body)])
    assert servers[0].contents() == servers[1].contents()
    rows = servers[1].get("/api/v1/statistics", metric="ConsumedReadCapacityUnits")["series"]
    assert sorted(row["statistics"]["Sum"][0] for row in rows) == sorted(ODD)
