"""From the points of a minute to the frames of sample families.

Series of one bare family form a group and have a row in it, which says their rows in each source.
Finding a series' group and row is done once per series, and then is an index look-up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from app.arrays import FloatArray, IntArray, ascending
from app.catalog import SeriesIdentity, StatisticCatalog
from app.mal import Combine, Downsampling, Frame, Source
from app.mal.groups import Groups
from app.mal.growing import Remade
from app.mal.label_block import LabelBlock
from app.mal.nodes import Marks, indexes
from app.mal.reduction import combined
from app.mal.row_numbers import RowNumbers
from app.mal.vocabulary import Vocabulary
from app.rules.families import EXPANSIONS, FamilyNames, Selection
from app.rules.minute import MinutePoints
from app.rules.new_series import Family, Newcomers
from app.rules.placement import Placed, Placements
from app.rules.samples import expanded_samples, is_expanded, selected_samples

_UNKNOWN = -1
_UNUSED = -2


class Origin(NamedTuple):
    """Where a row of a source comes from.

    The series, what is shown of each of its points, and how several points of it within a minute
    become one sample.
    """

    series_id: int
    selection: Selection
    combine: Combine


@dataclass(slots=True)
class Instant:
    """The samples of all families that have any: values, and times where a family needs them."""

    frames: dict[Source, Frame]
    times: dict[Source, FloatArray]


@dataclass(slots=True)
class _Feed:
    """What a group gives to a source: a statistic, reduced in time, to these rows of it.

    Where a series gives several samples, its rows are found by the label that tells them apart.
    """

    source: Source
    selection: Selection
    combine: Combine
    timed: bool
    rows: RowNumbers = field(default_factory=RowNumbers)
    rows_by_label: dict[tuple[int, str], int] = field(default_factory=dict)
    indexes: Remade[IntArray] = field(init=False)

    def __post_init__(self) -> None:
        self.indexes = Remade(lambda: indexes(self.rows), self.rows)


@dataclass(slots=True)
class _Group:
    """A bare family's feeds. Metrics of similar names may feed one source from two groups."""

    feeds: list[_Feed] = field(default_factory=list)
    size: int = 0
    labels: list[LabelBlock] = field(default_factory=list)
    marks: list[Marks] = field(default_factory=list)

    @property
    def expands(self) -> bool:
        """Whether a series may give several samples to a source."""
        return any(is_expanded(feed.selection) for feed in self.feeds)

    def of_rows(self, rows: IntArray) -> tuple[LabelBlock, Marks]:
        """Labels and marks of some rows; only of a group that ``expands``."""
        if len(self.labels) > 1:
            self.labels = [LabelBlock.joined(self.labels)]
            self.marks = [Marks(*map(np.concatenate, zip(*self.marks, strict=True)))]
        (labels,), (marks,) = self.labels, self.marks
        return labels.take(rows), Marks(*(column[rows] for column in marks))


_SourceKey = tuple[str, Downsampling | None, bool]


