"""Evaluations of earlier instants, for ``rate`` and its like: from stored points, not from memory.

Time is cut into cells; of each cell a row has its last sample. Cells are whole minutes, so that
sums over series that report at different seconds are whole, except for windows that are shorter.
"""

from collections.abc import Sequence

import numpy as np

from app.clock import MILLISECONDS_PER_MINUTE
from app.mal.nodes import Evaluation
from app.rules.minute import MinutePoints
from app.rules.sources import SourceTable


class History:
    """The instants of some minutes, in the order of time."""

    def __init__(self, sources: SourceTable, minutes: Sequence[MinutePoints]) -> None:
        self._sources = sources
        self._minutes = sorted(minutes, key=lambda points: points.minute)
        self._cells: dict[int, list[Evaluation]] = {}

    def before(self, end_ms: int, cell_ms: int) -> Sequence[Evaluation]:
        """The evaluations of cells of this length that end before ``end_ms``."""
        if cell_ms not in self._cells:
            self._cells[cell_ms] = self._evaluations(cell_ms)
        return [cell for cell in self._cells[cell_ms] if cell.now_ms < end_ms]

    def _evaluations(self, cell_ms: int) -> list[Evaluation]:
        found = []
        for points in self._minutes:
            start_ms = points.minute * MILLISECONDS_PER_MINUTE
            for number in np.unique(points.offset_ms // cell_ms).tolist():
                first_ms = number * cell_ms
                of_cell = points.within(first_ms, first_ms + cell_ms)
                found.append(self._evaluation(of_cell, start_ms + first_ms + cell_ms))
        return found

    def _evaluation(self, points: MinutePoints, end_ms: int) -> Evaluation:
        instant = self._sources.instant(points, timed_only=True)
        return Evaluation(
            instant.frames,
            now_ms=end_ms,
            times=instant.times,
            history=lambda cell_ms: self.before(end_ms, cell_ms),
        )
