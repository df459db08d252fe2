"""Values of a metric by entity and labels, over steps, as a reader of labels wants them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.mal import Combine
from app.mal.buckets import DEFAULT_BUCKET_LABEL
from app.query.matching import LabelPairs, has_labels
from app.query.metrics import combine_steps
from app.query.percentiles import PERCENTILE_LABEL, LabelledSeries, percentiles_of_buckets
from app.query.resolution import Resolution
from app.rules import MetricDefinition
from app.storage import Connection, check_limit, read_label_sets, read_values

_MOST_AT_ONCE = 500
_OF_HISTOGRAMS = frozenset({PERCENTILE_LABEL, DEFAULT_BUCKET_LABEL})


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric by name: its id if it has had values, its definition if a rule has it."""

    name: str
    metric_id: int | None
    definition: MetricDefinition | None

    @property
    def combine(self) -> Combine:
        """How its values combine over time."""
        return self.definition.combine if self.definition else Combine.AVERAGE

    @property
    def ranks(self) -> tuple[int, ...]:
        """The percentiles asked of a histogram; empty for other metrics."""
        return self.definition.percentiles if self.definition else ()

    def split(self, wanted: LabelPairs) -> tuple[LabelPairs, LabelPairs]:
        """Conditions on labels as stored, and those on labels that percentiles have in the end."""
        if not self.ranks:
            return wanted, ()
        before = tuple(pair for pair in wanted if pair[0] not in _OF_HISTOGRAMS)
        return before, tuple(pair for pair in wanted if pair[0] in _OF_HISTOGRAMS)


@dataclass(frozen=True, slots=True)
class NamedSeries:
    """Values of one metric, entity and label set; timestamps are the starts of the steps."""

    metric: str
    series: LabelledSeries


@dataclass(frozen=True, slots=True)
class ValueQuestion:
    """Values of some metrics over steps, of label sets that have ``labels``."""

    metrics: Sequence[Metric]
    resolution: Resolution
    end_ms: int
    step_ms: int
    labels: LabelPairs = ()
    most_points: int = 2_000_000


def read_series(
    connection: Connection,
    question: ValueQuestion,
    order: Mapping[int, int],
    entity_ids: Sequence[int] | None,
) -> list[NamedSeries]:
    """Series by metric, entity and labels; ``order`` has the place of each entity by its id.

    None means every entity. Raises ``ResultTooLarge`` when all metrics together have more rows
    than the question may read.
    """
    found: list[NamedSeries] = []
    rows = 0
    for metric in question.metrics:
        if metric.metric_id is None or not order:
            continue
        values = read_values(
            connection,
            metric.metric_id,
            entity_ids,
            question.resolution.start_ms,
            question.end_ms,
            limit=question.most_points,
            tier=question.resolution.tier,
        )
        rows += len(values)
        check_limit(rows, question.most_points)
        stepped = combine_steps(values, question.step_ms, metric.combine)
        labels = read_label_sets(connection, sorted({item.label_set_id for item in stepped}))
        before, after = metric.split(question.labels)
        series = [
            LabelledSeries(item.entity_id, labels[item.label_set_id], item.timestamps, item.values)
            for item in stepped
            if has_labels(labels[item.label_set_id], before)
        ]
        if metric.ranks:
            series = percentiles_of_buckets(series, metric.ranks)
            series = [item for item in series if has_labels(item.labels, after)]
        series.sort(key=lambda item: (order[item.entity_id], sorted(item.labels.items())))
        found += [NamedSeries(metric.name, item) for item in series]
    return found


def read_series_of_page(
    candidates: Sequence[int],
    most_entities: int,
    read: Callable[[Sequence[int]], list[NamedSeries]],
) -> tuple[list[NamedSeries], int | None]:
    """Series of the first ``most_entities`` candidates that have any, and the last one looked at.

    That is None when all candidates have been. Candidates are read some at a time, so that a page
    costs what it holds and not what is behind it.
    """
    found: list[NamedSeries] = []
    at, at_once = 0, most_entities
    entities = 0
    while at < len(candidates):
        chunk = candidates[at : at + at_once]
        series = read(chunk)
        having = {item.series.entity_id for item in series}
        ordered = [entity_id for entity_id in chunk if entity_id in having]
        missing = most_entities - entities
        if len(ordered) > missing:
            taken = set(ordered[:missing])
            found += [item for item in series if item.series.entity_id in taken]
            return found, ordered[missing - 1]
        found += series
        entities += len(ordered)
        at += len(chunk)
        if entities == most_entities:
            break
        if not ordered:
            at_once = min(max(2 * at_once, 1), max(_MOST_AT_ONCE, most_entities))
    return found, candidates[at - 1] if 0 < at < len(candidates) else None
