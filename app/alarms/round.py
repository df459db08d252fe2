"""One round of all rules: what there is to do, and what comes of it. Reads only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from app.alarms.entity_states import EntityStates
from app.alarms.memory import Memory
from app.alarms.round_results import RoundResults
from app.alarms.rule_changes import begun, departed, left_out
from app.alarms.rule_round import RuleRound, Task
from app.alarms.rules import AlarmRule, AlarmRules
from app.alarms.telling import endings, tellings
from app.alarms.watermark import Delays, progressed
from app.clock import MILLISECONDS_PER_MINUTE
from app.errors import HydrantError
from app.query.prometheus import Opened
from app.storage import (
    AlarmProgress,
    AlarmRuleRow,
    Connection,
    is_of_database,
    read_alarm_marks,
    read_alarm_progress,
)

_MARKS_AT_ONCE = 5_000
_PIECE_MS = 256 * MILLISECONDS_PER_MINUTE

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a round is to do: ``progress`` as it is, marks to answer, and how far to go.

    Nothing older than ``corrected_after_ms`` is evaluated. ``is_first`` in a database that has no
    history yet. ``is_quiet`` where marks are all that there is to answer: no rule has changed, no
    datapoint is due, and none of those that were has changed.
    """

    progress: AlarmProgress
    marks: Sequence[tuple[int, int]]
    until_ms: int
    corrected_after_ms: int
    is_first: bool
    is_quiet: bool

    @property
    def minutes(self) -> list[int]:
        """The minutes that have changed."""
        return [minute for _, minute in self.marks]


def plan_round(
    connection: Connection, memory: Memory, rules: AlarmRules, delays: Delays, now_ms: int
) -> Plan | None:
    """What there is to do now; None if there is nothing.

    Whoever reads the data afterwards sees all that the marks stand for, and perhaps more, of which
    other marks will tell.
    """
    stored = read_alarm_progress(connection)
    # Those of the future wait until their time has come, and must not be in the way of others.
    now_minute = now_ms // MILLISECONDS_PER_MINUTE
    due = read_alarm_marks(connection, _MARKS_AT_ONCE, until_minute=now_minute)
    progress = progressed(stored, [minute for _, minute in due], delays, now_ms)
    if progress is None:
        return None
    until_ms = memory.watermark_ms(progress, due[-1][0] if due else 0, delays)
    corrected_after_ms = until_ms - delays.correction_ms
    if progress.frontier_ms < corrected_after_ms:
        # What is too old to be corrected is not evaluated for the first time either.
        progress = replace(progress, frontier_ms=corrected_after_ms)
    until_ms = min(until_ms, progress.frontier_ms + _PIECE_MS)
    rows = memory.rows(connection)
    is_quiet = (
        until_ms == progress.frontier_ms
        and all(minute * MILLISECONDS_PER_MINUTE >= progress.frontier_ms for _, minute in due)
        and {name: row.digest for name, row in rows.items()}
        == {rule.name: rule.digest for rule in rules.rules}
    )
    if is_quiet and not due:
        return None
    return Plan(progress, due, until_ms, corrected_after_ms, stored is None, is_quiet)


def results_of(plan: Plan) -> RoundResults:
    """What is to be stored even if nothing else comes of a round."""
    progress = replace(plan.progress, frontier_ms=plan.until_ms)
    return RoundResults(progress, [mark_id for mark_id, _ in plan.marks])


class Round:
    """Evaluates all rules within one transaction that only reads."""

    def __init__(
        self,
        opened: Opened,
        memory: Memory,
        plan: Plan,
        now_ms: int,
        *,
        failed: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``failed`` is told the names of rules that could not be evaluated."""
        self._opened = opened
        self._memory = memory
        self._plan = plan
        self._now_ms = now_ms
        self._tell_failed = failed
        self._results = results_of(plan)

    def run(self, rules: AlarmRules) -> RoundResults:
        """What is to be stored. Raises ``StorageUnavailable``; a rule at fault stops no other."""
        self._memory.reader.begin()
        rows = self._memory.rows(self._opened.connection)
        names = {rule.name for rule in rules.rules}
        for name in sorted(rows.keys() - names):
            self._depart(rows[name])
        for rule in rules.rules:
            self._results.rules.append(self._of_rule(rule, rows.get(rule.name)))
        return self._results

    def _of_rule(self, rule: AlarmRule, row: AlarmRuleRow | None) -> AlarmRuleRow:
        plan = self._plan
        if row is None:
            row = begun(rule, plan.progress.frontier_ms, is_first=plan.is_first)
        of = self._memory.states(self._opened.connection, rule)
        if row.digest != rule.digest or of.rule.digest != rule.digest:
            row = self._change(of, rule, row)
        task = Task(
            row,
            plan.minutes,
            plan.progress.frontier_ms,
            max(row.since_ms, plan.corrected_after_ms),
            plan.until_ms,
        )
        try:
            recent = self._memory.recent(rule)
            outcome = RuleRound(self._opened, self._memory.reader, of, task, recent).run()
        except Exception as error:
            # Without its transaction no rule could be evaluated; all others go on without this one.
            if is_of_database(error):
                raise
            if isinstance(error, HydrantError):
                return self._failed(task, error.message)
            _log.exception("an alarm rule failed", rule=row.rule)
            return self._failed(task, f"internal error: {type(error).__name__}")
        told = tellings(
            self._opened.connection,
            of,
            outcome,
            known_ms=row.evaluated_ms,
            frontier_ms=plan.until_ms,
        )
        self._results.add(of, outcome, told)
        self._memory.foresee(of, outcome)
        return replace(row, evaluated_ms=plan.until_ms, error="", error_since_ms=None)

    def _failed(self, task: Task, reason: str) -> AlarmRuleRow:
        """The rule stays where it is, or goes back to what it could not correct."""
        row = task.row
        self._tell_failed(row.rule)
        if row.error != reason:
            _log.error("an alarm rule cannot be evaluated", rule=row.rule, reason=reason)
        changed_ms = min(
            (minute * MILLISECONDS_PER_MINUTE for minute in task.minutes), default=task.until_ms
        )
        evaluated_ms = max(min(row.evaluated_ms, changed_ms), task.corrected_after_ms)
        since_ms = self._now_ms if row.error_since_ms is None else row.error_since_ms
        return replace(row, evaluated_ms=evaluated_ms, error=reason, error_since_ms=since_ms)

    def _change(self, of: EntityStates, rule: AlarmRule, row: AlarmRuleRow) -> AlarmRuleRow:
        """Put another version of a rule in force; what was evaluated so far is left as it is."""
        outcome = left_out(of, rule, row.evaluated_ms)
        if outcome.new:
            told = endings(
                self._opened.connection,
                rule.name,
                [each.entity for each in outcome.new],
                row.evaluated_ms,
                outcome.new[0].reason,
            )
            self._results.add(of, outcome, told)
            of.states = outcome.states
        return replace(row, digest=rule.digest, since_ms=row.evaluated_ms)

    def _depart(self, row: AlarmRuleRow) -> None:
        departure = departed(self._opened.connection, row)
        results = self._results
        results.transitions += departure.transitions
        results.forgotten.append((row.rule, departure.entities))
        results.tellings += departure.tellings
        results.gone.append(row.rule)
