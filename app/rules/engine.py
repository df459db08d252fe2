"""``RuleEngine``: all rules over the points of one minute."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.catalog import SeriesIdentity, StatisticCatalog
from app.clock import MILLISECONDS_PER_MINUTE
from app.errors import RuleError
from app.mal import Downsampling, Node, Source
from app.mal.emission import Outputs
from app.mal.entities import Entity
from app.mal.nodes import Evaluation
from app.mal.targets import EntityNumbers, Targets
from app.rules.compilation import CompiledRule, compile_rules
from app.rules.cycles import cycles
from app.rules.definitions import MetricDefinition, define
from app.rules.files import RuleFile
from app.rules.history import History
from app.rules.minute import MinutePoints
from app.rules.sources import Origin, SourceTable
from app.telemetry import counter

RULE_FAULTS = counter(
    "rule_faults_total",
    "Rules that failed for a minute, and rules or filters that failed for a series' labels",
    "rule",
)

# New series are taken so many at a time: what is made of their labels takes memory meanwhile.
_SERIES_AT_ONCE = 100_000

Identities = Callable[[Sequence[int]], Sequence[SeriesIdentity]]
"""Gives the identities of series that have not been seen yet."""

ReadMinutes = Callable[[int, int], Sequence[MinutePoints]]
"""Gives the points of the minutes in a range, both ends included, that have any."""


@dataclass(frozen=True, slots=True)
class MetricValues:
    """A metric's values in one minute.

    ``outputs.row`` indexes ``targets``, which only ever grows while the engine lives; ``rule`` is
    the number of the rule, so that (rule, row) identifies a target for good. ``properties`` are
    those of instances, as far as the rule gives any.
    """

    definition: MetricDefinition
    rule: int
    targets: Targets
    outputs: Outputs
    properties: Mapping[Entity, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class RuleFault:
    """A rule that failed for this minute; the others went on."""

    definition: MetricDefinition
    error: Exception


def _refuse(error: RuleError) -> None:
    raise error


class RuleEngine:
    """Compiled rules and the series they have seen. Not thread-safe: one evaluator owns it.

    ``on_fault`` takes the errors of closures that fail for the labels of a series; without it they
    are counted. Raises ``RuleError`` for the first rule that cannot be compiled.
    ``on_contradiction`` takes the errors of rules of one metric that contradict each other, and of
    metrics that are defined by themselves; these rules are left out. Without it they are raised.
    """

    def __init__(
        self,
        files: Sequence[RuleFile],
        catalog: StatisticCatalog,
        on_fault: Callable[[Exception], None] | None = None,
        on_contradiction: Callable[[RuleError], None] = _refuse,
    ) -> None:
        self._on_contradiction = on_contradiction
        self._on_fault = on_fault
        self._sources = SourceTable(catalog)
        self._entities = EntityNumbers()
        self.rules: list[CompiledRule] = []
        self.definitions: dict[str, MetricDefinition] = {}
        for file in files:
            self._add_file(file)
        self._leave_out_cycles(files)
        self.lookback_minutes = max(map(_lookback_minutes, self.rules), default=0)
        """How many minutes before an evaluated one its rules look at."""

    def evaluate(
        self,
        points: MinutePoints,
        identities: Identities,
        read_minutes: ReadMinutes | None = None,
    ) -> tuple[list[MetricValues], list[RuleFault]]:
        """Evaluate every rule. ``read_minutes`` is asked only if rules look at earlier minutes."""
        evaluation = self.evaluation(points, identities, read_minutes)
        values: list[MetricValues] = []
        faults: list[RuleFault] = []
        for number, rule in enumerate(self.rules):
            emission = rule.expression.emission
            try:
                outputs = emission.evaluate(evaluation)
            except Exception as error:  # noqa: BLE001 - one rule must not stop the others
                RULE_FAULTS.labels(rule.definition.name).inc()
                faults.append(RuleFault(rule.definition, error))
            else:
                targets, properties = emission.targets, emission.properties
                values.append(MetricValues(rule.definition, number, targets, outputs, properties))
        return values, faults

    def evaluation(
        self,
        points: MinutePoints,
        identities: Identities,
        read_minutes: ReadMinutes | None = None,
    ) -> Evaluation:
        """The minute's samples, ready to be asked for the values of any node."""
        minute = points.minute
        earlier: Sequence[MinutePoints] = ()
        if self.lookback_minutes and read_minutes is not None:
            earlier = read_minutes(minute - self.lookback_minutes, minute - 1)
        for known in (*earlier, points):
            unknown = self._sources.unknown(known.series_id)
            for start in range(0, len(unknown), _SERIES_AT_ONCE):
                some = unknown[start : start + _SERIES_AT_ONCE]
                self._sources.add(some, identities(some.tolist()))
            self._sources.expand(known)
        instant = self._sources.instant(points)
        history = History(self._sources, (*earlier, points)) if self.lookback_minutes else None
        end_ms = (minute + 1) * MILLISECONDS_PER_MINUTE
        return Evaluation(
            instant.frames,
            now_ms=end_ms,
            times=instant.times,
            history=None if history is None else lambda cell_ms: history.before(end_ms, cell_ms),
        )

    def origins(self, source: Source) -> list[Origin]:
        """Where the rows of a source come from, in their order."""
        return self._sources.origins(source)

    def _add_file(self, file: RuleFile) -> None:
        faults = RULE_FAULTS.labels(file.path)
        on_fault = self._on_fault or (lambda _: faults.inc())

        def open_family(name: str, downsampling: Downsampling | None, timed: bool) -> Node:  # noqa: FBT001 - OpenFamily
            return self._sources.source(name, downsampling, timed=timed)

        for rule in compile_rules(file, open_family, on_fault=on_fault, entities=self._entities):
            try:
                define(self.definitions, rule.definition, file)
            except RuleError as error:
                self._on_contradiction(error)
            else:
                self.rules.append(rule)

    def _leave_out_cycles(self, files: Sequence[RuleFile]) -> None:
        refused = set()
        for definition, error in cycles([rule.definition for rule in self.rules]):
            text = next(file.text for file in files if file.path == error.file)
            self._on_contradiction(error.in_file(error.file, text))
            refused.add(id(definition))
        if refused:
            self.rules = [rule for rule in self.rules if id(rule.definition) not in refused]
            names = {rule.definition.name for rule in self.rules}
            self.definitions = {n: d for n, d in self.definitions.items() if n in names}


def _lookback_minutes(rule: CompiledRule) -> int:
    lookback_ms = sum(window.lookback_ms for window in rule.expression.windows)
    return -(-lookback_ms // MILLISECONDS_PER_MINUTE)
