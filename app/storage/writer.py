"""The one thread that writes, fed by a bounded queue.

Deliveries waiting together are committed together: one transaction, one sync to disk, and nobody is
answered before it. A job that fails takes no other down with it: the transaction is rolled back
and each job runs again alone, several times if another process's transactions got in its way. Only
when the database itself is gone do all of them fail, and further ones are refused at once, until
this thread has found it back.
"""

import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from app.clock import Clock
from app.errors import StorageBusy, StorageUnavailable, TransactionConflict
from app.storage.availability import Availability
from app.storage.database import ConnectionReplaced, Database
from app.storage.faults import is_lock_timeout
from app.storage.job_queue import Job, JobQueue, T, Task
from app.storage.stalls import StallWatch
from app.storage.suspended import end_suspended
from app.telemetry import counter, histogram

COMMITS = counter("commits_total", "Transactions committed by the writer")
COMMIT_FAILURES = counter("commit_failures_total", "Transactions of the writer that failed")
COMMIT_SECONDS = histogram(
    "commit_seconds", "Time of the writer's transactions, commit included", "work"
)
WAIT_SECONDS = histogram(
    "writer_wait_seconds", "Time from a job's arrival in the queue to its transaction", "work"
)
WAITED_OUT = counter(
    "delivery_waits_expired_total", "Deliveries refused as their commit took too long"
)

_ATTEMPTS = 5
# The other side has not ended yet when the deadlock is resolved in its favour.
_PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class WriterLimits:
    """Seconds.

    ``stalled`` is after how long a transaction is a reason to refuse further deliveries; after
    ``longest_transaction``, longer than PostgreSQL's own limit of a statement, its connection is
    cut. In an outage the database is looked for at intervals of ``first_probe`` to ``last_probe``.
    """

    stalled: float = 20.0
    longest_transaction: float = 130.0
    first_probe: float = 0.5
    last_probe: float = 5.0
    close: float = 20.0


