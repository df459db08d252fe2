"""Alarms over data time, on both engines: what comes of points, late ones, silence and changes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.alarms import AlarmRules, AlarmRuleWatcher, DatapointReader, Datapoints, Delays
from app.errors import LeaseLost, StorageUnavailable
from app.simulator import Format, encode_records
from app.storage import (
    Connection,
    mark_for_alarms,
    read_alarm_frontier,
    read_alarm_rules,
    read_alarm_states,
)
from tests.fixtures.alarms import (
    MINUTE_MS,
    THROTTLED,
    alarm_rules,
    at,
    changes,
    deliver,
    entity,
    events,
    heartbeat,
    incidents,
    throttled,
    told,
    transitions,
)
from tests.fixtures.house import LEASE_SECONDS, House, await_writes, house
from tests.fixtures.rivals import before_write, rivals, take_over


@pytest.fixture
def inside(database_url: str) -> Iterator[House]:
    with house(database_url, files=[], alarm_rules=alarm_rules()) as made:
        yield made


def frontier(inside: House) -> int | None:
    with inside.store.read() as connection:
        return read_alarm_frontier(connection)


def put(inside: House, rules: AlarmRules) -> None:
    """Put other rules in force, and evaluate."""
    inside.alarm_book.take(rules)
    inside.alarms.run()


def test_an_alarm_fires_once_and_recovers_once(inside: House) -> None:
    for minute in range(6):
        deliver(inside, throttled(minute, 5.0 if minute in {2, 3} else 0.0))
    assert changes(inside) == [(1, "OK"), (3, "ALARM"), (5, "OK")]
    (fired, recovered) = events(inside)
    assert (fired.kind, fired.at_ms, fired.late, fired.channels) == (
        "fired",
        at(3),
        False,
        ("ops",),
    )
    assert fired.incident.summary == "orders had 5 throttled reads"
    assert fired.incident.ended_ms is None
    assert fired.incident.labels == (("team", "storage"),)
    assert (recovered.kind, recovered.at_ms) == ("recovered", at(5))
    assert recovered.incident == incidents(inside)[0]
    with inside.store.read() as connection:
        (state,) = read_alarm_states(connection)
        assert read_alarm_states(connection, state="ALARM") == []
    assert (state.state, state.since_ms, state.value) == ("OK", at(5), 0.0)
    assert state.datapoints == ((at(5), 0.0),)
    assert "Within the threshold" in state.reason


def test_a_minute_is_evaluated_when_the_next_one_has_come(inside: House) -> None:
    deliver(inside, throttled(0, 5.0))
    assert (frontier(inside), changes(inside)) == (at(0), [])
    deliver(inside, heartbeat(1))
    assert (frontier(inside), changes(inside)) == (at(1), [(1, "ALARM")])


def test_a_stream_out_of_order_is_waited_for_longer(inside: House) -> None:
    for minute in range(5):
        deliver(inside, heartbeat(minute))
    deliver(inside, throttled(2, 5.0))
    # It was two minutes behind, so that from now on three are waited for.
    assert frontier(inside) == at(4)
    for minute in range(5, 8):
        deliver(inside, heartbeat(minute))
    assert frontier(inside) == at(5)
    deliver(inside, throttled(5, 3.0))
    assert transitions(inside)[-1].at_ms == at(4)
    deliver(inside, heartbeat(8))
    assert changes(inside) == [(3, "ALARM"), (4, "OK"), (6, "ALARM")]
    assert [each.late for each in transitions(inside)] == [True, True, False]


def test_a_late_minute_fires_and_recovers_afterwards(inside: House) -> None:
    for minute in range(12):
        if minute != 5:
            deliver(inside, throttled(minute, 0.0))
    deliver(inside, throttled(5, 7.0))
    assert changes(inside) == [(1, "OK"), (6, "ALARM"), (7, "OK")]
    assert told(inside) == [("fired", 6), ("recovered", 7)]
    assert all(event.late for event in events(inside))
    assert events(inside)[0].incident.ended_ms is None
    (incident,) = incidents(inside)
    assert (incident.started_ms, incident.ended_ms) == (at(6), at(7))


def test_a_corrected_minute_withdraws_what_it_decided(inside: House) -> None:
    for minute in range(6):
        deliver(inside, throttled(minute, 5.0 if minute >= 3 else 0.0))
    assert told(inside) == [("fired", 4)]
    # A restated point has a higher SampleCount.
    deliver(inside, *(throttled(minute, 0.0, count=2) for minute in (3, 4, 5)))
    assert changes(inside) == [(1, "OK")]
    withdrawn = [each for each in transitions(inside, withdrawn=True) if each.withdrawn_ms]
    assert [(each.to_state, each.at_ms) for each in withdrawn] == [("ALARM", at(4))]
    assert "Late or corrected data" in withdrawn[0].withdrawn_reason
    assert [event.kind for event in events(inside)] == ["fired", "recovered"]
    assert "Withdrawn" in events(inside)[1].reason
    (incident,) = incidents(inside)
    assert incident.withdrawn
    assert incident.ended_ms is not None
    with inside.store.read() as connection:
        (state,) = read_alarm_states(connection)
    assert (state.state, state.since_ms) == ("OK", at(1))


def test_a_correction_that_changes_only_values_is_told_to_nobody(inside: House) -> None:
    for minute in range(4):
        deliver(inside, throttled(minute, 5.0 if minute == 2 else 0.0))
    before = transitions(inside)
    deliver(inside, throttled(2, 6.0, count=2))
    after = transitions(inside)
    assert [each.at_ms for each in after] == [each.at_ms for each in before]
    assert after[1].datapoints == ((at(3), 6.0),)
    assert (before[1].late, after[1].late) == (False, True)
    assert told(inside) == [("fired", 3)]
    assert len(incidents(inside)) == 1


def test_an_incident_that_goes_on_after_all_fires_again_under_its_id(inside: House) -> None:
    for minute in range(7):
        if minute != 4:
            deliver(inside, throttled(minute, 5.0 if minute >= 3 else 0.0))
    # Minute 4 was missing, which does not breach: it recovered, and fired anew at minute 5.
    assert told(inside) == [("fired", 4), ("recovered", 5), ("fired", 6)]
    deliver(inside, throttled(4, 5.0))
    assert changes(inside) == [(1, "OK"), (4, "ALARM")]
    assert len(events(inside)) == 3
    assert [each.ended_ms for each in incidents(inside)] == [at(5), None]


def test_what_lies_within_a_withdrawn_incident_is_told_once(inside: House) -> None:
    for minute in range(13):
        deliver(inside, throttled(minute, 5.0 if 2 <= minute <= 9 else 0.0))
    deliver(inside, *(throttled(minute, 0.0, count=2) for minute in range(2, 10)))
    assert [each.withdrawn for each in incidents(inside)] == [True]
    before = [("fired", 3), ("recovered", 11)]
    deliver(inside, throttled(4, 5.0, count=3))
    before += [("fired", 5), ("recovered", 6)]
    assert told(inside) == before
    deliver(inside, throttled(9, 5.0, count=3))
    assert told(inside) == [*before, ("fired", 10), ("recovered", 11)]


def test_silence_is_noticed_and_ends_what_missing_data_ends(database_url: str) -> None:
    text = THROTTLED.replace("notBreaching", "missing")
    with house(database_url, files=[], alarm_rules=alarm_rules(text)) as inside:
        deliver(inside, throttled(0, 5.0))
        deliver(inside, throttled(1, 5.0))
        inside.alarms.run()
        assert changes(inside) == [(1, "ALARM")]
        inside.clock.advance(299)
        inside.alarms.run()
        assert frontier(inside) == at(1)
        inside.clock.advance(121)
        inside.alarms.run()
        assert frontier(inside) == at(3)
        assert changes(inside) == [(1, "ALARM"), (3, "INSUFFICIENT_DATA")]
        assert told(inside) == [("fired", 1), ("recovered", 3)]
        # The minute comes after all: the alarm has gone on.
        deliver(inside, throttled(2, 5.0), heartbeat(3))
        assert changes(inside) == [(1, "ALARM")]
        assert told(inside) == [("fired", 1), ("recovered", 3), ("fired", 1)]
        assert "Goes on after all" in events(inside)[2].reason
        deliver(inside, heartbeat(4))
        assert changes(inside) == [(1, "ALARM"), (4, "INSUFFICIENT_DATA")]
        assert [each.ended_ms for each in incidents(inside)] == [at(4)]


def test_a_server_that_starts_has_not_seen_silence(database_url: str) -> None:
    with house(database_url, files=[], alarm_rules=alarm_rules()) as inside:
        deliver(inside, throttled(0, 5.0), heartbeat(1))
        reached = frontier(inside)
    with house(database_url, files=[], alarm_rules=alarm_rules()) as inside:
        inside.clock.advance(3_600)
        inside.alarms.run()
        assert frontier(inside) == reached
        inside.clock.advance(600)
        inside.alarms.run()
        assert frontier(inside) == at(1) + 5 * MINUTE_MS


def test_minutes_of_the_future_wait_for_the_clock(inside: House) -> None:
    deliver(inside, throttled(0, 0.0), throttled(1, 0.0))
    deliver(inside, heartbeat(400))
    assert frontier(inside) == at(1)
    assert inside.rows("SELECT minute FROM alarm_mark") == [(at(400) // MINUTE_MS,)]


def test_however_many_minutes_are_of_the_future_those_of_now_are_answered(inside: House) -> None:
    ahead = (inside.clock.now_ms() // MINUTE_MS) + 1_000

    def mark(connection: Connection) -> None:
        for minute in range(ahead, ahead + 5_001):
            mark_for_alarms(connection, minute)

    inside.store.write(mark)
    deliver(inside, throttled(0, 5.0))
    deliver(inside, heartbeat(1))
    assert changes(inside) == [(1, "ALARM")]


def test_a_rule_that_goes_ends_its_alarms_and_says_so(inside: House) -> None:
    for minute in range(3):
        deliver(inside, throttled(minute, 5.0), throttled(minute, 0.0, table="carts"))
    put(inside, alarm_rules("alarms: []\n"))
    assert [(each.to_state, each.reason) for each in transitions(inside)[-2:]] == [
        ("INSUFFICIENT_DATA", "The rule is gone"),
        ("INSUFFICIENT_DATA", "The rule is gone"),
    ]
    assert [event.kind for event in events(inside)] == ["fired", "recovered"]
    assert events(inside)[1].channels == ("ops",)
    with inside.store.read() as connection:
        assert read_alarm_states(connection) == []
        assert read_alarm_rules(connection) == {}
    # It begins anew when it comes back, at the frontier.
    put(inside, alarm_rules())
    assert [event.kind for event in events(inside)] == ["fired", "recovered", "fired"]


def test_an_entity_that_a_changed_rule_leaves_out_recovers(inside: House) -> None:
    for minute in range(3):
        deliver(inside, throttled(minute, 5.0), throttled(minute, 5.0, table="carts"))
    put(inside, alarm_rules(THROTTLED + "    exclude: {TableName: [orders]}\n"))
    assert [event.kind for event in events(inside)] == ["fired", "fired", "recovered"]
    assert events(inside)[2].incident.entity == entity("orders")
    assert "leaves this entity out" in events(inside)[2].reason
    deliver(inside, throttled(3, 5.0), throttled(3, 5.0, table="carts"))
    assert len(events(inside)) == 3


def test_an_entity_of_other_labels_than_a_changed_rule_has_is_left_out(inside: House) -> None:
    strict = THROTTLED.replace("notBreaching", "breaching")
    put(inside, alarm_rules(strict))
    for minute in range(3):
        deliver(inside, throttled(minute, 0.0), throttled(minute, 5.0, table="carts"))
    by_index = strict.replace("[TableName]", "[TableName, GlobalSecondaryIndexName]")
    put(inside, alarm_rules(by_index))
    for minute in range(3, 6):
        deliver(inside, throttled(minute, 0.0), throttled(minute, 5.0, table="carts"))
    assert [event.kind for event in events(inside)] == ["fired", "recovered"]
    with inside.store.read() as connection:
        states = {each.state for each in read_alarm_states(connection)}
    assert states == {"INSUFFICIENT_DATA"}


def test_what_another_version_of_a_rule_decided_is_left_alone(inside: House) -> None:
    for minute in range(5):
        deliver(inside, throttled(minute, 5.0 if minute == 1 else 0.0))
    before = transitions(inside)
    put(inside, alarm_rules(THROTTLED.replace("threshold: 1", "threshold: 100")))
    deliver(inside, throttled(1, 0.0, count=2), throttled(5, 50.0), heartbeat(6))
    assert transitions(inside) == before


def test_a_rule_that_cannot_be_evaluated_stops_no_other(database_url: str) -> None:
    bad = """
  - name: Bad
    severity: info
    expression: 'aws_dynamodb_ReadThrottleEvents_sum + on (account) aws_dynamodb_ItemCount_sum'
    comparison: ">"
    threshold: 0
    period: 1m
    evaluation_periods: 1
