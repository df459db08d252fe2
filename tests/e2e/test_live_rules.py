"""Rule files edited while a real server receives, and backfill beside it, on both engines."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.deliveries import START_MS, envelope, metric_lines
from tests.fixtures.server import RunningServer, ServerStarter, hydrant

pytestmark = pytest.mark.e2e

PATIENCE_SECONDS = 60.0
HEAD = """
metricPrefix: t
expSuffix: endpoint(['cloud_account_id'], ['TableName'], Layer.AWS_DYNAMODB)
metricsRules:
"""
SUM = "  - {name: sum, exp: amazonaws_com_AWS_DynamoDB_UserErrors_sum}\n"
COUNT = "  - {name: count, exp: amazonaws_com_AWS_DynamoDB_UserErrors_count}\n"
BROKEN = "  - {name: broken, exp: 'amazonaws_com_AWS_DynamoDB_UserErrors_sum.sum([)'}\n"
OTHER_SHAPE = """
metricPrefix: t
expSuffix: service(['cloud_account_id'], Layer.AWS_DYNAMODB)
metricsRules:
"""


class Stream(threading.Thread):
    """One delivery after the other, each of the next minute, until it is told to stop."""

    def __init__(self, server: RunningServer) -> None:
        super().__init__()
        self.delivered = 0
        self.statuses: set[int] = set()
        self._server = server
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(0.05):
            body = envelope([metric_lines("UserErrors", minute=self.delivered, value=2.5)])
            self.statuses.add(self._server.deliver(body, f"m{self.delivered}").status_code)
            self.delivered += 1

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def until(condition: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the condition gives
    """What a condition gives once it gives something."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.05)
    return found


def files(server: RunningServer, state: str) -> dict[str, dict[str, Any]]:
    return {file["file"]: file for file in server.get("/api/v1/rules", state=state)["files"]}


def values(server: RunningServer, metric: str) -> list[tuple[int, float]]:
    """Time and value of every minute of the one table."""
    answer = server.client.get(f"/api/v1/metrics/{metric}")
    found = answer.json()["series"] if answer.status_code == 200 else []
    return [pair for series in found for pair in zip(series["timestamps"], series["values"])]  # noqa: B905


def own_metric(server: RunningServer, name: str) -> float:
    text = server.client.get("/metrics").text
    (found,) = re.findall(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE) or ["0"]
    return float(found)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    directory = tmp_path / "rules"
    directory.mkdir()
    (directory / "t.yaml").write_text(HEAD + SUM)
    return directory


@pytest.fixture
def server(start_server: ServerStarter, database_url: str, rules: Path) -> RunningServer:
    return start_server(database_url, rules=rules, rules_poll_seconds=1)


@pytest.fixture
def stream(server: RunningServer) -> Iterator[Stream]:
    stream = Stream(server)
    stream.start()
    yield stream
    stream.stop()
    assert stream.statuses == {200}


