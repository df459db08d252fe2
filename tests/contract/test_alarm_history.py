"""The history of alarms in SQL: what is written is read back, and marks come with values."""

from dataclasses import replace
from functools import partial

from app.labels import LabelSet
from app.storage import (
    AlarmProgress,
    AlarmRuleRow,
    AlarmStateRow,
    Connection,
    IncidentRow,
    NewEvent,
    NewTransition,
    Store,
    add_alarm_events,
    add_incident,
    add_transitions,
    delete_alarm_marks,
    delete_alarm_rules,
    delete_alarm_states,
    forget_alarms,
    read_alarm_events,
    read_alarm_frontier,
    read_alarm_marks,
    read_alarm_progress,
    read_alarm_rules,
    read_alarm_states,
    read_incident,
    read_incidents,
    read_incidents_of,
    read_transitions,
    update_incident,
    value_columns,
    withdraw_transitions,
    write_alarm_progress,
    write_alarm_rules,
    write_alarm_states,
    write_minute,
)
from tests.fixtures.house import house
from tests.fixtures.rollups import capacity, deliver

ORDERS: LabelSet = (("TableName", "orders"), ("account", "1"), ("region", "eu-west-1"))
CARTS: LabelSet = (("TableName", "cärts\"'"), ("account", "1"), ("region", "eu-west-1"))
POINTS = ((60_000, None), (120_000, 0.1 + 0.2), (180_000, float("inf")), (240_000, -1e-300))
INCIDENT = IncidentRow(
    0, "Throttled", ORDERS, "warning", (("team", "a"),), 60_000, None, False, "text", "why", 2.5
)


def transition(at_ms: int, *, rule: str = "Throttled", entity: LabelSet = ORDERS) -> NewTransition:
    return NewTransition(rule, entity, at_ms, "OK", "ALARM", "because", POINTS, late=True)


def test_transitions_come_back_newest_first_and_page_by_id(database_url: str) -> None:
    made = [transition(60_000), transition(120_000, entity=CARTS), transition(60_000, rule="B")]
    with house(database_url) as inside:
        inside.store.write(lambda connection: add_transitions(connection, made, 7))
        with inside.store.read() as connection:
            found = read_transitions(connection)
            assert [(each.at_ms, each.rule) for each in found] == [
                (120_000, "Throttled"),
                (60_000, "B"),
                (60_000, "Throttled"),
            ]
            assert found[0].entity == CARTS
            assert found[0].datapoints == POINTS
            assert (found[0].evaluated_ms, found[0].late, found[0].withdrawn_ms) == (7, True, None)
            after = found[0].transition_id
            assert read_transitions(connection, after_id=after, limit=1) == [found[1]]
            assert read_transitions(connection, rule="B") == [found[1]]
            assert read_transitions(connection, entity=CARTS) == [found[0]]
            assert read_transitions(connection, start_ms=120_000) == [found[0]]
            assert read_transitions(connection, end_ms=120_000) == found[1:]


def test_withdrawn_transitions_stay_and_say_why(database_url: str) -> None:
    with house(database_url) as inside:
        inside.store.write(lambda connection: add_transitions(connection, [transition(60_000)], 7))
        with inside.store.read() as connection:
            (stood,) = read_transitions(connection)
        ids = [stood.transition_id]
        inside.store.write(lambda connection: withdraw_transitions(connection, ids, 9, "late data"))
        with inside.store.read() as connection:
            assert read_transitions(connection) == []
            assert read_transitions(connection, withdrawn=True) == [
                replace(stood, withdrawn_ms=9, withdrawn_reason="late data")
            ]


def test_states_are_replaced_and_forgotten(database_url: str) -> None:
    first = AlarmStateRow("Throttled", ORDERS, "ALARM", 60_000, "because", POINTS, -1e-300)
    other = AlarmStateRow("Throttled", CARTS, "OK", 60_000, "because", (), None)
    changed = replace(first, state="OK", since_ms=120_000, value=None)
    with house(database_url) as inside:
        inside.store.write(lambda connection: write_alarm_states(connection, [first, other]))
        inside.store.write(lambda connection: write_alarm_states(connection, [changed]))
        with inside.store.read() as connection:
            assert read_alarm_states(connection) == [other, changed]
            assert read_alarm_states(connection, state="ALARM") == []
            assert read_alarm_states(connection, rule="none") == []
        inside.store.write(lambda c: delete_alarm_states(c, "Throttled", [ORDERS]))
        with inside.store.read() as connection:
            assert read_alarm_states(connection) == [other]


