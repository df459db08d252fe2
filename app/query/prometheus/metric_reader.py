"""Rule metrics: which series there are under a name, and their samples."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.arrays import FloatArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.labels import LabelSet
from app.mal import Combine
from app.promql.ast import Matcher
from app.promql.reader import Budget, Selection
from app.promql.series import Samples
from app.query.prometheus.choice import Choice
from app.query.prometheus.entity_index import ENTITY_LABELS, EntityIndex
from app.query.prometheus.label_table import Condition
from app.query.prometheus.naming import BOUND, QUANTILE
from app.query.prometheus.raw_reader import reach
from app.query.prometheus.raw_samples import interval_ms
from app.query.prometheus.rule_percentiles import (
    Buckets,
    bucket_rows,
    histograms,
    percentile_rows,
)
from app.query.prometheus.tier_choice import TierChoice
from app.query.prometheus.value_samples import bucket_values, minute_values
from app.rules import MetricDefinition
from app.storage import Connection, RangeMinutes, Tier, ValueGrid

BUCKET_SUFFIX = "_bucket"
_Rows = Callable[[Buckets], Iterable[tuple[LabelSet, FloatArray]]]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric under a name of Prometheus; ``is_buckets`` if it shows a histogram's buckets."""

    name: str
    metric_id: int
    definition: MetricDefinition | None
    is_buckets: bool = False

    @property
    def ranks(self) -> tuple[int, ...]:
        """The percentiles that it is read as; none for most metrics."""
        return self.definition.percentiles if self.definition else ()

    @property
    def combine(self) -> Combine | None:
        """How its minutes combine, if a rule says so."""
        return self.definition.combine if self.definition else None


def metrics_by_name(
    ids: Mapping[str, int], definitions: Mapping[str, MetricDefinition]
) -> dict[str, Metric]:
    """All names under which metrics appear; that of a metric wins over that of buckets."""
    found = {}
    for name, metric_id in ids.items():
        metric = Metric(name, metric_id, definitions.get(name))
        found[name] = metric
        buckets = name + BUCKET_SUFFIX
        if metric.ranks and buckets not in ids:
            found[buckets] = Metric(buckets, metric_id, metric.definition, is_buckets=True)
    return found


