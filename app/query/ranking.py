"""The highest and lowest values of a metric over a whole range of time, also by groups.

All values of an entity and label set, or of a group of such, are combined at once by the metric's
own rule: sums add, maxima take the maximum, averages are the quotient of the sums of what they are
made of. Nothing that was combined before is averaged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.arrays import BoolArray, FloatArray, IntArray
from app.errors import InvalidParameter
from app.mal import Combine, Entity
from app.mal.buckets import DEFAULT_BUCKET_LABEL
from app.pipeline.combining import combine_values, neighbours
from app.query.labelled import Metric
from app.query.matching import LabelPairs, has_labels
from app.query.percentiles import LabelledSeries, percentiles_of_buckets
from app.storage import ValueRange

ENTITY_PARTS = (
    "layer",
    "service",
    "instance",
    "endpoint",
    "process",
    "region",
    "dest_service",
    "dest_instance",
    "dest_process",
)
"""What entities can be grouped by."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """Parts of entities and names of labels; values of equal ones are combined."""

    parts: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranked:
    """A value over the whole range: of an entity, or of a group, which has ``parts`` instead.

    ``series`` is how many pairs of entity and label set it was combined of.
    """

    entity: Entity | None
    parts: Mapping[str, str]
    labels: Mapping[str, str]
    value: float
    series: int
    last_bound: float | None = None


@dataclass(frozen=True, slots=True)
class _Group:
    entity_id: int | None
    parts: tuple[tuple[str, str], ...]
    labels: tuple[tuple[str, str], ...]


def parse_grouping(parameter: str, texts: Sequence[str]) -> Grouping:
    """Names of parts, and of labels as ``label:Name``. Raises ``InvalidParameter``."""
    parts, labels = [], []
    for text in dict.fromkeys(texts):
        kind, separator, name = text.partition(":")
        if separator and kind == "label" and name:
            labels.append(name)
        elif text in ENTITY_PARTS:
            parts.append(text)
        else:
            raise InvalidParameter(
                parameter,
                f"{text!r} is nothing to group by; there are {', '.join(ENTITY_PARTS)},"
                " and label:Name for a label",
            )
    return Grouping(tuple(parts), tuple(labels))


def rank_values(
    metric: Metric,
    values: ValueRange,
    entities: Mapping[int, Entity],
    label_sets: Mapping[int, Mapping[str, str]],
    *,
    wanted: LabelPairs,
    grouping: Grouping | None,
    ascending: bool,
) -> list[Ranked]:
    """All values over the range, the highest first, or the lowest; equal ones by what they are of.

    ``entities`` are in their order. Raises ``InvalidParameter`` for ``by`` where the metric's
    values of several series do not combine exactly.
    """
    before, after = metric.split(wanted)
    series = neighbours(values.entity_id, values.label_set_id)
    firsts = series.first_row
    place = {entity_id: number for number, entity_id in enumerate(entities)}
    groups = [
        _group(metric, grouping, entity_id, entities[entity_id], labels)
        if has_labels(labels := label_sets[label_set_id], before)
        else None
        for entity_id, label_set_id in zip(
            values.entity_id[firsts].tolist(), values.label_set_id[firsts].tolist(), strict=True
        )
    ]
    ordered = sorted(
        {group for group in groups if group is not None},
        key=lambda g: (-1 if g.entity_id is None else place[g.entity_id], g.parts, g.labels),
    )
    number = {group: position for position, group in enumerate(ordered)}
    of_series = np.array([-1 if g is None else number[g] for g in groups], np.int64)
    sizes = np.bincount(of_series[of_series >= 0], minlength=len(ordered))
    combined = _combined(metric, values, of_series[series.of_row], sizes)
    ranked = [
        Ranked(
            None if group.entity_id is None else entities[group.entity_id],
            dict(group.parts),
            dict(group.labels),
            value,
            size,
        )
        for group, value, size in zip(ordered, combined.tolist(), sizes.tolist(), strict=True)
    ]
    if metric.ranks:
        ranked = [item for item in _percentiles(metric, ranked) if has_labels(item.labels, after)]
    return _sorted(ranked, ascending=ascending)


def _group(
    metric: Metric,
    grouping: Grouping | None,
    entity_id: int,
    entity: Entity,
    labels: Mapping[str, str],
) -> _Group:
    if grouping is None:
        return _Group(entity_id, (), tuple(sorted(labels.items())))
    kept = grouping.labels
    if metric.ranks and DEFAULT_BUCKET_LABEL in labels:
        # Buckets of equal bounds add up; percentiles are read from the sums.
        kept = (*kept, DEFAULT_BUCKET_LABEL)
    return _Group(
        None,
        tuple((part, str(getattr(entity, part))) for part in grouping.parts),
        tuple((name, labels.get(name, "")) for name in dict.fromkeys(kept)),
    )


def _combined(metric: Metric, values: ValueRange, of_row: IntArray, sizes: IntArray) -> FloatArray:
    """Values by group; rows of group -1 are left out."""
    kept = of_row >= 0
    together: BoolArray = np.append(sizes > 1, False)[of_row] & kept
    if together.any():
        _check_exact(metric, values, together)
    order = np.flatnonzero(kept)
    # Within a group in the order of time, for what takes the latest.
    order = order[np.lexsort((values.minute[order], of_row[order]))]
    taken = ValueRange(
        values.entity_id[order],
        values.label_set_id[order],
        values.minute[order],
        values.value[order],
        values.numerator[order],
        values.weight[order],
        values.minutes[order],
    )
    if not len(taken):
        return np.empty(0, np.float64)
    return combine_values(taken, neighbours(of_row[order]), metric.combine).value


def _check_exact(metric: Metric, values: ValueRange, together: BoolArray) -> None:
    if metric.combine is Combine.LATEST:
        raise InvalidParameter(
            "by", f"{metric.name} is the latest value of each series; of several there is none"
        )
    if metric.combine is Combine.AVERAGE and np.isnan(values.weight[together]).any():
        raise InvalidParameter(
            "by",
            f"{metric.name} has averages without weights, and averages of averages would be wrong;"
            " leave `by` out, or group so that no two series meet",
        )


def _percentiles(metric: Metric, buckets: Sequence[Ranked]) -> list[Ranked]:
    """Percentiles of the histograms whose buckets these are, in their order."""
    owners: dict[tuple[Entity | None, tuple[tuple[str, str], ...]], int] = {}
    of_owner: dict[int, Ranked] = {}
    series = []
    for bucket in buckets:
        owner = owners.setdefault((bucket.entity, tuple(bucket.parts.items())), len(owners))
        of_owner[owner] = bucket
        at = np.zeros(1, np.int64)
        series.append(LabelledSeries(owner, bucket.labels, at, np.array([bucket.value])))
    counted: dict[tuple[int, tuple[tuple[str, str], ...]], int] = {}
    for bucket, item in zip(buckets, series, strict=True):
        key = item.entity_id, _without_bound(bucket.labels)
        counted[key] = counted.get(key, 0) + bucket.series
    return [
        Ranked(
            of_owner[item.entity_id].entity,
            of_owner[item.entity_id].parts,
            item.labels,
            float(item.values[0]),
            counted[item.entity_id, _without_bound(item.labels)],
            item.last_bound,
        )
        for item in percentiles_of_buckets(series, metric.ranks)
    ]


def _without_bound(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(pair for pair in labels.items() if pair[0] not in ("le", "p")))


def _sorted(ranked: Sequence[Ranked], *, ascending: bool) -> list[Ranked]:
    """By value, equal ones in the order given; what is no number is left out."""
    numbers = [item for item in ranked if not np.isnan(item.value)]
    return sorted(numbers, key=lambda item: item.value if ascending else -item.value)
