"""Whoever is told of an alarm is told once, and once that it is over, whatever happens between."""

from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from app.alarms.alerts import (
    Alert,
    Kind,
    Notification,
    read_notification,
    written,
)
from app.alarms.notifications.deciding import Decision, Event, Situation, Told, decide
from app.alarms.notifications.quiet_hours import QuietHours, are_quiet
from app.alarms.notifications.routing import SEVERITIES, Routing
from tests.fixtures.alerts import START_MS, alert

INCIDENTS = 4
EVERY_DAY = frozenset(range(7))

_waits = st.sampled_from([0, 30_000, 300_000])
_minutes = st.integers(0, 24).map(lambda hour: hour * 60)


@st.composite
def _routings(draw: st.DrawFn) -> Routing:
    quiet = QuietHours(
        EVERY_DAY,
        draw(_minutes),
        draw(_minutes),
        ZoneInfo("Europe/Berlin"),
        frozenset(draw(st.sets(st.sampled_from(SEVERITIES)))),
    )
    return Routing(
        severities=frozenset(draw(st.sets(st.sampled_from(SEVERITIES), min_size=1))),
        group_by=draw(st.sampled_from([("alarm",), ("incident",), ()])),
        group_wait_ms=draw(_waits),
        group_interval_ms=draw(_waits),
        repeat_interval_ms=draw(st.sampled_from([0, 600_000])),
        quiet_hours=(quiet,) if draw(st.booleans()) else (),
        tells_acknowledgements=draw(st.booleans()),
    )


_steps = st.one_of(
    st.tuples(st.just("fire"), st.integers(1, INCIDENTS)),
    st.tuples(st.just("end"), st.integers(1, INCIDENTS)),
    st.tuples(st.just("acknowledge"), st.integers(1, INCIDENTS)),
    st.tuples(st.just("silence"), st.integers(1, INCIDENTS)),
    st.tuples(st.just("advance"), st.sampled_from([1_000, 45_000, 400_000, 7_200_000])),
    st.tuples(st.just("dispatch"), st.just(0)),
    st.tuples(st.just("lose"), st.integers(0, 1)),
)


@dataclass
class World:
    """What a database holds, and what was sent."""

    routings: dict[str, Routing]
    now_ms: int = START_MS
    told: dict[tuple[str, int], Told] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    dispatched: int = 0
    open: set[int] = field(default_factory=set)
    silences: list[tuple[int, int, int]] = field(default_factory=list)
    acknowledged: dict[int, int] = field(default_factory=dict)
    sent: list[Notification] = field(default_factory=list)

    def event(self, kind: str, incident: int) -> None:
        ended = None if kind == "fired" else self.now_ms
        about = alert(incident, severity=SEVERITIES[incident % 3], ended_ms=ended)
        event_id = self.dispatched + len(self.events) + 1
        self.events.append(Event(event_id, kind, about, (), self.now_ms))

    def silenced(self, about: Alert, at_ms: int) -> bool:
        return any(
            incident == about.incident_id and start <= at_ms < end
            for incident, start, end in self.silences
        )

    def decision(self) -> Decision:
        situation = Situation(
            self.now_ms,
            self.routings,
            silenced=self.silenced,
            acknowledged=self.acknowledged,
            last_event_id=self.dispatched,
        )
        return decide(list(self.told.values()), self.events, situation)

    def dispatch(self) -> None:
        decision = self.decision()
        assert decision.next_ms is None or decision.next_ms > self.now_ms
        for sent in decision.notifications:
            held = [about for about in sent.alerts if self.is_held(sent.channel, about)]
            assert not held or sent.kind in {Kind.RECOVERED, Kind.ACKNOWLEDGED}
            self.sent.append(read_notification(written(sent)))
        for key in decision.gone:
            del self.told[key]
        for each in decision.changed:
            self.told[each.id] = replace(each)
        self.dispatched += len(self.events)
        self.events.clear()

    def is_held(self, channel: str, about: Alert) -> bool:
        quiet = self.routings[channel].quiet_hours
        return are_quiet(quiet, about.severity, self.now_ms) or self.silenced(about, self.now_ms)

    def step(self, name: str, number: int) -> None:
        match name:
            case "fire" if number not in self.open:
                self.open.add(number)
                self.event("fired", number)
            case "end" if number in self.open:
                self.open.remove(number)
                self.event("recovered", number)
            case "acknowledge":
                self.acknowledged[number] = self.now_ms
            case "silence":
                self.silences.append((number, self.now_ms, self.now_ms + 1_800_000))
            case "advance":
                self.now_ms += number
            case "dispatch":
                self.dispatch()
            case "lose":
                # The process is killed between deciding and committing: as if it had not been.
                self.decision()


def is_always(hours: QuietHours) -> bool:
    return hours.begin == hours.end or (hours.begin, hours.end) == (0, 1_440)


def check(world: World) -> None:
    assert len({sent.key for sent in world.sent}) == len(world.sent)
    for channel in world.routings:
        for incident in range(1, INCIDENTS + 1):
            kinds = [
                sent.kind
                for sent in world.sent
                for about in sent.alerts
                if sent.channel == channel and about.incident_id == incident
            ]
            is_told = False
            for kind in kinds:
                if kind is Kind.FIRING:
                    assert not is_told, kinds
                    is_told = True
                else:
                    assert is_told, kinds
                    is_told = kind is not Kind.RECOVERED
            assert is_told == (
                incident in world.open
                and (channel, incident) in world.told
                and world.told[channel, incident].first_told_ms is not None
            )


@settings(max_examples=150, deadline=None)
@given(st.lists(_routings(), min_size=1, max_size=2), st.lists(_steps, max_size=40))
def test_every_firing_that_is_sent_is_followed_by_one_recovery(
    routings: list[Routing], steps: list[tuple[str, int]]
) -> None:
    world = World({f"channel-{number}": routing for number, routing in enumerate(routings)})
    for name, number in steps:
        world.step(name, number)
    # What is open now is told as soon as nothing holds it, and its end when it ends.
    world.dispatch()
    for _ in range(60):
        world.now_ms += 1_800_000
        world.dispatch()
    for name, routing in world.routings.items():
        for incident in world.open:
            about = alert(incident, severity=SEVERITIES[incident % 3])
            always = any(is_always(hours) for hours in routing.quiet_hours)
            if routing.takes(about) and not always:
                assert world.told[name, incident].first_told_ms is not None
    check(world)
    for incident in sorted(world.open):
        world.step("end", incident)
    for _ in range(60):
        world.now_ms += 1_800_000
        world.dispatch()
    assert world.told == {}
    check(world)


@settings(max_examples=60, deadline=None)
@given(_routings(), st.lists(_steps, max_size=25))
def test_deciding_twice_or_in_another_process_gives_the_same(
    routing: Routing, steps: list[tuple[str, int]]
) -> None:
    first, second = World({"ops": routing}), World({"ops": routing})
    for name, number in steps:
        first.step(name, number)
        second.decision()
        second.step(name, number)
    assert first.sent == second.sent
