"""Rules that read what they define.

Rules read sample families and never metrics. An expression that names the metric it defines, or
metrics whose rules name each other, would wait for itself: it is refused. A family that is merely
called like the metric of another rule is a family.
"""

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from app.errors import RuleError
from app.rules.definitions import MetricDefinition


def refuse_cycles(definitions: Sequence[MetricDefinition]) -> None:
    """Raise ``RuleError`` naming the places of the rules of a cycle, if there is one.

    The error lacks the offending line, as it is raised without the text of the file.
    """
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
        cycle: list[str] = error.args[1]
        raise _fault(cycle[::-1], named) from None


def _fault(cycle: Sequence[str], named: dict[str, dict[str, MetricDefinition]]) -> RuleError:
    rules = [named[name][family] for name, family in pairwise(cycle)]
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
