"""Alarm rules on data of the past: when they would have fired. Reads only.

The same code reads, judges and words as while serving; only states begin anew, as if the rules had
been put in force at the beginning.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from app.alarms.corrections import following
from app.alarms.datapoints import DatapointReader
from app.alarms.entity_states import EntityStates
from app.alarms.evaluation import Recent, evaluate_range
from app.alarms.judging import Transition
from app.alarms.patterns import LabelPatterns
from app.alarms.reasons import end_text
from app.alarms.rules import AlarmRule, AlarmRules
from app.alarms.states import AlarmState
from app.clock import MILLISECONDS_PER_MINUTE, Clock, minute_text
from app.errors import HydrantError, InvalidParameter
from app.labels import LabelSet
from app.query.prometheus import Opened, PrometheusData
from app.storage import Tier, is_of_database, labels_text, newest_minutes, read_kept

_COLUMNS_AT_ONCE = 256

Row = Sequence[object]


@dataclass(slots=True)
class Replayed:
    """Transitions of rules by name, in the order of time; and rules that could not be evaluated."""

    rules: Sequence[AlarmRule]
    since_ms: int
    until_ms: int
    kept_minute: int
    found: list[tuple[AlarmRule, Transition]] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    left_out: set[LabelSet] = field(default_factory=set)
    """Entities with transitions that were not wanted."""

    def transitions(self) -> tuple[Sequence[str], Iterator[Row]]:
        """Names of columns, and every change of a state."""
        columns = ("time", "rule", "entity", "from", "to", "value", "reason")
        return columns, (
            (
                end_text(each.at_ms),
                rule.name,
                labels_text(each.entity),
                each.before.name,
                each.after.name,
                each.value,
                each.reason,
            )
            for rule, each in self.found
        )

    def incidents(self) -> tuple[Sequence[str], Iterator[Row]]:
        """Names of columns, and the times in ALARM by their start; what goes on has no end."""
        columns = ("started", "ended", "minutes", "rule", "severity", "entity", "summary")
        return columns, iter(self._incidents())

    def _incidents(self) -> list[Row]:
        began: dict[tuple[str, LabelSet], int] = {}
        rows: list[list[object]] = []
        for rule, each in self.found:
            key = rule.name, each.entity
            if each.after is AlarmState.ALARM:
                began[key] = len(rows)
                effective = rule.for_entity(each.entity)
                severity = rule.severity if effective is None else effective.severity
                summary = rule.render(each.entity, each.value, each.after)
                entity = labels_text(each.entity)
                start = end_text(each.at_ms)
                rows.append([start, None, None, rule.name, severity.value, entity, summary])
                rows[-1][2] = (self.until_ms - each.at_ms) // MILLISECONDS_PER_MINUTE
            elif each.before is AlarmState.ALARM:
                row = rows[began.pop(key)]
                begin_ms = self.until_ms - int(str(row[2])) * MILLISECONDS_PER_MINUTE
                row[1] = end_text(each.at_ms)
                row[2] = (each.at_ms - begin_ms) // MILLISECONDS_PER_MINUTE
        return [tuple(row) for row in rows]

    def summary(self) -> str:
        """What was evaluated, in a line or two."""
        rules = f"{len(self.rules)} rule{'' if len(self.rules) == 1 else 's'}"
        text = f"{rules} from {end_text(self.since_ms)} to {end_text(self.until_ms)}"
        if self.since_ms < self.kept_minute * MILLISECONDS_PER_MINUTE:
            text += f"; minutes are kept since {minute_text(self.kept_minute)}, before is no data"
        if self.left_out and not self.found:
            text += f"; none of the {len(self.left_out)} entities that have changed is wanted"
        return text


class Replay:
    """Evaluates rules over a range of what is stored."""

    def __init__(self, prometheus: PrometheusData, rules: AlarmRules, clock: Clock) -> None:
        self._prometheus = prometheus
        self._rules = rules
        self._clock = clock

    def run(
        self,
        since_ms: int,
        until_ms: int | None,
        *,
        names: Sequence[str] = (),
        wanted: Callable[[LabelSet], bool] = lambda _: True,
    ) -> Replayed:
        """Evaluate the datapoints after ``since_ms`` up to ``until_ms``, or the newest data.

        ``names`` are rules, all of them where none is named. Raises ``InvalidParameter``,
        ``NotFound`` and what the database raises.
        """
        rules = [self._rules.named(name) for name in names] or list(self._rules.rules)
        with self._prometheus.open() as opened:
            if until_ms is None:
                until_ms = self._newest_ms(opened)
            if until_ms <= since_ms:
                raise InvalidParameter(
                    "--since", f"there is nothing to evaluate between it and {end_text(until_ms)}"
                )
            kept = read_kept(opened.connection)[Tier.MINUTE]
            replayed = Replayed(rules, since_ms, until_ms, kept)
            reader = DatapointReader(self._clock)
            for rule in rules:
                try:
                    for each in _evaluated(opened, reader, rule, since_ms, until_ms):
                        if wanted(each.entity):
                            replayed.found.append((rule, each))
                        else:
                            replayed.left_out.add(each.entity)
                except HydrantError as error:
                    if is_of_database(error):
                        raise
                    replayed.failures.append((rule.name, error.message))
        replayed.found.sort(key=lambda item: (item[1].at_ms, item[0].name, item[1].entity))
        return replayed

    def _newest_ms(self, opened: Opened) -> int:
        before = self._clock.now_ms() // MILLISECONDS_PER_MINUTE + 1
        found = newest_minutes(opened.connection, 1, before)
        if not found:
            raise InvalidParameter("--since", "the database has no data")
        return (found[0] + 1) * MILLISECONDS_PER_MINUTE


def entity_filter(texts: Sequence[str]) -> Callable[[LabelSet], bool]:
    """Whether an entity's labels match all ``LABEL=PATTERN``. Raises ``InvalidParameter``."""
    patterns = []
    for text in texts:
        label, separator, pattern = text.partition("=")
        if not separator or not label:
            raise InvalidParameter("--entity", f"{text!r} is not LABEL=PATTERN")
        patterns.append(LabelPatterns(((label, (pattern,)),)))
    return lambda entity: all(pattern.match(dict(entity)) for pattern in patterns)


def _evaluated(
    opened: Opened, reader: DatapointReader, rule: AlarmRule, since_ms: int, until_ms: int
) -> Iterator[Transition]:
    of, period_ms = EntityStates(rule), rule.condition.period_ms
    states, first_ms = of.states, following(since_ms, period_ms)
    recent: Recent | None = None
    while first_ms <= until_ms:
        last_ms = min(until_ms, first_ms + (_COLUMNS_AT_ONCE - 1) * period_ms)
        before_ms = 0 if recent is not None else rule.warm_up * period_ms
        datapoints = reader.read(opened.connection, opened, rule, first_ms - before_ms, last_ms)
        found = evaluate_range(of, datapoints, states, first_ms, recent)
        yield from found.transitions
        states, recent, first_ms = found.states, found.recent, following(last_ms, period_ms)
