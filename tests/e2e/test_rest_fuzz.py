"""REST under questions that nobody sane would ask: an answer or a clear refusal, never a 5xx."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.e2e.deliveries import START_MS, envelope, metric_lines
from tests.fixtures.postgresql import PostgresqlServer
from tests.fixtures.server import ACCESS_KEY, RunningServer

pytestmark = pytest.mark.e2e

SERVICE = "aws-dynamodb::111122223333"
METRIC = "aws_dynamodb_consumed_read_capacity_units"
EXPRESSION = {
    "query": "aws_dynamodb_ConsumedReadCapacityUnits_sum",
    "match[]": "aws_dynamodb_ConsumedReadCapacityUnits_sum",
    "start": str(START_MS // 1000),
    "end": str(START_MS // 1000 + 600),
    "step": "60",
}
"""What makes a question to Prometheus' API whole; routes that know less of it ignore the rest."""
SECONDS = 12

# JSON Schema has no words for most of these, so a tool that works from it does not try them.
NUMBERS = (
    *("NaN", "nan", "-nan", "inf", "Infinity", "-inf", "1e400", "-1e400", "1e308", "5e-324"),
    *(
        "-0",
        "-1",
        "0",
        "0.5",
        "1.0",
        "1e3",
        "0x10",
        "0b1",
        "1_000",
        "+1",
        " 1",
        "1 ",
        "\uff11\uff12",
        "\u0663",
    ),
    *("9" * 19, "-" + "9" * 19, "9" * 400, str(2**31), str(2**53 + 1), str(2**63), str(2**64)),
)
TIMES = (
    *("9999-12-31T23:59:59.999999999Z", "0000-00-00T00:00:00Z", "0001-01-01T00:00:00+14:00"),
    *("2024-02-30T00:00:00Z", "2024-13-01T00:00:00Z", "2024-10-01T24:00:00Z", "now", "-1h"),
    *("292277026596-12-04T15:30:08Z", "-2024-10-01T00:00:00Z", "2024-10-01T00:00:60Z"),
    *("2024-10-01T00:00:00+99:99", "2024-10-01", "2024-W40", "10:00", "1969-12-31T23:59:59Z"),
    *("253402300800", "-62135596801", "1e18", "-1e18", "1727740800000000000", "1727740800.5"),
)
TEXTS = (
    "",
    "\0",
    "\x7f",
    "ü€😀",
    "%",
    "%00",
    "'; DROP TABLE point; --",
    "x" * 8_000,
    "../..",
    "a:b",
)
READ = {
    *("start", "end", "time", "step", "period", "limit", "after", "statistic", "n"),
    *("by", "cursor", "format", "label", "order", "scope"),
    *("query", "match[]", "timeout", "lookback_delta", "limit_per_metric"),
}
"""Parameters that are more than texts."""
FAMILIES = ("/prometheus/", "/api/v1/alarms", "/api/v1/dynamodb")
ODD = (*NUMBERS, *TIMES, *TEXTS)


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, postgresql_server: PostgresqlServer
) -> Iterator[RunningServer]:
    """A server with an hour of two tables, on PostgreSQL: it is stricter about what it is asked."""
    directory: Path = tmp_path_factory.mktemp("rest-fuzz")
    postgresql_server.create_database("rest_fuzz")
    running = RunningServer(directory, postgresql_server.url("rest_fuzz"))
    running.start()
    try:
        lines = [
            metric_lines("ConsumedReadCapacityUnits", table, minute)
            for table in range(2)
            for minute in range(60)
        ]
        assert running.deliver(envelope(lines)).status_code == 200
        running.settle()
        yield running
    finally:
        running.close()
        postgresql_server.drop_database("rest_fuzz")


def questions(server: RunningServer) -> list[tuple[str, list[str]]]:
    """The paths of all routes that are asked, with names that exist, and their parameters."""
    found = []
    for path, methods in server.get("/openapi.json")["paths"].items():
        if "get" not in methods:
            continue
        names = [p["name"] for p in methods["get"].get("parameters", []) if p["in"] == "query"]
        known = path.replace("{service}", quote(SERVICE)).replace("{name}", METRIC)
        found.append((known, names))
    assert len(found) > 10
    return found


