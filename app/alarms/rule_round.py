"""One round of one rule: what is corrected and what is new, all of it read and nothing written."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from app.alarms.corrections import Affected, History, affected, agree, difference, following
from app.alarms.datapoints import DatapointReader
from app.alarms.entity_states import EntityStates
from app.alarms.evaluation import Evaluated, Recent, evaluate_range, padded, standing
from app.alarms.judging import Transition
from app.alarms.states import StateArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.query.prometheus import Opened
from app.storage import AlarmRuleRow, TransitionRow, read_transitions

_COLUMNS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Task:
    """What a round asks of a rule.

    Up to ``frontier_ms`` there is a history, of which ``minutes`` have changed; it is corrected
    after ``corrected_after_ms`` alone. Up to ``until_ms`` it is to be continued.
    """

    row: AlarmRuleRow
    minutes: Iterable[int]
    frontier_ms: int
    corrected_after_ms: int
    until_ms: int


@dataclass(slots=True)
class Outcome:
    """What a round found of a rule.

    ``states`` (E,) are those at the end. ``late`` has what was found at times that had been
    evaluated before, ``new`` the rest, both in the order of time; ``kept`` what stands of the past
    that was looked at, newest first. ``last`` is the newest standing transition of each row where
    any is new or gone, None where there is none left. ``recent`` is what the windows of the next
    round reach back to.
    """

    states: StateArray
    new: list[Transition] = field(default_factory=list)
    late: list[Transition] = field(default_factory=list)
    withdrawn: list[tuple[int, TransitionRow]] = field(default_factory=list)
    kept: list[Transition] = field(default_factory=list)
    last: dict[int, Transition | None] = field(default_factory=dict)
    recent: Recent | None = None

    @property
    def corrected_rows(self) -> set[int]:
        """Rows of entities whose past has changed."""
        return {each.row for each in self.late} | {row for row, _ in self.withdrawn}


class RuleRound:
    """Evaluates one rule within one transaction."""

    def __init__(
        self,
        opened: Opened,
        reader: DatapointReader,
        of: EntityStates,
        task: Task,
        recent: Recent | None = None,
    ) -> None:
        """``recent`` are datapoints that have been read in an earlier round of the same rule."""
        self._opened = opened
        self._reader = reader
        self._of = of
        self._task = task
        self._period_ms = of.rule.condition.period_ms
        # What was read before is what would be read now, but for minutes that have changed since.
        changed_ms = min(
            (minute * MILLISECONDS_PER_MINUTE for minute in task.minutes), default=task.until_ms
        )
        is_unchanged = recent is not None and changed_ms >= recent.until_ms
        self._recent = recent if is_unchanged else None

    def run(self) -> Outcome:
        """Correct the past, and go on to the end.

        Raises what reading datapoints raises; nothing has happened then, but that the rule may know
        more entities.
        """
        task, of = self._task, self._of
        outcome = Outcome(of.states)
        ranges = self._ranges()
        if ranges:
            self._correct(ranges, outcome)
        states, recent = outcome.states, self._recent
        first_ms = following(task.frontier_ms, self._period_ms)
        while first_ms <= task.until_ms:
            last_ms = min(task.until_ms, first_ms + (_COLUMNS_AT_ONCE - 1) * self._period_ms)
            found = self._evaluated(states, first_ms, last_ms, recent)
            outcome.new += found.transitions
            states, recent = found.states, found.recent
            first_ms = following(last_ms, self._period_ms)
        outcome.states, outcome.recent = padded(states, len(of.entities)), recent
        outcome.last = self._last_standing(outcome)
        return outcome

    def _ranges(self) -> list[Affected]:
        task, rule = self._task, self._of.rule
        ranges = affected(rule, task.minutes, task.corrected_after_ms, task.frontier_ms)
        # What failed before, or what a new rule has to begin with.
        first_ms = following(max(task.row.evaluated_ms, task.corrected_after_ms), self._period_ms)
        if first_ms <= task.frontier_ms:
            ranges.append(Affected(first_ms, task.frontier_ms))
        return sorted(ranges, key=lambda each: each.first_ms)

    def _correct(self, ranges: list[Affected], outcome: Outcome) -> None:
        task, rule = self._task, self._of.rule
        rows_from_ms = ranges[0].first_ms
        rows = read_transitions(self._opened.connection, rule=rule.name, start_ms=rows_from_ms)
        history = History(self._of, rows)
        while ranges:
            begin_ms = ranges[0].first_ms
            found, states, last_ms = self._from(begin_ms, ranges, history)
            differs = difference(history.between(begin_ms, last_ms), found)
            outcome.withdrawn += differs.withdrawn
            for each in differs.new:
                is_late = each.at_ms <= task.row.evaluated_ms
                (outcome.late if is_late else outcome.new).append(each)
            if following(last_ms, self._period_ms) > task.frontier_ms:
                outcome.states = states
        for some in (outcome.late, outcome.new):
            some.sort(key=lambda each: (each.at_ms, each.entity))
        gone = {transition.transition_id for _, transition in outcome.withdrawn}
        outcome.kept = [
            standing(row, transition)
            for row, transition in history.between(rows_from_ms, task.frontier_ms)
            if transition.transition_id not in gone
        ]

    def _from(
        self, first_ms: int, ranges: list[Affected], history: History
    ) -> tuple[list[Transition], StateArray, int]:
        """Evaluate from a time until states agree with the history; returns how far that was.

        The ranges that this covers are taken off the list. Datapoints of a range decide about
        states for as long as windows reach back to them.
        """
        period_ms, frontier_ms = self._period_ms, self._task.frontier_ms
        window_ms = self._of.rule.warm_up * period_ms
        limit_ms = frontier_ms // period_ms * period_ms
        states = history.states_at(first_ms - 1)
        found: list[Transition] = []
        needed_ms, columns = first_ms, 1
        while True:
            last_ms = max(needed_ms, first_ms + (columns - 1) * period_ms)
            while ranges and ranges[0].first_ms <= last_ms + period_ms:
                needed_ms = max(needed_ms, ranges.pop(0).last_ms + window_ms)
                last_ms = max(last_ms, needed_ms)
            last_ms = min(last_ms, limit_ms, first_ms + (_COLUMNS_AT_ONCE - 1) * period_ms)
            piece = self._evaluated(states, first_ms, last_ms)
            found += piece.transitions
            states = piece.states
            is_done = last_ms >= needed_ms and agree(states, history.states_at(last_ms))
            first_ms, columns = following(last_ms, period_ms), 2 * columns
            if is_done or first_ms > frontier_ms:
                return found, states, last_ms

    def _evaluated(
        self, states: StateArray, first_ms: int, last_ms: int, recent: Recent | None = None
    ) -> Evaluated:
        """Evaluate a range; what its windows reach back to is read unless ``recent`` has it."""
        if recent is not None and recent.until_ms != first_ms - self._period_ms:
            recent = None
        before_ms = 0 if recent is not None else self._of.rule.warm_up * self._period_ms
        datapoints = self._reader.read(
            self._opened.connection, self._opened, self._of.rule, first_ms - before_ms, last_ms
        )
        return evaluate_range(self._of, datapoints, states, first_ms, recent)

    def _last_standing(self, outcome: Outcome) -> dict[int, Transition | None]:
        """The newest transition that stands of each row where any is new or gone."""
        last: dict[int, Transition | None] = {}
        corrected = outcome.corrected_rows
        kept = (each for each in reversed(outcome.kept) if each.row in corrected)
        for each in (*kept, *outcome.late, *outcome.new):
            before = last.get(each.row)
            if before is None or before.at_ms <= each.at_ms:
                last[each.row] = each
        for row in corrected - last.keys():
            earlier = read_transitions(
                self._opened.connection,
                rule=self._of.rule.name,
                entity=self._of.entities[row],
                end_ms=min(gone.at_ms for of, gone in outcome.withdrawn if of == row),
                limit=1,
            )
            last[row] = standing(row, earlier[0]) if earlier else None
        return last
