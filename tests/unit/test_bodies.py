"""Bodies within their limit, within time, and within what all of them may hold together."""

import threading
from collections.abc import Awaitable, Callable

import anyio
import pytest
from fastapi import Request

from app.api.bodies import read_body
from app.api.memory import DeliveryMemory
from app.clock import SystemClock
from app.errors import RequestTimeout, TooLarge, Unavailable
from app.firehose import MAX_BODY_BYTES

CLOCK = SystemClock()


def request_of(*chunks: bytes, announced: int | None = None, hangs: bool = False) -> Request:
    """A request whose body comes in these chunks."""
    remaining = list(chunks)

    async def receive() -> dict[str, object]:
        await anyio.lowlevel.checkpoint()
        if hangs and not remaining:
            await anyio.sleep(60)
        body = remaining.pop(0) if remaining else b""
        return {"type": "http.request", "body": body, "more_body": bool(remaining) or hangs}

    headers = [] if announced is None else [(b"content-length", str(announced).encode())]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


def run(test: Callable[[], Awaitable[None]]) -> None:
    anyio.run(test)


def soon() -> float:
    return CLOCK.monotonic() + 10


def test_a_body_is_joined_and_let_go() -> None:
    async def test() -> None:
        memory = DeliveryMemory(10, CLOCK)
        for announced in (None, 7, None):
            with memory.share(soon()) as share:
                request = request_of(b"abc", b"", b"defg", announced=announced)
                assert await read_body(request, share) == b"abcdefg"

    run(test)


@pytest.mark.parametrize("announced", [None, 3])
def test_what_does_not_fit_beside_the_others_is_refused_and_fits_later(
    announced: int | None,
) -> None:
    async def test() -> None:
        memory = DeliveryMemory(10, CLOCK)
        with memory.share(soon()) as first:
            await read_body(request_of(b"12345678"), first)
            with memory.share(soon()) as second, pytest.raises(Unavailable) as caught:
                await read_body(request_of(b"123", announced=announced), second)
            assert caught.value.retry_after_seconds > 0
            assert caught.value.reason == "memory"
            with memory.share(soon()) as third:
                assert await read_body(request_of(b"12"), third) == b"12"
        with memory.share(soon()) as share:
            assert len(await read_body(request_of(b"1234567890"), share)) == 10

    run(test)


def test_what_is_announced_and_does_not_fit_is_refused_unread() -> None:
    async def test() -> None:
        memory = DeliveryMemory(10, CLOCK)
        with memory.share(soon()) as share, pytest.raises(Unavailable):
            await read_body(request_of(announced=11, hangs=True), share)

    run(test)


def test_a_body_above_the_limit_is_refused_before_and_while_it_is_read() -> None:
    async def test() -> None:
        memory = DeliveryMemory(2 * MAX_BODY_BYTES, CLOCK)
        with memory.share(soon()) as share, pytest.raises(TooLarge):
            await read_body(request_of(b"", announced=MAX_BODY_BYTES + 1), share)
        half = bytes(MAX_BODY_BYTES // 2 + 1)
        with memory.share(soon()) as share, pytest.raises(TooLarge):
            await read_body(request_of(half, half), share)
        with memory.share(soon()) as share:
            assert await read_body(request_of(b"1"), share) == b"1"

    run(test)


@pytest.mark.parametrize(("idle", "longest"), [(0.05, 60.0), (60.0, 0.05)])
def test_a_body_that_does_not_come_is_given_up(idle: float, longest: float) -> None:
    async def test() -> None:
        memory = DeliveryMemory(10, CLOCK)
        request = request_of(b"12", announced=4, hangs=True)
        with memory.share(soon()) as share, pytest.raises(RequestTimeout, match="2 bytes"):
            await read_body(request, share, idle_seconds=idle, longest_seconds=longest)

    run(test)


# Unpacking


def test_one_delivery_may_overdraw_and_the_others_wait_for_it() -> None:
    memory = DeliveryMemory(10, CLOCK)
    order: list[str] = []
    with memory.share(soon()) as first:
        first.grow(8)
        first.grow(8)  # Nobody else overdraws.

        def second() -> None:
            with memory.share(soon()) as share:
                share.grow(4)
                order.append("second")

        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
        first.grow(100)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_waiting_for_memory_ends() -> None:
    memory = DeliveryMemory(10, CLOCK)
    with memory.share(soon()) as first, memory.share(CLOCK.monotonic() + 0.05) as second:
        first.grow(20)
        with pytest.raises(Unavailable):
            second.grow(1)
    with memory.share(soon()) as third:
        third.take(10)


def test_what_is_given_back_is_there_for_others() -> None:
    memory = DeliveryMemory(10, CLOCK)
    with memory.share(soon()) as first:
        first.grow(30)
        first.keep(4)
        with memory.share(CLOCK.monotonic()) as second:
            second.take(6)
            with pytest.raises(Unavailable):
                second.take(1)
            # The right to overdraw has come back with the bytes.
            second.grow(10)
