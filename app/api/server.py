"""uvicorn's server, with an orderly end: deliveries are finished, readers are ended in time."""

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import structlog
import uvicorn
from anyio import to_thread

GRACEFUL_SECONDS = 30
"""After these, what still runs is cut off."""

_READERS_SECONDS = 2.0
"""What readers have to finish by themselves: most take less."""
_AGAIN_SECONDS = 0.5
# Clients that take nothing of a big answer would otherwise keep it until it is cut off.
_CLOSE_SECONDS = 25.0
# Nothing is left to be lost: whatever writes has stopped, and the database is closed.
_THREADS_SECONDS = 10.0

_log = structlog.get_logger(__name__)


class GracefulServer(uvicorn.Server):
    """Calls ``end_readers``, on a thread and again and again, while requests go on at its end."""

    def __init__(self, config: uvicorn.Config, end_readers: Callable[[], None]) -> None:
        super().__init__(config)
        self._end_readers = end_readers

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish the requests, then stop what is behind them."""
        ending = asyncio.create_task(self._end_requests())
        try:
            await super().shutdown(sockets)
        finally:
            ending.cancel()
        timer = threading.Timer(_THREADS_SECONDS, _leave)
        timer.daemon = True
        timer.start()

    async def _end_requests(self) -> None:
        await asyncio.sleep(_READERS_SECONDS)
        loop = asyncio.get_running_loop()
        close_at = loop.time() + _CLOSE_SECONDS - _READERS_SECONDS
        while self.server_state.connections or self.server_state.tasks:
            with suppress(Exception):
                await to_thread.run_sync(self._end_readers)
            if loop.time() >= close_at:
                for connection in list(self.server_state.connections):
                    if connection.transport is not None:
                        connection.transport.abort()
            await asyncio.sleep(_AGAIN_SECONDS)


def _leave() -> None:
    """End the process although a thread of some reader does not."""
    names = sorted(
        thread.name
        for thread in threading.enumerate()
        if not thread.daemon and thread is not threading.main_thread()
    )
    _log.warning("threads that did not end are left", threads=", ".join(names))
    logging.shutdown()
    os._exit(0)
