"""Bodies within their limit, and within what all of them may hold together."""

from collections.abc import Awaitable, Callable

import anyio
import pytest
from fastapi import Request

from app.api.bodies import BodyMemory
from app.errors import TooLarge, Unavailable
from app.firehose import MAX_BODY_BYTES


def request_of(*chunks: bytes, announced: int | None = None) -> Request:
    """A request whose body comes in these chunks."""
    remaining = list(chunks)

    async def receive() -> dict[str, object]:
        await anyio.lowlevel.checkpoint()
        body = remaining.pop(0) if remaining else b""
        return {"type": "http.request", "body": body, "more_body": bool(remaining)}

    headers = [] if announced is None else [(b"content-length", str(announced).encode())]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


def run(test: Callable[[], Awaitable[None]]) -> None:
    anyio.run(test)


def test_a_body_is_joined_and_let_go() -> None:
    async def test() -> None:
        memory = BodyMemory(10)
        for _ in range(3):
            async with memory.body(request_of(b"abc", b"", b"defg")) as body:
                assert body == b"abcdefg"

    run(test)


def test_what_does_not_fit_beside_the_others_is_refused_and_fits_later() -> None:
    async def test() -> None:
        memory = BodyMemory(10)
        async with memory.body(request_of(b"12345678")):
            with pytest.raises(Unavailable) as caught:
                async with memory.body(request_of(b"123")):
                    pass
            assert caught.value.retry_after_seconds > 0
            async with memory.body(request_of(b"12")) as body:
                assert body == b"12"
        async with memory.body(request_of(b"1234567890")) as body:
            assert len(body) == 10

    run(test)


def test_a_body_above_the_limit_is_refused_before_and_while_it_is_read() -> None:
    async def test() -> None:
        memory = BodyMemory(2 * MAX_BODY_BYTES)
        with pytest.raises(TooLarge):
            async with memory.body(request_of(b"", announced=MAX_BODY_BYTES + 1)):
                pass
        half = bytes(MAX_BODY_BYTES // 2 + 1)
        with pytest.raises(TooLarge):
            async with memory.body(request_of(half, half)):
                pass
        async with memory.body(request_of(b"1")) as body:
            assert body == b"1"

    run(test)
