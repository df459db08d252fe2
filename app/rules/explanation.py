"""What a metric's values in one minute are made of: explanations as data.

``app.rules.explaining`` makes them; nothing here computes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.catalog import SeriesIdentity
from app.labels import LabelSet
from app.mal import Combine, Entity, Labels
from app.rules.definitions import MetricDefinition


@dataclass(frozen=True, slots=True)
class ExplainedRule:
    """A rule, and the texts of its file that are part of its expression; empty where absent."""

    definition: MetricDefinition
    filter: str
    prefix: str
    suffix: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample of an intermediate family.

    ``weight`` is what an average weighs it by, None where it has none. ``left_out`` says why it
    does not count; it is empty where it does. ``earlier`` is the (milliseconds since the epoch,
    value) of the sample that ``rate`` and its like compare with.
    """

    labels: Labels
    value: float
    weight: float | None = None
    left_out: str = ""
    earlier: tuple[int, float] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an expression and the family behind it.

    ``inputs`` are numbers of earlier steps. ``family`` is how many samples the family has in this
    minute, of all entities; ``counted`` and ``left_out`` are how many of them belong to the value.
    ``samples`` are these, those that count first, the largest values first; they may be fewer than
    the totals say.
    """

    number: int
    text: str
    inputs: tuple[int, ...]
    family: int
    counted: int
    left_out: int
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class FamilyUse:
    """How a series enters a family: the statistic, and how several points of a minute combine."""

    family: str
    statistic: str
    within_minute: Combine


@dataclass(frozen=True, slots=True)
class SourceSeries:
    """A series with samples that belong to a value; ``left_out`` as in ``Sample``."""

    series_id: int
    identity: SeriesIdentity
    uses: tuple[FamilyUse, ...]
    left_out: str


@dataclass(frozen=True, slots=True)
class ExplainedValue:
    """A value, or the lack of one, of an entity and label set.

    ``value`` is None where no sample is left at the end. ``numerator`` and ``weight`` are None
    unless it is an average of known weight. ``combine`` is how several samples at the end of the
    steps became one value. ``overruled_by`` is the place of a later rule whose value stands.
    """

    rule: ExplainedRule
    entity: Entity
    labels: LabelSet
    value: float | None
    numerator: float | None
    weight: float | None
    combine: Combine
    steps: tuple[Step, ...]
    series: tuple[SourceSeries, ...]
    series_total: int
    overruled_by: str = ""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Percentiles of a histogram: the bucket's bound by rank, over the buckets of one label set.

    Bounds are milliseconds, infinity beyond the last one.
    """

    entity: Entity
    labels: LabelSet
    by_rank: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Loss:
    """Samples that end at a step, though their labels name what was asked for.

    ``samples`` are the first of ``total``.
    """

    rule: ExplainedRule
    step: str
    total: int
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that can be said of one metric in one minute, without what is stored.

    ``values`` are the first of ``total``, of the entities asked for. ``near`` are names of entities
    that have a value when those asked for have none. ``faults`` are errors of rules, and of
    closures that failed for a series.
    """

    rules: tuple[ExplainedRule, ...]
    values: tuple[ExplainedValue, ...]
    total: int
    percentiles: tuple[Percentiles, ...]
    losses: tuple[Loss, ...]
    near: tuple[Entity, ...]
    faults: tuple[str, ...]
