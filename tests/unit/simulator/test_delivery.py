"""Delivery against a real endpoint: acknowledgement, retries, giving up, error objects."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from app.clock import ManualClock
from app.simulator.attempts import Outcome, Send, Wait, attempts
from app.simulator.buffering import DeliveryStream, FirehoseRequest
from app.simulator.delivery import Endpoint, HttpDelivery
from app.simulator.files import ErrorObjects
from app.simulator.replies import Failure
from tests.unit.simulator.endpoint import Answer, Rule, Server, acknowledged, serving

NOW_MS = 1_727_740_800_000
STREAM = DeliveryStream("stream", "123456789012", "us-east-1", access_key='{"k":"ä"}')
REQUEST = STREAM.request("66637616-871f-4ae3-8127-96ffdb28a106", NOW_MS, [b"one", b"two"])
DOWN = Failure("HttpEndpoint.DestinationException", "503: down")


def waits(
    retry_seconds: float, draw: float, failures: int, longest: float = 120.0
) -> tuple[list[float], Outcome]:
    """Run attempts that fail so many times, then succeed."""
    steps = attempts(retry_seconds, lambda: draw, longest)
    seen: list[float] = []
    sent = 0
    step: Send | Wait = next(steps)
    try:
        while True:
            if isinstance(step, Wait):
                seen.append(step.seconds)
                step = steps.send(None)
            else:
                sent += 1
                step = steps.send(DOWN if sent <= failures else None)
    except StopIteration as end:
        return seen, end.value


def test_back_off_doubles_up_to_two_minutes() -> None:
    seen, outcome = waits(7200, 0.5, 10**9)
    assert seen[:9] == [1, 2, 4, 8, 16, 32, 64, 120, 120]
    assert sum(seen) <= 7200 < sum(seen) + 120
    assert outcome == Outcome(66, DOWN)


def test_the_longest_back_off_bounds_every_wait() -> None:
    assert waits(300, 0.5, 4, longest=3.0)[0] == [1, 2, 3, 3]
    assert waits(300, 0.5, 3, longest=0.25)[0] == [0.25, 0.25, 0.25]


@pytest.mark.parametrize(("draw", "first"), [(0.0, 0.85), (1.0, 1.15)])
def test_jitter_is_fifteen_percent(draw: float, first: float) -> None:
    seen, _ = waits(300, draw, 3)
    assert seen == pytest.approx([first, 2 * first, 4 * first])


def test_five_minutes_are_about_eight_tries() -> None:
    assert waits(300, 0.5, 10**9)[1].attempts == 9


def test_no_retry_duration_means_one_attempt() -> None:
    assert waits(0, 0.5, 1) == ([], Outcome(1, DOWN))


def test_success_ends_the_attempts() -> None:
    assert waits(300, 0.5, 2) == ([1, 2], Outcome(3, None))


@contextmanager
def delivering(
    rule: Rule, clock: ManualClock, retry_seconds: float
) -> Iterator[tuple[Server, HttpDelivery]]:
    with serving(rule) as server:
        endpoint = Endpoint(server.url, clock)
        delivery = HttpDelivery(endpoint, clock, threading.Event(), retry_seconds=retry_seconds)
        try:
            yield server, delivery
        finally:
            delivery.close()


def test_two_failures_then_an_acknowledgement() -> None:
    clock = ManualClock(NOW_MS)
    with delivering(lambda n, r: Answer(503, b"busy") if n < 2 else acknowledged(r), clock, 60) as (
        server,
        delivery,
    ):
        assert delivery.deliver(REQUEST) == Outcome(3, None)
    assert 0.85 + 1.7 <= (clock.now_ms() - NOW_MS) / 1000 <= 1.15 + 2.3
    assert [r.body for r in server.received] == [REQUEST.body] * 3
    assert {r.headers["x-amz-firehose-request-id"] for r in server.received} == {REQUEST.request_id}


def test_the_request_arrives_as_firehose_sends_it() -> None:
    with delivering(lambda _, r: acknowledged(r), ManualClock(), 0) as (server, delivery):
        assert delivery.deliver(REQUEST).acknowledged
    (received,) = server.received
    assert received.path == "/any/path?x=1"
    sent = {name.lower(): value for name, value in REQUEST.headers.items()}
    # The loopback server reads header bytes as Latin-1; the key travels as UTF-8.
    sent["x-amz-firehose-access-key"] = '{"k":"ä"}'.encode().decode("latin-1")
    assert {k: v for k, v in received.headers.items() if k not in ("host", "connection")} == {
        **sent,
        "content-length": str(len(REQUEST.body)),
    }


def changed(answer: Answer, **headers: str) -> Answer:
    return replace(answer, headers={**answer.headers, **headers})


MALFORMED: dict[str, Rule] = {
    "the body is not JSON": lambda _, __: Answer(body=b"ok"),
    "the body is not a JSON object": lambda _, __: Answer(body=b"[]"),
    "requestId is not": lambda _, r: acknowledged(r, requestId="other"),
    "timestamp is not an integer": lambda _, r: acknowledged(r, timestamp="1"),
    "unexpected field detail": lambda _, r: acknowledged(r, detail="x"),
    "errorMessage is not a string": lambda _, r: acknowledged(r, errorMessage=[]),
    "errorMessage is longer": lambda _, r: acknowledged(r, errorMessage="x" * 8193),
    "Content-Type is text/html": lambda _, r: changed(
        acknowledged(r), **{"Content-Type": "text/html"}
    ),
    "Content-Encoding": lambda _, r: changed(acknowledged(r), **{"Content-Encoding": "identity"}),
    "no Content-Length": lambda _, r: replace(acknowledged(r), with_length=False),
    "larger than 1 MiB": lambda _, __: Answer(body=b" " * (1 << 21)),
}


@pytest.mark.parametrize("fault", MALFORMED)
def test_a_malformed_200_counts_as_a_failure(fault: str) -> None:
    with delivering(MALFORMED[fault], ManualClock(), 0) as (_, delivery):
        failure = delivery.deliver(REQUEST).failure
    assert failure is not None
    assert fault in failure.message
    assert not failure.permanent


@pytest.mark.parametrize("fields", [{}, {"errorMessage": None}, {"errorMessage": "fine"}])
def test_a_conforming_200_acknowledges(fields: dict[str, object]) -> None:
    with delivering(lambda _, r: acknowledged(r, **fields), ManualClock(), 0) as (_, delivery):
        assert delivery.deliver(REQUEST) == Outcome(1, None)


@pytest.mark.parametrize("status", [201, 202, 204, 301, 307, 400, 401, 404, 429, 500])
def test_every_other_status_is_tried_again(status: int) -> None:
    def rule(_: int, request: object) -> Answer:
        del request
        location = {"Location": "/elsewhere"} if status in (301, 307) else {}
        return Answer(status, b"", {"Content-Type": "application/json", **location})

    with delivering(rule, ManualClock(), 2) as (server, delivery):
        outcome = delivery.deliver(REQUEST)
    assert outcome.attempts == len(server.received) == 2
    assert {r.path for r in server.received} == {"/any/path?x=1"}
    assert outcome.failure is not None
    assert outcome.failure.message.startswith(f"{status}: ")


def test_413_is_permanent_and_not_backed_up(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS)
    with delivering(lambda _, __: Answer(413, b"{}"), clock, 7200) as (server, delivery):
        outcome = delivery.deliver(REQUEST)
    assert len(server.received) == outcome.attempts == 1
    assert ErrorObjects(tmp_path, "stream", clock).write(REQUEST, outcome) is None
    assert list(tmp_path.iterdir()) == []


def test_what_is_given_up_becomes_an_error_object(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS)

    def rule(_: int, request: object) -> Answer:
        del request
        return Answer(503, b'{"errorMessage":"the store is down"}')

    with delivering(rule, clock, 60) as (server, delivery):
        outcome = delivery.deliver(REQUEST)
    path = ErrorObjects(tmp_path, "stream", clock).write(REQUEST, outcome)
    assert path is not None
    assert str(path.relative_to(tmp_path)) == (
        f"http-endpoint-failed/2024/10/01/00/stream-1-2024-10-01-00-00-00-{REQUEST.request_id}"
    )
    objects = [json.loads(line) for line in path.read_text().splitlines()]
    assert [base64.b64decode(each["rawData"]) for each in objects] == list(REQUEST.records)
    data_ids = {each.pop("dataId") for each in objects}
    assert len(data_ids) == 2
    assert [{**each, "rawData": ""} for each in objects] == [
        {
            "attemptsMade": len(server.received),
            "arrivalTimestamp": NOW_MS,
            "errorCode": "HttpEndpoint.DestinationException",
            "errorMessage": "503: the store is down",
            "attemptEndingTimestamp": clock.now_ms(),
            "rawData": "",
            "subsequenceNumber": "0",
        }
    ] * 2


def test_an_endpoint_that_hangs_up_or_is_absent() -> None:
    clock = ManualClock()
    with delivering(lambda _, __: Answer(body=None), clock, 0) as (server, delivery):
        outcome = delivery.deliver(REQUEST)
    assert outcome.failure is not None
    assert outcome.failure.code == "HttpEndpoint.ConnectionReset"
    endpoint = Endpoint(server.url, clock)
    failure = endpoint.post(REQUEST)
    endpoint.close()
    assert failure is not None
    assert failure.code == "HttpEndpoint.ConnectionFailed"


def test_an_endpoint_that_never_answers_times_out() -> None:
    release = threading.Event()

    def rule(_: int, request: object) -> Answer:
        del request
        release.wait(10)
        return Answer(body=None)

    with serving(rule) as server:
        endpoint = Endpoint(server.url, ManualClock(), timeout_seconds=0.2)
        failure = endpoint.post(REQUEST)
        release.set()
        endpoint.close()
    assert failure == Failure("HttpEndpoint.RequestTimeout", "no response in 0.2 s")


def test_stop_ends_the_waiting() -> None:
    stop = threading.Event()

    def rule(_: int, request: object) -> Answer:
        del request
        stop.set()
        return Answer(500, b"")

    with serving(rule) as server:
        delivery = HttpDelivery(
            Endpoint(server.url, ManualClock()), ManualClock(), stop, retry_seconds=7200
        )
        outcome = delivery.deliver(REQUEST)
        delivery.close()
    assert outcome.attempts == 1
    assert not outcome.acknowledged


def test_equal_requests_are_equal_bytes_with_gzip() -> None:
    def build() -> FirehoseRequest:
        return replace(STREAM, gzip=True).request("id", NOW_MS, [b"x" * 1000])

    assert build() == build()
    assert len(build().body) < 200
