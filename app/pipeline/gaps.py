"""Gaps: minutes in which a series should have a point and has none.

A series is *steady* when the distance between its points is nearly always the same, be it a minute
or five: what it misses is missing. Others report when there is something to report, such as errors,
and most of the minutes that they leave out are none of ours. They count as missing in the minutes
in which steady series of the same account and region are missing, too.
"""

import numpy as np

from app.arrays import BoolArray, IntArray

Run = tuple[int, int]
"""Minutes from the first up to the second, which is left out."""

MERGED_MINUTES = 60
"""Runs of a series closer than this are asked for as one: CloudWatch charges by the request."""

_FEWEST_PAIRS = 3
_NEARLY_ALWAYS = 0.9
_NEVER = np.iinfo(np.int64).max


class GapFinder:
    """Is shown the minutes of a range in order, and says what is missing.

    ``groups`` has a number for each series, equal for those of one account and region, from 0 on.
    Memory goes with the number of series and of gaps, not with that of points.
    """

    def __init__(self, groups: IntArray, first: int, last: int) -> None:
        self._groups = groups
        self._first = first
        self._last = last
        size = len(groups)
        self._seen_first = np.full(size, last, np.int64)
        self._seen_last = np.full(size, first - 1, np.int64)
        self._pairs = np.zeros(size, np.int64)
        self._step = np.full(size, _NEVER, np.int64)
        self._pairs_of_step = np.zeros(size, np.int64)
        self._runs: list[tuple[IntArray, IntArray, IntArray]] = []

    def see(self, minute: int, rows: IntArray) -> None:
        """The series, by position and each once, that have points in a minute."""
        again = rows[self._seen_last[rows] >= self._first]
        distance = minute - self._seen_last[again]
        step = self._step[again]
        far = (distance > 1) & ((distance > step) | (step == _NEVER))
        if far.any():
            begin = self._seen_last[again[far]] + 1
            self._runs.append((again[far], begin, np.full(len(begin), minute)))
        shorter = distance < step
        self._step[again[shorter]] = distance[shorter]
        self._pairs_of_step[again[shorter]] = 0
        self._pairs_of_step[again[distance <= step]] += 1
        self._pairs[again] += 1
        self._seen_first[rows] = np.minimum(self._seen_first[rows], minute)
        self._seen_last[rows] = minute

    @property
    def is_alive(self) -> BoolArray:
        """Which series have been seen at all."""
        return self._seen_last >= self._first

    def gaps(self, start: int, end: int, *, thorough: bool) -> list[list[Run]]:
        """What each series misses from minute ``start`` up to ``end``; nothing if it is not alive.

        ``thorough`` counts series that are not steady as missing wherever they have no point, and
        so is a group without any steady series looked at.
        """
        steady = (self._pairs >= _FEWEST_PAIRS) & (
            self._pairs_of_step >= _NEARLY_ALWAYS * self._pairs
        )
        inner = self._long_enough(steady, *self._inner_runs())
        outer = self._long_enough(steady, *self._outer_runs())
        doubtful = self._doubtful(steady, inner, outer)
        without = np.bincount(self._groups[steady], minlength=len(doubtful)) == 0
        found: list[list[Run]] = [[] for _ in range(len(self._groups))]
        for rows, begins, ends in (inner, outer):
            for row, begin, stop in zip(rows.tolist(), begins.tolist(), ends.tolist(), strict=True):
                found[row].append((begin, stop))
        of_group = [
            [(start, end)] if thorough or without[group] else _runs(doubtful[group], self._first)
            for group in range(len(doubtful))
        ]
        for row in np.flatnonzero(self.is_alive & ~steady).tolist():
            found[row] = list(of_group[self._groups[row]])
        return [merged(clipped(runs, start, end)) for runs in found]

    def _inner_runs(self) -> tuple[IntArray, IntArray, IntArray]:
        """Between two points of a series."""
        if not self._runs:
            nothing = np.empty(0, np.int64)
            return nothing, nothing, nothing
        rows, begins, ends = (np.concatenate(column) for column in zip(*self._runs, strict=True))
        return rows, begins, ends

    def _outer_runs(self) -> tuple[IntArray, IntArray, IntArray]:
        """Before a series' first point, and after its last."""
        rows = np.flatnonzero(self.is_alive)
        return (
            np.concatenate([rows, rows]),
            np.concatenate([np.full(len(rows), self._first), self._seen_last[rows] + 1]),
            np.concatenate([self._seen_first[rows], np.full(len(rows), self._last)]),
        )

    def _long_enough(
        self, steady: BoolArray, rows: IntArray, begins: IntArray, ends: IntArray
    ) -> tuple[IntArray, IntArray, IntArray]:
        """Runs of steady series in which there would have been a point."""
        good = steady[rows] & (ends - begins >= self._step[rows])
        return rows[good], begins[good], ends[good]

    def _doubtful(
        self,
        steady: BoolArray,
        inner: tuple[IntArray, IntArray, IntArray],
        outer: tuple[IntArray, IntArray, IntArray],
    ) -> BoolArray:
        """By group and minute: whether the absence of a point says nothing.

        So it is when a steady series misses points that came again later, or when more than half of
        them have not begun or have ended: a single one may belong to something that was deleted.
        """
        groups = int(self._groups.max(initial=-1)) + 1
        between = self._counted(groups, inner) > 0
        steady_of_group = np.bincount(self._groups[steady], minlength=groups)
        outside = 2 * self._counted(groups, outer) > steady_of_group[:, np.newaxis]
        return between | outside

    def _counted(self, groups: int, runs: tuple[IntArray, IntArray, IntArray]) -> IntArray:
        """How many of the runs each minute lies in, by group."""
        rows, begins, ends = runs
        changes = np.zeros((groups, self._last - self._first + 1), np.int64)
        np.add.at(changes, (self._groups[rows], begins - self._first), 1)
        np.add.at(changes, (self._groups[rows], ends - self._first), -1)
        return changes.cumsum(axis=1)[:, :-1]


def clipped(runs: list[Run], start: int, end: int) -> list[Run]:
    """The parts of runs that lie within a range."""
    parts = ((max(begin, start), min(stop, end)) for begin, stop in runs)
    return [(begin, stop) for begin, stop in parts if begin < stop]


def merged(runs: list[Run]) -> list[Run]:
    """Runs in order; those that are near each other are one."""
    found: list[Run] = []
    for begin, stop in sorted(runs):
        if found and begin - found[-1][1] < MERGED_MINUTES:
            found[-1] = found[-1][0], max(found[-1][1], stop)
        else:
            found.append((begin, stop))
    return found


def _runs(marks: BoolArray, first: int) -> list[Run]:
    """The runs of marked minutes."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marks.astype(np.int8), [0]])))
    return [
        (begin + first, stop + first)
        for begin, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    ]
