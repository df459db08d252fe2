"""Incidents: the times in ALARM as people are told of them, reconciled with what is known now.

Pure. What was told cannot be taken back, so incidents are a history of their own: they follow the
episodes, the times in ALARM that the standing transitions of one entity make, and each change
that people must hear of is one ``Change``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

FIRED = "fired"
RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Episode:
    """A time in ALARM; ``end_ms`` None while it goes on. ``reason`` and ``ended_reason`` say why.

    ``value`` is the newest datapoint at the start.
    """

    start_ms: int
    end_ms: int | None
    reason: str = ""
    ended_reason: str = ""
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """An incident as it is stored."""

    incident_id: int
    start_ms: int
    end_ms: int | None
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one incident.

    ``incident_id`` is None for one that opens. ``event`` is ``FIRED``, ``RECOVERED`` or None where
    people need not hear of it; at most one event for each incident, but that one that opens and is
    over has ``over_too``. ``episode`` is that which it follows; None where there is none any more.
    """

    incident_id: int | None
    start_ms: int
    end_ms: int | None
    withdrawn: bool
    event: str | None
    reason: str
    at_ms: int
    episode: Episode | None = None
    over_too: bool = False


def reconcile(
    told: Sequence[Told], episodes: Sequence[Episode], *, known_ms: int, frontier_ms: int
) -> list[Change]:
    """What is to change so that incidents agree with the episodes of an entity.

    An incident and an episode that overlap are the same; one that is open was known to go on until
    ``known_ms``. ``frontier_ms`` is up to when the episodes are known. Of several that hang
    together the last incident is what people know; earlier ones stay as they were told. Both are of
    one entity and in the order of their start; at most one incident is open. Afterwards exactly the
    last episode's incident is open if that goes on, and reconciling again changes nothing.
    """
    changes: list[Change] = []
    for incidents, of_group in _connected(told, episodes, known_ms):
        if not of_group:
            changes += _withdrawn(incidents, frontier_ms)
        elif not incidents:
            changes += [_opened(episode) for episode in of_group]
        else:
            changes += _followed(incidents, of_group)
    return changes


def _opened(episode: Episode) -> Change:
    return Change(
        None,
        episode.start_ms,
        episode.end_ms,
        withdrawn=False,
        event=FIRED,
        reason=episode.reason,
        at_ms=episode.start_ms,
        episode=episode,
        over_too=episode.end_ms is not None,
    )


def _withdrawn(incidents: Iterable[Told], frontier_ms: int) -> Iterable[Change]:
    reason = "Withdrawn: late or corrected data shows that there was no alarm"
    for incident in incidents:
        if incident.withdrawn:
            continue
        was_open = incident.end_ms is None
        end_ms = max(frontier_ms, incident.start_ms) if was_open else incident.end_ms
        yield Change(
            incident.incident_id,
            incident.start_ms,
            end_ms,
            withdrawn=True,
            event=RECOVERED if was_open else None,
            reason=reason,
            at_ms=max(frontier_ms, incident.start_ms),
        )


def _followed(incidents: Sequence[Told], episodes: Sequence[Episode]) -> Iterable[Change]:
    """The changes of incidents that hang together with episodes."""
    *earlier, last = incidents
    episode = episodes[-1]
    start_ms = last.start_ms if earlier else episodes[0].start_ms
    event, reason, at_ms = None, "", episode.start_ms
    if episode.end_ms is None and last.end_ms is not None:
        event = FIRED
        reason = f"Goes on after all, as late or corrected data shows: {episode.reason}"
    elif episode.end_ms is not None and last.end_ms is None:
        event, reason, at_ms = RECOVERED, episode.ended_reason, episode.end_ms
    now = Told(last.incident_id, start_ms, episode.end_ms)
    if now != last:
        yield Change(
            last.incident_id,
            start_ms,
            episode.end_ms,
            withdrawn=False,
            event=event,
            reason=reason,
            at_ms=at_ms,
            episode=episode,
        )


def _connected(
    told: Sequence[Told], episodes: Sequence[Episode], known_ms: int
) -> Iterable[tuple[list[Told], list[Episode]]]:
    """Incidents and episodes that overlap, directly or by way of others.

    A withdrawn incident is where it began, and nowhere else.
    """
    groups: list[tuple[list[Told], list[Episode]]] = []
    left = list(episodes)
    for incident in told:
        overlapping = [each for each in left if _overlap(incident, each, known_ms)]
        left = [each for each in left if not any(each is other for other in overlapping)]
        merged: tuple[list[Told], list[Episode]] = ([incident], overlapping)
        apart = []
        for group in groups:
            if any(_overlap(incident, each, known_ms) for each in group[1]):
                merged = (group[0] + merged[0], group[1] + merged[1])
            else:
                apart.append(group)
        groups = [*apart, merged]
    for incidents, of_group in groups:
        incidents.sort(key=lambda each: (each.start_ms, each.incident_id))
        of_group.sort(key=lambda each: each.start_ms)
    return [*groups, *(([], [episode]) for episode in left)]


def _overlap(incident: Told, episode: Episode, known_ms: int) -> bool:
    start_ms = incident.start_ms
    if start_ms == episode.start_ms:
        return True
    if start_ms < episode.start_ms:
        if incident.withdrawn:
            return False
        if incident.end_ms is None:
            return known_ms >= episode.start_ms
        return incident.end_ms > episode.start_ms
    return episode.end_ms is None or episode.end_ms > start_ms
