"""Targets of rules, and the ids under which SQL keeps them."""

from collections.abc import Mapping, Sequence

import numpy as np

from app.arrays import IntArray
from app.labels import LabelSet
from app.mal.entities import Entity
from app.rules import MetricValues

Target = tuple[int, int]
"""Number of the rule, and row of it."""

Ids = tuple[int, int]
"""Ids of an entity and of a label set."""

_UNKNOWN = -1


class TargetIds:
    """Ids in SQL of the targets (rule, row) that the rules of one engine write to."""

    def __init__(self) -> None:
        self._ids: dict[int, IntArray] = {}

    def missing(self, values: Sequence[MetricValues]) -> dict[Target, tuple[Entity, LabelSet]]:
        """Targets that have values and no ids yet."""
        found: dict[Target, tuple[Entity, LabelSet]] = {}
        for of_metric in values:
            rows = of_metric.outputs.row
            unknown = rows[self._known(of_metric.rule, rows)[:, 0] == _UNKNOWN]
            for row in unknown.tolist():
                found[of_metric.rule, row] = of_metric.targets[row]
        return found

    def ids(
        self, rule: int, rows: IntArray, learnt: Mapping[Target, Ids]
    ) -> tuple[IntArray, IntArray]:
        """Entity and label set ids of a rule's rows; ``learnt`` has those not remembered yet."""
        known = self._known(rule, rows).copy()
        for place in np.flatnonzero(known[:, 0] == _UNKNOWN).tolist():
            known[place] = learnt[rule, int(rows[place])]
        return known[:, 0], known[:, 1]

    def learn(self, learnt: Mapping[Target, Ids]) -> None:
        """Remember ids whose transaction has been committed."""
        for (rule, row), ids in learnt.items():
            self._ids[rule][row] = ids

    def _known(self, rule: int, rows: IntArray) -> IntArray:
        table = self._ids.get(rule)
        needed = int(rows.max(initial=-1)) + 1
        if table is None or len(table) < needed:
            grown = np.full((max(needed, 64, 0 if table is None else 2 * len(table)), 2), _UNKNOWN)
            if table is not None:
                grown[: len(table)] = table
            table = self._ids[rule] = grown
        return table[rows]
