"""From the points of a minute to the frames of sample families.

Series of one bare family form a group and have a row in it; all sources of the group share the
rows. Finding a series' group and row is done once per series, and then is an index look-up.
"""

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
class _Group:
    """A bare family's sources, each with what it shows and how it reduces time."""

    sources: list[tuple[Source, Selection, Combine]] = field(default_factory=list)
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
        for source, _, _ in group.sources:
            source.add(labels)
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
            for source, selection, combine in group.sources:
                frame = _select(points, of_group, selection)
                frames[source] = _scatter(frame, rows, group.size, combine)
        return frames

    def _group(self, base: str) -> _Group | None:
        if base not in self._groups:
            group = _Group()
            for (name, downsampling), source in self._sources.items():
                selection = self._names.selection(name, base)
                if selection is not None:
                    combine = downsampling.combine if downsampling else selection.combine
                    group.sources.append((source, selection, combine))
            if group.sources:
                self._numbers[base] = len(self._numbered)
                self._numbered.append(group)
            self._groups[base] = group if group.sources else None
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


def _scatter(frame: Frame, rows: IntArray, size: int, combine: Combine) -> Frame:
    """Values to rows; several samples of a series within the minute are first reduced in time."""
    if len(rows) > 1 and (np.bincount(rows, minlength=size) > 1).any():
        if combine is not Combine.LATEST:
            return combine_rows(frame, rows, size, combine)
        present = ~np.isnan(frame.value)
        frame, rows = frame.take(np.flatnonzero(present)), rows[present]
    # Where a row repeats, numpy keeps the last assignment: points are in the order of time.
    return Frame(
        _placed(frame.value, rows, size),
        None if frame.numerator is None else _placed(frame.numerator, rows, size),
        None if frame.weight is None else _placed(frame.weight, rows, size),
    )


def _placed(values: FloatArray, rows: IntArray, size: int) -> FloatArray:
    placed = np.full(size, np.nan)
    placed[rows] = values
    return placed
