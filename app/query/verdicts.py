"""Judgements of an explanation: whether the stored value agrees, and why there is nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np

from app.catalog import SeriesIdentity
from app.clock import minute_text
from app.errors import similar
from app.mal import Entity
from app.query.entity_text import entity_text
from app.query.source_points import SourcePoints
from app.rules import Explainer, Explanation, Wanted
from app.rules.families import labels_of
from app.rules.losses import names_parts
from app.storage import Connection, newest_minute_of_series

_MOST_SERIES = 500
_SEARCHED_MINUTES = 1_440
_MOST_NAMES = 5


class Verdict(StrEnum):
    """How the value computed from the points and the stored one stand to each other."""

    AGREES = "agrees"
    WAITING = "waiting"
    DIFFERS = "differs"
    NOT_STORED = "not_stored"
    STORED_ONLY = "stored_only"
    OVERRULED = "overruled"
    NOTHING = "nothing"

    @property
    def text(self) -> str:
        """The verdict in words."""
        return _TEXTS[self]


_TEXTS = {
    Verdict.AGREES: "the stored value is the same to the last bit",
    Verdict.WAITING: (
        "points of this minute, or of one that a window looks back at, have arrived since it was"
        " evaluated; it waits to be evaluated again"
    ),
    Verdict.DIFFERS: (
        "the stored value is another, and the minute waits for nothing: the rule, or the catalogue"
        " of statistics, has changed since the minute was evaluated"
    ),
    Verdict.NOT_STORED: (
        "nothing is stored, and the minute waits for nothing: the rule is newer than the evaluation"
        " of the minute"
    ),
    Verdict.STORED_ONLY: (
        "stored, but the rules in force do not give it from the points there are: the rule is gone"
        " or has changed, or the points are no longer kept"
    ),
    Verdict.OVERRULED: "a later rule of the same metric gives this value, and that one stands",
    Verdict.NOTHING: "neither computed nor stored",
}


@dataclass(frozen=True, slots=True)
class StoredValue:
    """A value with what an average is made of; None where it is none."""

    value: float
    numerator: float | None
    weight: float | None

    @classmethod
    def of(cls, value: float, numerator: float, weight: float) -> "StoredValue":
        """From columns, in which NaN stands for absent."""
        return cls(value, *(None if np.isnan(number) else number for number in (numerator, weight)))


def verdict(computed: StoredValue | None, stored: StoredValue | None, *, dirty: bool) -> Verdict:
    """Compare the two; ``dirty`` says that the minute waits to be evaluated."""
    if computed == stored:
        return Verdict.NOTHING if computed is None else Verdict.AGREES
    if dirty:
        return Verdict.WAITING
    if stored is None:
        return Verdict.NOT_STORED
    return Verdict.STORED_ONLY if computed is None else Verdict.DIFFERS


@dataclass(frozen=True, slots=True)
class FamilyState:
    """What there is of a sample family that the rules name.

    ``series`` are all that give it, ``with_points`` those with a point in the minute, ``naming``
    those that seem to be of the entity asked for, ``naming_with_points`` both. ``newest`` is the
    newest minute, of the day that ends with the explained one, with a point of the first 500.
    """

    family: str
    series: int
    with_points: int
    naming: int
    naming_with_points: int
    newest: int | None


def family_states(
    connection: Connection,
    explainer: Explainer,
    identities: Mapping[int, SeriesIdentity],
    points: SourcePoints,
    wanted: Wanted,
) -> tuple[FamilyState, ...]:
    """The state of every family that the rules name."""
    minute = points.minute.minute
    present = set(points.minute.series_id.tolist())
    by_family: dict[str, list[int]] = {
        name: [] for rule in explainer.rules for name in rule.definition.families
    }
    families: dict[tuple[str, str, str], list[str]] = {}
    for number, identity in identities.items():
        key = identity.namespace, identity.metric, identity.kind
        if key not in families:
            families[key] = explainer.families_of(identity)
        for name in families[key]:
            by_family[name].append(number)
    states = []
    for name, series in by_family.items():
        naming = [i for i in series if names_parts(labels_of(identities[i]), wanted.parts)]
        looked_at = (naming or series)[:_MOST_SERIES]
        newest = newest_minute_of_series(
            connection, looked_at, max(0, minute - _SEARCHED_MINUTES), minute
        )
        states.append(
            FamilyState(
                name,
                len(series),
                len(present.intersection(series)),
                len(naming),
                len(present.intersection(naming)),
                newest,
            )
        )
    return tuple(states)


def deleted(minute: int, first_kept: int) -> Iterator[str]:
    """Why there is nothing of a minute that has been kept long enough."""
    if minute < first_kept:
        yield (
            f"minutes before {minute_text(first_kept)} have been deleted at the end of their time;"
            " /api/v1/metrics and /api/v1/statistics answer them in longer steps"
        )


def reasons(
    explanation: Explanation,
    families: Sequence[FamilyState],
    minute: int,
    wanted: Wanted,
    known: Sequence[Entity],
) -> tuple[str, ...]:
    """Why there is no value, in sentences, the likeliest reason first.

    ``known`` are all entities, if those asked for are not among them.
    """
    return tuple(_reasons(explanation, families, minute, wanted, known))


def _reasons(
    explanation: Explanation,
    families: Sequence[FamilyState],
    minute: int,
    wanted: Wanted,
    known: Sequence[Entity],
) -> Iterator[str]:
    if not explanation.rules:
        yield "no rule of this name is in force any more; what is stored was computed before"
    yield from (f"a rule or a closure failed: {fault}" for fault in explanation.faults)
    for name, asked in wanted.parts:
        values = sorted({getattr(entity, name) for entity in known})
        if asked is not None and known and asked not in values:
            yield f"no {name} is called {asked!r}{similar(asked, values, _MOST_NAMES)}"
    for state in families:
        yield from _of_family(state, minute)
    for value in explanation.values:
        lost = dict.fromkeys(s.left_out for step in value.steps for s in step.samples)
        yield from (f"a sample of it was left out: {reason}" for reason in lost if reason)
    for loss in explanation.losses:
        place = loss.rule.definition.place
        one = loss.total == 1
        seem, end = ("sample that seems", "ends") if one else ("samples that seem", "end")
        yield f"{loss.total} {seem} to belong to it {end} at {loss.step} ({place})"
    if explanation.near:
        names = ", ".join(entity_text(asdict(entity)) for entity in explanation.near)
        yield f"in this minute there are values of {names}"


def _of_family(state: FamilyState, minute: int) -> Iterator[str]:
    asked = state.naming or state.series
    present = state.naming_with_points if state.naming else state.with_points
    of_it = "of what was asked for " if 0 < state.naming < state.series else ""
    if not state.series:
        yield f"no series gives the family {state.family}"
    elif not present:
        when = "none in the day before either"
        if state.newest is not None:
            when = f"the newest before are of {minute_text(state.newest)}"
        yield (
            f"{state.family}: none of the {asked} series {of_it}has a point in"
            f" {minute_text(minute)}; {when}"
        )
    elif not state.naming:
        yield f"{state.family}: {present} series have points, but none names what was asked for"
