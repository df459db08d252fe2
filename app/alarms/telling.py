"""What people must hear of: the episodes of one rule's entities, reconciled with its incidents."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from app.alarms.entity_states import EntityStates
from app.alarms.evaluation import standing
from app.alarms.incidents import RECOVERED, Change, Episode, Told, reconcile
from app.alarms.judging import Transition
from app.alarms.rule_round import Outcome
from app.alarms.states import AlarmState
from app.labels import LabelSet
from app.storage import (
    Connection,
    IncidentRow,
    NewEvent,
    add_alarm_events,
    add_incident,
    read_incidents_of,
    read_transitions,
    update_incident,
)


@dataclass(frozen=True, slots=True)
class Telling:
    """One change of an incident, ready to be stored; ``channels`` are those of its rule."""

    change: Change
    incident: IncidentRow
    channels: tuple[str, ...]
    late: bool


def tellings(
    connection: Connection, of: EntityStates, outcome: Outcome, *, known_ms: int, frontier_ms: int
) -> list[Telling]:
    """What the outcome of a round changes of incidents, in the order of its times.

    Until ``known_ms`` had been evaluated before the round, until ``frontier_ms`` has been now.
    """
    found = defaultdict(list)
    for each in (*outcome.late, *outcome.new):
        if AlarmState.ALARM in (each.before, each.after):
            found[each.row].append(each)
    alarming = {
        row for row, gone in outcome.withdrawn if "ALARM" in (gone.from_state, gone.to_state)
    }
    corrected = outcome.corrected_rows
    rows = sorted(found.keys() | alarming)
    incidents = defaultdict(list)
    entities = [of.entities[row] for row in rows]
    channels = {}
    for incident, names in read_incidents_of(connection, of.rule.name, entities):
        incidents[incident.entity].append(incident)
        channels[incident.incident_id] = names
    made = []
    for row in rows:
        stored = incidents[of.entities[row]]
        if row in corrected:
            begin_ms = _changed_from(row, outcome)
            told = [each for each in stored if each.ended_ms is None or each.ended_ms >= begin_ms]
            begin_ms = min([begin_ms, *(each.started_ms for each in told if not each.withdrawn)])
            # What a withdrawn one has covered may have been told by others since.
            told = [each for each in told if not each.withdrawn or each.started_ms >= begin_ms]
            transitions = _standing_since(connection, of, row, outcome, begin_ms)
        else:
            told = [each for each in stored if each.ended_ms is None]
            transitions = found[row]
        episodes = list(_episodes(transitions, told))
        changes = reconcile(
            [_told(each) for each in told], episodes, known_ms=known_ms, frontier_ms=frontier_ms
        )
        by_id = {each.incident_id: each for each in told}
        for change in changes:
            late = row in corrected
            if change.incident_id is None:
                made.append(_opening(of, of.entities[row], change, late=late))
            else:
                names = channels[change.incident_id]
                made.append(_following(by_id[change.incident_id], change, names, late=late))
    return sorted(made, key=lambda each: (each.change.at_ms, each.incident.entity))


def store(connection: Connection, tellings: Iterable[Telling], recorded_ms: int) -> int:
    """Write incidents and their events; returns the number of events."""
    events = []
    for each in tellings:
        incident, change = each.incident, each.change
        if change.incident_id is None:
            incident_id = add_incident(connection, incident, each.channels)
            incident = replace(incident, incident_id=incident_id)
        else:
            update_incident(connection, incident)
        if change.event is not None:
            shown = replace(incident, ended_ms=None) if change.over_too else incident
            events.append(
                NewEvent(change.event, shown, change.at_ms, change.reason, each.late, each.channels)
            )
        if change.over_too and change.episode is not None and change.end_ms is not None:
            reason = change.episode.ended_reason
            events.append(
                NewEvent(RECOVERED, incident, change.end_ms, reason, each.late, each.channels)
            )
    add_alarm_events(connection, events, recorded_ms)
    return len(events)


def _changed_from(row: int, outcome: Outcome) -> int:
    """The time of the first change of a row's past."""
    return min(
        [each.at_ms for each in (*outcome.late, *outcome.new) if each.row == row]
        + [gone.at_ms for of, gone in outcome.withdrawn if of == row]
    )


def _standing_since(
    connection: Connection, of: EntityStates, row: int, outcome: Outcome, begin_ms: int
) -> list[Transition]:
    """The transitions of an entity that stand after the round, and the one in force before."""
    rule, entity = of.rule.name, of.entities[row]
    gone = {transition.transition_id for _, transition in outcome.withdrawn}
    stored = read_transitions(connection, rule=rule, entity=entity, start_ms=begin_ms)
    stored += read_transitions(connection, rule=rule, entity=entity, end_ms=begin_ms, limit=1)
    kept = [standing(row, each) for each in reversed(stored) if each.transition_id not in gone]
    new = [each for each in (*outcome.late, *outcome.new) if each.row == row]
    return sorted((*kept, *new), key=lambda each: each.at_ms)


def _episodes(transitions: Sequence[Transition], told: Sequence[IncidentRow]) -> Iterator[Episode]:
    """The times in ALARM; one that had begun before is that of the incident that is open."""
    began: Transition | None = None
    for each in transitions:
        if each.after is AlarmState.ALARM:
            began = each
        elif each.before is AlarmState.ALARM:
            if began is not None:
                yield _episode(began, each)
            else:
                for incident in told[-1:]:
                    yield Episode(incident.started_ms, each.at_ms, ended_reason=each.reason)
            began = None
    if began is not None:
        yield _episode(began, None)


def _episode(began: Transition, ended: Transition | None) -> Episode:
    end_ms = None if ended is None else ended.at_ms
    ended_reason = "" if ended is None else ended.reason
    return Episode(began.at_ms, end_ms, began.reason, ended_reason, began.value)


def _told(incident: IncidentRow) -> Told:
    return Told(incident.incident_id, incident.started_ms, incident.ended_ms, incident.withdrawn)


def _following(
    before: IncidentRow, change: Change, channels: tuple[str, ...], *, late: bool
) -> Telling:
    incident = replace(
        before,
        started_ms=change.start_ms,
        ended_ms=change.end_ms,
        withdrawn=change.withdrawn,
    )
    return Telling(change, incident, channels, late)


def _opening(of: EntityStates, entity: LabelSet, change: Change, *, late: bool) -> Telling:
    rule, episode = of.rule, change.episode
    # One that opens follows an episode.
    assert episode is not None  # noqa: S101
    effective = rule.for_entity(entity)
    severity = rule.severity if effective is None else effective.severity
    incident = IncidentRow(
        0,
        rule.name,
        entity,
        severity.value,
        rule.labels,
        change.start_ms,
        change.end_ms,
        change.withdrawn,
        rule.render(entity, episode.value, AlarmState.ALARM),
        episode.reason,
        episode.value,
    )
    return Telling(change, incident, rule.channels, late)


def endings(
    connection: Connection, rule: str, entities: Sequence[LabelSet], at_ms: int, reason: str
) -> list[Telling]:
    """What ends with a rule, or with the entities that it leaves out from now on."""
    made = []
    for incident, channels in read_incidents_of(connection, rule, entities):
        if incident.ended_ms is None:
            end_ms = max(at_ms, incident.started_ms)
            change = Change(
                incident.incident_id,
                incident.started_ms,
                end_ms,
                withdrawn=False,
                event=RECOVERED,
                reason=reason,
                at_ms=end_ms,
            )
            made.append(_following(incident, change, channels, late=False))
    return made
