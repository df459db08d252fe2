"""Queries on their way: places, time, sizes, compression, and clients that go away."""

import gzip
import threading
from collections.abc import Iterator, MutableMapping
from typing import Any

import anyio
import anyio.from_thread
import httpx
import pytest
from fastapi import FastAPI, Request, Response

from app.api.errors import add_error_handlers
from app.api.prometheus.running import QueryRunner, Turn, Work
from app.api.stopping import Stopping
from app.clock import SystemClock
from app.errors import HydrantError, QueryCanceled, QueryFailed
from app.telemetry import REGISTRY

CLOCK = SystemClock()
PATH = "/prometheus/api/v1/query"
BIG = [b"[", *(b'"%d",' % number * 500 for number in range(400)), b"0]"]


def application(
    work: Work,
    *,
    places: int = 1,
    timeout_seconds: float = 20.0,
    stopping: Stopping | None = None,
) -> FastAPI:
    """One route under the prefix, whose answer ``work`` makes."""
    web = FastAPI()
    runner = QueryRunner(places, CLOCK, stopping or Stopping())

    @web.get(PATH)
    async def route(request: Request) -> Response:
        async with runner.counted("test"):
            return await runner.answer(request, "test", work, timeout_seconds)

    add_error_handlers(web, CLOCK)
    return web


async def ask(web: FastAPI, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(web)
    async with httpx.AsyncClient(transport=transport, base_url="http://hydrant") as client:
        given = {
            "accept-encoding": "identity",
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        return await client.get(PATH, headers=given)


def outcomes(outcome: str) -> float:
    found = REGISTRY.get_sample_value(
        "hydrant_queries_total", {"route": "test", "outcome": outcome}
    )
    return found or 0.0


def running() -> float | None:
    return REGISTRY.get_sample_value("hydrant_queries_running")


@pytest.mark.parametrize("pieces", [[b"[]"], [b"[", b"1" * 5_000, b"]"], BIG], ids=len)
def test_an_answer_is_the_same_in_any_size_and_compression(pieces: list[bytes]) -> None:
    expected = b"".join(pieces)
    web = application(lambda _: iter(pieces))
    plain = anyio.run(ask, web)
    assert plain.status_code == 200
    assert plain.content == expected
    assert plain.headers["content-type"] == "application/json"
    assert plain.headers["vary"] == "Accept-Encoding"
    is_big = len(expected) > 1_000_000
    assert ("content-length" in plain.headers) is not is_big
    assert "content-encoding" not in plain.headers

    async def zipped() -> httpx.Response:
        return await ask(web, accept_encoding="br;q=1.0, gzip;q=0.8, *;q=0.1")

    answer = anyio.run(zipped)
    assert answer.content == expected
    is_zipped = answer.headers.get("content-encoding") == "gzip"
    assert is_zipped is (len(expected) > 1_400)


@pytest.mark.parametrize(
    ("accepted", "zipped"),
    [("gzip", True), ("*", True), ("GZIP;q=0.5", True), ("gzip; q=0", False), ("br", False)],
)
def test_gzip_is_sent_to_who_takes_it(accepted: str, zipped: bool) -> None:
    web = application(lambda _: iter([b"x" * 10_000]))

    async def asking() -> list[MutableMapping[str, Any]]:
        return await conversation(web, accepted.encode())

    start, body = anyio.run(asking)
    assert ((b"content-encoding", b"gzip") in start["headers"]) is zipped
    content = gzip.decompress(body["body"]) if zipped else body["body"]
    assert content == b"x" * 10_000


async def conversation(
    web: FastAPI, accepted: bytes = b"", *, gone_after: int | None = None
) -> list[MutableMapping[str, Any]]:
    """What is sent to a client, which goes away after so many messages."""
    sent: list[MutableMapping[str, Any]] = []
    gone = anyio.Event()
    if gone_after == 0:
        gone.set()
    requested = False

    async def receive() -> MutableMapping[str, Any]:
        nonlocal requested
        if not requested:
            requested = True
            return {"type": "http.request", "body": b"", "more_body": False}
        # A server says so at once; waiting for what has happened would be a point of cancellation.
        if not gone.is_set():
            await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)
        if len(sent) == gone_after:
            gone.set()

    scope = {
        "type": "http",
        "method": "GET",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"",
        "headers": [(b"accept-encoding", accepted)],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("hydrant", 80),
        "client": ("127.0.0.1", 1),
        "root_path": "",
    }
    await web(scope, receive, send)
    return sent


def test_pieces_are_made_when_they_are_sent_and_not_for_a_client_that_has_gone() -> None:
    made: list[int] = []

    def pieces() -> Iterator[bytes]:
        for number in range(200):
            made.append(number)
            yield b"x" * 300_000

    web = application(lambda _: pieces())

    async def asking() -> list[MutableMapping[str, Any]]:
        return await conversation(web, gone_after=4)

    sent = anyio.run(asking)
    assert [message["type"] for message in sent] == [
        "http.response.start",
        *["http.response.body"] * 3,
    ]
    # The answer has not been ended, so that nobody takes it for a whole one.
    assert sent[-1]["more_body"]
    assert len(made) < 8
    assert running() == 0


def test_a_query_ends_when_its_client_has_gone() -> None:
    before = outcomes("canceled")

    def work(turn: Turn) -> Iterator[bytes]:
        deadline = CLOCK.monotonic() + 20
        while CLOCK.monotonic() < deadline:
            turn.clock.monotonic()
        return iter([b"too late"])

    web = application(work)

    async def asking() -> list[MutableMapping[str, Any]]:
        return await conversation(web, gone_after=0)

    sent = anyio.run(asking)
    assert sent[0]["status"] == QueryCanceled.status
    assert outcomes("canceled") == before + 1
    assert running() == 0


def test_queries_wait_for_a_place_and_not_for_ever() -> None:
    release = threading.Event()

    def work(_: Turn) -> Iterator[bytes]:
        anyio.from_thread.run_sync(begun.set)
        release.wait(20)
        return iter([b"[]"])

    web = application(work, timeout_seconds=0.3)
    answers: list[httpx.Response] = []
    begun = anyio.Event()

    async def one() -> None:
        answers.append(await ask(web))

    async def asking() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(one)
            await begun.wait()
            # The second one waits for the place of the first, in vain.
            await one()
            release.set()

    before = outcomes("timeout")
    anyio.run(asking)
    late, first = answers
    assert first.status_code == 200
    assert late.status_code == 503
    assert late.json()["errorType"] == "timeout"
    assert "query queue" in late.json()["error"]
    assert outcomes("timeout") == before + 1
    assert running() == 0


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [(QueryFailed("no"), 422, "execution"), (HydrantError("a fault"), 500, "internal")],
)
def test_failures_are_answered_and_counted(error: HydrantError, status: int, kind: str) -> None:
    before = outcomes(kind)

    def work(_: Turn) -> Iterator[bytes]:
        raise error

    answer = anyio.run(ask, application(work))
    assert answer.status_code == status
    assert answer.json() == {"status": "error", "errorType": kind, "error": error.message}
    assert outcomes(kind) == before + 1
    assert running() == 0


def test_a_turn_knows_what_time_is_left() -> None:
    turns: list[Turn] = []

    def work(turn: Turn) -> Iterator[bytes]:
        turns.append(turn)
        return iter([b"[]"])

    anyio.run(ask, application(work, timeout_seconds=10))
    (turn,) = turns
    assert 0 <= turn.waited_seconds < 10
    assert turn.waited_seconds + turn.deadline.left_seconds == pytest.approx(10, abs=1)
