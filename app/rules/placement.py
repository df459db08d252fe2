"""Which group of series each point belongs to, worked out once for the same series.

Minutes that follow each other, and evaluations of one minute, mostly have points of the same
series in the same order. Remembering is safe because a series never changes its group or row.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from app.arrays import IntArray
from app.mal.groups import Groups

_REMEMBERED = 4
_MOST_SMALL = 2**15


@dataclass(frozen=True, slots=True)
class Placed:
    """The points of one group: their indexes ascending, and the rows of their series in the group.

    ``groups`` keeps, by number of the feed, the rows of the feed's source that they go to.
    """

    group: int
    at: IntArray
    rows: IntArray
    groups: dict[int, Groups] = field(default_factory=dict)

    def of_feed(self, feed: int, rows: IntArray, size: int) -> Groups:
        """The rows of a source of ``size`` rows; ``rows`` are those of all series of the group."""
        known = self.groups.get(feed)
        if known is None or known.size != size:
            known = self.groups[feed] = Groups(rows[self.rows], size)
        return known


class Placements:
    """The placements of the series looked at last."""

    def __init__(self) -> None:
        self._known: list[tuple[IntArray, list[Placed]]] = []

    def of(
        self, series_id: IntArray, group_of: npt.NDArray[np.int32], row_of: IntArray
    ) -> list[Placed]:
        """The groups that have points; ``group_of`` and ``row_of`` are by series.

        All series must have been given their groups; those of a negative one are left out.
        """
        for number, (known, placed) in enumerate(self._known):
            if known is series_id or np.array_equal(known, series_id):
                self._known.insert(0, self._known.pop(number))
                return placed
        placed = _placed(series_id, group_of, row_of)
        self._known = [(series_id, placed), *self._known[: _REMEMBERED - 1]]
        return placed


def _placed(series_id: IntArray, group_of: npt.NDArray[np.int32], row_of: IntArray) -> list[Placed]:
    groups = group_of[series_id]
    # Integers of 16 bits are sorted in linear time.
    sortable = groups.astype(np.int16) if groups.max(initial=0) < _MOST_SMALL else groups
    order = np.argsort(sortable, kind="stable")
    ordered = groups[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))
    ends = np.append(starts, len(order))[1:]
    rows = row_of[series_id[order]]
    return [
        Placed(number, order[start:end], rows[start:end])
        for number, start, end in zip(ordered[starts].tolist(), starts, ends, strict=True)
        if number >= 0
    ]
