"""Back-pressure, shared by the routes that take deliveries: bodies, decoders, threads."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
from anyio import to_thread
from fastapi import Request

from app.api.bodies import BodyMemory
from app.api.context import ApiContext
from app.pipeline.ingest import OpenedDelivery, Receipt
from app.telemetry import counter, histogram

REQUESTS = counter(
    "delivery_requests_total", "Requests with deliveries by route and status", "route", "status"
)
ANSWER_SECONDS = histogram(
    "delivery_answer_seconds",
    "Time to unpack, decode and store a delivery, the commit included",
    "route",
)
BODY_BYTES = counter(
    "delivery_body_bytes_total", "Bytes of deliveries' bodies as they arrived", "route"
)


class Intake:
    """How much may be under way at once, over all routes; belongs to the event loop."""

    def __init__(self, context: ApiContext) -> None:
        self._ingest = context.ingest
        self._memory = BodyMemory(context.body_memory_bytes)
        self._limiter = anyio.CapacityLimiter(context.concurrent_deliveries)
        # Threads of their own: queries that are slow must not keep deliveries waiting.
        self._threads = anyio.CapacityLimiter(context.concurrent_deliveries)

    @asynccontextmanager
    async def body(self, request: Request, route: str, limit: int) -> AsyncIterator[bytes]:
        """The body of a request, and a place among those that are decoded.

        Raises ``TooLarge`` and ``Unavailable``.
        """
        async with self._memory.body(request, limit) as body, self._limiter:
            BODY_BYTES.labels(route).inc(len(body))
            with ANSWER_SECONDS.labels(route).time():
                yield body

    async def open(self, unpack: Callable[[], OpenedDelivery]) -> OpenedDelivery:
        """Unpack a body on a thread."""
        return await to_thread.run_sync(unpack, limiter=self._threads)

    async def store(self, opened: OpenedDelivery) -> Receipt:
        """Decode and store on a thread; returns after the commit."""
        return await to_thread.run_sync(self._ingest.store, opened, limiter=self._threads)
