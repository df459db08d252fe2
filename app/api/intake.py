"""Back-pressure, shared by the routes that take deliveries: memory, decoders, threads, time.

A delivery is refused before its body is read when the database would not take it or its body does
not fit. What is waited for after that, a decoder's place and the commit, is waited for in bounded
time; see ADR 0019.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import anyio
from anyio import to_thread
from fastapi import Request

from app.api.bodies import read_body
from app.api.context import ApiContext
from app.api.memory import DeliveryMemory, MemoryShare
from app.api.refusal import RefusalLog
from app.errors import HydrantError, Unavailable
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

SHORTEST_COMMIT_SECONDS = 10.0
"""Given to a commit however long decoding took: a delivery that takes long to decode would never
be stored otherwise."""

Unpack = Callable[[bytearray, MemoryShare], OpenedDelivery]


class Intake:
    """How much may be under way at once, over all routes; belongs to the event loop."""

    def __init__(self, context: ApiContext) -> None:
        self._ingest = context.ingest
        self._store = context.store
        self._clock = context.clock
        self._seconds = context.delivery_seconds
        self._memory = DeliveryMemory(context.body_memory_bytes, context.clock)
        self._limiter = anyio.CapacityLimiter(context.concurrent_deliveries)
        # Threads of their own: queries that are slow must not keep deliveries waiting.
        self._threads = anyio.CapacityLimiter(context.concurrent_deliveries)
        self._refusals = RefusalLog(context.clock)

    @asynccontextmanager
    async def delivery(
        self, request: Request, route: str, limit: int
    ) -> AsyncIterator["ArrivedDelivery"]:
        """A request whose body has arrived, with a place among those that are decoded.

        Raises ``TooLarge``, ``RequestTimeout`` and ``Unavailable``.
        """
        self._store.require_available()
        with self._memory.share(self._clock.monotonic() + self._seconds) as share:
            body = await read_body(request, share, limit)
            BODY_BYTES.labels(route).inc(len(body))
            deadline = self._clock.monotonic() + self._seconds
            share.deadline = deadline
            arrived = ArrivedDelivery(self, share, body, deadline)
            del body
            with ANSWER_SECONDS.labels(route).time():
                async with self._place():
                    # The database may have gone while the body came.
                    self._store.require_available()
                    yield arrived

    def refused(self, event: str, error: HydrantError, context: Mapping[str, object]) -> None:
        """Count and log a refusal."""
        self._refusals.tell(event, error, context)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        try:
            with anyio.fail_after(self._seconds):
                await self._limiter.acquire()
        except TimeoutError:
            raise Unavailable(
                f"no decoder was free within {self._seconds:.0f} s",
                reason="too_slow",
                retry_after_seconds=10,
            ) from None
        try:
            yield
        finally:
            self._limiter.release()

    async def run(self, work: Callable[[], Receipt]) -> Receipt:
        """Work on a thread of the deliveries' own."""
        return await to_thread.run_sync(work, limiter=self._threads)

    def store(self, opened: OpenedDelivery, deadline: float) -> Receipt:
        """Decode and store; blocks until the commit."""
        return self._ingest.store(
            opened,
            # What decoding takes is known when it has ended.
            commit_seconds=lambda: max(
                deadline - self._clock.monotonic(),
                min(SHORTEST_COMMIT_SECONDS, self._seconds),
            ),
        )


class ArrivedDelivery:
    """A body in memory, let go as soon as it has been unpacked."""

    def __init__(
        self, intake: Intake, share: MemoryShare, body: bytearray, deadline: float
    ) -> None:
        self._intake = intake
        self._share = share
        self._body = body
        self._deadline = deadline

    async def store(self, unpack: Unpack) -> Receipt:
        """Unpack the body, decode and store, all on one thread; returns after the commit.

        ``unpack`` takes the memory that it needs from the share.
        """

        def work() -> Receipt:
            opened = unpack(self._let_go(), self._share)
            # Its records, and about as much again for the columns that they become.
            self._share.keep(2 * opened.content_bytes)
            return self._intake.store(opened, self._deadline)

        return await self._intake.run(work)

    def _let_go(self) -> bytearray:
        body, self._body = self._body, bytearray()
        return body
