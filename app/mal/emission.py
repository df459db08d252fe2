"""The end of a graph: values by entity and remaining labels."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from app.arrays import CodeArray, FloatArray, IntArray
from app.mal.entities import Entity, EntityRule
from app.mal.frames import Combine, Frame
from app.mal.grouping import without_breakdowns
from app.mal.groups import Groups
from app.mal.growing import Remade
from app.mal.key_index import KeyIndex
from app.mal.label_block import LabelBlock
from app.mal.nodes import Carried, Evaluation, Node, indexes, tell
from app.mal.reduction import combined
from app.mal.row_numbers import RowNumbers
from app.mal.targets import NOBODY, EntityNumbers, Targets
from app.mal.vocabulary import pair_keys


@dataclass(slots=True)
class Outputs:
    """The result of a graph for one minute.

    ``row`` numbers the outputs of the graph, see ``Emission.targets``. It is never changed, and the
    very same array again as long as it says the same, so that what follows from it may be kept.
    ``numerator`` and ``weight`` are NaN unless the metric is an average of known weight.
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
        entities: EntityNumbers | None = None,
    ) -> None:
        self.source = source
        self.properties: dict[Entity, dict[str, str]] = {}
        self.attributes: dict[Entity, dict[str, str]] = {}
        self.combine = combine or source.combine
        self._rule = rule
        self._keys = rule.keys
        self._entities = EntityNumbers() if entities is None else entities
        self.targets = Targets(self._entities)
        self._labelled = labelled
        self._on_fault = on_fault
        self._numbers = KeyIndex()
        self._rows = RowNumbers()
        self._groups = RowNumbers()
        self._indexes = Remade(lambda: indexes(self._rows), self._rows)
        self._members = Remade(lambda: Groups(indexes(self._groups), len(self.targets)), self._rows)
        self._found = np.empty(0, np.int64)
        source.feed(self._push)

    def _push(self, first: int, labels: LabelBlock) -> None:
        entity, faults = self._entities.of(self._rule, labels)
        sets = self._sets(labels)
        if self._rule.decorate is not None or self._rule.properties is not None:
            entity, sets, faults = self._described(labels, entity, sets, dict(faults))
        tell([faults[row] for row in sorted(faults)], self._on_fault)
        rows = np.flatnonzero(entity != NOBODY)
        if not len(rows):
            return
        keys = pair_keys(entity[rows], sets[rows])
        numbers, new = self._numbers.add(keys)
        at = rows[new]
        self.targets.extend(labels.vocabulary, entity[at], sets[at])
        self._rows.extend(first + rows)
        self._groups.extend(numbers)

    def _sets(self, labels: LabelBlock) -> IntArray:
        """The label sets of values: labels that are not part of the entity."""
        if not self._labelled:
            return np.zeros(labels.size, np.int64)
        return labels.once(("rest", self._keys), lambda: labels.sets_without(self._keys))

    def _described(
        self, labels: LabelBlock, entity: CodeArray, sets: IntArray, faults: dict[int, Exception]
    ) -> tuple[CodeArray, IntArray, dict[int, Exception]]:
        """The same with what closures say of entities; they run row by row."""
        entity, sets = entity.copy(), sets.copy()
        for row in np.flatnonzero(entity != NOBODY).tolist():
            of_row = self._entities[int(entity[row])]
            try:
                sets[row] = self._describe(of_row, int(sets[row]), labels, row)
            except Exception as error:  # noqa: BLE001 - told for each row
                faults[row] = error
                entity[row] = NOBODY
        return entity, sets, faults

    def _describe(self, entity: Entity, label_set: int, labels: LabelBlock, row: int) -> int:
        """Keep an entity's attributes and properties; the label set with the attributes."""
        words = labels.vocabulary
        if self._rule.decorate is not None:
            if entity not in self.attributes:
                self.attributes[entity] = self._rule.decorate(entity)
            pairs = {**dict(words.label_set(label_set)), **self.attributes[entity]}
            label_set = words.set_of(pairs.items())
        if self._rule.properties is not None and entity not in self.properties:
            self.properties[entity] = self._rule.properties(labels.labels(row))
        return label_set

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
        if np.array_equal(found, self._found):
            found = self._found
        self._found = found
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
