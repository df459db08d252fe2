"""References to CloudWatch's metrics, as PromQL that combines minutes as their statistic allows."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.dashboards.placeholders import INTERVAL, RANGE
from app.promql.parsing.quoting import quoted
from app.query.prometheus.families import cloudwatch_base
from app.query.prometheus.naming import ACCOUNT, REGION, classic_labels, statistic_suffix
from app.query.statistics import AVERAGE, MAXIMUM, MINIMUM, SAMPLE_COUNT, SUM

ADDING = (SUM, SAMPLE_COUNT)
"""Statistics that add up over time and series."""

_COMBINED = {SUM: "sum", SAMPLE_COUNT: "sum", MINIMUM: "min", MAXIMUM: "max"}
# Percentiles and their like cannot be combined: the highest one is shown.
_OTHERWISE = "max"


@dataclass(frozen=True, slots=True)
class Condition:
    """A matcher of a label that is called as CloudWatch calls the dimension."""

    dimension: str
    operator: str
    text: str


@dataclass(frozen=True, slots=True)
class MetricReference:
    """Series of a metric of CloudWatch, and how they are combined."""

    namespace: str
    name: str
    statistic: str
    conditions: tuple[Condition, ...] = ()
    by: tuple[str, ...] = ()
    per_second: bool = False

    def promql(self, *, instant: bool) -> str:
        """The expression: of each step, or of the whole time range where it is asked once."""
        window = RANGE if instant else INTERVAL
        if self.statistic == AVERAGE:
            # An average of averages would weigh each minute alike.
            return f"{self._combined(SUM, window)} / {self._combined(SAMPLE_COUNT, window)}"
        combined = self._combined(self.statistic, window)
        return f"{combined} / {window}" if self.per_second else combined

    def _combined(self, statistic: str, window: str) -> str:
        way = _COMBINED.get(statistic, _OTHERWISE)
        matchers = (
            f"{label_of(each.dimension)}{each.operator}{quoted(each.text)}"
            for each in self.conditions
        )
        selected = ", ".join(matchers)
        series = f"{self._metric(statistic)}{{{selected}}}" if selected else self._metric(statistic)
        over_time = f"{way}_over_time({series}[{window}])"
        return f"{way} by ({labels_of(self.by)}) ({over_time})" if self.by else over_time

    def _metric(self, statistic: str) -> str:
        return f"{cloudwatch_base(self.namespace, self.name)}_{statistic_suffix(statistic)}"


def label_of(dimension: str) -> str:
    """The label of a dimension; ``account`` and ``region`` are those of the series."""
    if dimension in {ACCOUNT, REGION}:
        return dimension
    (label,) = classic_labels([(dimension, "any")])
    return label


def labels_of(dimensions: Sequence[str]) -> str:
    """The labels of dimensions as a list of PromQL."""
    return ", ".join(map(label_of, dimensions))
