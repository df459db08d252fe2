"""Explanations of stored values: which minute, the points, and whether what is stored agrees."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.catalog import SeriesIdentity, StatisticCatalog
from app.clock import MILLISECONDS_PER_MINUTE
from app.errors import NotFound, similar
from app.labels import LabelSet
from app.mal import Entity
from app.query.source_points import SourcePoints, read_source_points
from app.query.verdicts import (
    FamilyState,
    StoredValue,
    Verdict,
    deleted,
    family_states,
    reasons,
    verdict,
)
from app.rules import ExplainedValue, Explainer, Explanation, RuleFile, Wanted
from app.storage import (
    Connection,
    SeriesFilter,
    Tier,
    is_marked,
    list_metrics,
    metric_ids,
    newest_minute,
    newest_minute_of_metric,
    read_kept,
    read_label_sets,
    read_values,
    search_entities,
    search_series,
)

LOOKBACK_MINUTES = 1_440
"""How far back the newest value is looked for when no time is given."""
_MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be explained; without a minute, the newest that has a value.

    ``limit`` bounds what is told, ``most_points`` what is read.
    """

    metric: str
    wanted: Wanted
    minute: int | None = None
    limit: int = 1_000
    most_points: int = 2_000_000


@dataclass(frozen=True, slots=True)
class StoredOnly:
    """A stored value that the rules in force do not give from the points of the minute."""

    entity: Entity
    labels: LabelSet
    stored: StoredValue
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Answer:
    """An explanation beside what is stored.

    ``searched`` is the first and last minute in which a value was looked for, if a minute had to
    be. ``stored`` and ``verdicts`` are of ``explanation.values``, in their order. ``families`` and
    ``reasons`` are told when there is no value.
    """

    question: Question
    minute: int
    searched: tuple[int, int] | None
    explanation: Explanation
    stored: tuple[StoredValue | None, ...]
    verdicts: tuple[Verdict, ...]
    stored_only: tuple[StoredOnly, ...]
    points: SourcePoints
    families: tuple[FamilyState, ...]
    reasons: tuple[str, ...]


def explain_metric(
    connection: Connection,
    files: Sequence[RuleFile],
    catalog: StatisticCatalog,
    question: Question,
) -> Answer:
    """Explain a metric's values of one minute, all read within one transaction.

    Raises ``NotFound`` for a metric that neither a rule nor a stored value knows, and when there
    is nothing stored at all; ``ResultTooLarge`` above ``most_points``.
    """
    explainer = Explainer(files, catalog, question.metric)
    ids = metric_ids(connection)
    metric_id = ids.get(question.metric)
    if not explainer.rules and metric_id is None:
        names = {*ids, *(rule.name for file in files for rule in file.rules)}
        raise unknown_metric(question.metric, names)
    entities = _entities(connection, question.wanted)
    minute, searched = _minute(connection, question, metric_id, entities)
    identities = _identities(connection, explainer)
    points = read_source_points(
        connection,
        list(identities),
        minute,
        explainer.lookback_minutes,
        limit=question.most_points,
    )
    explanation = explainer.explain(
        points.minute, points.earlier, identities, question.wanted, question.limit
    )
    stored = _stored(connection, metric_id, entities, minute, question)
    # A minute that windows look back at brings this one with it when it is evaluated.
    dirty = is_marked(connection, minute - explainer.lookback_minutes, minute)
    own = [_own(value, stored) for value in explanation.values]
    states: tuple[FamilyState, ...] = ()
    why: tuple[str, ...] = ()
    if not any(value.value is not None for value in explanation.values):
        states = family_states(connection, explainer, identities, points, question.wanted)
        why = (
            *deleted(minute, read_kept(connection)[Tier.MINUTE]),
            *reasons(explanation, states, minute, question.wanted, _known(connection, entities)),
        )
    return Answer(
        question,
        minute,
        searched,
        explanation,
        tuple(found for found, _ in own),
        tuple(
            Verdict.OVERRULED if value.overruled_by else verdict(computed, found, dirty=dirty)
            for value, (found, computed) in zip(explanation.values, own, strict=True)
        ),
        tuple(_stored_only(explanation, stored, dirty=dirty, limit=question.limit)),
        points,
        states,
        why,
    )


