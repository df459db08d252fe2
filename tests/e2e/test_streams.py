"""Real servers: captures of every format, refused keys, and two processes on one database."""

import json

import pytest

from tests.fixtures.samples import sample
from tests.fixtures.server import RunningServer, ServerStarter

pytestmark = pytest.mark.e2e

CAPTURES = {
    "otlp-0.7/capture.json": ("opentelemetry0.7", 953),
    "otlp-1.0/capture.json": ("opentelemetry1.0", 710),
    "json/records.json": ("json", 1160),
}


def post(server: RunningServer, name: str, **headers: str) -> int:
    given, body = sample(name)
    return server.client.post(
        "/aws/firehose/metrics", content=body, headers={**given, **headers}
    ).status_code


def test_captures_are_told_by_two_processes(
    start_server: ServerStarter, postgresql_url: str
) -> None:
    first, second = start_server(postgresql_url), start_server(postgresql_url)
    for name in CAPTURES:
        assert [post(first, name), post(second, name)] == [200, 200]
        assert post(first, name, **{"X-Amz-Firehose-Access-Key": "wrong one"}) == 401
    # At their end both have added what they gathered.
    first.stop()
    second.stop()
    second.start()
    answer = second.get("/api/v1/streams")
    assert answer["total"] == len(answer["streams"]) > 0
    found: dict[str, int] = {}
    for stream in answer["streams"]:
        assert "wrong one" not in json.dumps(stream)
        for format_, part in stream["formats"].items():
            found[format_] = found.get(format_, 0) + part["count"]
        # One of two identical deliveries was a duplicate.
        assert stream["requests"] == 2 * stream["duplicates"]
        # The capture in JSON has lost the header that completes the stream's name.
        named = bool(stream["source"])
        assert stream["stream"].startswith("arn:aws:cloudwatch:") == named
        assert (stream["refused_requests"] > 0) == named
        # The captures are years old.
        assert stream["lag_seconds"] > 86_400
        assert "lagging" in [warning["kind"] for warning in stream["warnings"]]
    assert found == dict(CAPTURES.values())
    assert sum(refused["count"] for refused in answer["refused_requests"]) == len(CAPTURES)
