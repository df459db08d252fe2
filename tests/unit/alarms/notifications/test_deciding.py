"""Examples of what is told when: grouping, repetition, quiet hours, reopening."""

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import pytest

from app.alarms.alerts import Kind
from app.alarms.notifications.deciding import (
    MOST_ALERTS,
    Decision,
    Event,
    Situation,
    Told,
    decide,
)
from app.alarms.notifications.quiet_hours import QuietHours, are_quiet
from app.alarms.notifications.routing import SEVERITIES, Routing
from app.alarms.patterns import LabelPatterns
from tests.fixtures.alerts import START_MS, alert, fired, recovered

MINUTE_MS = 60_000
EVERY = frozenset(SEVERITIES)
# START_MS is a Wednesday, 12:07 in Berlin.
NOON = QuietHours(frozenset({2}), 12 * 60, 13 * 60, ZoneInfo("Europe/Berlin"), EVERY)


@dataclass
class Desk:
    """Decides again and again, and keeps what follows."""

    routing: Routing = field(default_factory=Routing)
    told: dict[tuple[str, int], Told] = field(default_factory=dict)
    acknowledged: dict[int, int] = field(default_factory=dict)
    waiting: set[tuple[str, str]] = field(default_factory=set)

    def at(self, minutes: float, *events: Event) -> Decision:
        situation = Situation(
            START_MS + round(minutes * MINUTE_MS),
            {"ops": self.routing},
            acknowledged=self.acknowledged,
            waiting=self.waiting,
        )
        decision = decide(list(self.told.values()), events, situation)
        for each in decision.changed:
            self.told[each.id] = each
        for key in decision.gone:
            del self.told[key]
        return decision


def kinds(decision: Decision) -> list[tuple[Kind, list[int]]]:
    return [
        (each.kind, [about.incident_id for about in each.alerts]) for each in decision.notifications
    ]


def at(minutes: float) -> int:
    return START_MS + round(minutes * MINUTE_MS)


def over(event_id: int, minutes: float, incident: int, **more: str) -> Event:
    about = alert(incident, ended_ms=at(minutes), **more)
    return recovered(event_id, at(minutes), about)


def test_what_begins_within_the_wait_of_a_group_is_told_together() -> None:
    desk = Desk()
    assert kinds(desk.at(0, fired(1, at(0), alert(1)))) == []
    assert kinds(desk.at(0.4, fired(2, at(0.4), alert(2, table="carts")))) == []
    assert kinds(desk.at(0.5)) == [(Kind.FIRING, [1, 2])]
    # From now on the group is told every five minutes at most.
    assert kinds(desk.at(2, fired(3, at(2), alert(3)), over(4, 2, 1))) == []
    decision = desk.at(5.5)
    assert kinds(decision) == [(Kind.FIRING, [3]), (Kind.RECOVERED, [1])]
    assert [each.still_open for each in decision.notifications] == [1, 2]


def test_other_labels_make_another_group() -> None:
    desk = Desk(Routing(group_by=("alarm", "TableName"), group_wait_ms=0))
    decision = desk.at(0, *(fired(n, at(0), alert(n, table=f"t{n % 2}")) for n in range(1, 4)))
    assert kinds(decision) == [(Kind.FIRING, [2]), (Kind.FIRING, [1, 3])]
    assert dict(decision.notifications[0].group_labels)["TableName"] == "t0"


def test_a_recovery_is_told_even_if_it_came_within_the_wait() -> None:
    desk = Desk()
    desk.at(0, fired(1, at(0), alert(1)), over(2, 0.1, 1))
    decision = desk.at(0.5)
    assert kinds(decision) == [(Kind.FIRING, [1]), (Kind.RECOVERED, [1])]
    firing, recovery = decision.notifications
    assert firing.alerts[0].ended_ms is None
    assert recovery.alerts[0].ended_ms is not None
    assert desk.told == {}


def test_what_goes_on_is_repeated_unless_it_waits_to_be_sent() -> None:
    desk = Desk(Routing(group_wait_ms=0, repeat_interval_ms=60 * MINUTE_MS))
    decision = desk.at(0, fired(1, at(0), alert(1)))
    assert decision.next_ms is not None
    desk.waiting = {("ops", decision.notifications[0].group_key)}
    assert kinds(desk.at(60)) == []
    desk.waiting = set()
    assert kinds(desk.at(60.1)) == [(Kind.REPEATED, [1])]
    assert kinds(desk.at(100)) == []
    assert desk.at(100).next_ms == at(120.1)
    assert kinds(desk.at(120.1)) == [(Kind.REPEATED, [1])]


def test_an_incident_that_goes_on_after_all_is_not_told_twice() -> None:
    desk = Desk(Routing(group_wait_ms=0))
    assert kinds(desk.at(0, fired(1, at(0), alert(1)))) == [(Kind.FIRING, [1])]
    # The recovery waits for the interval of its group, and the incident is reopened in it.
    assert kinds(desk.at(1, over(2, 1, 1))) == []
    assert kinds(desk.at(2, fired(3, at(2), alert(1)))) == []
    assert kinds(desk.at(6)) == []
    assert kinds(desk.at(20, over(4, 20, 1))) == [(Kind.RECOVERED, [1])]
    assert kinds(desk.at(30, fired(5, at(30), alert(1)))) == [(Kind.FIRING, [1])]


