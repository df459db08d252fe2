"""From events in the database to receivers, through the outbox, on both engines."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from app.alarms.notifications import Dispatcher
from app.clock import ManualClock
from app.errors import AlarmChannelError, LeaseLost
from app.labels import LabelSet
from app.pipeline import Holder, Lease
from app.storage import (
    IncidentRow,
    NewEvent,
    NotificationState,
    Store,
    acknowledge,
    add_alarm_events,
    add_incident,
    create_silence,
    read_notifications,
)
from app.storage.routed import (
    read_dispatched,
    read_routed,
)
from tests.fixtures.house import House, house
from tests.fixtures.receivers import Received, Receiver, Reply, is_signed, receiver

SECRET = "what both ends know"
ORDERS: LabelSet = (("TableName", "orders"), ("account", "1"), ("region", "eu-west-1"))
INCIDENT = IncidentRow(
    0, "Throttled", ORDERS, "warning", (("team", "a"),), 60_000, None, False, "text", "why", 2.5
)
AT_ONCE = {"group_wait": "0s", "group_interval": "0s"}


class Alarms:
    """Writes incidents and events, as the evaluation does."""

    def __init__(self, inside: House) -> None:
        self._inside = inside

    def fire(self, table: str = "orders", *channels: str, severity: str = "warning") -> IncidentRow:
        entity = (("TableName", table), *ORDERS[1:])
        incident = replace(INCIDENT, entity=entity, severity=severity)
        store = self._inside.store
        made = store.write(lambda connection: add_incident(connection, incident, channels))
        incident = replace(incident, incident_id=made)
        self._event("fired", incident, channels)
        return incident

    def end(self, incident: IncidentRow) -> None:
        self._event("recovered", replace(incident, ended_ms=120_000), ())

    def _event(self, kind: str, incident: IncidentRow, channels: tuple[str, ...]) -> None:
        event = NewEvent(kind, incident, 60_000, "because", late=False, channels=channels)
        now_ms = self._inside.clock.now_ms()
        self._inside.store.write(lambda c: add_alarm_events(c, [event], now_ms))


def write_channels(directory: Path, channels: dict[str, dict[str, object]]) -> Path:
    (directory / "secret").write_text(SECRET, "utf-8")
    file = directory / "channels.yaml"
    file.write_text(json.dumps({"channels": channels}), "utf-8")
    return file


def hook(there: Receiver, **members: object) -> dict[str, object]:
    return {"type": "webhook", "url": there.url, "secret_file": "secret", **AT_ONCE, **members}


def work(inside: House, rounds: int = 1, *, seconds: float = 0.0) -> None:
    """Dispatch and send until nothing is due, again after so many seconds."""
    for _ in range(rounds):
        inside.notifications.dispatcher.run_once()
        while inside.notifications.sender.run_once():
            inside.notifications.sender.settle()
        inside.clock.advance(seconds)


def told(there: Receiver) -> list[tuple[str, str]]:
    """Kind and table of every alert that a receiver accepted, in its order."""
    return [
        (request.headers["Hydrant-Notification-Kind"], alert["labels"]["TableName"])
        for request in there.accepted
        for alert in request.json["alerts"]
    ]


def states(inside: House) -> list[tuple[str, str, NotificationState]]:
    with inside.store.read() as connection:
        rows = read_notifications(connection)
    return [(row.channel, row.kind, row.state) for row in reversed(rows)]


@contextmanager
def one_channel(
    database: str, directory: Path, **members: object
) -> Iterator[tuple[House, Alarms, Receiver]]:
    with receiver() as there:
        file = write_channels(directory, {"ops": hook(there, **members)})
        with house(database, files=(), channels=file) as inside:
            yield inside, Alarms(inside), there


def test_a_receiver_that_fails_half_of_the_time_hears_everything_once_and_in_order(
    database_url: str, tmp_path: Path
) -> None:
    with one_channel(database_url, tmp_path) as (inside, alarms, there):
        there.answer = lambda _, number: Reply(503 if number % 2 else 200)
        incidents = [alarms.fire(f"t{number}") for number in range(4)]
        work(inside, 3, seconds=60)
        for incident in incidents:
            alarms.end(incident)
            work(inside)
        work(inside, 12, seconds=600)
        assert all(is_signed(request, SECRET) for request in there.received)
        for number in range(4):
            kinds = [kind for kind, table in told(there) if table == f"t{number}"]
            assert kinds == ["firing", "recovered"]
        ids = [request.headers["Hydrant-Notification-Id"] for request in there.accepted]
        assert len(set(ids)) == len(ids)
        assert set(ids) == {r.headers["Hydrant-Notification-Id"] for r in there.received}
        assert len(there.received) > len(there.accepted)
        assert {state for _, _, state in states(inside)} == {NotificationState.DELIVERED}
        with inside.store.read() as connection:
            assert read_routed(connection) == []


def test_a_process_that_ends_between_deciding_and_sending_loses_nothing(
    database_url: str, tmp_path: Path
) -> None:
    with receiver() as there:
        file = write_channels(tmp_path, {"ops": hook(there)})
        with house(database_url, files=(), channels=file) as first:
            incident = Alarms(first).fire()
            first.notifications.dispatcher.run_once()
            assert there.received == []
        with house(database_url, files=(), channels=file) as second:
            work(second)
            assert told(there) == [("firing", "orders")]
            Alarms(second).end(incident)
            work(second)
        with house(database_url, files=(), channels=file) as third:
            work(third)
        assert told(there) == [("firing", "orders"), ("recovered", "orders")]


def test_a_channel_that_hangs_holds_up_no_other(sqlite_url: str, tmp_path: Path) -> None:
    release = threading.Event()

    def hang(_: Received, __: int) -> Reply:
        release.wait(20)
        return Reply()

    with receiver(hang) as slow, receiver() as quick:
        file = write_channels(tmp_path, {"slow": hook(slow), "quick": hook(quick)})
        with house(sqlite_url, files=(), channels=file) as inside:
            alarms, sender = Alarms(inside), inside.notifications.sender
            for number in range(3):
                alarms.fire(f"t{number}")
                inside.notifications.dispatcher.run_once()
                sender.run_once()
                quick.wait(number + 1)
                wait_until(lambda: "quick" not in sender._busy)
            assert slow.accepted == []
            release.set()
            sender.settle()
            work(inside)
            assert len(slow.accepted) == 3


def wait_until(condition: object) -> None:
    deadline = time.monotonic() + 20
    assert callable(condition)
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_silenced_incident_is_told_when_the_silence_ends_and_it_goes_on(
    database_url: str, tmp_path: Path
) -> None:
    with one_channel(database_url, tmp_path) as (inside, alarms, there):
        now_ms = inside.clock.now_ms()
        inside.store.write(
            lambda c: create_silence(
                c,
                [("TableName", "=~", "ord.*|carts"), ("severity", "!=", "critical")],
                starts_ms=now_ms,
                ends_ms=now_ms + 600_000,
                comment="",
                created_by="ada",
                now_ms=now_ms,
            )
        )
        alarms.fire()
        short = alarms.fire("carts")
        alarms.fire("orders-2", severity="critical")
        alarms.fire("items")
        work(inside, 2, seconds=60)
        assert sorted(told(there)) == [("firing", "items"), ("firing", "orders-2")]
        alarms.end(short)
        work(inside, 2, seconds=600)
        assert sorted(told(there))[1:] == [("firing", "orders"), ("firing", "orders-2")]


def test_an_acknowledgement_stops_repetitions_and_not_the_recovery(
    database_url: str, tmp_path: Path
) -> None:
    with one_channel(database_url, tmp_path, repeat_interval="1h") as (inside, alarms, there):
        incident = alarms.fire()
        work(inside, 3, seconds=1_800)
        assert [kind for kind, _ in told(there)] == ["firing", "repeated"]
        now_ms = inside.clock.now_ms()
        inside.store.write(
            lambda c: acknowledge(c, incident.incident_id, acknowledged_by="ada", now_ms=now_ms)
        )
        work(inside, 5, seconds=1_800)
        assert len(there.accepted) == 2
        alarms.end(incident)
        work(inside)
        assert [kind for kind, _ in told(there)] == ["firing", "repeated", "recovered"]


def test_what_a_receiver_refuses_is_not_repeated_and_not_recovered_from(
    database_url: str, tmp_path: Path
) -> None:
    with one_channel(database_url, tmp_path, group_by=["TableName"]) as (inside, alarms, there):
        there.answer = lambda request, _: Reply(400 if b"orders" in request.body else 200)
        refused, taken = alarms.fire(), alarms.fire("carts")
        work(inside)
        alarms.end(refused)
        alarms.end(taken)
        work(inside, 2, seconds=60)
        assert told(there) == [("firing", "carts"), ("recovered", "carts")]
        assert len(there.received) == 3
        found = [state for _, _, state in states(inside)]
        assert found.count(NotificationState.REFUSED) == 1
        assert found.count(NotificationState.DROPPED) == 1


def test_what_nobody_takes_for_a_day_is_given_up(sqlite_url: str, tmp_path: Path) -> None:
    with one_channel(sqlite_url, tmp_path, repeat_interval="never") as (inside, alarms, there):
        there.answer = lambda *_: Reply(500, SECRET.encode())
        alarms.fire()
        work(inside, 50, seconds=3_600)
        assert states(inside) == [("ops", "firing", NotificationState.GIVEN_UP)]
        with inside.store.read() as connection:
            (row,) = read_notifications(connection)
        assert row.last_error == "answered 500 ***"
        assert 20 < row.attempts < 30


def test_rows_for_a_channel_that_is_gone_wait_for_it(sqlite_url: str, tmp_path: Path) -> None:
    with one_channel(sqlite_url, tmp_path) as (inside, alarms, there):
        notifications = inside.notifications
        incident = alarms.fire()
        notifications.dispatcher.run_once()
        before = write_channels(tmp_path, {}).read_text("utf-8")
        assert notifications.channels.load()
        work(inside, 2, seconds=61)
        assert there.received == []
        with inside.store.read() as connection:
            (row,) = read_notifications(connection)
        assert (row.attempts, row.state) == (0, NotificationState.WAITING)
        assert "no such channel" in row.last_error
        alarms.end(incident)
        work(inside)
        write_channels(tmp_path, {"ops": hook(there)})
        assert notifications.channels.load()
        work(inside, 2, seconds=61)
        assert told(there) == [("firing", "orders"), ("recovered", "orders")]
        assert before == '{"channels": {}}'


def test_a_broken_file_leaves_the_channels_that_there_were(sqlite_url: str, tmp_path: Path) -> None:
    with one_channel(sqlite_url, tmp_path) as (inside, alarms, there):
        watcher = inside.notifications._watcher
        write_channels(tmp_path, {"ops": {"type": "webhook", "url": "no url"}})
        for _ in range(3):
            watcher.look()
        alarms.fire()
        work(inside)
        assert told(there) == [("firing", "orders")]
        write_channels(tmp_path, {"chat": hook(there)})
        for _ in range(3):
            watcher.look()
        alarms.fire("carts")
        work(inside)
        assert there.accepted[-1].json["receiver"] == "chat"
        # What is missing may come without the file being touched.
        write_channels(tmp_path, {"late": hook(there, secret_file="later")})
        for _ in range(3):
            watcher.look()
        assert inside.notifications.channels.channel("late") is None
        (tmp_path / "later").write_text("it is here now", "utf-8")
        watcher.look()
        assert inside.notifications.channels.channel("late") is not None


def test_a_rule_names_its_channels_and_a_misspelt_one_is_not_silence(
    sqlite_url: str, tmp_path: Path
) -> None:
    with receiver() as first, receiver() as second:
        only_critical = hook(second, severities=["critical"])
        file = write_channels(tmp_path, {"ops": hook(first), "pager": only_critical})
        with house(sqlite_url, files=(), channels=file) as inside:
            alarms = Alarms(inside)
            alarms.fire("a")
            alarms.fire("b", severity="critical")
            alarms.fire("c", "pager")
            alarms.fire("d", "pagger")
            work(inside)
            assert sorted(table for _, table in told(first)) == ["a", "b", "d"]
            assert sorted(table for _, table in told(second)) == ["b", "c"]


def test_without_channels_events_pass_and_are_not_told_later(
    database_url: str, tmp_path: Path
) -> None:
    with house(database_url, files=()) as inside:
        incident = Alarms(inside).fire()
        work(inside)
        with inside.store.read() as connection:
            assert read_dispatched(connection) == 1
            assert read_notifications(connection) == []
    with receiver() as there:
        file = write_channels(tmp_path, {"ops": hook(there)})
        with house(database_url, files=(), channels=file) as inside:
            Alarms(inside).end(incident)
            work(inside)
        assert there.received == []


def test_a_process_without_the_lease_decides_and_sends_nothing(
    database_url: str, tmp_path: Path
) -> None:
    with one_channel(database_url, tmp_path) as (inside, alarms, there):
        alarms.fire()
        store, clock = Store(database_url, readers=1), ManualClock(inside.clock.now_ms())
        try:
            other = Lease(store, clock, Holder.this_process(), seconds=10)
            other.look()
            late = Dispatcher(
                inside.store, inside.lease, inside.clock, inside.notifications.channels
            )
            with pytest.raises(LeaseLost):
                late.run_once()
            assert states(inside) == []
            with pytest.raises(LeaseLost):
                inside.notifications.sender.run_once()
            other.give_up()
        finally:
            store.close()
        inside.lease.look()
        work(inside)
        assert told(there) == [("firing", "orders")]


def test_finished_notifications_are_forgotten_after_their_time(
    sqlite_url: str, tmp_path: Path
) -> None:
    with one_channel(sqlite_url, tmp_path) as (inside, alarms, _):
        alarms.end(alarms.fire())
        work(inside)
        assert len(states(inside)) == 2
        inside.notifications.dispatcher.clean()
        assert len(states(inside)) == 2
        inside.clock.advance(31 * 86_400)
        inside.notifications.dispatcher.clean()
        assert states(inside) == []


def test_the_workers_do_all_this_by_themselves(database_url: str, tmp_path: Path) -> None:
    with one_channel(database_url, tmp_path) as (inside, alarms, there):
        inside.notifications.start()
        try:
            incident = alarms.fire()
            inside.notifications.wake()
            there.wait(1)
            alarms.end(incident)
            there.wait(2)
        finally:
            inside.notifications.stop()
        assert told(there) == [("firing", "orders"), ("recovered", "orders")]


def test_a_faulty_file_stops_the_start(sqlite_url: str, tmp_path: Path) -> None:
    file = write_channels(tmp_path, {"ops": {"type": "webhok"}})
    with (
        pytest.raises(AlarmChannelError, match=r"channels\.yaml:1:"),
        house(sqlite_url, files=(), channels=file),
    ):
        pass
