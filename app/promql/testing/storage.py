"""What the ``load`` commands of a script have loaded."""

import math
from dataclasses import dataclass, field
from itertools import cycle, islice

import numpy as np

from app.errors import ScriptError
from app.labels import METRIC_NAME, LabelSet, label_set
from app.promql.testing.commands import Load
from app.promql.testing.memory import MemoryReader, MemorySeries
from app.promql.testing.notation import Mark, Point, SeriesLine

_BUCKET = "_bucket"
_BOUND = "le"


@dataclass(slots=True)
class _Loaded:
    points: dict[int, float | None] = field(default_factory=dict)
    """By time; None is a stale marker."""
    starts: dict[int, int] = field(default_factory=dict)
    """By time, where a counter says since when it has counted."""
    opaque: set[int] = field(default_factory=set)


class LoadedSeries:
    """Series by their labels. Loading adds to what is there."""

    def __init__(self) -> None:
        self._series: dict[LabelSet, _Loaded] = {}
        self._reader: MemoryReader | None = None

    def clear(self) -> None:
        """Remove everything."""
        self._series.clear()
        self._reader = None

    def load(self, command: Load) -> None:
        """Add the points of a command; ``ScriptError`` where a time has another value already.

        Of several lines for one series the last one counts, as in Prometheus' runner.
        """
        self._reader = None
        default: tuple[Point, ...] = ()
        own: SeriesLine | None = None
        lines: dict[LabelSet, tuple[SeriesLine, tuple[Point, ...]]] = {}
        for line in command.series:
            if line.starts:
                if line.labels is None:
                    default = line.points
                else:
                    own = line
            elif line.labels is not None:
                lines[line.labels] = line, _starts_of(line, own, default)
                own = None
        for labels, (line, starts) in lines.items():
            self._add(labels, line, command, starts)
            if command.converts:
                self._add_native(labels, line, command)

    def reader(self) -> MemoryReader:
        """A reader of all that is loaded."""
        if self._reader is None:
            series = (_series(labels, loaded) for labels, loaded in self._series.items())
            self._reader = MemoryReader(series)
        return self._reader

    def _add(
        self, labels: LabelSet, line: SeriesLine, command: Load, starts: tuple[Point, ...]
    ) -> None:
        loaded = self._series.setdefault(labels, _Loaded())
        for index, point in enumerate(line.points):
            time = index * command.step_ms
            if point is Mark.GAP:
                continue
            if point is Mark.HISTOGRAM:
                loaded.opaque.add(time)
            if starts and isinstance(start := starts[index], float):
                loaded.starts[time] = time + round(start)
            if isinstance(point, Mark) and point is not Mark.STALE:
                continue
            value = None if isinstance(point, Mark) else point
            if not _same(loaded.points.setdefault(time, value), value):
                raise ScriptError(
                    f"the series has another value at {time / 1000:g} s already", line=line.line
                )

    def _add_native(self, labels: LabelSet, line: SeriesLine, command: Load) -> None:
        """The native histogram that ``load_with_nhcb`` makes beside a classic one's buckets."""
        by_name = dict(labels)
        name = by_name.get(METRIC_NAME, "")
        if not name.endswith(_BUCKET) or by_name.pop(_BOUND, None) is None:
            return
        by_name[METRIC_NAME] = name.removesuffix(_BUCKET)
        loaded = self._series.setdefault(label_set(by_name), _Loaded())
        loaded.opaque.update(
            index * command.step_ms
            for index, point in enumerate(line.points)
            if point is not Mark.GAP
        )


def _starts_of(
    line: SeriesLine, own: SeriesLine | None, default: tuple[Point, ...]
) -> tuple[Point, ...]:
    """The starts of a line's points: its own, or the default ones again and again."""
    if own is None:
        return tuple(islice(cycle(default), len(line.points))) if default else ()
    if own.labels != line.labels:
        raise ScriptError("@st stands above the points of its series", line=own.line)
    if len(own.points) != len(line.points):
        raise ScriptError(
            f"@st has {len(own.points)} values, and its series {len(line.points)} points",
            line=own.line,
        )
    return own.points


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return one == other or (math.isnan(one) and math.isnan(other))


def _series(labels: LabelSet, loaded: _Loaded) -> MemorySeries:
    times = sorted(loaded.points)
    points = [loaded.points[time] for time in times]
    return MemorySeries(
        labels,
        np.array(times, np.int64),
        np.array([np.nan if point is None else point for point in points], np.float64),
        np.array([point is None for point in points], np.bool_),
        np.array(sorted(loaded.opaque), np.int64),
        np.array([loaded.starts.get(time, 0) for time in times], np.int64),
    )
