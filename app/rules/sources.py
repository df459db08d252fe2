"""From the points of a minute to the frames of sample families.

Series of one bare family form a group and have a row in it, which says their rows in each source.
Finding a series' group and row is done once per series, and then is an index look-up.
"""

from array import array
from dataclasses import dataclass, field

import numpy as np

from app.catalog import SeriesIdentity
from app.mal import Combine, Downsampling, Frame, Source
from app.mal.frames import FloatArray, IntArray
from app.mal.reduction import combine_rows
from app.rules.families import Column, FamilyNames, Selection, extra_suffix, labels_of
from app.rules.minute import MinutePoints

_UNKNOWN = -1
_UNUSED = -2


@dataclass(slots=True)
class _Feed:
    """What a group gives to a source: a statistic, reduced in time, to these rows of it."""

    source: Source
    selection: Selection
    combine: Combine
    rows: "array[int]" = field(default_factory=lambda: array("q"))


@dataclass(slots=True)
class _Group:
    """A bare family's feeds. Metrics of similar names may feed one source from two groups."""

    feeds: list[_Feed] = field(default_factory=list)
    size: int = 0


class SourceTable:
    """The families that rules refer to."""

    def __init__(self, names: FamilyNames) -> None:
        self._names = names
        self._sources: dict[tuple[str, Downsampling | None], Source] = {}
        self._groups: dict[str, _Group | None] = {}
        self._numbered: list[_Group] = []
        self._numbers: dict[str, int] = {}
        self._group_of = np.full(1024, _UNKNOWN, np.int32)
        self._row_of = np.zeros(1024, np.int64)

    def source(self, name: str, downsampling: Downsampling | None) -> Source:
        """The source of a family. All must be asked for before the first series is added."""
        key = name, downsampling
        source = self._sources.get(key)
        if source is None:
            source = self._sources[key] = Source(name, self._names.combine(name))
        return source

    def unknown(self, series_id: IntArray) -> list[int]:
        """Those of the series that have not been added yet."""
        self._grow(int(series_id.max(initial=0)) + 1)
        ids = np.unique(series_id)
        return [int(i) for i in ids[self._group_of[ids] == _UNKNOWN]]

    def add(self, series_id: int, identity: SeriesIdentity) -> None:
        """Give a series its row, and push its labels through every rule that uses it."""
        self._grow(series_id + 1)
        base = self._names.base(identity)
        group = self._group(base)
        if group is None:
            self._group_of[series_id] = _UNUSED
            return
        labels = labels_of(identity)
        for feed in group.feeds:
            feed.rows.append(feed.source.add(labels))
        self._group_of[series_id] = self._numbers[base]
        self._row_of[series_id] = group.size
        group.size += 1

    def frames(self, points: MinutePoints) -> dict[Source, Frame]:
        """The frames of all sources that have a point in this minute."""
        groups = self._group_of[points.series_id]
        order = np.argsort(groups, kind="stable")
        numbers, starts = np.unique(groups[order], return_index=True)
        ends = [*starts[1:], len(order)]
        frames: dict[Source, Frame] = {}
        for number, start, end in zip(numbers.tolist(), starts, ends, strict=True):
            if number < 0:
                continue
            group = self._numbered[number]
            of_group = order[start:end]
            rows = self._row_of[points.series_id[of_group]]
            for feed in group.feeds:
                frame = _select(points, of_group, feed.selection)
                of_source = np.array(feed.rows, np.int64)[rows]
                frame = _scatter(frame, of_source, feed.source.size, feed.combine)
                known = frames.get(feed.source)
                frames[feed.source] = frame if known is None else _united(known, frame)
        return frames

    def _group(self, base: str) -> _Group | None:
        if base not in self._groups:
            group = _Group()
            for (name, downsampling), source in self._sources.items():
                selection = self._names.selection(name, base)
                if selection is not None:
                    combine = downsampling.combine if downsampling else selection.combine
                    group.feeds.append(_Feed(source, selection, combine))
            if group.feeds:
                self._numbers[base] = len(self._numbered)
                self._numbered.append(group)
            self._groups[base] = group if group.feeds else None
        return self._groups[base]

    def _grow(self, size: int) -> None:
        old = len(self._group_of)
        if size > old:
            grown = max(size, 2 * old)
            self._group_of = np.append(self._group_of, np.full(grown - old, _UNKNOWN, np.int32))
            self._row_of = np.append(self._row_of, np.zeros(grown - old, np.int64))


def _select(points: MinutePoints, of_group: IntArray, selection: Selection) -> Frame:
    match selection.column:
        case Column.SUM | Column.VALUE:
            return Frame(points.total[of_group])
        case Column.COUNT:
            return Frame(points.count[of_group])
        case Column.MINIMUM:
            return Frame(points.minimum[of_group])
        case Column.MAXIMUM:
            return Frame(points.maximum[of_group])
        case Column.AVERAGE:
            total, count = points.total[of_group], points.count[of_group]
            with np.errstate(divide="ignore", invalid="ignore"):
                value = np.where(count > 0, total / count, np.nan)
            return Frame(value, total, count)
        case Column.EXTRA:
            return Frame(_extra(points, selection.extra)[of_group])


def _extra(points: MinutePoints, suffix: str) -> FloatArray:
    values = np.full(len(points.series_id), np.nan)
    wanted = {name for name in set(points.extra_name) if extra_suffix(name) == suffix}
    if wanted:
        matching = np.array([name in wanted for name in points.extra_name], np.bool_)
        values[points.extra_row[matching]] = points.extra_value[matching]
    return values


def _united(one: Frame, other: Frame) -> Frame:
    """The frames of two groups that feed one source; each has values in rows of its own."""
    one_value = ~np.isnan(one.value)
    nothing = np.full(len(one.value), np.nan)

    def united(left: FloatArray | None, right: FloatArray | None) -> FloatArray | None:
        if left is None and right is None:
            return None
        return np.where(
            one_value, nothing if left is None else left, nothing if right is None else right
        )

    return Frame(
        np.where(one_value, one.value, other.value),
        united(one.numerator, other.numerator),
        united(one.weight, other.weight),
    )


def _scatter(frame: Frame, rows: IntArray, size: int, combine: Combine) -> Frame:
    """Values to rows; several samples of a series within the minute are first reduced in time."""
    return combine_rows(frame, rows, size, combine)