def test_rules_are_edited_broken_and_mended_under_load(
    server: RunningServer, stream: Stream, rules: Path
) -> None:
    until(lambda: values(server, "t_sum"))
    before = files(server, "active")["t.yaml"]
    assert [rule["name"] for rule in before["rules"]] == ["t_sum"]

    # An editor that writes beside and renames.
    (rules / "t.yaml.new").write_text(HEAD + SUM + COUNT)
    (rules / "t.yaml.new").rename(rules / "t.yaml")
    until(lambda: values(server, "t_count"))
    assert "t_count" in [metric["name"] for metric in server.get("/api/v1/metrics")["metrics"]]
    edited = files(server, "active")["t.yaml"]
    assert [rule["rule"] for rule in edited["rules"]] == ["t.yaml:5", "t.yaml:6"]
    assert edited["loaded"] > before["loaded"]
    assert edited["hash"] != before["hash"]
    assert own_metric(server, 'hydrant_rule_reloads_total{result="loaded"}') == 1

    (rules / "t.yaml").write_text(HEAD + BROKEN + SUM)
    (broken,) = until(lambda: list(files(server, "broken").values()))
    place, source, caret = broken["error"].splitlines()
    assert place.startswith("t.yaml:5:")
    assert (source.strip(), caret.strip()) == (BROKEN.strip(), "^")
    assert {**broken, "state": "active", "error": None} == edited
    assert own_metric(server, 'hydrant_rule_files{state="broken"}') == 1
    until(lambda: own_metric(server, 'hydrant_rule_reloads_total{result="refused"}'))
    until(lambda: "rule files refused" in server.log)
    # The old rules go on.
    newest = max(values(server, "t_count"))
    until(lambda: max(values(server, "t_count")) > newest)

    (rules / "t.yaml").write_text(HEAD + COUNT)
    until(lambda: not files(server, "broken"))
    assert own_metric(server, 'hydrant_rule_files{state="broken"}') == 0
    assert [metric["name"] for metric in server.get("/api/v1/metrics")["metrics"]] == ["t_count"]
    until(lambda: values(server, "t_count")[-1][0] > values(server, "t_sum")[-1][0])
    # One line and one count for one refusal, however often the directory has been looked at.
    assert own_metric(server, 'hydrant_rule_reloads_total{result="refused"}') == 1
    assert server.log.count("rule files refused") == 1

    stream.stop()
    server.settle()
    # From the first change on, no minute is without its value.
    counts = values(server, "t_count")
    last = START_MS + (stream.delivered - 1) * 60_000
    assert [time for time, _ in counts] == list(range(counts[0][0], last + 1, 60_000))
    # What a rule that is gone has left is still there.
    sums = values(server, "t_sum")
    assert sums[0] == (START_MS, 2.5)
    assert sums[-1][0] < last


def test_a_contradiction_changes_nothing_and_a_removed_file_goes(
    server: RunningServer, rules: Path
) -> None:
    (rules / "u.yaml").write_text(OTHER_SHAPE + SUM)
    (conflict,) = until(lambda: list(files(server, "broken").values()))
    assert "u.yaml:5:" in conflict["error"]
    assert "already defined at t.yaml:5" in conflict["error"]
    (metric,) = server.get("/api/v1/metrics")["metrics"]
    assert (metric["name"], metric["scope"]) == ("t_sum", "endpoint")
    (rules / "t.yaml").unlink()
    until(lambda: not files(server, "broken"))
    (metric,) = server.get("/api/v1/metrics")["metrics"]
    assert (metric["scope"], metric["rule"]) == ("service", "u.yaml:5")
    assert list(files(server, "active")) == ["u.yaml"]
    refused = server.client.get("/api/v1/rules?state=lost")
    assert (refused.status_code, refused.json()["parameter"]) == (400, "state")
    assert server.get("/api/v1/rules", file="t.yaml") == {"files": []}


def test_older_minutes_are_backfilled_beside_the_server(
    server: RunningServer, stream: Stream, rules: Path, database_url: str
) -> None:
    until(lambda: len(values(server, "t_sum")) > 10)
    (rules / "t.yaml").write_text(HEAD + SUM + COUNT)
    until(lambda: values(server, "t_count"))
    assert START_MS not in dict(values(server, "t_count"))
    since = str(START_MS // 1000)
    given = ("t_count", "--since", since, "--database", database_url, "--rules", rules)
    ended = hydrant("rules", "backfill", *given, directory=rules.parent)
    assert ended.returncode == 0, ended.stderr
    assert re.match(r"evaluated \d+ minutes: \d+ values, \d+ rows", ended.stdout)
    stream.stop()
    server.settle()
    minutes = [START_MS + minute * 60_000 for minute in range(stream.delivered)]
    assert values(server, "t_count") == [(minute, 1.0) for minute in minutes]
    assert values(server, "t_sum") == [(minute, 2.5) for minute in minutes]
    again = hydrant("rules", "backfill", *given, directory=rules.parent)
    number = len(minutes)
    assert (
        again.stdout == f"evaluated {number} minutes: {number} values, 0 rows written or deleted\n"
    )
