"""Every REST route on both engines: what it answers, and how it refuses."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from app.simulator import AccountModel, Format, Point
from app.simulator.stream import StreamOptions, shipments
from tests.e2e.deliveries import START_MS, envelope
from tests.fixtures.postgresql import PostgresqlServer
from tests.fixtures.server import RunningServer, ServerStarter

pytestmark = pytest.mark.e2e

MINUTES = 6
MODEL = AccountModel(8, tables=6, accounts=2, regions=2)
ACCOUNT = MODEL.accounts[0]
SERVICE = f"aws-dynamodb::{ACCOUNT}"
REGION = MODEL.regions[1]
CONSUMED = "aws_dynamodb_endpoint_consumed_read_capacity_units"
END_MS = START_MS + MINUTES * 60_000


def all_points() -> list[Point]:
    return [p for minute in range(MINUTES) for p in MODEL.points(START_MS + minute * 60_000)]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    postgresql_server: PostgresqlServer,
) -> Iterator[RunningServer]:
    """A server that holds two accounts in two regions and two rejected records."""
    directory = tmp_path_factory.mktemp("rest")
    database = f"sqlite:///{directory / 'hydrant.db'}"
    if request.param == "postgresql":
        postgresql_server.create_database("rest")
        database = postgresql_server.url("rest")
    server = RunningServer(directory, database)
    server.start()
    options = StreamOptions(start_ms=START_MS, minutes=MINUTES, seed=8, formats=tuple(Format))
    for shipment in shipments(MODEL, options):
        sent = server.deliver(shipment.request.body, shipment.request.request_id)
        assert sent.status_code == 200
    assert server.deliver(envelope([b"neither", b'{"TICKER_SYMBOL": "x"}\n'])).status_code == 200
    server.settle()
    yield server
    server.close()
    if request.param == "postgresql":
        # The fixture is made again when tests of this module come later to the same worker.
        postgresql_server.drop_database("rest")


def refused(server: RunningServer, path: str, status: int = 400) -> dict[str, Any]:
    answer = server.client.get(path)
    assert answer.status_code == status, (path, answer.text)
    assert answer.headers["content-type"] == "application/json"
    error: dict[str, Any] = answer.json()
    assert set(error) - {"parameter"} == {"kind", "message"}
    assert error["message"]
    return error


def test_services_and_their_endpoints(server: RunningServer) -> None:
    services = server.get("/api/v1/services", layer="AWS_DYNAMODB")["services"]
    assert [s["service"] for s in services] == sorted(f"aws-dynamodb::{a}" for a in MODEL.accounts)
    assert server.get("/api/v1/services") == {"services": services}
    assert server.get("/api/v1/services", layer="OTHER") == {"services": []}
    endpoints = server.get(f"/api/v1/services/{SERVICE}/endpoints")["endpoints"]
    expected = {(t.name, region) for t in MODEL.tables for region in MODEL.regions}
    assert {(e["endpoint"], e["region"]) for e in endpoints} == expected
    assert len(endpoints) == len(expected)
    of_region = server.get(f"/api/v1/services/{SERVICE}/endpoints", region=REGION)["endpoints"]
    assert {e["region"] for e in of_region} == {REGION}
    assert len(of_region) == len(MODEL.tables)
    error = refused(server, "/api/v1/services/aws-dynamodb::0/endpoints", 404)
    assert error["kind"] == "not_found"


def test_metrics_are_described(server: RunningServer) -> None:
    metrics = server.get("/api/v1/metrics")["metrics"]
    names = [m["name"] for m in metrics]
    assert names == sorted(set(names))
    (consumed,) = [m for m in metrics if m["name"] == CONSUMED]
    assert consumed["combine"] == "sum"
    assert consumed["unit"] == "units"
    assert consumed["rule"].startswith("aws-dynamodb/dynamodb-endpoint.yaml:")


@pytest.mark.parametrize("with_service", [True, False])
@pytest.mark.parametrize("with_endpoint", [True, False])
@pytest.mark.parametrize("with_region", [True, False])
@pytest.mark.parametrize("with_range", [True, False])
def test_filters_of_a_metric_combine(
    server: RunningServer,
    with_service: bool,
    with_endpoint: bool,
    with_region: bool,
    with_range: bool,
) -> None:
    table = MODEL.tables[1].name
    first, last = (START_MS + 60_000, START_MS + 180_000) if with_range else (START_MS, END_MS)
    expected: dict[tuple[str, str, str], dict[int, float]] = {}
    for point in all_points():
        series = point.series
        if series.metric != "ConsumedReadCapacityUnits" or len(series.dimensions) != 1:
            continue
        ((_, name),) = series.dimensions
        wanted = (
            (not with_service or series.account == ACCOUNT)
            and (not with_endpoint or name == table)
            and (not with_region or series.region == REGION)
            and first <= point.start_ms < last
        )
        if wanted:
            key = (f"aws-dynamodb::{series.account}", name, series.region)
            expected.setdefault(key, {})[point.start_ms] = point.sum
    parameters: dict[str, object] = {"service": SERVICE} if with_service else {}
    parameters |= {"endpoint": table} if with_endpoint else {}
    parameters |= {"region": REGION} if with_region else {}
    parameters |= {"start": first, "end": last / 1000} if with_range else {}
    answer = server.get(f"/api/v1/metrics/{CONSUMED}", **parameters)
    assert (answer["metric"], answer["step"]) == (CONSUMED, 60)
    found = {
        (s["service"], s["endpoint"], s["region"]): dict(
            zip(s["timestamps"], s["values"], strict=True)
        )
        for s in answer["series"]
    }
    assert found == expected


def test_filters_without_a_match_give_nothing(server: RunningServer) -> None:
    for parameter in ("service", "endpoint", "region"):
        assert server.get(f"/api/v1/metrics/{CONSUMED}", **{parameter: "x"})["series"] == []
    for parameter in ("namespace", "metric", "account", "region"):
        assert server.get("/api/v1/series", **{parameter: "x"}) == {"series": []}
        assert server.get("/api/v1/statistics", **{parameter: "x"})["series"] == []
    assert server.get("/api/v1/series", dimension="TableName:x") == {"series": []}
    assert server.get("/api/v1/statistics", start="2030-01-01")["series"] == []
    assert server.get("/api/v1/statistics", end=1)["series"] == []


def test_filters_of_series_combine(server: RunningServer) -> None:
    table = MODEL.tables[0].name
    filters: dict[str, Any] = {
        "namespace": "AWS/DynamoDB",
        "metric": "SuccessfulRequestLatency",
        "account": ACCOUNT,
        "region": REGION,
        "dimension": [f"TableName:{table}", "Operation:GetItem"],
    }
    (series,) = server.get("/api/v1/series", **filters)["series"]
    assert series["dimensions"] == {"TableName": table, "Operation": "GetItem"}
    assert series["unit"] == "Milliseconds"
    points = {
        p.start_ms: p
        for p in all_points()
        if (p.series.account, p.series.region, p.series.metric)
        == (ACCOUNT, REGION, "SuccessfulRequestLatency")
        and dict(p.series.dimensions) == series["dimensions"]
    }
    statistics = ["p99", "Average", "SampleCount", "p12"]
    (answer,) = server.get("/api/v1/statistics", **filters, statistic=statistics)["series"]
    assert answer["timestamps"] == sorted(points)
    found = answer["statistics"]
    assert list(found) == statistics
    ordered = [points[start] for start in answer["timestamps"]]
    assert found["p99"] == [dict(p.percentiles)["p99"] for p in ordered]
    assert found["Average"] == [p.sum / p.count for p in ordered]
    assert found["p12"] == [None] * len(points)
    for name in filters:
        fewer = {k: v for k, v in filters.items() if k != name}
        wider = server.get("/api/v1/series", **fewer)["series"]
        assert series in wider
        assert len(wider) > 1 or name in ("namespace", "metric")


def test_longer_periods_are_made_of_whole_ones(server: RunningServer) -> None:
    filters = {"metric": "ConsumedReadCapacityUnits", "account": ACCOUNT}
    # The range begins and ends inside of periods; both are answered in full.
    inside = {"start": START_MS + 61_000, "end": START_MS + 301_000}
    series = server.get("/api/v1/statistics", **filters, **inside, period=300)["series"]
    assert series
    for item in series:
        assert item["timestamps"] == [START_MS, START_MS + 300_000]
        assert "p99" not in item["statistics"]


@pytest.mark.parametrize("path", ["/api/v1/statistics", f"/api/v1/metrics/{CONSUMED}"])
def test_times_may_be_written_in_every_way(server: RunningServer, path: str) -> None:
    ways = [START_MS, START_MS / 1000, "2024-10-01T00:00:00Z", "2024-10-01T02:00:00+02:00"]
    answers = [server.get(path, start=way, end=END_MS) for way in [*ways, "2024-10-01"]]
    assert answers[0]["series"]
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        *[(f"start={time}", "start") for time in ("nan", "inf", "-inf", "1e400", "-1", "soon", "")],
        *[(f"end={time}", "end") for time in ("99999999999999999", "0001-01-01", "2024-13-01")],
        ("start=9999-12-31T23:59:59-23:59", "start"),
        ("start=0001-01-01T00:00:00%2B23:59", "start"),
        (f"start=2024-10-02&end={START_MS}", "end"),
        (f"start={START_MS}&end={START_MS}", "end"),
        ("begin=2024-10-01", "begin"),
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/statistics", f"/api/v1/metrics/{CONSUMED}"])
def test_bad_times_are_refused(
    server: RunningServer, path: str, query: str, parameter: str
) -> None:
    error = refused(server, f"{path}?{query}")
    assert error["kind"] == "invalid_parameter"
    assert error["parameter"] == parameter


PERIODS = ["0", "-60", "61", "60.0", "1e3", "", "abc", "nan", "%D9%A6%D9%A0", "9" * 30]


@pytest.mark.parametrize("period", PERIODS)
def test_bad_periods_are_refused(server: RunningServer, period: str) -> None:
    for path in (
        f"/api/v1/statistics?period={period}",
        f"/api/v1/metrics/{CONSUMED}?step={period}",
    ):
        assert refused(server, path)["parameter"] in ("period", "step")


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/api/v1/series?dimension=TableName", "dimension"),
        ("/api/v1/series?dimension=:x", "dimension"),
        ("/api/v1/statistics?dimension=", "dimension"),
        ("/api/v1/series?start=1", "start"),
        ("/api/v1/services?region=x", "region"),
        (f"/api/v1/services/{SERVICE}/endpoints?layer=x", "layer"),
        ("/api/v1/metrics?name=x", "name"),
        (f"/api/v1/metrics/{CONSUMED}?table=x", "table"),
        ("/api/v1/metrics/%00", "name"),
        ("/api/v1/services/%00/endpoints", "service"),
        ("/api/v1/quarantine?limit=0", "limit"),
        ("/api/v1/quarantine?limit=x", "limit"),
        ("/api/v1/quarantine?after=-1", "after"),
        ("/api/v1/quarantine?after=99999999999999999999", "after"),
        ("/api/v1/quarantine?data=perhaps", "data"),
    ],
)
def test_other_bad_parameters_are_refused(server: RunningServer, path: str, parameter: str) -> None:
    error = refused(server, path)
    assert (error["kind"], error["parameter"]) == ("invalid_parameter", parameter)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/metrics/unknown",
        "/api/v1/services/unknown/endpoints",
        "/api/v1/other",
        "/api/v2/services",
        "/nothing",
    ],
)
def test_what_is_not_there_is_not_found(server: RunningServer, path: str) -> None:
    assert refused(server, path, 404)["kind"] == "not_found"


def test_other_methods_are_refused(server: RunningServer) -> None:
    answer = server.client.post("/api/v1/services")
    assert answer.status_code == 405
    assert answer.json()["kind"] == "method_not_allowed"
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize("text", ["%00", "%ff%fe", "' OR 1=1 --", "🦑", "x" * 5000])
def test_odd_texts_are_just_texts(server: RunningServer, text: str) -> None:
    for path in (
        f"/api/v1/series?metric={text}",
        f"/api/v1/series?dimension={text}:{text}",
        f"/api/v1/metrics/{CONSUMED}?service={text}",
        f"/api/v1/services?layer={text}",
        f"/api/v1/quarantine?reason={text}",
    ):
        answer = server.client.get(path)
        assert answer.status_code in (200, 400), (path, answer.text)
    assert "Traceback" not in server.log


def test_the_quarantine_is_listed_in_pages(server: RunningServer) -> None:
    both = server.get("/api/v1/quarantine", data=True)
    assert both["total"] == 2
    first, second = both["quarantine"]
    assert first["data"]
    (only,) = server.get("/api/v1/quarantine", limit=1)["quarantine"]
    assert only["id"] == first["id"]
    assert "data" not in only
    (next_,) = server.get("/api/v1/quarantine", limit=1, after=only["id"])["quarantine"]
    assert next_["id"] == second["id"]
    listed = server.get("/api/v1/quarantine", reason=second["reason"])["quarantine"]
    assert second["id"] in [item["id"] for item in listed]


def test_too_large_an_answer_is_refused(start_server: ServerStarter, database_url: str) -> None:
    server = start_server(database_url, query_max_points=50)
    options = StreamOptions(start_ms=START_MS, minutes=MINUTES)
    for shipment in shipments(AccountModel(tables=20), options):
        assert server.deliver(shipment.request.body).status_code == 200
    server.settle()
    for path in ("/api/v1/statistics", f"/api/v1/metrics/{CONSUMED}"):
        assert refused(server, path, 422)["kind"] == "result_too_large"
        assert server.client.get(path, params={"end": 1}).status_code == 200


def test_health_and_exposition(server: RunningServer) -> None:
    assert server.get("/healthz") == {"status": "ok"}
    assert server.get("/readyz") == {"status": "ready"}
    answer = server.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    sample = re.compile(r"^[a-zA-Z_:][\w:]*(\{[^{}]*\})? (NaN|[+-]Inf|[-+0-9.e]+)$")
    samples = {}
    for line in answer.text.splitlines():
        if not line.startswith(("# HELP ", "# TYPE ")):
            assert sample.match(line), line
            name, value = line.rsplit(" ", 1)
            samples[name] = float(value)
    assert samples["hydrant_points_total"] == len(all_points())
    assert samples["hydrant_dirty_minutes"] == 0


def test_openapi_lists_every_route(server: RunningServer) -> None:
    document = server.get("/openapi.json")
    assert set(document["paths"]) >= {
        "/aws/firehose/metrics",
        "/api/v1/services",
        "/api/v1/services/{service}/endpoints",
        "/api/v1/metrics",
        "/api/v1/metrics/{name}",
        "/api/v1/series",
        "/api/v1/statistics",
        "/api/v1/quarantine",
        "/healthz",
        "/readyz",
        "/metrics",
    }
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["summary"]
    page = server.client.get("/docs")
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "http" not in page.text
    for path in document["paths"]:
        assert path in page.text
