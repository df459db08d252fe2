"""A server that is killed between the evaluation of alarms and the delivery of notifications."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from app.simulator.scenarios import SCENARIOS
from tests.fixtures.house import envelope
from tests.fixtures.receivers import Receiver, Reply, receiver
from tests.fixtures.scenarios import MINUTE_MS, Play, Request, in_order, minutes_of
from tests.fixtures.server import RunningServer, ServerStarter

pytestmark = pytest.mark.e2e

DEADLINE_SECONDS = 60.0
# Where an hour arrives in a second, what was silent for half of it has not been silent.
NAMES = [name for name in SCENARIOS if name != "silence"]


def plays() -> list[Play]:
    """Scenarios whose last minute is some minutes ago, as data comes."""
    minutes = minutes_of([Play(name) for name in NAMES])
    now_minute = int(time.time()) // 60
    return [Play(name, start_ms=(now_minute - minutes - 3) * MINUTE_MS) for name in NAMES]


def deliver(server: RunningServer, requests: Iterable[Request]) -> None:
    for request in requests:
        body = envelope(request.records, request.request_id)
        assert server.deliver(body, request.request_id).status_code == 200


def wait_for(condition: Callable[[], object], server: RunningServer) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, server.log
        time.sleep(0.05)


def alerts(found: Receiver) -> Counter[tuple[str, ...]]:
    """Account, alarm, table, index and status of all alerts that were taken."""
    names = ("account", "alertname", "TableName", "GlobalSecondaryIndexName")
    return Counter(
        (*(alert["labels"].get(name, "") for name in names), alert["status"])
        for request in list(found.accepted)
        for alert in request.json["alerts"]
    )


def test_a_kill_after_the_evaluation_neither_loses_nor_repeats_an_alarm(
    database_url: str, start_server: ServerStarter, tmp_path: Path
) -> None:
    played = plays()
    answers = [play.answer for play in played]
    expected = {
        (answer.account, f.alarm, answer.table, f.entity.get("GlobalSecondaryIndexName", ""))
        for answer in answers
        for f in answer.firings
    }
    requests = in_order(played)
    # By then everything has happened, and the longest alarms go on.
    alarming_ms = max(answer.end_ms for answer in answers) + 5 * MINUTE_MS
    with receiver(lambda *_: Reply(503)) as found:
        channels = tmp_path / "channels.yaml"
        options = f"type: webhook, url: {found.url}, group_wait: 0s, group_interval: 0s"
        channels.write_text(f"channels:\n  ops: {{{options}}}\n")
        server = start_server(database_url, alarm_channels=channels)
        deliver(server, (request for request in requests if request.due_ms <= alarming_ms))
        fired = "SELECT COUNT(*) FROM alarm_event WHERE kind = 'fired'"
        wait_for(lambda: server.rows(fired) == [(len(expected),)], server)
        wait_for(lambda: found.received, server)
        server.kill()
        assert alerts(found) == {}
        found.answer = lambda *_: Reply()
        server.start()
        deliver(server, (request for request in requests if request.due_ms > alarming_ms))
        statuses = ("firing", "resolved")
        every = Counter({(*entity, status): 1 for entity in expected for status in statuses})
        wait_for(lambda: alerts(found).total() >= every.total(), server)
        assert alerts(found) == every
        order = list(alerts(found))
        for entity in expected:
            assert order.index((*entity, "firing")) < order.index((*entity, "resolved"))
        events = server.rows("SELECT kind, COUNT(*) FROM alarm_event GROUP BY kind ORDER BY kind")
        assert events == [("fired", len(expected)), ("recovered", len(expected))]