class SourceTable:
    """The families that rules refer to."""

    def __init__(self, catalog: StatisticCatalog) -> None:
        self._names = FamilyNames(catalog)
        self._vocabulary = Vocabulary()
        self._newcomers = Newcomers(catalog, self._vocabulary)
        self._sources: dict[_SourceKey, Source] = {}
        self._groups: dict[Family, _Group | None] = {}
        self._numbered: list[_Group] = []
        self._numbers: dict[Family, int] = {}
        self._placements = Placements()
        self._group_of = np.full(1024, _UNKNOWN, np.int32)
        self._row_of = np.zeros(1024, np.int64)

    def source(self, name: str, downsampling: Downsampling | None, *, timed: bool) -> Source:
        """The source of a family. All must be asked for before the first series is added.

        A timed source has the last sample of each minute, and its time.
        """
        key = name, None if timed else downsampling, timed
        source = self._sources.get(key)
        if source is None:
            plain = self._names.is_plain(name)
            source = self._sources[key] = Source(name, self._names.combine(name), plain=plain)
        return source

    def unknown(self, series_id: IntArray) -> IntArray:
        """Those of the series that have not been added yet, ascending."""
        self._grow(int(series_id.max(initial=0)) + 1)
        unknown = series_id[self._group_of[series_id] == _UNKNOWN]
        return ascending(unknown)

    def add(self, series_id: IntArray, identities: Sequence[SeriesIdentity]) -> None:
        """Give series their rows, and push their labels through every rule that uses them."""
        self._grow(int(series_id.max(initial=0)) + 1)
        for family, places, labels, marks in self._newcomers.by_family(identities):
            ids = series_id[places]
            group = self._group(family)
            if group is None:
                self._group_of[ids] = _UNUSED
                continue
            for feed in group.feeds:
                if not is_expanded(feed.selection):
                    first = feed.source.extend(labels, marks)
                    feed.rows.extend(np.arange(first, first + labels.size))
            if group.expands:
                group.labels.append(labels)
                group.marks.append(marks)
            self._group_of[ids] = self._numbers[family]
            self._row_of[ids] = np.arange(group.size, group.size + labels.size)
            group.size += labels.size

    def expand(self, points: MinutePoints) -> None:
        """Give rows to buckets and quantiles that have not been seen yet; before any frame."""
        for placed in self._placed(points):
            group = self._numbered[placed.group]
            if not group.expands:
                continue
            rows = self._row_of[points.series_id]
            for feed in group.feeds:
                if not is_expanded(feed.selection):
                    continue
                samples = expanded_samples(points, placed.at, feed.selection)
                seen = dict.fromkeys((int(rows[point]), text) for point, text, _ in samples)
                new = [key for key in seen if key not in feed.rows_by_label]
                if not new:
                    continue
                of_rows, texts = zip(*new, strict=True)
                labels, marks = group.of_rows(np.array(of_rows, np.int64))
                label = {EXPANSIONS[feed.selection.column]: self._vocabulary.codes(texts)}
                first = feed.source.extend(labels.replaced(label, ()), marks)
                feed.rows_by_label.update(zip(new, range(first, first + len(new)), strict=True))

    def origins(self, source: Source) -> list[Origin]:
        """The origins of all rows of a source, in the order of the rows."""
        found: dict[int, Origin] = {}
        for number, group in enumerate(self._numbered):
            series = np.flatnonzero(self._group_of == number)
            series_of = dict(zip(self._row_of[series].tolist(), series.tolist(), strict=True))
            for feed in group.feeds:
                if feed.source is not source:
                    continue
                rows = enumerate(feed.indexes().tolist())
                labelled = ((row, of_series) for (row, _), of_series in feed.rows_by_label.items())
                for row, of_source in (*rows, *labelled):
                    found[of_source] = Origin(series_of[row], feed.selection, feed.combine)
        return [found[row] for row in range(source.size)]

    def instant(self, points: MinutePoints, *, timed_only: bool = False) -> Instant:
        """The frames of all sources that have a point among these."""
        instant = Instant({}, {})
        start_ms = points.start_ms
        points = points.coded()
        for placed in self._placed(points):
            for number, feed in enumerate(self._numbered[placed.group].feeds):
                if timed_only and not feed.timed:
                    continue
                at, groups, frame = self._samples(points, placed, number, feed)
                # Several samples of a series within the minute are first reduced in time.
                frame = combined(frame, groups, feed.combine)
                known = instant.frames.get(feed.source)
                instant.frames[feed.source] = frame if known is None else _united(known, frame)
                if feed.timed:
                    times = start_ms[at].astype(np.float64)
                    latest = groups.extremes(times, Combine.MAXIMUM)
                    other = instant.times.get(feed.source)
                    instant.times[feed.source] = latest if other is None else np.fmax(latest, other)
        return instant

    def _samples(
        self, points: MinutePoints, placed: Placed, number: int, feed: _Feed
    ) -> tuple[IntArray, Groups, Frame]:
        """The points that samples come from, the samples' rows in the source, and the samples."""
        size = feed.source.size
        if not is_expanded(feed.selection):
            frame = selected_samples(points, placed.at, feed.selection)
            return placed.at, placed.of_feed(number, feed.indexes(), size), frame
        rows = self._row_of[points.series_id]
        samples = list(expanded_samples(points, placed.at, feed.selection))
        at = np.array([point for point, _, _ in samples], np.int64)
        found = [feed.rows_by_label[int(rows[point]), text] for point, text, _ in samples]
        values = np.array([value for _, _, value in samples], np.float64)
        return at, Groups(np.array(found, np.int64), size), Frame(values)

    def _placed(self, points: MinutePoints) -> list[Placed]:
        """The groups that have points, with the indexes of these."""
        return self._placements.of(points.series_id, self._group_of, self._row_of)

    def _group(self, family: Family) -> _Group | None:
        if family not in self._groups:
            group = _Group()
            for (name, downsampling, timed), source in self._sources.items():
                selection = self._names.selection(name, *family)
                if selection is not None:
                    combine = downsampling.combine if downsampling else selection.combine
                    combine = Combine.LATEST if timed else combine
                    group.feeds.append(_Feed(source, selection, combine, timed))
            if group.feeds:
                self._numbers[family] = len(self._numbered)
                self._numbered.append(group)
            self._groups[family] = group if group.feeds else None
        return self._groups[family]

    def _grow(self, size: int) -> None:
        old = len(self._group_of)
        if size > old:
            grown = max(size, 2 * old)
            self._group_of = np.append(self._group_of, np.full(grown - old, _UNKNOWN, np.int32))
            self._row_of = np.append(self._row_of, np.zeros(grown - old, np.int64))


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
