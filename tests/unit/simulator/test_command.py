"""The command and the session behind it: exit codes, ledger, interruption, messages."""

import base64
import json
import math
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from app.clock import ManualClock
from app.errors import InvalidParameter
from app.simulator import AccountModel
from app.simulator.attempts import Outcome
from app.simulator.buffering import FirehoseRequest
from app.simulator.command import simulate
from app.simulator.options import period, start_ms, target_url
from app.simulator.replies import Failure
from app.simulator.session import Session
from app.simulator.stream import Shipment, StreamOptions, shipments
from tests.unit.simulator.endpoint import Answer, acknowledged, serving

START_MS = 1_727_740_800_000
RUNNER = CliRunner()
APP = typer.Typer()
APP.command()(simulate)


def run(*arguments: object, expect: int = 0) -> str:
    result = RUNNER.invoke(APP, [str(a) for a in arguments])
    assert result.exit_code == expect, result.output
    return result.output


def test_a_run_is_acknowledged_and_its_ledger_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    with serving(lambda n, r: Answer(503, b"") if n == 1 else acknowledged(r)) as server:
        output = run(
            *("--url", server.url, "--start", "2024-10-01T00:00:00Z", "--minutes", 7),
            *("--tables", 6, "--accounts", 2, "--regions", 2, "--seed", 4, "--format", "mixed"),
            *("--duplicates", 0.5, "--late", 0.1, "--shuffle", "--gzip", "--connections", 3),
            *("--access-key", "secret", "--common-attribute", "env=test", "--ledger", path),
        )
    assert ", 0 failures" in output
    assert "(1 retries)" in output
    assert {r.headers["x-amz-firehose-access-key"] for r in server.received} == {"secret"}
    ledger = json.loads(path.read_text())
    model = AccountModel(4, tables=6, accounts=2, regions=2)
    points = [p for minute in range(7) for p in model.points(START_MS + minute * 60_000)]
    assert ledger["points"] == len(points)
    sums = defaultdict(list)
    accounts = defaultdict(list)
    for p in points:
        s = p.series
        sums[s.account, s.region, s.metric, s.dimensions].append(p.sum)
        if [name for name, _ in s.dimensions] == ["TableName"]:
            accounts[s.account, s.metric].append(p.sum)
    assert {
        (e["account"], e["region"], e["metric"], tuple(e["dimensions"].items())): e["Sum"]
        for e in ledger["series"]
    } == {key: math.fsum(values) for key, values in sums.items()}
    assert {(e["account"], e["metric"]): e["Sum"] for e in ledger["accounts"]} == {
        key: math.fsum(values) for key, values in accounts.items()
    }
    for entry in ledger["tables"]:
        key = (
            entry["account"],
            entry["region"],
            entry["metric"],
            (("TableName", entry["table"]),),
        )
        assert entry["Sum"] == math.fsum(sums[key])
        assert len(entry["Sum_by_minute"]) == len(sums[key])


def test_what_is_given_up_fails_the_run_and_is_backed_up(tmp_path: Path) -> None:
    with serving(lambda _, __: Answer(500, b"")) as server:
        output = run(
            *("--url", server.url, "--minutes", 2, "--tables", 1, "--retry-seconds", 0),
            *("--backup", tmp_path, "--ledger", tmp_path / "ledger.json"),
            expect=1,
        )
    assert "2 failures, 2 backed up" in output
    objects = [p for p in tmp_path.rglob("*") if p.is_file() and p.name != "ledger.json"]
    assert len(objects) == 2
    assert json.loads((tmp_path / "ledger.json").read_text())["points"] == 0


