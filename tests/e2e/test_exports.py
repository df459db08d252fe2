"""An OpenTelemetry exporter at the real server: gzip over HTTP, stored, visible, retried."""

import gzip
import json

import httpx
import pytest
from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)

from tests.fixtures.exports import (
    JSON,
    OTLP_PATH,
    PROTOBUF,
    TIME_MS,
    every_kind,
    export,
    gauge,
)
from tests.fixtures.server import ACCESS_KEY, RunningServer, ServerStarter

pytestmark = pytest.mark.e2e


def send(server: RunningServer, body: bytes, content_type: str = PROTOBUF) -> httpx.Response:
    """As the Collector's otlphttp exporter sends: compressed, with a bearer token."""
    headers = {
        "content-type": content_type,
        "content-encoding": "gzip",
        "authorization": f"Bearer {ACCESS_KEY}",
        "user-agent": "OpenTelemetry Collector/0.150.0 (linux/amd64)",
    }
    return server.client.post(OTLP_PATH, content=gzip.compress(body), headers=headers)


def test_an_exporters_points_are_answered_over_rest(
    start_server: ServerStarter, database_url: str
) -> None:
    server = start_server(database_url)
    request = export(*every_kind(), service__name="shop", cloud__region="eu-west-1")
    answer = send(server, request.SerializeToString())
    assert answer.status_code == 200
    assert answer.headers["content-type"] == PROTOBUF
    assert ExportMetricsServiceResponse.FromString(answer.content) == ExportMetricsServiceResponse()
    (series,) = server.get("/api/v1/series", metric="a.summary")["series"]
    assert series == {
        "account": "",
        "region": "eu-west-1",
        "namespace": "",
        "metric": "a.summary",
        "dimensions": {"service.name": "shop"},
        "unit": "",
        "kind": "summary",
    }
    (found,) = server.get("/api/v1/statistics", metric="a.gauge", period=60)["series"]
    assert found["timestamps"] == [TIME_MS]
    assert found["statistics"]["Sum"] == [-1.0]
    assert found["statistics"]["Maximum"] == [1.5]
    (buckets,) = server.get("/api/v1/statistics", metric="delta.histogram")["series"]
    assert buckets["statistics"]["SampleCount"] == [12.0]

    once = server.contents()
    assert send(server, MessageToJson(request).encode(), JSON).content == b"{}"
    assert server.contents() == once
    assert "format=application/json" in server.log
    metrics = server.client.get("/metrics").text
    assert 'hydrant_delivery_requests_total{route="otlp",status="200"} 2.0' in metrics


def test_a_partial_success_and_a_refusal_over_http(
    start_server: ServerStarter, sqlite_url: str
) -> None:
    server = start_server(sqlite_url)
    request = export(gauge("good", 1.0), gauge("bad", float("nan")))
    answer = send(server, MessageToJson(request).encode(), JSON)
    assert answer.status_code == 200
    assert answer.json()["partialSuccess"]["rejectedDataPoints"] == "1"
    (entry,) = server.get("/api/v1/quarantine")["quarantine"]
    assert (entry["reason"], entry["points"]) == ("invalid_value", 1)
    assert entry["request_id"] in server.log

    refused = server.client.post(OTLP_PATH, content=b"{}", headers={"content-type": JSON})
    assert refused.status_code == 401
    assert json.loads(refused.content)["code"] == 16
    assert send(server, b"{", JSON).status_code == 400
    assert send(server, b"", "text/plain").status_code == 415


def test_what_was_answered_200_survives_a_kill(
    start_server: ServerStarter, sqlite_url: str
) -> None:
    server = start_server(sqlite_url)
    for number in range(20):
        body = export(gauge("m", float(number), start_ms=TIME_MS + number)).SerializeToString()
        assert send(server, body).status_code == 200
    server.kill()
    server.start()
    assert server.rows("SELECT count(*), sum(sum) FROM v_points") == [(20, 190.0)]
