"""Captured deliveries, posted as they came: every point is there, to the last bit."""

import json

import pytest

from app.simulator import Format
from tests.e2e.oracle import Points, answered, count, decoded, records_of
from tests.fixtures.samples import sample
from tests.fixtures.server import RunningServer, ServerStarter

pytestmark = pytest.mark.e2e

CAPTURES = [
    ("otlp-0.7/capture.json", Format.OPENTELEMETRY_0_7, 953),
    ("otlp-1.0/capture.json", Format.OPENTELEMETRY_1_0, 710),
    ("json/records.json", Format.JSON, 1160),
    ("json/record.json", Format.JSON, 1),
]
LAYERS = [
    ("AWS_DYNAMODB", "AWS/DynamoDB", "aws-dynamodb"),
    ("AWS_FIREHOSE", "AWS/Firehose", "aws-firehose"),
    ("AWS_METRIC_STREAM", "AWS/CloudWatch/MetricStreams", "aws-metric-stream"),
]
OF_ONE_MINUTE = {"start": "1970-01-01T00:00:00Z", "end": "2199-12-31T23:59:59Z", "period": 60}


def post(server: RunningServer, name: str) -> None:
    headers, body = sample(name)
    answer = server.client.post("/aws/firehose/metrics", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"requestId", "timestamp"}
    assert answer.json()["requestId"] == headers["X-Amz-Firehose-Request-Id"]


@pytest.mark.parametrize(("name", "format_", "points"), CAPTURES)
def test_every_point_of_a_capture_is_answered_to_the_last_bit(
    start_server: ServerStarter, database_url: str, name: str, format_: Format, points: int
) -> None:
    server = start_server(database_url)
    post(server, name)
    expected = decoded(records_of(sample(name)[1]), format_)
    assert count(expected) == points
    assert answered(server.get("/api/v1/statistics", **OF_ONE_MINUTE)["series"]) == expected
    # The same without any parameter, and none of it in quarantine.
    assert answered(server.get("/api/v1/statistics")["series"]) == expected
    assert server.get("/api/v1/quarantine")["total"] == 0
    listed = server.get("/api/v1/series")["series"]
    assert len(listed) == len(expected)
    server.settle()
    for layer, namespace, prefix in LAYERS:
        accounts = {key[0] for key in expected if key[2] == namespace}
        found = server.get("/api/v1/services", layer=layer)["services"]
        assert {row["service"] for row in found} == {f"{prefix}::{a}" for a in accounts}


def test_one_database_holds_all_captures(start_server: ServerStarter, database_url: str) -> None:
    # Two of them share a request id, with different bodies: neither hides the other.
    server = start_server(database_url)
    expected: Points = {}
    for name, format_, _ in CAPTURES[:3]:
        post(server, name)
        for key, of_series in decoded(records_of(sample(name)[1]), format_).items():
            # Two of them come from one account and share series, in different years.
            expected.setdefault(key, {}).update(of_series)
    assert answered(server.get("/api/v1/statistics")["series"]) == expected
    assert count(expected) == 953 + 710 + 1160


def test_a_record_that_is_not_base64_costs_nothing_else(
    start_server: ServerStarter, database_url: str
) -> None:
    server = start_server(database_url)
    headers, body = sample("negative/broken-base64.json")
    post(server, "negative/broken-base64.json")
    broken = json.loads(body)["records"]
    good = json.dumps({"records": broken[:2]}).encode()
    expected = decoded(records_of(good), Format.OPENTELEMETRY_0_7)
    assert answered(server.get("/api/v1/statistics")["series"]) == expected
    quarantine = server.get("/api/v1/quarantine", data="true")
    assert quarantine["total"] == 1
    (item,) = quarantine["quarantine"]
    assert (item["record"], item["reason"]) == (2, "invalid_base64")
    assert item["request_id"] == headers["X-Amz-Firehose-Request-Id"]


def test_what_the_console_sends_for_a_test_is_acknowledged(
    start_server: ServerStarter, database_url: str
) -> None:
    server = start_server(database_url)
    post(server, "negative/console-demo-data.json")
    post(server, "negative/console-demo-data.json")
    assert server.get("/api/v1/statistics")["series"] == []
    (item,) = server.get("/api/v1/quarantine")["quarantine"]
    assert item["occurrences"] == 1
    assert item["detail"]
