"""The writer's queue: bounded, deliveries and other work each in a lane of its own.

The lanes take turns, so that a delivery waits for one job of other work at most, and evaluation
goes on however many deliveries there are.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from app.errors import StorageBusy, StorageUnavailable
from app.telemetry import gauge

QUEUE_LENGTH = gauge("writer_queue_length", "Jobs waiting for the writer")

T = TypeVar("T")
Job = Callable[[sa.Connection], T]

MOST_JOBS_TOGETHER = 32
_RETRY_AFTER_STOP_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Task:
    """A job, where its result goes, and the epoch of the ids in it; None if it has none.

    ``since`` is the monotonic time at which it began to wait.
    """

    job: Job[Any]
    result: Future[Any]
    epoch: int | None
    is_delivery: bool = False
    since: float = 0.0


class JobQueue:
    """At most ``size`` tasks in each lane. Thread-safe."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._deliveries: deque[Task] = deque()
        self._others: deque[Task] = deque()
        self._delivery_was_last = False
        self._woken = False
        self._closed = False
        self._changed = threading.Condition()

    def require_room(self) -> None:
        """Raise ``StorageUnavailable`` unless a delivery would be taken now."""
        with self._changed:
            self._require_room(self._deliveries)

    def put(self, task: Task) -> None:
        """Append a task. Raises ``StorageUnavailable`` when its lane is full, or all is closed."""
        with self._changed:
            lane = self._deliveries if task.is_delivery else self._others
            self._require_room(lane)
            lane.append(task)
            self._note()

    def take(self) -> list[Task] | None:
        """The next tasks for one transaction, or nothing after ``wake``; None at the end.

        Deliveries come up to 32 together, other work one by one.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._deliveries or self._others or self._woken or self._closed
            )
            self._woken = False
            if self._others and (self._delivery_was_last or not self._deliveries):
                self._delivery_was_last = False
                taken = [self._others.popleft()]
            elif self._deliveries:
                self._delivery_was_last = True
                most = min(MOST_JOBS_TOGETHER, len(self._deliveries))
                taken = [self._deliveries.popleft() for _ in range(most)]
            else:
                return None if self._closed else []
            self._note()
            return taken

    def drain(self) -> list[Task]:
        """All tasks, taken out at once."""
        with self._changed:
            taken = [*self._deliveries, *self._others]
            self._deliveries.clear()
            self._others.clear()
            self._note()
            return taken

    def wake(self) -> None:
        """Let ``take`` return without a task."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def close(self) -> None:
        """Take no further task. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait_closed(self, seconds: float) -> bool:
        """Wait at most this long; whether the queue is closed."""
        with self._changed:
            return self._changed.wait_for(lambda: self._closed, seconds)

    @property
    def is_closed(self) -> bool:
        """Whether tasks are no longer taken."""
        return self._closed

    def _require_room(self, lane: deque[Task]) -> None:
        if self._closed:
            raise StorageUnavailable(
                "the server is shutting down",
                reason="stopping",
                retry_after_seconds=_RETRY_AFTER_STOP_SECONDS,
            )
        if len(lane) >= self._size:
            raise StorageBusy(
                "the database does not keep up; the queue is full", reason="queue_full"
            )

    def _note(self) -> None:
        QUEUE_LENGTH.set(len(self._deliveries) + len(self._others))
        self._changed.notify_all()
