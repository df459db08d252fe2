"""Points of minutes given by hand, and the rule engine over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.catalog import SeriesIdentity, load_statistic_catalog
from app.clock import MILLISECONDS_PER_MINUTE
from app.rules import MinutePoints, RuleEngine
from app.rules.files import parse_rule_file

Statistics = tuple[float, float, float, float]
"""count, sum, minimum, maximum"""


@dataclass(frozen=True, slots=True)
class Given:
    """A point: where it belongs, when it starts (ms since the epoch), and its values."""

    identity: SeriesIdentity
    start_ms: int
    statistics: Statistics
    extras: Mapping[str, float] = field(default_factory=dict)


def value(identity: SeriesIdentity, start_ms: int, number: float) -> Given:
    """A point of one value."""
    return Given(identity, start_ms, (1.0, number, number, number))


def otlp(metric: str, kind: str, **labels: str) -> SeriesIdentity:
    """A series that is not CloudWatch's."""
    return SeriesIdentity("", "", "", metric, tuple(labels.items()), "", kind)


class Minutes:
    """Stored points: gives those of a minute, and evaluates rules over them."""

    def __init__(self, points: Sequence[Given]) -> None:
        self._points = points
        self._identities = list(dict.fromkeys(point.identity for point in points))

    def evaluate(self, engine: RuleEngine, minute: int) -> dict[str, dict[tuple[str, ...], float]]:
        """Values by metric, and by the names of the entity and the labels' texts."""
        found, faults = engine.evaluate(
            self.of(minute),
            lambda ids: [self._identities[i] for i in ids],
            lambda first, last: [self.of(number) for number in range(first, last + 1)],
        )
        assert not faults
        result: dict[str, dict[tuple[str, ...], float]] = {}
        for of_metric in found:
            outputs = of_metric.outputs
            values = result.setdefault(of_metric.definition.name, {})
            for row, number in zip(outputs.row.tolist(), outputs.value.tolist(), strict=True):
                entity, labels = of_metric.targets[row]
                names = entity.service, entity.instance, entity.endpoint
                texts = (text for pair in labels for text in pair)
                values[tuple(name for name in (*names, *texts) if name)] = number
        return result

    def of(self, minute: int) -> MinutePoints:
        """The points of a minute."""
        start = minute * MILLISECONDS_PER_MINUTE
        points = [p for p in self._points if p.start_ms // MILLISECONDS_PER_MINUTE == minute]
        ids = [self._identities.index(p.identity) for p in points]
        order = sorted(range(len(points)), key=lambda i: (ids[i], points[i].start_ms))
        points = [points[i] for i in order]
        count, total, least, most = (
            np.array([p.statistics[number] for p in points], np.float64) for number in range(4)
        )
        extras = [(row, *extra) for row, p in enumerate(points) for extra in p.extras.items()]
        return MinutePoints(
            minute,
            np.array([ids[i] for i in order], np.int64),
            np.array([p.start_ms - start for p in points], np.int64),
            count,
            total,
            least,
            most,
            np.array([row for row, _, _ in extras], np.int64),
            tuple(name for _, name, _ in extras),
            np.array([number for _, _, number in extras], np.float64),
        )


def engine(*expressions: str, end: str = "service(['svc'], Layer.L)") -> RuleEngine:
    """An engine of rules called p_0, p_1 and so on."""
    rules = "".join(
        f"  - name: '{number}'\n    exp: |\n      {expression}\n"
        for number, expression in enumerate(expressions)
    )
    text = f"metricPrefix: p\nexpSuffix: {end}\nmetricsRules:\n{rules}"
    return RuleEngine([parse_rule_file(text, "f.yaml")], load_statistic_catalog())
