"""What is sent, decided: incidents at channels, events and the time in, notifications out; pure.

An incident at a channel is *to be told* from its firing, *told* once a notification of it is in the
outbox, and gone with that of its recovery. So every firing that is sent has one recovery, and no
recovery is sent alone. Silences and quiet hours hold firings and repetitions, never a recovery.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

import msgspec

from app.alarms.alerts import Alert, Kind, Notification
from app.alarms.incidents import FIRED
from app.alarms.notifications.quiet_hours import are_quiet
from app.alarms.notifications.routing import (
    Routing,
    group_key_of,
    group_labels,
    labels_of_group,
    recipients,
)

MOST_ALERTS = 500
"""Alerts of one notification; more of them make more notifications."""

LOOK_AGAIN_MS = 5_000
"""While something is held, how long until it is looked at again."""

_DIGEST_BYTES = 16

Silenced = Callable[[Alert, int], bool]
"""Whether an alert is silenced at a time of the wall clock in milliseconds."""


@dataclass(frozen=True, slots=True)
class Told:
    """An incident at a channel; times as in ``app.storage.routed.RoutedRow``."""

    channel: str
    alert: Alert
    group_key: str
    fired_ms: int
    ended_ms: int | None = None
    first_told_ms: int | None = None
    last_told_ms: int | None = None
    flushed_ms: int | None = None
    acknowledged_ms: int | None = None

    @property
    def id(self) -> tuple[str, int]:
        """Channel and incident."""
        return self.channel, self.alert.incident_id


@dataclass(frozen=True, slots=True)
class Event:
    """A firing or a recovery, with the channels that the rule names, and when it was recorded."""

    event_id: int
    kind: str
    alert: Alert
    channels: tuple[str, ...]
    recorded_ms: int


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides beside events: the time, the channels, silences and acknowledgements.

    ``acknowledged`` has the time of each incident's acknowledgement. ``waiting`` are channel and
    group of what is in the outbox and has not been sent. ``last_event_id`` is the last event that
    was ever dispatched.
    """

    now_ms: int
    routings: Mapping[str, Routing]
    silenced: Silenced = lambda *_: False
    acknowledged: Mapping[int, int] = field(default_factory=dict)
    waiting: Collection[tuple[str, str]] = ()
    last_event_id: int = 0


@dataclass(slots=True)
class Decision:
    """What is to be stored: incidents at channels that changed or are gone, and notifications.

    ``untold`` counts incidents that ended while they were held. ``unknown`` are rules with
    channels that do not exist. ``next_ms`` is when there may be more to decide without any event;
    None when there is not.
    """

    changed: list[Told] = field(default_factory=list)
    gone: list[tuple[str, int]] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    untold: int = 0
    unknown: set[tuple[str, str]] = field(default_factory=set)
    next_ms: int | None = None

    def look_at(self, at_ms: int) -> None:
        """Have it decided again at a time, or earlier."""
        self.next_ms = at_ms if self.next_ms is None else min(self.next_ms, at_ms)


def decide(told: Iterable[Told], events: Sequence[Event], situation: Situation) -> Decision:
    """What follows from events, which are ascending, and from the time."""
    before = {each.id: each for each in told}
    decision = Decision()
    after = dict(before)
    channels_of: dict[int, set[str]] = {}
    for channel, incident_id in before:
        channels_of.setdefault(incident_id, set()).add(channel)
    for event in events:
        told_to = channels_of.setdefault(event.alert.incident_id, set())
        if event.kind == FIRED:
            _fire(event, told_to, after, situation, decision)
        else:
            _end(event, told_to, after)
    groups: dict[tuple[str, str], list[Told]] = {}
    for each in after.values():
        groups.setdefault((each.channel, each.group_key), []).append(each)
    last_event_id = max([situation.last_event_id, *(event.event_id for event in events)])
    for (channel, group_key), members in sorted(groups.items()):
        routing = situation.routings.get(channel)
        if routing is None:
            _without_channel(members, after, decision)
            continue
        group = _Group(channel, group_key, routing, members, situation, decision, last_event_id)
        for each, now in group.flushed():
            if now is None:
                del after[each.id]
            else:
                after[now.id] = now
    decision.changed = [each for key, each in after.items() if before.get(key) != each]
    decision.gone = [key for key in before if key not in after]
    return decision


def _fire(
    event: Event,
    told_to: set[str],
    after: dict[tuple[str, int], Told],
    situation: Situation,
    decision: Decision,
) -> None:
    alert = event.alert
    found = recipients(situation.routings, alert, event.channels)
    decision.unknown |= {(alert.alarm, name) for name in found.unknown}
    for channel in told_to:
        # Where its recovery has not been told yet, it just goes on.
        each = after[channel, alert.incident_id]
        after[each.id] = replace(each, alert=alert, ended_ms=None)
    for channel in found.channels:
        if channel not in told_to:
            told_to.add(channel)
            group_key = group_key_of(group_labels(situation.routings[channel], alert))
            each = Told(channel, alert, group_key, event.recorded_ms)
            after[each.id] = each


def _end(event: Event, told_to: set[str], after: dict[tuple[str, int], Told]) -> None:
    for channel in told_to:
        each = after[channel, event.alert.incident_id]
        if each.ended_ms is None:
            after[each.id] = replace(each, alert=event.alert, ended_ms=event.recorded_ms)


def _without_channel(
    members: list[Told], after: dict[tuple[str, int], Told], decision: Decision
) -> None:
    """The channel is gone from the file; what it was told stays, in case that it comes back."""
    for each in members:
        if each.first_told_ms is None and each.ended_ms is not None:
            decision.untold += 1
            del after[each.id]


