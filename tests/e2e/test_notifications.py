"""Alarms told by the real server, killed while it tells them.

That a row of the outbox outlives its process is tested on both engines in tests/contract.
"""

import json
import threading
import time
from pathlib import Path

import pytest

from tests.e2e.deliveries import envelope, metric_lines
from tests.fixtures.alarms import THROTTLED
from tests.fixtures.receivers import Received, Receiver, Reply, is_signed, receiver
from tests.fixtures.server import ACCESS_KEY, DELIVERY_PATH, RunningServer, ServerStarter

pytestmark = pytest.mark.e2e

SECRET = "a secret of both ends"
METRIC = "ReadThrottleEvents"


def deliver(server: RunningServer, minute: int, value: float) -> None:
    """Throttled reads of a minute, and a sign that the next one has begun."""
    records = [metric_lines(METRIC, 0, minute, value), metric_lines("ItemCount", 0, minute + 1)]
    answer = server.client.post(
        DELIVERY_PATH,
        content=envelope(records, f"m{minute}"),
        headers={"X-Amz-Firehose-Access-Key": ACCESS_KEY},
    )
    assert answer.status_code == 200, answer.text


def settings(directory: Path, there: Receiver) -> dict[str, object]:
    (directory / "rules").mkdir()
    (directory / "rules" / "a.yaml").write_text(THROTTLED, "utf-8")
    (directory / "secret").write_text(SECRET, "utf-8")
    hook = {
        "type": "webhook",
        "url": there.url,
        "secret_file": "secret",
        "group_wait": "0s",
        "group_interval": "0s",
    }
    (directory / "channels.yaml").write_text(json.dumps({"channels": {"ops": hook}}), "utf-8")
    return {
        "alarm_rules": directory / "rules",
        "alarm_channels": directory / "channels.yaml",
        "minute_retention_days": 0,
        "five_minute_retention_days": 0,
        "hour_retention_days": 0,
    }


def test_a_server_killed_while_it_tells_an_alarm_tells_it_again_with_the_same_id(
    start_server: ServerStarter, sqlite_url: str, tmp_path: Path
) -> None:
    arrived, killed = threading.Event(), threading.Event()

    def hang_once(_: Received, number: int) -> Reply:
        if number > 1:
            return Reply()
        arrived.set()
        killed.wait(30)
        return Reply(503)

    with receiver(hang_once) as there:
        server = start_server(sqlite_url, **settings(tmp_path, there))
        deliver(server, 0, 0.0)
        deliver(server, 1, 5.0)
        assert arrived.wait(60), server.log
        server.kill()
        killed.set()
        server.start()
        there.wait(1, seconds=60)
        deliver(server, 2, 0.0)
        there.wait(2, seconds=60)
        # Nothing more comes: neither of them is told once more.
        time.sleep(1)
        server.stop()
    assert [request.headers["Hydrant-Notification-Kind"] for request in there.received] == [
        "firing",
        "firing",
        "recovered",
    ]
    ids = [request.headers["Hydrant-Notification-Id"] for request in there.received]
    assert ids[0] == ids[1] != ids[2]
    assert all(is_signed(request, SECRET) for request in there.received)
    assert SECRET not in server.log