class Writer:
    """Runs jobs inside transactions, on a thread of its own.

    A job may run more than once and must leave no trace outside the transaction.
    """

    def __init__(
        self, database: Database, *, queue_size: int, clock: Clock, limits: WriterLimits
    ) -> None:
        self.availability = Availability(clock)
        self._database = database
        self._clock = clock
        self._limits = limits
        self._queue = JobQueue(queue_size)
        self._submitting = threading.Lock()
        self._suspected = False
        self._probe_seconds = limits.first_probe
        self._stalls = StallWatch(database, clock, limits.stalled, limits.longest_transaction)
        self._thread = threading.Thread(target=self._loop, name="hydrant-writer", daemon=True)
        self._thread.start()
        self._stalls.start()

    def require(self) -> None:
        """Raise ``StorageUnavailable`` unless a delivery would be taken now."""
        self.availability.require()
        self._stalls.require()
        self._queue.require_room()

    def submit(
        self, job: Job[T], *, epoch: int | None = None, delivery: bool = False
    ) -> "Future[T]":
        """Queue a job. The future ends after the commit, or with the error that prevented it.

        A job of another ``epoch`` than the database's when its turn comes fails. Raises
        ``StorageUnavailable`` at once in an outage, when the queue is full or the writer is closed.
        """
        result: Future[T] = Future()
        # So that no job gets into the queue after an outage has emptied it.
        with self._submitting:
            if not self._queue.is_closed:
                self.availability.require()
            since = self._clock.monotonic()
            self._queue.put(Task(job, result, epoch, is_delivery=delivery, since=since))
        return result

    def run(self, job: Job[T], *, epoch: int | None = None) -> T:
        """Submit a job and wait for its commit."""
        return self.submit(job, epoch=epoch).result()

    def run_delivery(self, job: Job[T], *, epoch: int | None, seconds: float) -> T:
        """Submit a delivery's job and wait for its commit, at most so long.

        When the time is over, a job that still waits is dropped, and one that runs may yet commit.
        Raises ``StorageUnavailable`` in both cases.
        """
        result = self.submit(job, epoch=epoch, delivery=True)
        try:
            return result.result(seconds)
        except TimeoutError:
            if result.done() and not result.cancelled():
                return result.result()
            result.cancel()
            WAITED_OUT.inc()
            raise StorageBusy(
                f"the database is slow: no commit within {seconds:.0f} s",
                reason="too_slow",
                retry_after_seconds=10,
            ) from None

    def suspect(self) -> None:
        """Have the database looked at, because reading from it failed."""
        self._suspected = True
        self._queue.wake()

    @property
    def is_running(self) -> bool:
        """Whether jobs are being taken."""
        return self._thread.is_alive() and not self._queue.is_closed

    def close(self) -> None:
        """Finish what is queued, then stop. Idempotent. A hanging transaction is cut off."""
        self._queue.close()
        self._thread.join(self._limits.close)
        if self._thread.is_alive():
            self._database.cut_off()
            self._thread.join(self._limits.close)
        self._stalls.stop()

    def _loop(self) -> None:
        while True:
            tasks = self._queue.take()
            if tasks is None:
                return
            # Those whose caller has given up meanwhile are dropped here.
            tasks = [task for task in tasks if task.result.set_running_or_notify_cancel()]
            if tasks:
                now = self._clock.monotonic()
                for task in tasks:
                    WAIT_SECONDS.labels(_work(task)).observe(now - task.since)
                self._run_together(tasks)
            elif self._suspected:
                self._look()
            if self.availability.is_down and not self._wait_for_database():
                return

    def _run_together(self, tasks: list[Task], attempt: int = 1) -> None:
        try:
            results = self._transaction(tasks)
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to the waiting callers
            COMMIT_FAILURES.inc()
            if isinstance(error, StorageUnavailable) and not isinstance(error, StorageBusy):
                self._begin_outage(error, tasks)
            elif len(tasks) > 1:
                for number, task in enumerate(tasks):
                    if self.availability.is_down:
                        _fail(tasks[number:], error)
                        break
                    self._run_together([task])
            elif isinstance(error, TransactionConflict) and attempt < _ATTEMPTS:
                self._clock.sleep(_PAUSE_SECONDS * attempt)
                self._run_together(tasks, attempt + 1)
            else:
                _fail(tasks, error)
            return
        COMMITS.inc()
        self._probe_seconds = self._limits.first_probe
        for task, result in zip(tasks, results, strict=True):
            if isinstance(result, _Refused):
                task.result.set_exception(result.error)
            else:
                task.result.set_result(result)

    def _transaction(self, tasks: list[Task]) -> list[Any]:
        with COMMIT_SECONDS.labels(_work(tasks[0])).time(), self._stalls.watched():
            if self._database.is_new():
                self._database.adopt()
            try:
                return self._results(tasks)
            except ConnectionReplaced:
                # PostgreSQL has been restarted since the last transaction.
                self._database.adopt()
                return self._results(tasks)

    def _results(self, tasks: list[Task]) -> list[Any]:
        try:
            with self._database.transaction() as connection:
                return [self._result(task, connection) for task in tasks]
        except StorageBusy as error:
            if is_lock_timeout(error):
                with suppress(StorageUnavailable), self._database.transaction() as connection:
                    end_suspended(connection)
            raise

    def _result(self, task: Task, connection: Any) -> Any:  # noqa: ANN401 - any job's result
        if task.epoch is not None and task.epoch != self._database.epoch:
            return _Refused(StorageBusy("the database was gone meanwhile; send again"))
        return task.job(connection)

    def _look(self) -> None:
        self._suspected = False
        try:
            with self._stalls.watched():
                self._database.adopt()
        except StorageBusy:
            return
        except StorageUnavailable as error:
            self._begin_outage(error, [])

    def _begin_outage(self, error: StorageUnavailable, tasks: list[Task]) -> None:
        with self._submitting:
            self.availability.down(error)
            waiting = self._queue.drain()
        self._database.dispose()
        _fail(tasks, error)
        _fail([task for task in waiting if task.result.set_running_or_notify_cancel()], error)

    def _wait_for_database(self) -> bool:
        """Look for the database until it is back; False when the writer is to end."""
        while not self._queue.wait_closed(self._probe_seconds):
            self._probe_seconds = min(2 * self._probe_seconds, self._limits.last_probe)
            try:
                with self._stalls.watched():
                    self._database.adopt()
            except StorageUnavailable as error:
                self._database.dispose()
                if not isinstance(error, StorageBusy):
                    self.availability.down(error)
            except Exception as error:  # noqa: BLE001 - this thread must live on
                self._database.dispose()
                self.availability.down(StorageUnavailable(f"the database cannot be used: {error}"))
            else:
                self._suspected = False
                self.availability.up()
                return True
        return False


@dataclass(frozen=True, slots=True)
class _Refused:
    error: StorageUnavailable


def _work(task: Task) -> str:
    return "deliveries" if task.is_delivery else "other"


def _fail(tasks: list[Task], error: Exception) -> None:
    for task in tasks:
        task.result.set_exception(error)
