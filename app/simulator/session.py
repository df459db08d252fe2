"""Delivers a sequence of shipments over several connections and keeps the books.

Requests start in the order of the sequence, each as soon as a connection is free; with one
connection they also end in it.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from app.clock import Clock
from app.simulator.attempts import Outcome
from app.simulator.delivery import Delivery
from app.simulator.files import ErrorObjects
from app.simulator.ledger import Ledger
from app.simulator.stream import Batch, Shipment

_PROGRESS_SECONDS = 5.0


@dataclass(slots=True)
class Summary:
    """What happened; `points` are those acknowledged, each once, `lost` those never."""

    requests: int = 0
    attempts: int = 0
    retries: int = 0
    duplicates: int = 0
    points: int = 0
    bytes: int = 0
    failures: int = 0
    backed_up: int = 0
    lost: int = 0
    interrupted: bool = False

    def text(self) -> str:
        """Return one line for people."""
        parts = (
            f"{self.requests} requests ({self.duplicates} duplicates)",
            f"{self.attempts} attempts ({self.retries} retries)",
            f"{self.points} points",
            f"{self.bytes} bytes",
            f"{self.failures} failures",
            f"{self.backed_up} backed up",
            f"{self.lost} points not acknowledged",
        )
        return ", ".join(parts) + (", interrupted" if self.interrupted else "")


class Session:
    """One run. `stop` is shared with the delivery so that a Ctrl-C also ends its back-off."""

    def __init__(
        self,
        delivery: Delivery,
        clock: Clock,
        stop: threading.Event,
        *,
        connections: int = 1,
        realtime: bool = False,
        backup: ErrorObjects | None = None,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.ledger = Ledger()
        self.summary = Summary()
        self._delivery = delivery
        self._clock = clock
        self._stop = stop
        self._connections = connections
        self._realtime = realtime
        self._backup = backup
        self._report = report
        self._lock = threading.Lock()
        self._unacknowledged: set[Batch] = set()
        self._fault: Exception | None = None
        self._next_progress = clock.monotonic() + _PROGRESS_SECONDS

    def run(self, shipments: Iterable[Shipment]) -> Summary:
        """Deliver everything, or up to a KeyboardInterrupt; return the closing summary.

        Raises what made writing a file fail.
        """
        # Twice the connections keeps them busy without building the whole stream in memory.
        slots = threading.Semaphore(2 * self._connections)
        with ThreadPoolExecutor(self._connections) as pool:
            try:
                for shipment in shipments:
                    self._wait_until(shipment.due_ms)
                    slots.acquire()
                    if self._stop.is_set():
                        break
                    pool.submit(self._ship, shipment).add_done_callback(lambda _: slots.release())
            except KeyboardInterrupt:
                self.summary.interrupted = True
                self._stop.set()
        if self._fault is not None:
            raise self._fault
        self.summary.lost = sum(len(batch.points) for batch in self._unacknowledged)
        return self.summary

    def _wait_until(self, due_ms: int) -> None:
        early_ms = due_ms - self._clock.now_ms()
        if self._realtime and early_ms > 0:
            self._clock.sleep(early_ms / 1000)

    def _ship(self, shipment: Shipment) -> None:
        if self._stop.is_set():
            return
        try:
            outcome = self._delivery.deliver(shipment.request)
            backed_up = None
            if self._backup is not None:
                backed_up = self._backup.write(shipment.request, outcome)
        except Exception as error:  # noqa: BLE001 - Shown by the main thread, whatever it is.
            self._fault = error
            self._stop.set()
            return
        with self._lock:
            self._book(shipment, outcome, backed_up=backed_up is not None)

    def _book(self, shipment: Shipment, outcome: Outcome, *, backed_up: bool) -> None:
        summary, batch, request = self.summary, shipment.batch, shipment.request
        summary.requests += 1
        summary.attempts += outcome.attempts
        summary.retries += max(0, outcome.attempts - 1)
        summary.duplicates += shipment.duplicate
        summary.bytes += len(request.body) * outcome.attempts
        summary.backed_up += backed_up
        if outcome.acknowledged:
            self._unacknowledged.discard(batch)
            if not batch.acknowledged:
                batch.acknowledged = True
                summary.points += len(batch.points)
                self.ledger.add(batch.points)
        else:
            summary.failures += 1
            if not batch.acknowledged:
                self._unacknowledged.add(batch)
            self._report(f"{request.request_id} given up: {_reason(outcome)}")
        if self._clock.monotonic() >= self._next_progress:
            self._next_progress = self._clock.monotonic() + _PROGRESS_SECONDS
            sent = datetime.fromtimestamp(shipment.due_ms / 1000, UTC)
            self._report(f"{sent:%Y-%m-%dT%H:%M:%SZ} {summary.text()}")


def _reason(outcome: Outcome) -> str:
    failure = outcome.failure
    if failure is None:
        return ""
    return f"{failure.code}: {failure.message} ({outcome.attempts} attempts)"