"""
    with house(database_url, files=[], alarm_rules=alarm_rules(THROTTLED + bad)) as inside:
        deliver(inside, throttled(0, 5.0), throttled(0, 5.0, table="carts"), heartbeat(0))
        deliver(inside, throttled(1, 0.0), throttled(1, 0.0, table="carts"), heartbeat(1))
        deliver(inside, heartbeat(2))
        assert {each.rule for each in transitions(inside)} == {"Throttled"}
        with inside.store.read() as connection:
            rows = read_alarm_rules(connection)
        assert rows["Throttled"].error == ""
        assert "many-to-one matching must be explicit" in rows["Bad"].error
        assert rows["Bad"].error_since_ms == inside.clock.now_ms()
        assert rows["Bad"].evaluated_ms < rows["Throttled"].evaluated_ms
        mended = bad.replace("+ on (account) aws_dynamodb_ItemCount_sum", "* 1")
        put(inside, alarm_rules(THROTTLED + mended))
        # It goes on from where it stood, and not from where the others are.
        found = [each for each in transitions(inside) if each.rule == "Bad"]
        assert {each.at_ms for each in found} == {at(1), at(2)}
        with inside.store.read() as connection:
            assert read_alarm_rules(connection)["Bad"].error == ""


def test_a_correction_too_old_changes_nothing(database_url: str) -> None:
    delays = Delays(correction_ms=60 * MINUTE_MS)
    with house(database_url, files=[], alarm_rules=alarm_rules(), delays=delays) as inside:
        for minute in (0, 1, 100, 101):
            deliver(inside, throttled(minute, 0.0))
        deliver(inside, throttled(30, 9.0))
        deliver(inside, throttled(60, 9.0))
        assert told(inside) == [("fired", 61), ("recovered", 62)]


def test_of_two_servers_one_evaluates_and_a_stale_one_stores_nothing(database_url: str) -> None:
    """The first server is stopped before its commit; the second takes over meanwhile."""
    with rivals(database_url) as (first, second):
        for made in (first, second):
            made.alarm_book.take(alarm_rules())
        with pytest.raises(LeaseLost):
            second.alarms.run()
        deliver(first, throttled(0, 5.0), heartbeat(1))
        assert told(first) == [("fired", 1)]
        first.post(encode_records([throttled(1, 0.0), heartbeat(2)], Format.JSON), "later")
        first.evaluator.evaluate_dirty()
        with (
            before_write(first, 0, lambda: take_over(second)) as stopped,
            pytest.raises(LeaseLost),
        ):
            first.alarms.run()
        assert stopped == [0]
        assert told(second) == [("fired", 1)]
        second.alarms.run()
        assert told(second) == [("fired", 1), ("recovered", 2)]
        assert changes(second) == [(1, "ALARM"), (2, "OK")]
        # Its second life begins with what the other one has stored.
        first.clock.advance(LEASE_SECONDS)
        second.lease.give_up()
        take_over(first)
        deliver(first, throttled(2, 5.0), heartbeat(3))
        assert told(first) == [("fired", 1), ("recovered", 2), ("fired", 3)]


def test_a_round_that_fails_is_made_again_as_if_it_had_not_been(inside: House) -> None:
    deliver(inside, throttled(0, 0.0), heartbeat(1))
    inside.post(encode_records([throttled(1, 5.0), heartbeat(2)], Format.JSON), "more")
    inside.evaluator.evaluate_dirty()

    def fail() -> None:
        raise StorageUnavailable("cut")

    with before_write(inside, 0, fail), pytest.raises(StorageUnavailable):
        inside.alarms.run()
    assert told(inside) == []
    inside.alarms.run()
    assert told(inside) == [("fired", 2)]
    assert changes(inside) == [(1, "OK"), (2, "ALARM")]


def test_rule_files_that_change_are_taken_and_broken_ones_are_not(
    inside: House, tmp_path: Path
) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(THROTTLED)
    changed: list[int] = []
    watcher = AlarmRuleWatcher(
        tmp_path, inside.alarm_book, poll_seconds=1, on_change=lambda: changed.append(1)
    )

    def look() -> str | None:
        for _ in range(3):
            watcher.look()
        return inside.alarm_book.error

    assert look() is None
    assert changed == []
    file.write_text(THROTTLED.replace("threshold: 1", "threshold: 200"))
    assert look() is None
    assert changed == [1]
    (rule,) = inside.alarm_book.current.rules
    assert rule.condition.threshold == 200
    file.write_text(THROTTLED.replace("threshold: 1", "threshold: much more"))
    error = look()
    assert error is not None
    assert "rules.yaml" in error
    assert inside.alarm_book.current.rules == (rule,)
    assert changed == [1]


def test_a_database_that_is_lost_in_mid_round_is_no_fault_of_a_rule(postgresql_url: str) -> None:
    """The server's own connection is cut while it reads: the round is made again, whole."""
    with house(postgresql_url, files=[], alarm_rules=alarm_rules()) as inside:
        deliver(inside, throttled(0, 5.0))
        inside.post(encode_records([heartbeat(1)], Format.JSON), "next")
        inside.evaluator.evaluate_dirty()
        read = DatapointReader.read

        def cut(self: DatapointReader, connection: Connection, *given: object) -> Datapoints:
            with inside.store.read() as other:
                pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
                other.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
            return read(self, connection, *given)  # type: ignore[arg-type]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(DatapointReader, "read", cut)
            with pytest.raises(StorageUnavailable):
                inside.alarms.run()
        await_writes(inside.store)
        inside.alarms.run()
        assert told(inside) == [("fired", 1)]
        with inside.store.read() as connection:
            assert read_alarm_rules(connection)["Throttled"].error == ""


def test_late_data_before_a_change_counts_in_the_windows_after_it(inside: House) -> None:
    text = THROTTLED.replace(
        "evaluation_periods: 1", "evaluation_periods: 3\n    datapoints_to_alarm: 2"
    )
    for minute in range(6):
        deliver(inside, throttled(minute, 0.0))
    put(inside, alarm_rules(text))
    deliver(inside, throttled(6, 5.0))
    deliver(inside, heartbeat(7))
    assert changes(inside) == [(1, "OK")]
    # It was evaluated by the rule as it was before, and nothing of that changes.
    deliver(inside, throttled(4, 5.0, count=2))
    assert changes(inside) == [(1, "OK"), (7, "ALARM")]
