"""The end of a graph: values by entity and remaining labels."""

from array import array
from dataclasses import dataclass

import numpy as np

from app.mal.entities import Entity, EntityRule, IsBreakdown
from app.mal.frames import Combine, FloatArray, Frame, IntArray, Labels
from app.mal.nodes import Evaluation, Node
from app.mal.reduction import combine_rows

LabelSet = tuple[tuple[str, str], ...]


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
    breakdowns meet, the whole counts alone; breakdowns count where there is no whole.
    """

    def __init__(
        self, source: Node, rule: EntityRule, *, labelled: bool, is_breakdown: IsBreakdown
    ) -> None:
        self.targets: list[tuple[Entity, LabelSet]] = []
        self.combine: Combine = source.combine
        self._source = source
        self._rule = rule
        self._labelled = labelled
        self._is_breakdown = is_breakdown
        self._numbers: dict[tuple[Entity, LabelSet], int] = {}
        self._rows = array("q")
        self._groups = array("q")
        self._breakdown = array("b")
        source.feed(self._push)

    def _push(self, row: int, labels: Labels) -> None:
        entity = self._rule.entity(labels)
        if entity is None:
            return
        rest: LabelSet = ()
        if self._labelled:
            keys = self._rule.keys
            rest = tuple(sorted((k, v) for k, v in labels.items() if v and k not in keys))
        target = entity, rest
        number = self._numbers.get(target)
        if number is None:
            number = self._numbers[target] = len(self.targets)
            self.targets.append(target)
        self._rows.append(row)
        self._groups.append(number)
        self._breakdown.append(self._is_breakdown(labels))

    def evaluate(self, evaluation: Evaluation) -> Outputs:
        """Values of the targets that have any in this minute."""
        size = len(self.targets)
        groups = np.array(self._groups, np.int64)
        frame = evaluation.frame(self._source).take(np.array(self._rows, np.int64))
        frame = self._without_breakdowns(frame, groups, size)
        # What is stored beside the value must not depend on how many rows other targets have.
        frame = frame.weighed() if self.combine is Combine.AVERAGE else Frame(frame.value)
        frame = combine_rows(frame, groups, size, self.combine)
        rows = np.flatnonzero(~np.isnan(frame.value))
        absent = np.full(size, np.nan)
        return Outputs(
            rows,
            frame.value[rows] + 0.0,
            (absent if frame.numerator is None else frame.numerator)[rows],
            (absent if frame.weight is None else frame.weight)[rows],
        )

    def _without_breakdowns(self, frame: Frame, groups: IntArray, size: int) -> Frame:
        breakdown = np.array(self._breakdown, np.bool_)
        if not breakdown.any():
            return frame
        present = ~np.isnan(frame.value)
        has_whole = np.zeros(size, np.bool_)
        has_whole[groups[present & ~breakdown]] = True
        return frame.with_absent(breakdown & has_whole[groups])
