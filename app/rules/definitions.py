"""What is known of a rule's metric without data."""

from dataclasses import dataclass

from app.errors import RuleError
from app.mal import Combine, Scope
from app.rules.files import RuleFile


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """A metric that a rule defines.

    ``combine`` is how its minutes combine into longer periods. ``labelled`` metrics have values by
    label set, others one value per entity. ``percentiles`` are the ranks asked of a histogram,
    whose values are buckets by label ``le``. ``families`` are the sample families that the
    expression names, ``place`` is ``file:line`` of the rule.
    """

    name: str
    scope: Scope
    layer: str
    combine: Combine
    labelled: bool
    expression: str
    place: str
    unit: str = ""
    description: str = ""
    percentiles: tuple[int, ...] = ()
    families: tuple[str, ...] = ()

    def same_shape(self, other: "MetricDefinition") -> bool:
        """Whether two rules may feed one metric."""
        return (self.scope, self.combine, self.labelled, self.percentiles) == (
            other.scope,
            other.combine,
            other.labelled,
            other.percentiles,
        )


def define(
    known: dict[str, MetricDefinition], definition: MetricDefinition, file: RuleFile
) -> None:
    """Add a definition of this file to those known by name.

    Raises ``RuleError`` where another rule defines the metric in another shape.
    """
    first = known.setdefault(definition.name, definition)
    if not first.same_shape(definition):
        reason = (
            f"{definition.name} is already defined at {first.place} with another scope,"
            " downsampling or labels"
        )
        line = int(definition.place.rpartition(":")[2])
        raise RuleError(reason, line=line, column=1).in_file(file.path, file.text)