def test_an_acknowledgement_is_of_one_firing() -> None:
    routing = Routing(group_wait_ms=0, group_interval_ms=0, repeat_interval_ms=60 * MINUTE_MS)
    desk = Desk(routing)
    desk.at(0, fired(1, at(0), alert(1)))
    desk.acknowledged = {1: at(1)}
    assert kinds(desk.at(61)) == []
    assert kinds(desk.at(62, over(2, 62, 1))) == [(Kind.RECOVERED, [1])]
    desk.at(63, fired(3, at(63), alert(1)))
    assert kinds(desk.at(124)) == [(Kind.REPEATED, [1])]


def test_an_acknowledgement_is_told_once_to_those_who_act_on_it() -> None:
    desk = Desk(Routing(group_by=("incident",), group_wait_ms=0, tells_acknowledgements=True))
    desk.at(0, fired(1, at(0), alert(1)), fired(2, at(0), alert(2)))
    desk.acknowledged = {1: at(1)}
    assert kinds(desk.at(1)) == [(Kind.ACKNOWLEDGED, [1])]
    assert kinds(desk.at(2)) == []


def test_quiet_hours_hold_what_begins_and_not_what_is_over() -> None:
    desk = Desk(Routing(group_wait_ms=0, group_interval_ms=0, quiet_hours=(NOON,)))
    assert kinds(desk.at(-10, fired(1, at(-10), alert(1)))) == [(Kind.FIRING, [1])]
    assert kinds(desk.at(0, fired(2, at(0), alert(2)), fired(3, at(0), alert(3)))) == []
    assert kinds(desk.at(10, over(4, 10, 1))) == [(Kind.RECOVERED, [1])]
    assert desk.at(20, over(5, 20, 2)).untold == 1
    assert kinds(desk.at(52)) == []
    assert kinds(desk.at(53)) == [(Kind.FIRING, [3])]
    assert kinds(desk.at(60, over(6, 60, 3))) == [(Kind.RECOVERED, [3])]


def test_what_was_over_within_quiet_hours_is_not_told_by_a_dispatcher_that_was_late() -> None:
    desk = Desk(Routing(group_wait_ms=0, quiet_hours=(NOON,)))
    decision = desk.at(100, fired(1, at(0), alert(1)), over(2, 20, 1))
    assert (kinds(decision), decision.untold, desk.told) == ([], 1, {})


def test_a_great_many_alerts_are_several_notifications() -> None:
    desk = Desk(Routing(group_wait_ms=0))
    decision = desk.at(0, *(fired(n, at(0), alert(n)) for n in range(1, MOST_ALERTS + 3)))
    assert [len(each.alerts) for each in decision.notifications] == [MOST_ALERTS, 2]
    assert len({each.key for each in decision.notifications}) == 2


def test_a_channel_takes_severities_and_labels() -> None:
    patterns = LabelPatterns((("TableName", ("prod-*", "orders")), ("team", ("a",))))
    routing = Routing(severities=frozenset({"critical"}), match=patterns)
    assert routing.takes(alert(severity="critical", team="a"))
    assert routing.takes(alert(severity="critical", table="prod-x", team="a"))
    assert not routing.takes(alert(severity="warning", team="a"))
    assert not routing.takes(alert(severity="critical", table="test", team="a"))
    assert not routing.takes(alert(severity="critical"))


@pytest.mark.parametrize(
    ("days", "times", "zone", "minutes", "quiet"),
    [
        ({2}, "12:00 13:00", "Europe/Berlin", 0, True),
        ({2}, "12:00 12:07", "Europe/Berlin", 0, False),
        ({2}, "12:07 12:08", "Europe/Berlin", 0, True),
        ({3}, "12:00 13:00", "Europe/Berlin", 0, False),
        ({2}, "11:00 12:00", "UTC", 0, True),
        ({2}, "00:00 24:00", "UTC", 12 * 60, True),
        ({2}, "00:00 24:00", "UTC", 13 * 60, False),
        ({2}, "22:00 06:00", "UTC", 11 * 60, True),
        ({2}, "22:00 06:00", "UTC", 18 * 60, True),
        ({2}, "22:00 06:00", "UTC", 19 * 60, False),
        ({2}, "22:00 06:00", "UTC", -6 * 60, False),
        ({1}, "22:00 06:00", "UTC", -6 * 60, True),
        # Berlin leaves summer time on 25 October: 12:07 is 13:07 there in July.
        (set(range(7)), "13:07 13:08", "Europe/Berlin", -120 * 1440, True),
    ],
)
def test_quiet_hours_are_by_the_clock_of_their_place(
    days: set[int], times: str, zone: str, minutes: int, quiet: bool
) -> None:
    def minute(text: str) -> int:
        return int(text[:2]) * 60 + int(text[3:])

    severities = frozenset({"info"})
    begin, end = map(minute, times.split())
    hours = QuietHours(frozenset(days), begin, end, ZoneInfo(zone), severities)
    assert are_quiet((hours,), "info", at(minutes)) is quiet
    assert not are_quiet((hours,), "critical", at(minutes))


def test_the_same_at_the_same_time_after_another_event_has_another_key() -> None:
    def firing(event_id: int) -> str:
        desk = Desk(Routing(group_wait_ms=0))
        return desk.at(0, fired(event_id, at(0), alert(1))).notifications[0].key

    assert firing(1) == firing(1)
    assert firing(1) != firing(3)
