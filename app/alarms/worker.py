"""The worker that evaluates alarm rules on data time; of several processes, that with the lease.

A round reads in transactions that only read, and stores what it found in one that the lease fences:
as nobody else writes there, nothing has changed in between.
"""

import threading
from collections.abc import Callable

import structlog

from app.alarms.memory import Memory
from app.alarms.round import Round, plan_round, results_of
from app.alarms.round_results import RoundResults
from app.alarms.rules import AlarmRules
from app.alarms.watermark import Delays, delay_minutes
from app.clock import Clock
from app.pipeline import Lease, LeasedWorker
from app.query.prometheus import PrometheusData
from app.storage import Store, Term
from app.telemetry import counter, gauge, histogram

ROUND_SECONDS = histogram(
    "alarm_evaluation_seconds", "Time to evaluate alarm rules once and store what came of it"
)
ENTITIES = gauge("alarm_entities", "Entities of alarm rules by rule and state", "rule", "state")
TRANSITIONS = counter(
    "alarm_transitions_total", "Transitions of alarms by the state that they lead to", "state"
)
WITHDRAWN = counter(
    "alarm_transitions_withdrawn_total", "Transitions that late or corrected data took back"
)
EVENTS = counter("alarm_events_total", "Incidents that fired or recovered")
FAILURES = counter("alarm_rule_failures_total", "Evaluations of an alarm rule that failed", "rule")
FAILING = gauge("alarm_rules_failing", "Alarm rules whose evaluation failed in the last round")
DELAY = gauge("alarm_delay_seconds", "How far alarms stay behind the newest minute that has come")
FRONTIER = gauge(
    "alarm_frontier_timestamp_seconds", "Time of the data up to which alarms have been evaluated"
)

_POLL_SECONDS = 2.0
_REST_FACTOR = 4.0
_LONGEST_REST_SECONDS = 30.0

_log = structlog.get_logger(__name__)


class AlarmWorker(LeasedWorker):
    """One thread that evaluates rules until it is stopped.

    ``rules`` gives those in force; ``on_event`` is called when incidents have fired or recovered.
    """

    def __init__(
        self,
        store: Store,
        prometheus: PrometheusData,
        rules: Callable[[], AlarmRules],
        clock: Clock,
        lease: Lease,
        *,
        delays: Delays | None = None,
        on_event: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__("alarms", store, lease)
        self._prometheus = prometheus
        self._rules = rules
        self._clock = clock
        self._delays = delays or Delays()
        self._on_event = on_event
        self._wake = threading.Event()
        self._memory: Memory | None = None
        self._memory_of: tuple[int, Term | None] = -1, None

    def wake(self) -> None:
        """Say that rules have changed."""
        self._wake.set()

    def stop(self) -> None:
        """Finish the round under way and stop; marks that are left wait for the next start."""
        self._stopped.set()
        self._wake.set()
        super().stop()

    def run(self) -> int:
        """Evaluate all that there is to evaluate now; returns the number of rounds it took.

        Raises ``LeaseLost`` when another process does it, and what the database raises.
        """
        rounds = 0
        while not self._stopped.is_set() and self.run_once():
            rounds += 1
        return rounds

    def run_once(self) -> bool:
        """One round, over some hours of data at most; False when there was nothing to do."""
        self._begin_round()
        epoch = self._store.epoch
        memory = self._memory
        # After another process' term, and in another database, nothing is known.
        if memory is None or self._memory_of != (epoch, self._term):
            memory = Memory(self._clock)
        self._memory, self._memory_of = None, (epoch, self._term)
        now_ms, rules = self._clock.now_ms(), self._rules()
        with self._store.read(reserved=True) as connection:
            plan = plan_round(connection, memory, rules, self._delays, now_ms)
        if plan is None:
            self._memory = memory
            return False
        if plan.is_quiet:
            noted = results_of(plan)
            self._write(lambda connection: noted.write(connection, now_ms), epoch=epoch)
            self._memory = memory
            return True
        with ROUND_SECONDS.time():
            with self._prometheus.open(reserved=True) as opened:
                results = Round(
                    opened, memory, plan, now_ms, failed=lambda rule: FAILURES.labels(rule).inc()
                ).run(rules)
            events = self._write(lambda connection: results.write(connection, now_ms), epoch=epoch)
        memory.commit({row.rule: row for row in results.rules})
        # Only now: what a round that failed has left in the memory may not be stored.
        self._memory = memory
        self._report(results, memory, events)
        return True

    def _loop(self) -> None:
        while not self._stopped.is_set():
            rest = _POLL_SECONDS
            if self._stands_by:
                self._memory = None
            else:
                began = self._clock.monotonic()
                self._attempt(
                    self.run,
                    postponed="evaluation of alarms postponed",
                    failed="evaluation of alarms failed",
                )
                took = self._clock.monotonic() - began
                rest = min(max(rest, _REST_FACTOR * took), _LONGEST_REST_SECONDS)
            self._wake.wait(rest)
            self._wake.clear()

    def _report(self, results: RoundResults, memory: Memory, events: int) -> None:
        for each in results.transitions:
            TRANSITIONS.labels(each.to_state).inc()
        if results.withdrawn:
            WITHDRAWN.inc(len(results.withdrawn))
            _log.info("late or corrected data changed alarms", withdrawn=len(results.withdrawn))
        FAILING.set(sum(1 for row in results.rules if row.error))
        FRONTIER.set(results.progress.frontier_ms / 1000)
        DELAY.set(delay_minutes(results.progress, self._delays) * 60)
        if results.transitions or results.withdrawn:
            ENTITIES.clear()
            for rule, state, count in memory.counts():
                ENTITIES.labels(rule, state).set(count)
        if events:
            EVENTS.inc(events)
            self._on_event()
