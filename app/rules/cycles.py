"""Rules that read what they define.

Rules read sample families and never metrics. An expression that names the metric it defines, or
metrics whose rules name each other, would wait for itself: it is refused. A family that is merely
called like the metric of another rule is a family.
"""

from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from app.errors import RuleError
from app.rules.definitions import MetricDefinition


def cycles(
    definitions: Sequence[MetricDefinition],
) -> Iterator[tuple[MetricDefinition, RuleError]]:
    """The rules without which there would be no cycles, one for each, and what is wrong with them.

    The errors name the places of all rules of a cycle. They lack the offending line, as the text
    of the file is not known here.
    """
    remaining = []
    for definition in definitions:
        if definition.name in definition.families:
            yield definition, _fault([definition], [definition.name])
        else:
            remaining.append(definition)
    while found := _cycle(remaining):
        refused, error = found
        yield refused, error
        remaining = [definition for definition in remaining if definition is not refused]


def _cycle(definitions: Sequence[MetricDefinition]) -> tuple[MetricDefinition, RuleError] | None:
    names = {definition.name for definition in definitions}
    # By metric, the metrics that its rules name, and the first rule that names each.
    named: dict[str, dict[str, MetricDefinition]] = {}
    for definition in definitions:
        of_metric = named.setdefault(definition.name, {})
        for family in definition.families:
            if family in names:
                of_metric.setdefault(family, definition)
    try:
        TopologicalSorter(named).prepare()
    except CycleError as error:
        # Each metric of the cycle is named by the next one.
        cycle: list[str] = error.args[1][::-1]
        rules = [named[name][family] for name, family in pairwise(cycle)]
        return rules[-1], _fault(rules, cycle)
    return None


def _fault(rules: Sequence[MetricDefinition], cycle: Sequence[str]) -> RuleError:
    last = rules[-1]
    file, _, line = last.place.rpartition(":")
    if len(rules) == 1:
        reason = f"{last.name} names itself as a family, at {last.place}"
    else:
        chain = ", ".join(
            f"{rule.name} at {rule.place} names {family}"
            for rule, family in zip(rules[:_MOST_NAMED], cycle[1:], strict=False)
        )
        more = "" if len(rules) <= _MOST_NAMED else f", and {len(rules) - _MOST_NAMED} more"
        reason = f"metrics are defined by each other: {chain}{more}"
    reason += "; rules read sample families, never metrics"
    return RuleError(reason, file=file, line=int(line), column=1)


_MOST_NAMED = 5
