"""promtool, as Debian ships it, asks a real server, and Grafana's questions are asked of it."""

import gzip
import json
import shutil
import subprocess
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlencode

import httpx
import pytest

from tests.e2e.deliveries import START_MS, envelope, metric_lines
from tests.fixtures.server import RunningServer

pytestmark = pytest.mark.e2e

TOKEN = "token-of-readers"
RAW = "aws_dynamodb_ConsumedReadCapacityUnits_sum"
TABLES = 3
MINUTES = 10
START = START_MS // 1000
END = START + MINUTES * 60
HEADERS = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that asks for a read token, with ten minutes of three tables."""
    directory = tmp_path_factory.mktemp("promtool")
    database = f"sqlite:///{directory / 'hydrant.db'}"
    running = RunningServer(directory, database, read_tokens=json.dumps([TOKEN]))
    running.start()
    try:
        lines = [
            metric_lines("ConsumedReadCapacityUnits", table, minute, 100.0 * table + minute)
            for table in range(TABLES)
            for minute in range(MINUTES)
        ]
        assert running.deliver(envelope(lines)).status_code == 200
        running.settle()
        yield running
    finally:
        running.close()


class Promtool:
    """Runs promtool, with the token as the password of Basic authentication."""

    def __init__(self, program: str, url: str) -> None:
        self._program = program
        self._url = f"{url.replace('://', f'://promtool:{TOKEN}@')}/prometheus"

    def __call__(self, *arguments: str, expression: str = "") -> str:
        """What it prints; it must end with status 0 and complain of nothing."""
        finished = self.run(*arguments, expression=expression)
        assert finished.returncode == 0, finished.stderr
        assert finished.stderr == ""
        return finished.stdout

    def run(self, *arguments: str, expression: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self._program, *arguments, self._url, *([expression] if expression else [])],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def promtool(server: RunningServer) -> Promtool:
    """promtool, which asks the server."""
    program = shutil.which("promtool")
    if program is None:
        pytest.fail("there is no promtool here; tests/system_packages.sh installs it")
    return Promtool(program, server.url)


def test_instant(promtool: Promtool) -> None:
    printed = promtool("query", "instant", "--time", str(END), expression=RAW)
    lines = printed.splitlines()
    assert len(lines) == TABLES
    assert lines[1] == (
        f'{RAW}{{TableName="table-1", account="111122223333", region="eu-west-1"}} => 109 @[{END}]'
    )
    total = promtool("query", "instant", "--time", str(END), expression=f"sum({RAW})")
    assert total.strip() == f"{{}} => 327 @[{END}]"
    assert "scalar" in promtool("query", "instant", expression="1/0")


def test_range(promtool: Promtool) -> None:
    printed = promtool(
        *("query", "range", "--start", str(START + 60), "--end", str(END), "--step", "1m"),
        expression=f'{RAW}{{TableName="table-2"}}',
    )
    values = [line.split(" @[") for line in printed.splitlines()[1:]]
    assert values == [
        [str(200 + minute), f"{START + 60 + minute * 60}]"] for minute in range(MINUTES)
    ]


def test_series_and_labels(promtool: Promtool) -> None:
    times = ("--start", str(START), "--end", str(END))
    printed = promtool("query", "series", "--match", RAW, *times)
    assert [line for line in printed.splitlines() if "table-1" in line] == [
        f'{{TableName="table-1", __name__="{RAW}", account="111122223333", region="eu-west-1"}}'
    ]
    assert len(printed.splitlines()) == TABLES
    names = promtool("query", "labels", *times, expression="TableName").split()
    assert names == [f"table-{table}" for table in range(TABLES)]


def test_what_is_wrong_is_told(promtool: Promtool) -> None:
    finished = promtool.run("query", "instant", expression="sum(")
    assert finished.returncode == 1
    assert "parse error" in finished.stderr


def test_health(server: RunningServer) -> None:
    for path in ("healthy", "ready"):
        assert server.client.get(f"/prometheus/-/{path}", headers=HEADERS).status_code == 200
        assert server.client.get(f"/prometheus/-/{path}").status_code == 401


def test_without_a_token(server: RunningServer) -> None:
    refusal = server.client.get("/prometheus/api/v1/query", params={"query": "1"})
    assert refusal.status_code == 401
    assert refusal.json()["errorType"] == "bad_data"
    assert "read token" in refusal.json()["error"]
    assert "Basic" in refusal.headers["www-authenticate"]


def test_what_grafana_asks(server: RunningServer) -> None:
    """Save & test, the query builder, variables and a panel, as its data source sends them."""
    accepted = "application/json, text/plain, */*"
    headers = {**HEADERS, "x-grafana-org-id": "1", "accept": accepted}

    def asked(method: str, path: str, parameters: dict[str, str]) -> httpx.Response:
        url = f"/prometheus/api/v1/{path}"
        if method == "POST":
            return server.client.post(url, data=parameters, headers=headers)
        return server.client.get(url, params=parameters, headers=headers)

    times = {"start": str(START), "end": str(END)}
    for method, path, parameters in (
        ("POST", "query", {"query": "1+1", "time": "4"}),
        ("GET", "status/buildinfo", {}),
        ("GET", "rules", {}),
        ("GET", "label/__name__/values", {**times, "limit": "40000"}),
        ("GET", "metadata", {"limit": "40000"}),
        ("POST", "labels", {**times, "match[]": RAW}),
        ("POST", "series", {**times, "match[]": RAW, "limit": "40000"}),
        ("GET", "label/TableName/values", {**times, "match[]": RAW}),
        ("GET", "query_exemplars", {"query": RAW, **times}),
        ("POST", "query_range", {"query": RAW, **times, "step": "15s"}),
        ("GET", "parse_query", {"query": RAW}),
        ("POST", "format_query", {"query": RAW}),
    ):
        answer = asked(method, path, parameters)
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "success"


def big_answer() -> str:
    """The path of a query for three series at 10,801 steps, and each of them 16 times."""
    copies = " or ".join(f'label_replace({RAW}, "copy", "{n}", "", "")' for n in range(16))
    times = {"start": START, "end": START + 10_800, "step": 1, "lookback_delta": "3h"}
    return f"/prometheus/api/v1/query_range?{urlencode({'query': copies, **times})}"


def test_a_big_answer_comes_in_pieces_and_compressed(server: RunningServer) -> None:
    bodies = []
    for encoding in ("identity", "gzip"):
        connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("GET", big_answer(), headers={**HEADERS, "Accept-Encoding": encoding})
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.headers["transfer-encoding"] == "chunked"
        assert answer.headers["content-encoding"] == (None if encoding == "identity" else "gzip")
        bodies.append(answer.read())
        connection.close()
    plain, zipped = bodies
    assert gzip.decompress(zipped) == plain
    assert len(zipped) < len(plain) / 5
    result = {
        (series["metric"]["TableName"], series["metric"]["copy"]): series["values"]
        for series in json.loads(plain)["data"]["result"]
    }
    assert len(result) == TABLES * 16
    values = result["table-1", "7"]
    assert [time for time, _ in values] == list(range(START + 60, START + 10_801))
    assert {float(value) for _, value in values} == {100.0 + minute for minute in range(MINUTES)}


def test_clients_that_go_away_leave_their_places(server: RunningServer) -> None:
    # More than there are places.
    for _ in range(6):
        connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("GET", big_answer(), headers=HEADERS)
        answer = connection.getresponse()
        assert answer.read(10)
        answer.close()
        connection.close()
    one = server.client.get(
        "/prometheus/api/v1/query", params={"query": "1", "timeout": "20s"}, headers=HEADERS
    )
    assert one.status_code == 200, one.text
    metrics = server.client.get("/metrics", headers=HEADERS).text
    assert "hydrant_queries_running 0.0" in metrics
    assert "Traceback" not in server.log
