"""Raw series: which there are under a name, and their samples."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from app.arrays import IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.labels import LabelSet
from app.promql.reader import Budget, Selection
from app.promql.series import Samples
from app.query.prometheus.choice import Choice
from app.query.prometheus.directory import Directory
from app.query.prometheus.expanded_samples import expanded_samples
from app.query.prometheus.families import Family, Form
from app.query.prometheus.label_table import Condition
from app.query.prometheus.naming import BOUND, QUANTILE, with_labels
from app.query.prometheus.raw_samples import Grid, bucket_grid, minute_grids
from app.query.prometheus.series_group import SeriesGroup
from app.query.prometheus.series_index import SeriesIndex
from app.query.prometheus.tier_choice import TierChoice
from app.storage import Connection, Tier, newest_minute_of_series

EXPANDED = {Form.BUCKETS: BOUND, Form.QUANTILES: QUANTILE}


@dataclass(frozen=True, slots=True)
class Members:
    """Series of a family: rows of its group, and how their labels are made."""

    family: Family
    group: SeriesGroup
    aspects: tuple[str, ...]
    rows: IntArray
    spelt: bool

    @property
    def name(self) -> str:
        """The name under which the series are seen."""
        return self.family.spelt if self.spelt else self.family.name

    @property
    def ids(self) -> list[int]:
        """Ids of the series, ascending."""
        ids: list[int] = self.group.ids[self.rows].tolist()
        return ids

    def label_sets(self, ids: IntArray) -> list[LabelSet]:
        """Label sets of some of the ids."""
        rows = np.searchsorted(self.group.ids, ids)
        return self.group.label_sets(self.family, self.aspects, rows, spelt=self.spelt)


class RawReader:
    """Reads raw series within one transaction."""

    def __init__(self, connection: Connection, index: SeriesIndex, metrics: frozenset[str]) -> None:
        """``metrics`` are the names of rules' metrics, which raw series may share."""
        self._connection = connection
        self._index = index
        self._metrics = metrics
        self._names: Directory | None = None

    def directory(self, choice: Choice, end_minute: int | None = None) -> Directory:
        """The names that there are; of extra statistics only where the choice may be one."""
        if self._names is None:
            self._names = self._index.directory(self._connection)
        directory = self._names
        known = directory.classic.get(choice.name or "")
        if known and all(family.form is Form.STATISTIC for family in known):
            return directory
        if choice.name is not None and not known and not directory.may_be_statistic(choice.name):
            return directory
        return self._index.directory_with_extras(self._connection, end_minute)

    def extras_of(self, ids: IntArray, start_ms: int, end_ms: int) -> Directory:
        """The names that there are, with extra statistics of the newest point of some series."""
        first, last = start_ms // MILLISECONDS_PER_MINUTE, end_ms // MILLISECONDS_PER_MINUTE
        newest = newest_minute_of_series(self._connection, ids.tolist(), first, last)
        return self._index.directory_with_extras_of(
            self._connection, [] if newest is None else [newest]
        )

    def members(self, choice: Choice, directory: Directory) -> Iterator[Members]:
        """The series that a choice lets through, family by family, sorted by name.

        Conditions on ``le`` and ``quantile`` are not looked at where these tell samples of one
        point apart.
        """
        if choice.name is None:
            for name in choice.names(directory.classic):
                yield from self._of_name(name, choice, directory, spelt=False)
        elif choice.wants_name(choice.name):
            yield from self._of_name(choice.name, choice, directory, spelt=False)
            yield from self._of_name(choice.name, choice, directory, spelt=True)

    def samples(
        self,
        members: Members,
        choice: Choice,
        selection: Selection,
        tiers: TierChoice,
        budget: Budget,
    ) -> Iterator[Samples]:
        """Samples of a family's series."""
        family = members.family
        tier = raw_tier(family, selection, tiers)
        range_ms = reach(selection, tier)
        if family.form is not Form.STATISTIC:
            if tier is Tier.MINUTE:
                yield from self._expanded(members, choice, range_ms, budget)
            return
        if tier is Tier.MINUTE:
            grids = minute_grids(self._connection, members.ids, family.statistic, range_ms, budget)
        elif family.rolled_up is not None:
            grids = [
                bucket_grid(
                    self._connection, members.ids, family.rolled_up, tier, range_ms, budget=budget
                )
            ]
        else:
            grids = []
        yield from (self._samples(members, grid, budget) for grid in grids if len(grid.ids))

    def _of_name(
        self, name: str, choice: Choice, directory: Directory, *, spelt: bool
    ) -> Iterator[Members]:
        families = directory.spelt_families(name) if spelt else directory.families(name)
        is_metric = not spelt and name in self._metrics
        aspects = directory.aspects(families, is_metric=is_metric)
        for family in families:
            expanded = EXPANDED.get(family.form, "")
            conditions: Sequence[Condition] = choice.without(expanded)
            source = family.source
            group = self._index.group(self._connection, source.namespace, source.metric)
            rows = group.rows(family, aspects, conditions, spelt=spelt)
            if len(rows):
                yield Members(family, group, aspects, rows, spelt)

    def _samples(self, members: Members, grid: Grid, budget: Budget) -> Samples:
        budget.take_series(len(grid.ids))
        labels = members.label_sets(grid.ids)
        present = ~np.isnan(grid.values)
        return Samples(labels, grid.times, grid.values, present, None, grid.interval_ms)

    def _expanded(
        self, members: Members, choice: Choice, range_ms: tuple[int, int], budget: Budget
    ) -> Iterator[Samples]:
        label = EXPANDED[members.family.form]
        found = expanded_samples(
            self._connection, members.ids, members.family.form, range_ms, budget
        )
        for item in found:
            rows = [row for row, text in enumerate(item.texts) if choice.wants(label, text)]
            if rows:
                budget.take_series(len(rows))
                (plain,) = members.label_sets(np.array([item.series_id], np.int64))
                labels = [with_labels(plain, (label, item.texts[row])) for row in rows]
                values = item.values[rows]
                yield Samples(labels, item.times, values, ~np.isnan(values))


def raw_tier(family: Family, selection: Selection, tiers: TierChoice) -> Tier:
    """The tier that a selection of a family reads: longer buckets of CloudWatch's series alone."""
    if not family.source.namespace:
        return tiers.tier
    return tiers.of_statistic(selection.function, family.statistic)


def reach(selection: Selection, tier: Tier) -> tuple[int, int]:
    """The range (start, end] in which samples are read.

    An instant selector needs the bucket that still stands at its first time.
    """
    start_ms = selection.start_ms
    if tier is not Tier.MINUTE and not selection.window_ms:
        start_ms = min(start_ms, selection.first_ms - tier.length_ms)
    return start_ms, selection.end_ms
