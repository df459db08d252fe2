"""Scenarios of the simulator: each fires exactly its alarms, once, and recovers once.

All of them take place at once in one house, each in an account of its own, on both engines, with
deliveries in order and in a mess. What stands in the end follows from the stored data alone.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from app.alarms import AlarmRules, load_alarm_rules, read_datapoints
from app.alarms.judging import judge
from app.alarms.states import AlarmState
from app.query.prometheus import PrometheusData
from app.settings import DEFAULT_ALARM_RULES
from app.simulator.scenarios import SCENARIOS, Answer
from app.storage import (
    AlarmEvent,
    TransitionRow,
    read_alarm_events,
    read_alarm_frontier,
    read_incidents,
    read_transitions,
)
from tests.fixtures.house import House, house
from tests.fixtures.scenarios import (
    MINUTE_MS,
    START_MS,
    Play,
    Request,
    deliver,
    disordered,
    in_order,
)

SHIPPED = load_alarm_rules(DEFAULT_ALARM_RULES)
OF_THE_STREAM = replace(
    SHIPPED, rules=tuple(rule for rule in SHIPPED.rules if rule.name.startswith("MetricStream"))
)
PLAYS = tuple(Play(name) for name in SCENARIOS)
# What the slowest alarm takes to fire or to recover after the data shows it: its own window.
WINDOW_MS = 20 * MINUTE_MS

Entity = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Told:
    """What people were told of one account, and what stands in its history."""

    events: list[AlarmEvent]
    withdrawn: set[int]

    def of(self, entity: Entity) -> list[AlarmEvent]:
        """The events of an alarm and an entity, in the order in which they were told."""
        return [event for event in self.events if _entity(event) == entity]


def _entity(event: AlarmEvent) -> Entity:
    labels = dict(event.incident.entity)
    return event.incident.rule, tuple(
        sorted((k, v) for k, v in labels.items() if k not in {"account", "region"})
    )


def _perform(home: House, requests: Sequence[Request]) -> None:
    def work() -> None:
        home.evaluator.evaluate_dirty()
        home.alarms.run()

    deliver(home, requests, work)


def _told(home: House, answer: Answer) -> Told:
    with home.store.read() as connection:
        events = read_alarm_events(connection, 0, 10_000)
        incidents = read_incidents(connection)
    return Told(
        [e for e in events if dict(e.incident.entity)["account"] == answer.account],
        {incident.incident_id for incident in incidents if incident.withdrawn},
    )


def _check_told(told: Told, answer: Answer) -> None:
    """Each alarm of the answer fired once and recovered once, when it should, and no other did."""
    wanted: list[Entity] = [
        (firing.alarm, tuple(sorted(firing.entity.items()))) for firing in answer.firings
    ]
    expected = Counter({(entity, kind): 1 for entity in wanted for kind in ("fired", "recovered")})
    assert Counter((_entity(event), event.kind) for event in told.events) == expected
    for entity in wanted:
        fired, recovered = told.of(entity)
        assert (fired.kind, recovered.kind) == ("fired", "recovered")
        assert fired.incident.incident_id == recovered.incident.incident_id
        assert answer.start_ms < fired.at_ms <= min(answer.end_ms, answer.start_ms + WINDOW_MS)
        if fired.incident.incident_id in told.withdrawn:
            assert answer.scenario == "silence"
        else:
            assert answer.end_ms < recovered.at_ms <= answer.end_ms + WINDOW_MS
        assert dict(fired.incident.entity)["region"] == answer.region


def _standing(home: House) -> tuple[list[TransitionRow], int]:
    with home.store.read() as connection:
        frontier_ms = read_alarm_frontier(connection)
        transitions = read_transitions(connection)
    assert frontier_ms is not None
    return transitions, frontier_ms


def _follows_from_the_data(home: House, rules: AlarmRules) -> None:
    """The standing transitions are those that the stored data gives when it is all there."""
    found, frontier_ms = _standing(home)
    expected = []
    data = PrometheusData(home.store, lambda: home.rules.current().definitions)
    for rule in rules.rules:
        first_ms = START_MS - rule.warm_up * rule.condition.period_ms
        with data.open() as opened:
            read = read_datapoints(opened.connection, opened, rule, first_ms, frontier_ms)
        initial = np.full(len(read.entities), AlarmState.INSUFFICIENT_DATA, np.int8)
        _, transitions = judge(
            rule, read.entities, read.times_ms, read.values, initial, first=rule.warm_up
        )
        expected += [
            (rule.name, t.entity, t.at_ms, t.before.name, t.after.name, t.reason, t.datapoints)
            for t in transitions
        ]
    stored = [
        (t.rule, t.entity, t.at_ms, t.from_state, t.to_state, t.reason, t.datapoints) for t in found
    ]
    assert sorted(stored, key=repr) == sorted(expected, key=repr)


@pytest.mark.parametrize("come", [in_order, disordered])
def test_every_scenario_is_told_once_and_nothing_else(
    database_url: str,
    come: Callable[[Sequence[Play]], list[Request]],
    subtests: pytest.Subtests,
) -> None:
    with house(database_url, files=(), alarm_rules=SHIPPED) as home:
        _perform(home, come(PLAYS))
        for play in PLAYS:
            with subtests.test(play.name):
                _check_told(_told(home, play.answer), play.answer)
        with subtests.test("history"):
            _follows_from_the_data(home, SHIPPED)


@pytest.mark.parametrize("name", ["silence", "silence-lost"])
def test_silence_of_all_there_is_shows_by_the_clock(database_url: str, name: str) -> None:
    play = Play(name)
    with house(database_url, files=(), alarm_rules=OF_THE_STREAM) as home:
        _perform(home, in_order([play]))
        _check_told(_told(home, play.answer), play.answer)
        _follows_from_the_data(home, OF_THE_STREAM)
