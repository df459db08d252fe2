"""Of several processes on one database one works, and a stale one stores nothing; both engines."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from app.errors import LeaseLost, StorageUnavailable
from app.pipeline import Maintenance, Retention
from app.simulator import Format, Point, encode_records
from app.storage import Connection, LeaseRow, Tier, fenced, read_kept, read_lease, take_lease
from app.storage.tables import dirty_minute, lease
from app.telemetry import REGISTRY
from tests.fixtures.house import LEASE_SECONDS, House, await_writes, house
from tests.fixtures.rivals import after_read, before_write, rivals, take_over
from tests.fixtures.rollups import capacity, rules

DAY_S = 86_400
Rivals = tuple[House, House]


@pytest.fixture
def two(database_url: str) -> Iterator[Rivals]:
    with rivals(database_url) as made:
        yield made


def post(inside: House, *points: Point, request_id: str) -> None:
    inside.post(encode_records(points, Format.JSON), request_id)


def holds(inside: House) -> bool:
    return inside.lease.term is not None


def row(inside: House) -> LeaseRow:
    with inside.store.read() as connection:
        return read_lease(connection)


def sums(inside: House, tier: str = "") -> list[object]:
    query = f"SELECT value FROM v_values{tier} WHERE metric = 't_sum' ORDER BY minute"
    return [value for (value,) in inside.rows(query)]


# Taking, renewing, giving up


def test_the_first_one_takes_the_lease_at_once_and_the_second_stands_by(two: Rivals) -> None:
    first, second = two
    assert row(first).token == 1
    assert row(first).holder.startswith("first/")
    assert row(first).seconds == LEASE_SECONDS
    for work in (second.evaluator.evaluate_dirty, second.rollups.run_once):
        with pytest.raises(LeaseLost):
            work()


def test_a_holder_that_renews_is_left_alone_however_the_clocks_differ(two: Rivals) -> None:
    first, second = two
    for _ in range(5):
        second.lease.look()
        second.clock.advance(100 * LEASE_SECONDS)
        assert first.lease.look() <= LEASE_SECONDS / 2
    second.lease.look()
    assert not holds(second)
    assert row(first).token == 1


def test_a_silent_holder_is_followed_after_its_time_and_not_before(two: Rivals) -> None:
    first, second = two
    second.lease.look()
    second.clock.advance(LEASE_SECONDS - 1)
    assert second.lease.look() <= 1
    assert not holds(second)
    second.clock.advance(1)
    second.lease.look()
    assert holds(second)
    assert row(second).token == 2
    # The old one learns it by its next renewal, and stands by.
    first.lease.look()
    assert not holds(first)


def test_what_is_stored_counts_as_a_renewal(two: Rivals) -> None:
    first, second = two
    second.lease.look()
    second.clock.advance(LEASE_SECONDS)
    post(second, capacity(0, 1.0), request_id="1")
    assert first.evaluator.evaluate_dirty() == 1
    second.lease.look()
    assert not holds(second)


def test_a_lease_that_is_given_up_is_taken_at_once(two: Rivals) -> None:
    first, second = two
    second.lease.look()
    first.lease.give_up()
    assert not holds(first)
    second.lease.look()
    assert holds(second)


def test_a_killed_process_of_this_machine_is_followed_at_once(database_url: str) -> None:
    # Without a holder of its own, a house is one of a process that has ended.
    with house(database_url, rules()) as first, house(database_url, rules()) as second:
        assert holds(second)
        with pytest.raises(LeaseLost):
            first.store.write(fenced_no_op(first))


def fenced_no_op(inside: House) -> Callable[[Connection], None]:
    assert inside.lease.term is not None
    return fenced(inside.lease.term, lambda _: None)


def test_of_several_that_take_over_one_succeeds(two: Rivals) -> None:
    first, second = two
    seen = row(first)
    takers = [
        inside.store.submit(
            lambda connection, name=name: take_lease(connection, seen, holder=name, seconds=1)  # type: ignore[misc]
        )
        for inside in two
        for name in ("a", "b", "c")
    ]
    assert sum(taker.result(10) is not None for taker in takers) == 1
    assert row(second).token == seen.token + 1


def test_a_database_that_did_not_answer_is_no_sign_of_a_dead_holder(
    two: Rivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    second.lease.look()
    with monkeypatch.context() as patch:
        patch.setattr(second.store, "read", unavailable)
        patch.setattr(first.store, "write", unavailable)
        for inside in two:
            with pytest.raises(StorageUnavailable):
                inside.lease.look()
        # The holder keeps what nobody can have taken, but not beyond its time.
        assert holds(first)
        for inside in two:
            inside.clock.advance(LEASE_SECONDS)
            with pytest.raises(StorageUnavailable):
                inside.lease.look()
        assert not holds(first)
    second.lease.look()
    assert not holds(second)
    # It is still the one in the row, so it need not wait for itself.
    first.lease.look()
    assert holds(first)
    assert row(first).token == 2


def unavailable(*_: object, **__: object) -> None:
    raise StorageUnavailable("away")


def test_threads_take_over_and_give_up(two: Rivals) -> None:
    first, second = two
    taken = threading.Event()
    second.lease.when_taken(taken.set)
    second.lease.start()
    first.lease.start()
    first.lease.stop()
    assert row(first).holder == "" or taken.wait(10)
    assert taken.wait(10)
    second.lease.stop()
    assert row(second).holder == ""


def test_what_happens_is_counted(two: Rivals) -> None:
    def samples() -> list[float]:
        taken = REGISTRY.get_sample_value("hydrant_lease_taken_total", {"reason": "silent"})
        lost = REGISTRY.get_sample_value("hydrant_lease_lost_total")
        return [taken or 0.0, lost or 0.0]

    before = samples()
    first, second = two
    assert REGISTRY.get_sample_value("hydrant_lease_held") == 0  # of the second, made last
    take_over(second)
    assert REGISTRY.get_sample_value("hydrant_lease_held") == 1
    first.lease.look()
    assert [after - then for after, then in zip(samples(), before, strict=True)] == [1, 1]


# Stale results


def test_a_stale_minute_is_refused(two: Rivals) -> None:
    first, second = two
    post(first, capacity(0, 1.0), request_id="1")

    def meanwhile() -> None:
        take_over(second)
        post(second, capacity(0, 2.0, count=2), request_id="2")
        second.evaluator.evaluate_dirty()

    with before_write(first, 0, meanwhile) as stopped, pytest.raises(LeaseLost):
        first.evaluator.evaluate_dirty()
    assert stopped
    assert sums(first) == [2.0]
    assert not holds(first)


def test_a_term_that_was_lost_and_won_again_is_another_term(two: Rivals) -> None:
    first, second = two
    post(first, capacity(0, 1.0), request_id="1")

    def meanwhile() -> None:
        take_over(second)
        post(second, capacity(0, 2.0, count=2), request_id="2")
        second.evaluator.evaluate_dirty()
        take_over(first)

    # The marks are read first, then the minute.
    with after_read(first, 1, meanwhile) as stopped, pytest.raises(LeaseLost):
        first.evaluator.evaluate_dirty()
    assert stopped
    assert sums(first) == [2.0]
    # The present term is not harmed by the end of the earlier one.
    assert holds(first)
    assert first.evaluator.evaluate_dirty() == 0


def test_a_term_whose_token_was_given_out_again_is_over(two: Rivals) -> None:
    """As after a failover to a standby that had not heard of the take-over."""
    first, second = two
    before = row(first)
    take_over(second)
    first.lease.look()
    assert not holds(first)

    def set_back(connection: Connection) -> None:
        given = {"holder": before.holder, "token": before.token, "renewals": before.renewals}
        connection.execute(sa.update(lease).values(given))

    second.store.write(set_back)
    first.lease.look()
    assert holds(first)
    assert row(first).token == 2
    with pytest.raises(LeaseLost):
        second.store.write(fenced_no_op(second))


def test_a_minute_whose_marks_are_gone_is_dropped_even_without_the_lease(two: Rivals) -> None:
    first, second = two
    post(first, capacity(0, 1.0), request_id="1")

    def meanwhile() -> None:
        # As a release that knows nothing of leases would.
        post(second, capacity(0, 2.0, count=2), request_id="2")
        second.store.write(lambda connection: connection.execute(sa.delete(dirty_minute)).close())

    with before_write(first, 0, meanwhile) as stopped:
        first.evaluator.evaluate_dirty()
    assert stopped
    assert sums(first) == []
    assert holds(first)


@pytest.mark.parametrize("number", [0, 3])
def test_a_stale_rollup_is_refused(two: Rivals, number: int) -> None:
    first, second = two
    post(first, capacity(0, 1.0), capacity(1, 8.0), request_id="1")
    first.evaluator.evaluate_dirty()

    def meanwhile() -> None:
        take_over(second)
        post(second, capacity(1, 16.0, count=2), request_id="2")
        second.evaluator.evaluate_dirty()
        second.rollups.run_once()

    with before_write(first, number, meanwhile) as stopped, pytest.raises(LeaseLost):
        first.rollups.run_once()
    assert stopped
    assert sums(first, "_5m") == sums(first, "_1h") == [17.0]
    assert first.rows("SELECT * FROM dirty_rollup") == []


def test_stale_maintenance_is_refused(two: Rivals) -> None:
    first, second = two
    post(first, capacity(0, 1.0), request_id="1")
    first.evaluator.evaluate_dirty()
    first.rollups.run_once()
    for inside in two:
        inside.clock.advance(30 * DAY_S)
    days = {Tier.MINUTE: 3, Tier.FIVE_MINUTES: 5, Tier.HOUR: 8}
    maintenance = Maintenance(first.store, first.clock, first.lease, Retention(48, 30, days))
    for number in range(3):
        with before_write(first, number, lambda: take_over(second)) as stopped:
            with pytest.raises(LeaseLost):
                maintenance.run_once()
            assert stopped
        with first.store.read() as connection:
            assert read_kept(connection)[Tier.MINUTE] == 0
        second.lease.give_up()
        first.lease.look()
    assert maintenance.run_once()["packed_point"] == 4


# Locks


def test_a_take_over_waits_for_what_the_holder_is_storing(two: Rivals) -> None:
    first, second = two
    term = first.lease.term
    assert term is not None
    inside, go_on = threading.Event(), threading.Event()

    def slow(_: Connection) -> None:
        inside.set()
        go_on.wait(10)

    stored = first.store.submit(fenced(term, slow))
    assert inside.wait(10)
    seen = row(second)
    taken = second.store.submit(
        lambda connection: take_lease(connection, seen, holder="x", seconds=1)
    )
    time.sleep(0.2)
    assert not taken.done()
    go_on.set()
    stored.result(10)
    # What was stored is a renewal, which the one that took over had not seen.
    assert taken.result(10) is None


def test_a_process_that_stands_still_in_a_transaction_loses_its_locks(postgresql_url: str) -> None:
    with rivals(postgresql_url) as (first, second):
        term = first.lease.term
        assert term is not None

        def stopped(connection: Connection) -> None:
            # As the engine sets it, but for the time.
            found = connection.execute(sa.text("SHOW idle_in_transaction_session_timeout"))
            assert found.scalar_one() == "15s"
            connection.execute(sa.text("SET idle_in_transaction_session_timeout = '300ms'"))
            with second.store.read() as other:
                seen = read_lease(other)
            taken = second.store.write(lambda other: take_lease(other, seen, holder="x", seconds=1))
            assert taken is not None
            connection.execute(sa.text("SELECT 1"))

        with pytest.raises(StorageUnavailable):
            first.store.write(fenced(term, stopped))
        assert row(second).token == 2
        await_writes(first.store)
        with pytest.raises(LeaseLost):
            first.store.write(fenced_no_op(first))


def test_a_process_that_is_suspended_in_the_middle_of_a_copy_loses_its_locks(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL waits for it without any of its own time limits."""
    with rivals(postgresql_url) as (first, second):
        term = first.lease.term
        assert term is not None
        seen = row(second)

        def take(connection: Connection) -> object:
            connection.execute(sa.text("SET LOCAL lock_timeout = '300ms'"))
            return take_lease(connection, seen, holder="x", seconds=1)

        def suspended(connection: Connection) -> None:
            connection.execute(sa.text("SET LOCAL statement_timeout = '100ms'"))
            driver = connection.connection.driver_connection
            assert driver is not None
            with driver.cursor() as cursor, cursor.copy("COPY dirty_minute FROM STDIN") as copy:
                copy.write(b"1")
                with pytest.raises(StorageUnavailable, match="lock timeout"):
                    second.store.write(take)
                # It may take as long as a statement may, and no longer.
                monkeypatch.setattr("app.storage.suspended.WRITER_STATEMENT_SECONDS", 0.1)
                with pytest.raises(StorageUnavailable, match="lock timeout"):
                    second.store.write(take)
                assert second.store.write(take) is not None

        with pytest.raises(StorageUnavailable):
            first.store.write(fenced(term, suspended))
        assert row(second).token == 2
