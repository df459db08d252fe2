"""Storage of notifications on both databases: outbox, incidents at channels, silences."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.storage import (
    NotificationState,
    Store,
    acknowledge,
    create_silence,
    expire_silence,
    read_acknowledgements,
    read_notifications,
    read_notified_incidents,
    read_silence,
    read_silences,
    unacknowledge,
)
from app.storage.outbox import (
    NewNotification,
    add_notifications,
    count_waiting,
    finish_notification,
    forget_notifications,
    postpone_notification,
    read_due_notifications,
    read_refused_incidents,
    read_waiting_groups,
)
from app.storage.routed import (
    RoutedRow,
    advance_dispatched,
    delete_routed,
    read_dispatched,
    read_routed,
    write_routed,
)
from app.storage.silences import (
    forget_silences,
)

NOW_MS = 1_795_000_000_000
HOUR_MS = 3_600_000
TELLING = ("firing", "repeated")


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = Store(database_url, readers=2)
    opened.migrate()
    yield opened
    opened.close()


def new(key: str, *incidents: int, channel: str = "ops", kind: str = "firing") -> NewNotification:
    return NewNotification(key, channel, kind, f"group of {channel}", f'{{"k":"{key}"}}', incidents)


def add(store: Store, *notifications: NewNotification, at_ms: int = NOW_MS) -> None:
    store.write(lambda connection: add_notifications(connection, notifications, at_ms))


def due(store: Store, at_ms: int = NOW_MS, *without: str) -> list[str]:
    with store.read() as connection:
        return [row.key for row in read_due_notifications(connection, at_ms, without=without)]


def finish(store: Store, key: str, state: NotificationState, error: str = "") -> None:
    notification_id = id_of(store, key)
    store.write(lambda c: finish_notification(c, notification_id, state, NOW_MS + 5, error=error))


def id_of(store: Store, key: str) -> int:
    with store.read() as connection:
        return next(r.notification_id for r in read_notifications(connection) if r.key == key)


def test_a_notification_waits_for_earlier_ones_of_its_incidents_at_its_channel(
    store: Store,
) -> None:
    add(
        store,
        new("fired", 1, 2),
        new("fired elsewhere", 1, channel="chat"),
        new("other", 3),
        new("over", 2, kind="recovered"),
        new("over elsewhere", 1, channel="chat", kind="recovered"),
    )
    assert due(store) == ["fired", "fired elsewhere", "other"]
    assert due(store, NOW_MS, "chat") == ["fired", "other"]
    assert due(store, NOW_MS - 1) == []
    finish(store, "fired elsewhere", NotificationState.DELIVERED)
    assert due(store) == ["fired", "other", "over elsewhere"]
    finish(store, "fired", NotificationState.GIVEN_UP, "no answer")
    assert due(store) == ["other", "over", "over elsewhere"]


def test_an_attempt_that_fails_is_counted_and_comes_again_later(store: Store) -> None:
    add(store, new("fired", 1))
    notification_id = id_of(store, "fired")
    store.write(
        lambda c: postpone_notification(
            c, notification_id, NOW_MS + 10, due_ms=NOW_MS + 5_000, error="answered 503"
        )
    )
    assert due(store, NOW_MS + 4_999) == []
    assert due(store, NOW_MS + 5_000) == ["fired"]
    with store.read() as connection:
        (row,) = read_notifications(connection)
        assert count_waiting(connection) == {"ops": (1, NOW_MS)}
        assert read_waiting_groups(connection) == {("ops", "group of ops")}
    assert (row.attempts, row.last_attempt_ms) == (1, NOW_MS + 10)
    assert (row.last_error, row.state) == ("answered 503", NotificationState.WAITING)
    finish(store, "fired", NotificationState.DELIVERED)
    # What is finished stays as it is, whoever comes late.
    finish(store, "fired", NotificationState.GIVEN_UP, "too late")
    with store.read() as connection:
        (row,) = read_notifications(connection)
        assert read_waiting_groups(connection) == set()
    assert (row.attempts, row.state, row.last_error) == (2, NotificationState.DELIVERED, "")
    assert row.finished_ms == NOW_MS + 5


def test_an_incident_all_of_whose_firings_were_refused_is_known(store: Store) -> None:
    add(
        store,
        new("a", 1, 2),
        new("b", 2, kind="repeated"),
        new("elsewhere", 1, channel="chat"),
        new("over", 1, 2, 3, kind="recovered"),
    )
    finish(store, "a", NotificationState.REFUSED, "answered 400")
    finish(store, "elsewhere", NotificationState.DELIVERED)
    over = id_of(store, "over")
    with store.read() as connection:
        assert read_refused_incidents(connection, over, TELLING) == {1}
    finish(store, "b", NotificationState.REFUSED, "answered 400")
    with store.read() as connection:
        assert read_refused_incidents(connection, over, TELLING) == {1, 2}


def test_notifications_are_listed_newest_first_and_by_what_they_are_about(store: Store) -> None:
    add(store, new("a", 1), new("b", 1, 2, channel="chat"), new("c", 2, kind="recovered"))
    finish(store, "a", NotificationState.DELIVERED)
    with store.read() as connection:
        keys = [row.key for row in read_notifications(connection)]
        assert keys == ["c", "b", "a"]
        of = read_notifications(connection, incident_id=2)
        assert [row.key for row in of] == ["c", "b"]
        delivered = read_notifications(connection, state=NotificationState.DELIVERED)
        assert [row.key for row in delivered] == ["a"]
        assert [row.key for row in read_notifications(connection, channel="chat")] == ["b"]
        page = read_notifications(connection, before_id=of[0].notification_id, limit=1)
        assert [row.key for row in page] == ["b"]
        ids = [row.notification_id for row in read_notifications(connection)]
        assert list(read_notified_incidents(connection, ids).values()) == [(1,), (1, 2), (2,)]


def test_only_finished_notifications_are_forgotten_when_their_time_is_over(store: Store) -> None:
    add(store, new("old", 1), new("waiting", 2))
    finish(store, "old", NotificationState.DELIVERED)
    assert store.write(lambda c: forget_notifications(c, NOW_MS + 5)) == 0
    assert store.write(lambda c: forget_notifications(c, NOW_MS + 6)) == 1
    with store.read() as connection:
        assert [row.key for row in read_notifications(connection)] == ["waiting"]
        assert read_notified_incidents(connection, [1, 2]) == {2: (2,)}


def test_a_key_is_in_the_outbox_once(store: Store) -> None:
    add(store, new("a", 1))
    with pytest.raises(Exception, match=r"(?i)unique"):
        add(store, new("a", 1))


def test_incidents_at_channels_are_replaced_and_deleted_by_their_key(store: Store) -> None:
    first = RoutedRow("ops", 1, "{}", '{"a":1}', NOW_MS)
    other = replace(first, channel="chat")
    store.write(lambda c: write_routed(c, [first, other]))
    told = replace(
        first, ended_ms=5, first_told_ms=2, last_told_ms=3, flushed_ms=4, acknowledged_ms=6
    )
    store.write(lambda c: write_routed(c, [told]))
    store.write(lambda c: write_routed(c, []))
    with store.read() as connection:
        assert read_routed(connection) == [other, told]
    store.write(lambda c: delete_routed(c, [("ops", 1), ("ops", 2)]))
    with store.read() as connection:
        assert read_routed(connection) == [other]


def test_events_are_dispatched_up_to_the_last_one_stored(store: Store) -> None:
    with store.read() as connection:
        assert read_dispatched(connection) == 0
    store.write(lambda c: advance_dispatched(c, 7))
    store.write(lambda c: advance_dispatched(c, 9))
    with store.read() as connection:
        assert read_dispatched(connection) == 9


def test_silences_are_kept_ended_and_forgotten(store: Store) -> None:
    def create(starts_ms: int, ends_ms: int) -> int:
        return store.write(
            lambda c: create_silence(
                c,
                [("TableName", "=~", "or.*"), ("alarm", "=", "A")],
                starts_ms=starts_ms,
                ends_ms=ends_ms,
                comment="moving",
                created_by="ada",
                now_ms=NOW_MS,
            )
        )

    running, coming = create(NOW_MS, NOW_MS + HOUR_MS), create(NOW_MS + 5, NOW_MS + HOUR_MS)
    with store.read() as connection:
        found = read_silence(connection, running)
        assert read_silence(connection, 99) is None
        assert [row.silence_id for row in read_silences(connection)] == [running, coming]
        assert read_silences(connection, ending_after_ms=NOW_MS + HOUR_MS) == []
    assert found is not None
    assert found.matchers == (("TableName", "=~", "or.*"), ("alarm", "=", "A"))
    assert (found.comment, found.created_by, found.created_ms) == ("moving", "ada", NOW_MS)
    assert store.write(lambda c: expire_silence(c, running, NOW_MS + 2))
    assert not store.write(lambda c: expire_silence(c, running, NOW_MS + 3))
    assert store.write(lambda c: expire_silence(c, coming, NOW_MS + 2))
    with store.read() as connection:
        ends = [(row.starts_ms, row.ends_ms) for row in read_silences(connection)]
    assert ends == [(NOW_MS, NOW_MS + 2), (NOW_MS + 2, NOW_MS + 2)]
    assert store.write(lambda c: forget_silences(c, NOW_MS + 2)) == 0
    assert store.write(lambda c: forget_silences(c, NOW_MS + 3)) == 2


def test_acknowledgements_are_replaced_taken_back_and_kept_while_they_matter(store: Store) -> None:
    def by(name: str, incident_id: int, now_ms: int) -> None:
        store.write(lambda c: acknowledge(c, incident_id, acknowledged_by=name, now_ms=now_ms))

    by("ada", 1, NOW_MS)
    by("bob", 1, NOW_MS + 1)
    by("ada", 2, NOW_MS)
    with store.read() as connection:
        assert read_acknowledgements(connection)[1].acknowledged_by == "bob"
    assert store.write(lambda c: unacknowledge(c, 1))
    assert not store.write(lambda c: unacknowledge(c, 1))
    by("ada", 3, NOW_MS)
    store.write(lambda c: write_routed(c, [RoutedRow("ops", 3, "{}", "{}", NOW_MS)]))
    assert store.write(lambda c: forget_silences(c, NOW_MS + 1)) == 1
    with store.read() as connection:
        assert list(read_acknowledgements(connection)) == [3]
