"""``debugDump``: the family as it stands at this place of the expression, in the log."""

import numpy as np
import structlog

from app.mal import ast
from app.mal.frames import Frame
from app.mal.label_block import LabelBlock, RecordedLabels
from app.mal.nodes import Evaluation, Node, Rowwise

_MOST_SAMPLES = 20

_log = structlog.get_logger(__name__)


class Dump(Rowwise):
    """Passes its input on, and logs the first samples of each minute."""

    def __init__(self, source: Node, place: ast.Place) -> None:
        self._labels = RecordedLabels()
        self._place = place
        super().__init__(source, source.combine, "debugDump()")

    def _push(self, first: int, labels: LabelBlock) -> None:
        self._labels.append(labels)
        super()._push(first, labels)

    def evaluate(self, evaluation: Evaluation) -> Frame:
        frame = evaluation.frame(self._source)
        present = np.flatnonzero(~np.isnan(frame.value))
        _log.info(
            "sample family",
            line=self._place.line,
            column=self._place.column,
            samples=len(present),
            first=[
                {**self._labels[row], "value": float(frame.value[row])}
                for row in present[:_MOST_SAMPLES].tolist()
            ],
        )
        return frame
