"""A TCP proxy that resets connections now and then, in mid-request or in mid-answer.

It stands before NGINX and sees TLS only, as a failing network would.
"""

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_PIECE_BYTES = 16 * 1024
# A connection that is to be cut is cut within its first so many bytes of either direction.
_LATEST_REQUEST_BYTE = 600_000
_LATEST_ANSWER_BYTE = 3_000
_RESET = struct.pack("ii", 1, 0)


@dataclass
class CuttingProxy:
    """Where it listens, the share of connections that it cuts, and how many it has cut so far."""

    port: int
    share: float
    in_requests: int = 0
    in_answers: int = 0
    _draws: random.Random = field(default_factory=random.Random)

    def draw(self) -> tuple[float, float]:
        """After how many bytes of the request and of the answer to cut a new connection."""
        if self._draws.random() >= self.share:
            return float("inf"), float("inf")
        if self._draws.random() < 0.5:
            return self._draws.uniform(1, _LATEST_REQUEST_BYTE), float("inf")
        return float("inf"), self._draws.uniform(1, _LATEST_ANSWER_BYTE)


@contextmanager
def cutting_proxy(target_port: int, *, share: float, seed: int) -> Iterator[CuttingProxy]:
    """Pass connections on to a port of 127.0.0.1, on a thread of its own."""
    loop = asyncio.new_event_loop()
    state = CuttingProxy(0, share, _draws=random.Random(seed))

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request_bytes, answer_bytes = state.draw()
        try:
            inner = await asyncio.open_connection("127.0.0.1", target_port)
        except OSError:
            _reset(writer)
            return
        requests = asyncio.create_task(_pass_on(reader, inner[1], request_bytes))
        answers = asyncio.create_task(_pass_on(inner[0], writer, answer_bytes))
        done, left = await asyncio.wait({requests, answers}, return_when=asyncio.FIRST_COMPLETED)
        cut = any(not task.cancelled() and task.result() for task in done)
        if cut:
            state.in_requests += requests in done and requests.result()
            state.in_answers += answers in done and answers.result()
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for end in (writer, inner[1]):
            if cut:
                _reset(end)
            else:
                end.close()

    server = loop.run_until_complete(asyncio.start_server(connected, "127.0.0.1", 0))
    state.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, name="cutting-proxy")
    thread.start()
    try:
        yield state
    finally:
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _stop(server: asyncio.Server) -> None:
    server.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: float
) -> bool:
    """Copy until the end; True when ``limit`` was reached and the connection is to be cut."""
    passed = 0
    try:
        while piece := await reader.read(_PIECE_BYTES):
            passed += len(piece)
            if passed >= limit:
                return True
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    return False


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN, as a peer that has vanished."""
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
