"""The evaluator: takes dirty minutes, recomputes them from storage, stores what changed.

It keeps nothing that matters: marks, points and values are in the database, so it may be killed
and started anywhere. What it holds in memory are plans and ids. Each minute is evaluated by the
rules that are current when it begins. Of several processes the one that holds the lease evaluates.
"""

import threading
from collections.abc import Callable, Sequence

import structlog

from app import storage
from app.catalog import SeriesIdentity, SeriesRegistry
from app.clock import MILLISECONDS_PER_MINUTE, Clock
from app.errors import HydrantError, LeaseLost
from app.pipeline.committed_values import CommittedValues
from app.pipeline.hot_minutes import HotMinutes
from app.pipeline.lease import Lease
from app.pipeline.leased_worker import LeasedWorker
from app.pipeline.minutes_read import MinutesRead
from app.pipeline.pacing import rest_seconds
from app.pipeline.recorder import Recorder
from app.rules import RuleEngine
from app.storage import (
    Connection,
    Store,
    minutes_with_points,
    read_identities,
    read_marks,
    read_marks_of,
)
from app.telemetry import counter, gauge, histogram

MINUTES = counter("minutes_evaluated_total", "Minutes whose rules were evaluated")
VALUES_WRITTEN = counter("values_written_total", "Values of metrics written, changed or deleted")
EVALUATION_SECONDS = histogram("evaluation_seconds", "Time to evaluate and store one minute")
DIRTY_MINUTES = gauge("dirty_minutes", "Minutes waiting to be evaluated")
FAILURES = counter("evaluation_failures_total", "Minutes whose evaluation failed as a whole")

# As many as a retry after a long outage brings; further ones wait for the next round.
_MINUTES_AT_ONCE = 5_000
_POLL_SECONDS = 1.0
_BACK_OFF_SECONDS = 2.0

_log = structlog.get_logger(__name__)


