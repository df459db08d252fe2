"""How queries run: few at once, on threads of their own, for a bounded time, and counted.

Deliveries need the same cores, so queries wait for each other rather than for them.
"""

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
from anyio import to_thread
from fastapi import Request, Response

from app.api.errors import error_type
from app.api.prometheus.sending import Outgoing, StreamedResponse, takes_gzip, whole_response
from app.api.stopping import Stopping
from app.clock import Clock
from app.errors import HydrantError, QueryCanceled, QueryTimeout
from app.promql.limits import Deadline
from app.telemetry import counter, gauge, histogram

QUERIES = counter(
    "queries_total", "Requests of the Prometheus API by route and outcome", "route", "outcome"
)
QUERY_SECONDS = histogram(
    "query_seconds",
    "Time to evaluate a request of the Prometheus API, without the wait for its turn",
    "route",
)
RUNNING = gauge("queries_running", "Requests of the Prometheus API that are evaluated or sent now")


class ClientClock:
    """The clock of one query. Who asks it for the time learns that nobody waits any more.

    The engine asks between any two steps of its work, so that a query ends soon after its client
    has gone away, or when the server stops.
    """

    def __init__(self, clock: Clock, stopping: Stopping) -> None:
        self._clock = clock
        self._stopping = stopping
        self._gone = threading.Event()

    def client_has_gone(self) -> None:
        """From now on, asking for the time raises ``QueryCanceled``."""
        self._gone.set()

    def now_ms(self) -> int:
        return self._clock.now_ms()

    def monotonic(self) -> float:
        if self._gone.is_set():
            raise QueryCanceled("query was canceled in expression evaluation: its client has gone")
        self._stopping.check()
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a query that may run now knows: its clock, the seconds it has waited, and its end."""

    clock: ClientClock
    waited_seconds: float
    deadline: Deadline


Work = Callable[[Turn], Iterator[bytes]]
"""Evaluates on a thread, and returns the pieces of the answer, rendered when they are asked for."""


class QueryRunner:
    """The places for queries; belongs to the event loop."""

    def __init__(self, places: int, clock: Clock, stopping: Stopping) -> None:
        self._places = anyio.CapacityLimiter(places)
        self._threads = anyio.CapacityLimiter(places)
        self._clock = clock
        self._stopping = stopping

    @asynccontextmanager
    async def counted(self, route: str) -> AsyncIterator[None]:
        """Count a request by its outcome."""
        try:
            yield
        except HydrantError as error:
            QUERIES.labels(route, error_type(error)).inc()
            raise
        except Exception:
            QUERIES.labels(route, "internal").inc()
            raise
        QUERIES.labels(route, "success").inc()

    async def answer(
        self, request: Request, route: str, work: Work, timeout_seconds: float
    ) -> Response:
        """Wait for a place, evaluate, and answer. Raises what ``work`` does, and the rest.

        The place is held until a big answer has been sent, because its series are in memory.
        """
        begin = self._clock.monotonic()
        # A place is the borrower's; the same request gives it back from another task.
        place = object()
        await self._take(place, timeout_seconds)
        waited = self._clock.monotonic() - begin
        is_streaming = False
        try:
            watched = ClientClock(self._clock, self._stopping)
            turn = Turn(watched, waited, Deadline(timeout_seconds - waited, watched))
            compressed = takes_gzip(request)
            with QUERY_SECONDS.labels(route).time():
                outgoing = await self._watched(
                    request, turn.clock, lambda: Outgoing(work(turn), compressed=compressed)
                )
            if outgoing.whole is not None:
                return whole_response(outgoing)
            is_streaming = True
            return StreamedResponse(
                request, outgoing, self._threads, done=lambda: self._give_back(place)
            )
        finally:
            if not is_streaming:
                self._give_back(place)

    async def _take(self, place: object, timeout_seconds: float) -> None:
        try:
            with anyio.fail_after(timeout_seconds):
                await self._places.acquire_on_behalf_of(place)
        except TimeoutError:
            raise QueryTimeout(
                f"query timed out in query queue: no place was free within {timeout_seconds:g}"
                " seconds; ask for less at once, or raise HYDRANT_CONCURRENT_QUERIES"
            ) from None
        RUNNING.inc()

    def _give_back(self, place: object) -> None:
        RUNNING.dec()
        self._places.release_on_behalf_of(place)

    async def _watched(
        self, request: Request, clock: ClientClock, work: Callable[[], Outgoing]
    ) -> Outgoing:
        """Run on a thread, and tell the clock when the client goes away meanwhile."""

        async def watch() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            clock.client_has_gone()

        failure: Exception | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            try:
                return await to_thread.run_sync(work, limiter=self._threads)
            except Exception as error:  # noqa: BLE001 - a task group would wrap it
                failure = error
            finally:
                group.cancel_scope.cancel()
        assert failure is not None  # noqa: S101 - there was no result
        raise failure