def checked(server: RunningServer, path: str, parameters: dict[str, str]) -> int:
    """The status of an answer that is one: what was asked for, or what is wrong with it."""
    is_prometheus = path.startswith("/prometheus/")
    given = {**EXPRESSION, **parameters} if is_prometheus else parameters
    answer = server.client.get(path, params=given)
    asked = f"{path} {json.dumps(parameters)[:200]}"
    # A moment is no time for a query, and that is said with this status.
    is_late = is_prometheus and "timeout" in parameters and answer.status_code == 503
    assert answer.status_code < 500 or is_late, f"{asked}: {answer.status_code} {answer.text[:300]}"
    if answer.status_code >= 400:
        refusal = answer.json()
        if is_prometheus:
            assert (refusal["status"], refusal["errorType"]) != ("error", "internal"), asked
            assert refusal["error"], asked
        else:
            assert refusal["kind"], asked
            assert refusal["message"], asked
        assert "Traceback" not in answer.text
    return answer.status_code


@pytest.mark.timeout(300)
def test_every_parameter_of_every_route_under_odd_values(server: RunningServer) -> None:
    refused = answered = 0
    for path, names in questions(server):
        for place, name in enumerate(names):
            # What is compared as text is not read as anything else.
            odd: tuple[str, ...] = ODD if name in READ else (*TEXTS, "NaN", "9" * 400)
            # Their parameters are read by the same few functions; each route asks other values.
            odd = odd[place % 4 :: 4] if path.startswith(FAMILIES) else odd
            for value in odd:
                status = checked(server, path, {name: value})
                refused += status >= 400
                answered += status < 400
    # Both happen often; if one did not, the other would be no answer to what was asked.
    assert refused > 100
    assert answered > 100
    assert "Traceback" not in server.log


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
def test_odd_names_in_paths(server: RunningServer, value: str) -> None:
    for path in (
        "/api/v1/metrics/{}",
        "/api/v1/top/{}",
        "/api/v1/explain/{}",
        "/api/v1/services/{}/endpoints",
    ):
        checked(server, path.format(quote(value, safe="")), {})


@pytest.mark.parametrize(
    "parameters",
    [
        {"start": "-9223372036854775808", "end": "9223372036854775807"},
        {"start": "0", "end": "253402300799", "step": "60"},
        {"start": "0", "end": "253402300799", "step": "1"},
        {"start": "0001-01-01T00:00:00Z", "end": "9999-12-31T23:59:59Z", "step": "60"},
        {"start": str(START_MS), "end": str(START_MS)},
        {"start": str(START_MS), "end": str(START_MS - 1)},
        {"start": str(START_MS), "end": str(START_MS + 1), "step": str(10**18)},
        {"start": "NaN", "end": "NaN", "step": "NaN"},
        {"start": "-inf", "end": "inf", "step": "inf"},
        {"start": "0", "end": "1", "step": "0"},
    ],
)
def test_absurd_ranges(server: RunningServer, parameters: dict[str, str]) -> None:
    checked(server, f"/api/v1/metrics/{METRIC}", parameters)
    as_statistics = {("period" if k == "step" else k): v for k, v in parameters.items()}
    checked(server, "/api/v1/statistics", as_statistics | {"statistic": "Sum"})
    for answer_format in ("csv", "ndjson"):
        checked(server, "/api/v1/values", parameters | {"metric": METRIC, "format": answer_format})
    no_step = {name: value for name, value in parameters.items() if name != "step"}
    checked(server, f"/api/v1/top/{METRIC}", no_step)


def test_schemathesis_finds_no_server_error(server: RunningServer, tmp_path: Path) -> None:
    configuration = tmp_path / "schemathesis.toml"
    # Names that exist, so that it gets beyond "not found".
    configuration.write_text(
        f'[parameters]\n"path.service" = "{SERVICE}"\n"path.name" = "{METRIC}"\n'
    )
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration)),
            *("run", f"{server.url}/openapi.json", "--workers", "1"),
            *("--checks", "not_a_server_error,content_type_conformance"),
            *("--phases", "examples,coverage,fuzzing", "--max-time", str(SECONDS)),
            *("--header", f"X-Amz-Firehose-Access-Key: {ACCESS_KEY}"),
            *("--seed", "1", "--continue-on-failure", "--generation-database", "none"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-6_000:] + finished.stderr[-2_000:]
    generated = re.search(r"(\d+) generated", finished.stdout)
    assert generated, finished.stdout[-3_000:]
    assert int(generated[1]) > 50
    assert "Traceback" not in server.log


def test_the_checks_would_notice(server: RunningServer) -> None:
    class Broken:
        status_code, text = 500, "Internal Server Error"

    class Client:
        def get(self, *_: object, **__: object) -> Broken:
            return Broken()

    class Server:
        client = Client()

    with pytest.raises(AssertionError, match="500"):
        checked(Server(), "/", {})  # type: ignore[arg-type]
    assert checked(server, "/api/v1/metrics", {}) == 200