class Evaluator(LeasedWorker):
    """One thread that evaluates minutes until it is stopped.

    ``rules`` gives the engine to evaluate the next minute with.
    """

    def __init__(
        self,
        store: Store,
        registry: SeriesRegistry,
        rules: Callable[[], RuleEngine],
        clock: Clock,
        lease: Lease,
    ) -> None:
        super().__init__("evaluator", store, lease)
        self._registry = registry
        self._rules = rules
        self._clock = clock
        self._engine: RuleEngine | None = None
        self._recorder = Recorder(())
        self._hot = HotMinutes(storage)
        self._wake = threading.Event()
        lease.when_taken(self.wake)

    def wake(self) -> None:
        """Say that a delivery has been committed."""
        self._wake.set()

    def stop(self) -> None:
        """Finish the minute under way and stop; marks that are left wait for the next start."""
        self._stopped.set()
        self._wake.set()
        super().stop()

    def evaluate_dirty(self) -> int:
        """Evaluate the minutes that are dirty now; returns how many were.

        A minute that fails keeps its marks and does not hold up the others; the first error is
        raised when all have been tried. Raises ``LeaseLost`` when another process evaluates; what
        it has not stored by then is for that process.
        """
        self._begin_round()
        with self._store.read(reserved=True) as connection:
            marks = read_marks(connection, _MINUTES_AT_ONCE)
        DIRTY_MINUTES.set(len(marks))
        # A late point brings many minutes with it, which look back at the same ones.
        epoch = self._store.epoch
        read = self._minutes_read(epoch)
        failure: Exception | None = None
        evaluated = set(marks)
        filling = max(marks, key=lambda minute: marks[minute][-1], default=None)
        for number, minute in enumerate(sorted(marks)):
            if self._stopped.is_set():
                break
            if epoch != self._store.epoch:
                epoch = self._store.epoch
                read = self._minutes_read(epoch)
            try:
                answered = marks[minute]
                if number and minute == filling:
                    answered = self._marks_by_now(minute, answered)
                # The marks of the minute go last: until then its dependants can be found again.
                for dependant in self._dependants(minute):
                    if dependant not in evaluated:
                        evaluated.add(dependant)
                        self._evaluate(dependant, (), read)
                with EVALUATION_SECONDS.time():
                    self._evaluate(minute, answered, read)
            except LeaseLost:
                self._forget()
                raise
            except HydrantError:
                raise  # The database is at fault, and would be for the other minutes too.
            except Exception as error:  # noqa: BLE001 - raised below
                FAILURES.inc()
                failure = failure or error
            else:
                MINUTES.inc()
                DIRTY_MINUTES.dec()
        if failure is not None:
            raise failure
        return len(marks)

    def _loop(self) -> None:
        while not self._stopped.is_set():
            if self._stands_by:
                DIRTY_MINUTES.set(0)
                self._wake.wait(_POLL_SECONDS)
                self._wake.clear()
                continue
            began = self._clock.monotonic()
            evaluated = self._attempt(
                self.evaluate_dirty, postponed="evaluation postponed", failed="evaluation failed"
            )
            if evaluated is None:
                self._stopped.wait(_BACK_OFF_SECONDS)
                continue
            if evaluated:
                took = self._clock.monotonic() - began
                self._stopped.wait(rest_seconds(took))
            else:
                self._wake.wait(_POLL_SECONDS)
            self._wake.clear()

    def _minutes_read(self, epoch: int) -> MinutesRead:
        return MinutesRead(
            lambda connection, minute: self._hot.points(connection, minute, epoch=epoch)
        )

    def _marks_by_now(self, minute: int, seen: list[int]) -> list[int]:
        """The marks of a minute, which may be more than were ``seen`` when the round began.

        So a minute that has filled while others were evaluated is evaluated once, not twice. Where
        rules look back that would be wrong: a minute that looks back at this one may have been
        evaluated already, without what has come since.
        """
        if self._current()[0].lookback_minutes:
            return seen
        with self._store.read(reserved=True) as connection:
            now = read_marks_of(connection, minute)
        return now if now[: len(seen)] == seen else seen

    def _dependants(self, minute: int) -> list[int]:
        """Later minutes with points that look back at this one."""
        lookback = self._current()[0].lookback_minutes
        if not lookback:
            return []
        start_ms = (minute + 1) * MILLISECONDS_PER_MINUTE
        with self._store.read(reserved=True) as connection:
            return minutes_with_points(
                connection, start_ms, start_ms + lookback * MILLISECONDS_PER_MINUTE
            )

    def _evaluate(self, minute: int, marks: Sequence[int], read: MinutesRead) -> None:
        epoch = self._store.epoch
        engine, recorder = self._current()
        with self._store.read(reserved=True) as connection:
            values, faults = engine.evaluate(
                read.minute(connection, minute),
                lambda ids: self._identities(connection, ids),
                lambda first, last: read.minutes(connection, first, last),
            )
        if faults:
            # One line a minute: with every rule at fault there would be one a rule otherwise.
            first = faults[0]
            _log.error(
                "rules failed",
                minute=minute,
                failed=len(faults),
                first=first.definition.name,
                rule=first.definition.place,
                reason=str(first.error),
            )
        recorded = self._write(
            lambda connection: recorder.write(connection, minute, values, marks), epoch=epoch
        )
        if recorded is None:
            # The releases before the lease evaluate whatever they find.
            _log.warning("a minute was evaluated by another process", minute=minute)
            return
        # Only now: ids of a transaction that was rolled back do not exist.
        recorder.learn(recorded)
        VALUES_WRITTEN.inc(recorded.written)

    def _forget(self) -> None:
        """Drop the ids that are remembered: the next term may begin long after this one."""
        self._engine = None
        self._recorder = Recorder(())
        self._hot.forget()

    def _current(self) -> tuple[RuleEngine, Recorder]:
        engine = self._rules()
        if engine is not self._engine:
            self._engine = engine
            self._recorder = Recorder(engine.definitions, CommittedValues())
        return engine, self._recorder

    def _identities(
        self, connection: Connection, series_ids: Sequence[int]
    ) -> list[SeriesIdentity]:
        return self._registry.take_identities(
            series_ids, lambda missing: read_identities(connection, missing)
        )
