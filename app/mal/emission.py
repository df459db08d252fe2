"""The end of a graph: values by entity and remaining labels."""

from array import array
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from app.arrays import FloatArray, IntArray
from app.labels import LabelSet
from app.mal.entities import Entity, EntityRule
from app.mal.frames import Combine, Frame, Labels
from app.mal.grouping import without_breakdowns
from app.mal.groups import Groups
from app.mal.growing import Remade
from app.mal.nodes import Carried, Evaluation, Node, indexes
from app.mal.reduction import combined


@dataclass(slots=True)
class Outputs:
    """The result of a graph for one minute.

    ``row`` numbers the outputs of the graph, see ``Emission.targets``. ``numerator`` and ``weight``
    are NaN unless the metric is an average of known weight.
    """

    row: IntArray
    value: FloatArray
    numerator: FloatArray
    weight: FloatArray


class Emission:
    """Groups the rows of a node by entity, and by the remaining labels of a labelled metric.

    Several samples of one target are combined by the statistic's own rule. Where a whole and its
    breakdowns meet, the whole counts alone; breakdowns count where there is no whole. Attributes
    that ``decorate`` gives an entity are labels of its values.
    """

    def __init__(
        self,
        source: Node,
        rule: EntityRule,
        *,
        labelled: bool,
        combine: Combine | None = None,
        on_fault: Callable[[Exception], None] | None = None,
    ) -> None:
        self.source = source
        self.targets: list[tuple[Entity, LabelSet]] = []
        self.properties: dict[Entity, dict[str, str]] = {}
        self.attributes: dict[Entity, dict[str, str]] = {}
        self.combine = combine or source.combine
        self._rule = rule
        self._keys = rule.keys
        self._entities: dict[tuple[str, ...], Entity | None] = {}
        self._labelled = labelled
        self._on_fault = on_fault
        self._numbers: dict[tuple[Entity, LabelSet], int] = {}
        self._rows = array("q")
        self._groups = array("q")
        self._indexes = Remade(lambda: indexes(self._rows), self._rows)
        self._members = Remade(lambda: Groups(indexes(self._groups), len(self.targets)), self._rows)
        source.feed(self._push)

    def _push(self, row: int, labels: Labels) -> None:
        try:
            target = self._target(labels)
        except Exception as error:
            if self._on_fault is None:
                raise
            self._on_fault(error)
            return
        if target is None:
            return
        number = self._numbers.get(target)
        if number is None:
            number = self._numbers[target] = len(self.targets)
            self.targets.append(target)
        self._rows.append(row)
        self._groups.append(number)

    def _target(self, labels: Labels) -> tuple[Entity, LabelSet] | None:
        entity = self._entity(labels)
        if entity is None:
            return None
        rest: LabelSet = ()
        if self._labelled:
            keys = self._keys
            rest = tuple(sorted((k, v) for k, v in labels.items() if v and k not in keys))
        if self._rule.decorate is not None:
            if entity not in self.attributes:
                self.attributes[entity] = self._rule.decorate(entity)
            rest = tuple(sorted({**dict(rest), **self.attributes[entity]}.items()))
        if self._rule.properties is not None and entity not in self.properties:
            self.properties[entity] = self._rule.properties(labels)
        return entity, rest

    def _entity(self, labels: Labels) -> Entity | None:
        values = tuple(labels.get(key, "") for key in self._keys)
        if values not in self._entities:
            self._entities[values] = self._rule.entity(labels)
        return self._entities[values]

    def evaluate(self, evaluation: Evaluation) -> Outputs:
        """Values of the targets that have any in this minute."""
        if not self.targets:
            nothing = np.empty(0)
            return Outputs(np.empty(0, np.int64), nothing, nothing, nothing)
        frame = self._wholes(evaluation)
        # What is stored beside the value must not depend on how many rows other targets have.
        frame = frame.weighed() if self.combine is Combine.AVERAGE else Frame(frame.value)
        frame = combined(frame, self._members(), self.combine)
        found = np.flatnonzero(~np.isnan(frame.value))
        if len(found) < len(frame.value):
            frame = frame.take(found)
        absent = np.full(len(found), np.nan)
        return Outputs(
            found,
            frame.value + 0.0,
            absent if frame.numerator is None else frame.numerator,
            absent if frame.weight is None else frame.weight,
        )

    def breakdowns(self, evaluation: Evaluation) -> IntArray:
        """The source's rows whose samples count for nothing beside the whole they break down."""
        rows = self._indexes()
        present = ~np.isnan(evaluation.frame(self.source).value[rows])
        return rows[present & np.isnan(self._wholes(evaluation).value)]

    def _wholes(self, evaluation: Evaluation) -> Frame:
        frame, groups = evaluation.frame(self.source), self._members()
        if len(self._rows) < self.source.size:
            frame = frame.take(self._indexes())
        if groups.are_single:
            return frame
        level = evaluation.carried(self.source, Carried.LEVEL)
        return without_breakdowns(frame, None if level is None else level[self._indexes()], groups)

    def contributors(self, target: int) -> IntArray:
        """The source's rows that reach a target."""
        rows: IntArray = indexes(self._rows)[indexes(self._groups) == target]
        return rows
