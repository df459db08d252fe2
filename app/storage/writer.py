"""The one thread that writes, fed by a bounded queue.

Jobs waiting together are committed together: one transaction, one sync to disk, and nobody is
answered before it. A job that fails takes no other down with it: the transaction is rolled back
and each job runs again alone, several times if another process's transactions got in its way. Only
when the database itself is gone do all of them fail.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from app.clock import SystemClock
from app.errors import StorageUnavailable, TransactionConflict
from app.storage.engine import storage_errors
from app.telemetry import counter, gauge, histogram

COMMITS = counter("commits_total", "Transactions committed by the writer")
COMMIT_FAILURES = counter("commit_failures_total", "Transactions of the writer that failed")
COMMIT_SECONDS = histogram("commit_seconds", "Time of the writer's transactions, commit included")
QUEUE_LENGTH = gauge("writer_queue_length", "Jobs waiting for the writer")

T = TypeVar("T")
Job = Callable[[sa.Connection], T]

_MOST_JOBS_TOGETHER = 32
_ATTEMPTS = 5
# The other side has not ended yet when the deadlock is resolved in its favour.
_PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class _Task:
    job: Job[Any]
    result: Future[Any]


class Writer:
    """Runs jobs inside transactions, on a thread of its own.

    A job may run more than once and must leave no trace outside the transaction.
    """

    def __init__(self, engine: sa.Engine, *, queue_size: int) -> None:
        self._engine = engine
        self._queue: queue.Queue[_Task | None] = queue.Queue(queue_size)
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._loop, name="hydrant-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job[T]) -> "Future[T]":
        """Queue a job. The future ends after the commit, or with the error that prevented it.

        Raises ``StorageUnavailable`` at once when the queue is full or the writer is closed.
        """
        result: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise StorageUnavailable("the server is shutting down")
            try:
                self._queue.put_nowait(_Task(job, result))
            except queue.Full:
                raise StorageUnavailable(
                    "the database does not keep up; the queue is full"
                ) from None
        QUEUE_LENGTH.set(self._queue.qsize())
        return result

    def run(self, job: Job[T]) -> T:
        """Submit a job and wait for its commit."""
        return self.submit(job).result()

    @property
    def is_running(self) -> bool:
        """Whether jobs are being taken."""
        return self._thread.is_alive() and not self._closed

    def close(self) -> None:
        """Finish what is queued, then stop. Idempotent."""
        with self._lock:
            closing = not self._closed
            self._closed = True
        if closing:
            # Nothing can be queued behind it any more, so every future gets its answer.
            self._queue.put(None)
        self._thread.join()

    def _loop(self) -> None:
        while True:
            tasks, ended = self._next_tasks()
            if tasks:
                self._run_together(tasks)
            if ended:
                return

    def _next_tasks(self) -> tuple[list[_Task], bool]:
        tasks: list[_Task] = []
        task = self._queue.get()
        while task is not None:
            tasks.append(task)
            if len(tasks) == _MOST_JOBS_TOGETHER:
                break
            try:
                task = self._queue.get_nowait()
            except queue.Empty:
                break
        QUEUE_LENGTH.set(self._queue.qsize())
        return tasks, task is None

    def _run_together(self, tasks: list[_Task], attempt: int = 1) -> None:
        try:
            results = self._transaction(tasks)
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to the waiting caller
            COMMIT_FAILURES.inc()
            if len(tasks) > 1 and not self._is_gone():
                for task in tasks:
                    self._run_together([task])
            elif isinstance(error, TransactionConflict) and attempt < _ATTEMPTS:
                SystemClock().sleep(_PAUSE_SECONDS * attempt)
                self._run_together(tasks, attempt + 1)
            else:
                for task in tasks:
                    task.result.set_exception(error)
            return
        COMMITS.inc()
        for task, result in zip(tasks, results, strict=True):
            task.result.set_result(result)

    def _is_gone(self) -> bool:
        """Whether the database itself is at fault, so that no job could succeed."""
        try:
            with self._engine.begin():
                return False
        except Exception:  # noqa: BLE001 - whatever it is, this thread must live on
            return True

    def _transaction(self, tasks: list[_Task]) -> list[Any]:
        with COMMIT_SECONDS.time():
            try:
                with storage_errors(), self._engine.begin() as connection:
                    return [task.job(connection) for task in tasks]
            except TransactionConflict:
                raise
            except StorageUnavailable:
                # A connection that failed once, perhaps to a server that restarted, is not reused.
                self._engine.dispose()
                raise