class MetricReader:
    """Reads rule metrics within one transaction. ``metrics`` are by the names of Prometheus."""

    def __init__(
        self, connection: Connection, index: EntityIndex, metrics: Mapping[str, Metric]
    ) -> None:
        self._connection = connection
        self._index = index
        self._metrics = metrics
        self._is_fresh = False
        # Queries of one transaction are mostly about the same entities and times.
        self._entity_ids: dict[tuple[Matcher, ...], list[int] | None] = {}
        self._minutes: RangeMinutes = {}

    def chosen(self, choice: Choice) -> Iterator[Metric]:
        """The metrics whose names a choice lets through, sorted."""
        known = self._metrics if choice.name is None else {choice.name} & self._metrics.keys()
        for name in choice.names(known):
            yield self._metrics[name]

    def entity_ids(self, choice: Choice) -> list[int] | None:
        """Ids of the entities that a choice lets through; None for all."""
        key = tuple(each for each in choice.of_labels if each.name in ENTITY_LABELS)
        if key not in self._entity_ids:
            self._entity_ids[key] = self._found_ids(choice)
        return self._entity_ids[key]

    def _found_ids(self, choice: Choice) -> list[int] | None:
        self._refresh()
        conditions = [each for each in choice.on_labels if each[0] in ENTITY_LABELS]
        if not conditions:
            return None
        wanted = self._index.entities.table.fulfilling(conditions)
        return None if wanted.all() else self._index.entities.ids[wanted].tolist()

    def labels(
        self, metric: Metric, choice: Choice, entity_ids: IntArray, label_set_ids: IntArray
    ) -> tuple[IntArray, list[LabelSet]]:
        """Which of the pairs of ids a choice lets through, by position, and their labels.

        Conditions on entities have been looked at; those on ``le`` and ``quantile`` are not where
        the metric is read as percentiles.
        """
        self._refresh()
        conditions: Sequence[Condition] = choice.without(*ENTITY_LABELS)
        if metric.ranks:
            conditions = choice.without(*ENTITY_LABELS, BOUND, QUANTILE)
        sets = self._index.label_sets
        rows = np.arange(len(label_set_ids))
        if conditions:
            wanted = sets.table.fulfilling(conditions)
            rows = np.flatnonzero(wanted[sets.rows(label_set_ids)])
        return rows, self._index.labels(metric.name, entity_ids[rows], label_set_ids[rows])

    def samples(
        self,
        metric: Metric,
        choice: Choice,
        selection: Selection,
        tiers: TierChoice,
        budget: Budget,
    ) -> Iterator[Samples]:
        """Samples of a metric's series."""
        entity_ids = self.entity_ids(choice)
        if entity_ids == []:
            return
        tier = metric_tier(metric, selection, tiers)
        grid = self._grid(metric, entity_ids, tier, reach(selection, tier), budget)
        rows, labels = self.labels(metric, choice, grid.entity_id, grid.label_set_id)
        if not len(rows):
            return
        times = grid.minutes * MILLISECONDS_PER_MINUTE + tier.length_ms
        values = grid.values if len(rows) == len(grid.values) else grid.values[rows]
        if metric.ranks:
            part = ValueGrid(grid.entity_id[rows], grid.label_set_id[rows], grid.minutes, values)
            labels, values = _percentiles(metric, choice, part, labels)
        if labels:
            budget.take_series(len(labels))
            present = ~np.isnan(values)
            yield Samples(labels, times, values, present, None, interval_ms(tier.length_ms))

    def _grid(
        self,
        metric: Metric,
        entity_ids: list[int] | None,
        tier: Tier,
        range_ms: tuple[int, int],
        budget: Budget,
    ) -> ValueGrid:
        if tier is Tier.MINUTE:
            return minute_values(self._connection, metric.metric_id, entity_ids, range_ms, budget)
        return bucket_values(
            self._connection,
            metric.metric_id,
            entity_ids,
            tier,
            range_ms,
            combine=metric.combine or Combine.AVERAGE,
            budget=budget,
            known=self._minutes,
        )

    def _refresh(self) -> None:
        if not self._is_fresh:
            self._index.refresh(self._connection)
            self._is_fresh = True


def metric_tier(metric: Metric, selection: Selection, tiers: TierChoice) -> Tier:
    """The tier that a selection of a metric reads."""
    return tiers.of_metric(selection.function, None if metric.ranks else metric.combine)


def _percentiles(
    metric: Metric, choice: Choice, grid: ValueGrid, labels: Sequence[LabelSet]
) -> tuple[list[LabelSet], FloatArray]:
    made = []
    for histogram in histograms(grid, labels):
        rows = (
            bucket_rows(histogram)
            if metric.is_buckets
            else percentile_rows(histogram, metric.ranks)
        )
        made += [row for row in rows if _is_wanted(choice, row[0])]
    values = [row_values for _, row_values in made]
    return [row_labels for row_labels, _ in made], (
        np.array(values) if values else np.empty((0, len(grid.minutes)))
    )


def expanded_labels(metric: Metric, choice: Choice, labels: Sequence[LabelSet]) -> list[LabelSet]:
    """Labels of the series that the buckets of histograms with these labels are read as."""
    nothing = np.empty(0, np.int64)
    values = np.empty((len(labels), 0))
    grid = ValueGrid(nothing, nothing, nothing, values)
    return _percentiles(metric, choice, grid, labels)[0]


def _is_wanted(choice: Choice, labels: LabelSet) -> bool:
    given = dict(labels)
    return all(choice.wants(label, given.get(label, "")) for label in (BOUND, QUANTILE))