def test_output_writes_requests_instead_of_sending(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        run("--output", tmp_path / folder, "--minutes", 3, "--tables", 2, "--start", "1727740800")
    first, second = (sorted((tmp_path / name).iterdir()) for name in ("first", "second"))
    assert [p.name for p in first] == [p.name for p in second]
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    content = json.loads(first[0].read_text())
    body = json.loads(base64.b64decode(content["body_base64"]))
    assert content["headers"]["X-Amz-Firehose-Request-Id"] == body["requestId"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--url: required"),
        (("--url", "ftp://host"), "--url: expected http"),
        (("--url", "http://[::1"), "--url: not a URL"),
        (("--output", "x", "--format", "xml"), "--format: xml is none of json"),
        (("--output", "x", "--late", 2), "--late: 2 is not between 0 and 1"),
        (("--output", "x", "--retry-seconds", 7201), "--retry-seconds: 7201"),
        (("--output", "x", "--buffer-mib", 65), "--buffer-mib: 65"),
        (("--output", "x", "--start", "soon"), "--start: expected RFC 3339"),
        (("--output", "x", "--backfill", 5), "--backfill: only together"),
        (("--output", "x", "--common-attribute", "a"), "expected NAME=VALUE"),
        (("--output", "x", "--percentiles", "p1000"), "--percentiles: not a percentile"),
        (("--output", "x", "--access-key", "a\nb"), "--access-key: at most"),
        (("--url", "https://h", "--ca-file", "none.pem"), "--ca-file: none.pem: No such file"),
        (("--url", "https://h", "--ca-file", __file__), "has no certificate in PEM"),
        (("--url", "https://h", "--ca-file", "x", "--insecure"), "not together with --insecure"),
    ],
)
def test_bad_options_are_one_line(arguments: tuple[object, ...], message: str) -> None:
    output = run(*arguments, expect=2)
    assert message in output
    assert output.count("\n") == 1
    assert output.startswith("hydrant simulate: ")


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://h:1", "http://h:1/aws/firehose/metrics"),
        ("https://h", "https://h/aws/firehose/metrics"),
        ("http://h:1/", "http://h:1/"),
        ("http://h/a%20b?c=d", "http://h/a%20b?c=d"),
    ],
)
def test_only_a_url_without_a_path_gets_one(given: str, used: str) -> None:
    assert target_url(given) == used


@pytest.mark.parametrize(
    "text", ["1727740859", "1727740859999", "2024-10-01T00:00:59Z", "2024-10-01T02:00+02:00"]
)
def test_starts_are_cut_to_the_minute(text: str) -> None:
    assert start_ms(text) == START_MS


def test_a_start_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidParameter):
        start_ms("2024-13-01")


@pytest.mark.parametrize("now_ms", [START_MS, START_MS + 1, START_MS + 59_999])
def test_real_time_starts_with_the_minute_that_arrives_next(now_ms: int) -> None:
    first_ms, length = period(now_ms, "", None, 0, realtime=True)
    assert length is None
    assert 0 <= first_ms + 120_000 - now_ms < 60_000
    assert period(now_ms, "", 5, 3, realtime=True) == (first_ms - 180_000, 8)


class Recording:
    """A delivery that notes how long after its time each request came; the first ones may fail."""

    def __init__(self, clock: ManualClock, failing: int = 0) -> None:
        self.late_ms: list[int] = []
        self._clock = clock
        self._failing = failing

    def deliver(self, request: FirehoseRequest) -> Outcome:
        self.late_ms.append(self._clock.now_ms() - request.timestamp_ms)
        fails = len(self.late_ms) <= self._failing
        return Outcome(1, Failure("code", "down") if fails else None)

    def close(self) -> None:
        pass


def test_real_time_waits_for_each_request_to_be_due() -> None:
    clock = ManualClock(START_MS)
    delivery = Recording(clock)
    options = StreamOptions(start_ms=START_MS - 180_000, minutes=6)
    session = Session(delivery, clock, threading.Event(), realtime=True)
    summary = session.run(shipments(AccountModel(tables=1), options))
    assert summary.requests == len(delivery.late_ms) >= 6
    # What was due before the run began goes out at once, the rest never early.
    assert min(delivery.late_ms) >= 0
    assert clock.now_ms() == START_MS + 4 * 60_000


def test_an_interruption_keeps_what_was_acknowledged() -> None:
    clock = ManualClock(START_MS)
    options = StreamOptions(start_ms=START_MS, minutes=None, buffer_ms=0)

    def interrupted() -> Iterator[Shipment]:
        for number, shipment in enumerate(shipments(AccountModel(tables=1), options)):
            if number == 3:
                raise KeyboardInterrupt
            yield shipment

    session = Session(Recording(clock), clock, threading.Event())
    summary = session.run(interrupted())
    assert summary.interrupted
    assert summary.lost == 0
    assert session.ledger.content()["points"] == summary.points


def test_a_duplicate_that_is_acknowledged_saves_its_batch() -> None:
    clock = ManualClock(START_MS)
    options = StreamOptions(start_ms=START_MS, minutes=1)
    (shipment,) = shipments(AccountModel(tables=1), options)
    lost = Session(Recording(clock, failing=1), clock, threading.Event()).run([shipment])
    assert (lost.lost, lost.failures) == (len(shipment.batch.points), 1)
    saving = Session(Recording(clock, failing=1), clock, threading.Event())
    summary = saving.run([shipment] * 3)
    assert (summary.lost, summary.failures) == (0, 1)
    assert summary.points == saving.ledger.content()["points"] == len(shipment.batch.points)