@dataclass(slots=True)
class _Group:
    """Incidents that a channel is told of together."""

    channel: str
    group_key: str
    routing: Routing
    members: list[Told]
    situation: Situation
    decision: Decision
    last_event_id: int

    def flushed(self) -> Iterable[tuple[Told, Told | None]]:
        """Members that change, each with what it becomes, None for gone; notifications are made."""
        now_ms = self.situation.now_ms
        state = {each.id: each for each in self.members}
        for each in self.members:
            if each.first_told_ms is not None or each.ended_ms is None:
                continue
            # Also when this is decided later than it ought to be.
            if self._held(each, each.ended_ms) or self._held(each, now_ms):
                self.decision.untold += 1
                del state[each.id]
        new = [
            each
            for each in state.values()
            if each.first_told_ms is None and not self._held(each, now_ms)
        ]
        over = [
            each
            for each in state.values()
            if each.first_told_ms is not None and each.ended_ms is not None
        ]
        told = False
        if new or over:
            due_ms = self._due_ms(new, over)
            if due_ms <= now_ms:
                told = True
                self._tell(new, over, state)
            else:
                self.decision.look_at(due_ms)
        told = self._repeat(state) or told
        self._acknowledge(state)
        if told:
            state = {key: replace(each, flushed_ms=now_ms) for key, each in state.items()}
        if any(each.first_told_ms is None for each in state.values()):
            self.decision.look_at(now_ms + LOOK_AGAIN_MS)
        return [
            (each, state.get(each.id)) for each in self.members if state.get(each.id) is not each
        ]

    def _held(self, each: Told, at_ms: int) -> bool:
        alert = each.alert
        return are_quiet(self.routing.quiet_hours, alert.severity, at_ms) or (
            self.situation.silenced(alert, at_ms)
        )

    def _due_ms(self, new: list[Told], over: list[Told]) -> int:
        wait_ms = min((each.fired_ms for each in new), default=0) + self.routing.group_wait_ms
        flushed = [each.flushed_ms for each in self.members if each.flushed_ms is not None]
        if not flushed:
            return wait_ms
        interval_ms = max(flushed) + self.routing.group_interval_ms
        # A recovery does not wait for what begins just now.
        return interval_ms if over else max(interval_ms, wait_ms)

    def _tell(self, new: list[Told], over: list[Told], state: dict[tuple[str, int], Told]) -> None:
        now_ms = self.situation.now_ms
        open_before = sum(
            each.first_told_ms is not None and each.ended_ms is None for each in state.values()
        )
        # Told as it was when it fired, an incident is not told to be over at the same time.
        self._add(Kind.FIRING, [_as_open(each) for each in new], still_open=open_before)
        for each in new:
            state[each.id] = replace(each, first_told_ms=now_ms, last_told_ms=now_ms)
        ended = over + [each for each in new if each.ended_ms is not None]
        still_open = open_before + sum(each.ended_ms is None for each in new)
        self._add(Kind.RECOVERED, [each.alert for each in ended], still_open=still_open)
        for each in ended:
            del state[each.id]

    def _repeat(self, state: dict[tuple[str, int], Told]) -> bool:
        now_ms, interval_ms = self.situation.now_ms, self.routing.repeat_interval_ms
        if not interval_ms:
            return False
        due = {
            each.id: each.last_told_ms
            for each in state.values()
            if each.last_told_ms is not None
            and each.ended_ms is None
            and not self._is_acknowledged(each)
        }
        if not due:
            return False
        # What the receiver has not got yet is not repeated.
        is_waiting = (self.channel, self.group_key) in self.situation.waiting
        eligible = [state[key] for key in due if not self._held(state[key], now_ms)]
        at_ms = min(due[each.id] for each in eligible) + interval_ms if eligible else now_ms
        if is_waiting or not eligible or at_ms > now_ms:
            self.decision.look_at(max(at_ms, now_ms + LOOK_AGAIN_MS))
            return False
        self._add(Kind.REPEATED, [each.alert for each in eligible])
        for each in eligible:
            state[each.id] = replace(each, last_told_ms=now_ms)
        self.decision.look_at(now_ms + interval_ms)
        return True

    def _acknowledge(self, state: dict[tuple[str, int], Told]) -> None:
        if not self.routing.tells_acknowledgements:
            return
        for each in list(state.values()):
            if each.first_told_ms is None or not self._is_acknowledged(each):
                continue
            if each.acknowledged_ms is None:
                self._add(Kind.ACKNOWLEDGED, [each.alert])
                state[each.id] = replace(each, acknowledged_ms=self.situation.now_ms)

    def _is_acknowledged(self, each: Told) -> bool:
        """An acknowledgement is of one firing, and not of the next one of the same incident."""
        return self.situation.acknowledged.get(each.alert.incident_id, -1) >= each.fired_ms

    def _add(self, kind: Kind, alerts: list[Alert], *, still_open: int = 0) -> None:
        for start in range(0, len(alerts), MOST_ALERTS):
            part = tuple(alerts[start : start + MOST_ALERTS])
            self.decision.notifications.append(
                Notification(
                    key=self._key(kind, part),
                    channel=self.channel,
                    kind=kind,
                    group_key=self.group_key,
                    group_labels=labels_of_group(self.group_key),
                    alerts=part,
                    created_ms=self.situation.now_ms,
                    still_open=still_open,
                )
            )

    def _key(self, kind: Kind, alerts: Sequence[Alert]) -> str:
        incidents = [alert.incident_id for alert in alerts]
        parts = [self.channel, kind, self.group_key, incidents]
        content = msgspec.json.encode([*parts, self.situation.now_ms, self.last_event_id])
        return blake2b(content, digest_size=_DIGEST_BYTES).hexdigest()


def _as_open(each: Told) -> Alert:
    return replace(each.alert, ended_ms=None, withdrawn=False, recovery="")