def test_incidents_and_their_events(database_url: str) -> None:
    def fire(connection: Connection) -> int:
        incident_id = add_incident(connection, INCIDENT, ("ops",))
        incident = replace(INCIDENT, incident_id=incident_id)
        event = NewEvent("fired", incident, 60_000, "began", late=False, channels=("ops",))
        add_alarm_events(connection, [event], 8)
        return incident_id

    def recover(connection: Connection) -> None:
        ended = replace(INCIDENT, incident_id=incident_id, ended_ms=180_000)
        update_incident(connection, ended)
        event = NewEvent("recovered", ended, 180_000, "over", late=True, channels=("ops",))
        add_alarm_events(connection, [event], 9)

    with house(database_url) as inside:
        incident_id = inside.store.write(fire)
        opened = replace(INCIDENT, incident_id=incident_id)
        with inside.store.read() as connection:
            assert read_incidents(connection, open_only=True) == [opened]
            assert read_incident(connection, incident_id) == opened
            assert read_incident(connection, incident_id + 1) is None
        inside.store.write(recover)
        ended = replace(opened, ended_ms=180_000)
        with inside.store.read() as connection:
            assert read_incidents(connection, open_only=True) == []
            assert read_incidents(connection, rule="Throttled", start_ms=180_000) == [ended]
            assert read_incidents(connection, start_ms=180_001) == []
            assert read_incidents(connection, end_ms=60_000) == []
            assert read_incidents_of(connection, "Throttled", [ORDERS, CARTS]) == [
                (ended, ("ops",))
            ]
            fired, recovered = read_alarm_events(connection, 0, 10)
            assert (fired.kind, fired.incident, fired.recorded_ms) == ("fired", opened, 8)
            assert (recovered.kind, recovered.incident, recovered.late) == (
                "recovered",
                ended,
                True,
            )
            assert (recovered.reason, recovered.channels) == ("over", ("ops",))
            assert read_alarm_events(connection, fired.event_id, 10) == [recovered]
            assert read_alarm_events(connection, 0, 1) == [fired]


def test_progress_and_rules(database_url: str) -> None:
    progress = AlarmProgress(60_000, 3, {1: 2, 3: 0})
    rule = AlarmRuleRow("Throttled", "d", 0, 60_000, "a fault", 5)
    with house(database_url) as inside:
        with inside.store.read() as connection:
            assert read_alarm_progress(connection) is None
            assert read_alarm_frontier(connection) is None
        for each in (replace(progress, frontier_ms=0), progress):
            inside.store.write(partial(write_alarm_progress, progress=each))
        for of_rule in (replace(rule, error="", error_since_ms=None), rule):
            inside.store.write(partial(write_alarm_rules, rules=[of_rule]))
        with inside.store.read() as connection:
            assert read_alarm_progress(connection) == progress
            assert read_alarm_frontier(connection) == 60_000
            assert read_alarm_rules(connection) == {"Throttled": rule}
        inside.store.write(lambda connection: delete_alarm_rules(connection, ["Throttled"]))
        with inside.store.read() as connection:
            assert read_alarm_rules(connection) == {}


def marks(store: Store) -> list[tuple[int, int]]:
    with store.read() as connection:
        return read_alarm_marks(connection, 10)


def test_every_minute_that_is_stored_leaves_a_mark(database_url: str) -> None:
    values = value_columns([])
    with house(database_url) as inside:
        for minute in (8, 7, 8):
            inside.store.write(
                partial(write_minute, minute=minute, values=values, metrics=(), marks=())
            )
        found = marks(inside.store)
        assert [minute for _, minute in found] == [8, 7, 8]
        inside.store.write(lambda c: delete_alarm_marks(c, [found[0][0], found[2][0]]))
        assert marks(inside.store) == [found[1]]


def test_a_minute_without_any_rule_leaves_a_mark(database_url: str) -> None:
    with house(database_url, files=[]) as inside:
        deliver(inside, capacity(0, 1.0), request_id="a")
        assert len(marks(inside.store)) == 1


def test_what_is_old_is_forgotten_but_for_what_still_is(database_url: str) -> None:
    present = AlarmStateRow("Throttled", ORDERS, "ALARM", 120_000, "because", POINTS, 1.0)
    made = [transition(60_000), transition(120_000), transition(240_000, entity=CARTS)]

    def fill(connection: Connection) -> list[int]:
        add_transitions(connection, made, 7)
        write_alarm_states(connection, [present])
        ids = []
        for ended_ms in (100_000, None, 300_000):
            incident = replace(INCIDENT, ended_ms=ended_ms)
            ids.append(add_incident(connection, incident, ()))
            stored = replace(incident, incident_id=ids[-1])
            add_alarm_events(connection, [NewEvent("fired", stored, 60_000, "", False, ())], 8)
        return ids

    with house(database_url) as inside:
        ids = inside.store.write(fill)
        while inside.store.write(lambda connection: forget_alarms(connection, 200_000)):
            pass
        with inside.store.read() as connection:
            assert [each.at_ms for each in read_transitions(connection)] == [240_000, 120_000]
            assert {each.incident_id for each in read_incidents(connection)} == set(ids[1:])
            events = read_alarm_events(connection, 0, 9)
            assert [each.incident.incident_id for each in events] == [ids[1]]


def test_the_views_have_labels_as_columns(database_url: str) -> None:
    with house(database_url) as inside:
        inside.store.write(lambda c: add_transitions(c, [transition(60_000, entity=CARTS)], 7))
        query = "SELECT rule, account, region, table_name, index_name FROM v_alarm_transitions"
        assert inside.rows(query) == [("Throttled", "1", "eu-west-1", "cärts\"'", None)]
