"""The real server's alarms over HTTP: the shipped rules, and who may silence them."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.server import RunningServer

pytestmark = pytest.mark.e2e

OPERATOR, READER = "an-operator-token-1", "a-reading-token-01"
SILENCE = {
    "matchers": [{"name": "alarm", "operator": "=~", "value": "DynamoDB.*"}],
    "duration": "1h",
}


def test_operators_silence_and_readers_read(
    sqlite_url: str, start_server: Callable[..., RunningServer]
) -> None:
    server = start_server(sqlite_url, operator_tokens=OPERATOR, read_tokens=READER)
    as_operator = {"authorization": f"Bearer {OPERATOR}"}
    as_reader = {"authorization": f"Bearer {READER}"}
    path = "/api/v1/alarms/silences"
    assert server.client.post(path, json=SILENCE).status_code == 401
    assert server.client.post(path, json=SILENCE, headers=as_reader).status_code == 403
    made = server.client.post(path, json=SILENCE, headers=as_operator)
    assert made.status_code == 201, made.text
    for headers in (as_reader, as_operator):
        assert server.client.get(path, headers=headers).json() == {"silences": [made.json()]}
    ended = server.client.delete(f"{path}/{made.json()['id']}", headers=as_operator)
    assert ended.json()["state"] == "expired"
    groups = server.client.get("/prometheus/api/v1/rules", headers=as_reader).json()["data"][
        "groups"
    ]
    names = {rule["name"] for group in groups for rule in group["rules"]}
    assert {"DynamoDBReadThrottled", "MetricStreamSilent", "QuarantineGrowing"} <= names
    rules = server.client.get("/api/v1/alarms/rules", headers=as_reader).json()["rules"]
    assert {rule["name"] for rule in rules} == names
    assert OPERATOR not in server.log


def test_without_tokens_this_machine_may_silence(
    sqlite_url: str, start_server: Callable[..., RunningServer]
) -> None:
    server = start_server(sqlite_url)
    path = "/api/v1/alarms/silences"
    assert server.client.post(path, json=SILENCE).json()["created_by"] == "local"
    through_a_proxy = {"x-forwarded-for": "203.0.113.7"}
    assert server.client.post(path, json=SILENCE, headers=through_a_proxy).status_code == 403
    another_name = {"host": "rebound.example"}
    assert server.client.post(path, json=SILENCE, headers=another_name).status_code == 403


def test_broken_files_of_rules_and_channels_are_told_where_alarms_are_looked_at(
    sqlite_url: str, start_server: Callable[..., RunningServer], tmp_path: Path
) -> None:
    rules, channels = tmp_path / "rules" / "mine.yaml", tmp_path / "channels.yaml"
    rules.parent.mkdir()
    rules.write_text("alarms: []\n", "utf-8")
    channels.write_text("channels: {}\n", "utf-8")
    server = start_server(
        sqlite_url, alarm_rules=rules.parent, alarm_channels=channels, rules_poll_seconds=1
    )
    assert faults(server) == []
    rules.write_text("alarms:\n  - name: 1 2\n", "utf-8")
    channels.write_text("channels: {ops: {type: pigeon}}\n", "utf-8")
    of_rules, of_channels = until(server, 2)
    assert "mine.yaml:2" in of_rules
    assert "channels.yaml:1" in of_channels
    for path in ("/alarms", "/rules"):
        page = server.client.get(path, headers={"accept": "text/html"}).text
        assert page.count("A file of alarms is broken.") == 2
        assert "mine.yaml:2" in page
    rules.write_text("alarms: []\n", "utf-8")
    channels.write_text("channels: {}\n", "utf-8")
    assert until(server, 0) == []


def faults(server: RunningServer) -> list[str]:
    found: list[str] = server.client.get("/api/v1/alarms/rules").json()["faults"]
    return found


def until(server: RunningServer, number: int) -> list[str]:
    """The faults once there are so many; files are looked at every second or two."""
    deadline = time.monotonic() + 20
    while len(found := faults(server)) != number:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found