def _own(
    value: ExplainedValue, stored: Mapping[tuple[Entity, LabelSet], StoredValue]
) -> tuple[StoredValue | None, StoredValue | None]:
    """What is stored of a value, and what was computed, in the same form."""
    computed = None
    if value.value is not None:
        computed = StoredValue(value.value, value.numerator, value.weight)
    found = None if value.overruled_by else stored.get((value.entity, value.labels))
    return found, computed


def _stored_only(
    explanation: Explanation,
    stored: dict[tuple[Entity, LabelSet], StoredValue],
    *,
    dirty: bool,
    limit: int,
) -> list[StoredOnly]:
    if len(explanation.values) < explanation.total:
        # What was cut off cannot be told from what was not computed.
        return []
    told = {(value.entity, value.labels) for value in explanation.values}
    others = sorted((key for key in stored if key not in told), key=str)
    return [
        StoredOnly(*key, stored[key], verdict(None, stored[key], dirty=dirty))
        for key in others[:limit]
    ]


def _entities(connection: Connection, wanted: Wanted) -> dict[int, Entity] | None:
    """Entities that were asked for, by id; None for all."""
    if all(part is None for _, part in wanted.parts):
        return None
    return search_entities(
        connection,
        service=wanted.service,
        instance=wanted.instance,
        endpoint=wanted.endpoint,
        process=wanted.process,
        region=wanted.region,
        dest_service=wanted.dest_service,
        dest_instance=wanted.dest_instance,
        dest_process=wanted.dest_process,
    )


def _known(connection: Connection, entities: dict[int, Entity] | None) -> list[Entity]:
    """Entities to compare names with, when those asked for are not known at all."""
    return [] if entities is None or entities else [*search_entities(connection).values()]


def _minute(
    connection: Connection,
    question: Question,
    metric_id: int | None,
    entities: dict[int, Entity] | None,
) -> tuple[int, tuple[int, int] | None]:
    """The minute to explain, and the range in which a value was looked for if it was not given."""
    if question.minute is not None:
        return question.minute, None
    last = newest_minute(connection, "metric_value")
    with_points = newest_minute(connection, "point")
    if last is None and with_points is None:
        raise NotFound("there are no points yet, and so nothing to explain")
    last = with_points if last is None else last
    assert last is not None  # noqa: S101 - one of them is there
    first = max(0, last - LOOKBACK_MINUTES + 1)
    found = None
    if metric_id is not None:
        of = None if entities is None else list(entities)
        found = newest_minute_of_metric(connection, metric_id, of, first, last)
    if found is None:
        found = last if with_points is None else with_points
    return found, (first, last)


def _identities(connection: Connection, explainer: Explainer) -> dict[int, SeriesIdentity]:
    """The series that have samples of the rules' families, in the order of their identity."""
    wanted: dict[tuple[str, str], set[str]] = {}
    for namespace, metric, kind in list_metrics(connection):
        if explainer.families_of(SeriesIdentity("", "", namespace, metric, (), "", kind)):
            wanted.setdefault((namespace, metric), set()).add(kind)
    return {
        number: identity
        for (namespace, metric), kinds in wanted.items()
        for number, identity in search_series(connection, SeriesFilter(namespace, metric))
        if identity.kind in kinds
    }


def _stored(
    connection: Connection,
    metric_id: int | None,
    entities: dict[int, Entity] | None,
    minute: int,
    question: Question,
) -> dict[tuple[Entity, LabelSet], StoredValue]:
    if metric_id is None or entities == {}:
        return {}
    start_ms = minute * MILLISECONDS_PER_MINUTE
    values = read_values(
        connection,
        metric_id,
        None if entities is None else list(entities),
        start_ms,
        start_ms + MILLISECONDS_PER_MINUTE,
        limit=question.most_points,
    )
    by_id = search_entities(connection) if entities is None else entities
    labels = read_label_sets(connection, sorted(set(values.label_set_id.tolist())))
    columns = (values.entity_id, values.label_set_id, values.value, values.numerator, values.weight)
    return {
        (by_id[entity], tuple(labels[label_set].items())): StoredValue.of(*numbers)
        for entity, label_set, *numbers in zip(*(c.tolist() for c in columns), strict=True)
    }


def unknown_metric(name: str, known: Iterable[str]) -> NotFound:
    """The error for a metric that neither a rule nor a stored value has; it tells near names."""
    hint = similar(name, sorted(known), _MOST_NAMES) or "; /api/v1/metrics lists all"
    return NotFound(f"there is no metric {name}{hint}")
