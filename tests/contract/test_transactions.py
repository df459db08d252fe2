"""A delivery is stored whole or not at all, and jobs do not harm each other."""

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.errors import StorageUnavailable
from app.simulator import AccountModel, Format, encode_records
from app.storage import Connection, Store, count_marks, read_marks
from app.storage.alarm_tables import ALARM_VIEWS
from app.storage.deployment_mark_tables import MARK_VIEWS
from app.storage.migrate import (
    current_revision,
    downgrade,
    head_revision,
    is_compared,
    migrate,
)
from app.storage.tables import VIEWS, metadata
from app.telemetry import REGISTRY
from tests.fixtures.house import NOW_MS, House, house

MINUTE_MS = NOW_MS // 60_000 * 60_000


def records(minutes: int = 1) -> list[bytes]:
    model = AccountModel(7, tables=3)
    points = [point for i in range(minutes) for point in model.points(MINUTE_MS + i * 60_000)]
    return encode_records(points, Format.OPENTELEMETRY_1_0)


class _Fault(Exception):
    pass


def failing(_: Connection) -> None:
    raise _Fault


def test_a_failing_job_leaves_nothing_and_harms_no_other(database_url: str) -> None:
    with house(database_url) as inside:
        held = threading.Event()
        blocker = inside.store.submit(lambda _: held.wait(10))

        def insert(connection: Connection) -> None:
            connection.execute(sa.text("INSERT INTO metric (name) VALUES ('kept')"))

        def insert_and_fail(connection: Connection) -> None:
            connection.execute(sa.text("INSERT INTO metric (name) VALUES ('lost')"))
            raise _Fault

        good = inside.store.submit(insert)
        bad = inside.store.submit(insert_and_fail)
        held.set()
        blocker.result(10)
        good.result(10)
        with pytest.raises(_Fault):
            bad.result(10)
        assert inside.rows("SELECT name FROM metric") == [("kept",)]


def test_waiting_is_told_by_what_waits(database_url: str) -> None:
    def waits(work: str) -> tuple[float, float]:
        name, labels = "hydrant_writer_wait_seconds", {"work": work}
        count = REGISTRY.get_sample_value(f"{name}_count", labels) or 0.0
        return count, REGISTRY.get_sample_value(f"{name}_sum", labels) or 0.0

    with house(database_url) as inside:
        deliveries, other = waits("deliveries"), waits("other")
        begun = threading.Event()
        blocker = inside.store.submit(lambda _: begun.wait(10))
        threading.Timer(0.2, begun.set).start()
        inside.post(records())
        blocker.result(10)
        assert waits("deliveries")[0] == deliveries[0] + 1
        assert waits("other")[0] == other[0] + 1
        assert waits("deliveries")[1] > deliveries[1]


def test_a_delivery_that_fails_half_way_leaves_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with house(database_url) as inside:
        with monkeypatch.context() as patch:
            patch.setattr("app.storage.deliveries.add_to_quarantine", failing_quarantine)
            with pytest.raises(_Fault):
                inside.post(records())
        tables = ("point_batch", "series", "delivery", "dirty_minute")
        for table in tables:
            assert inside.rows(f"SELECT COUNT(*) FROM {table}") == [(0,)], table
        # What the failed transaction had found out was not learnt: the retry works.
        inside.post(records())
        assert inside.rows("SELECT COUNT(*) FROM delivery") == [(1,)]
        assert inside.rows("SELECT COUNT(*) FROM v_points") != [(0,)]
        assert inside.rows("SELECT COUNT(*) FROM point_batch") == [(1,)]


def failing_quarantine(*_: object) -> None:
    raise _Fault


def test_a_full_queue_refuses_at_once(database_url: str) -> None:
    store = Store(database_url, queue_size=1)
    try:
        store.migrate()
        held, started = threading.Event(), threading.Event()

        def hold(_: Connection) -> None:
            started.set()
            held.wait(10)

        first = store.submit(hold)
        started.wait(10)
        second = store.submit(lambda _: None)
        with pytest.raises(StorageUnavailable, match="queue is full"):
            store.submit(lambda _: None)
        held.set()
        first.result(10)
        second.result(10)
    finally:
        store.close()
    with pytest.raises(StorageUnavailable, match="shutting down"):
        store.submit(lambda _: None)


def test_closing_commits_what_is_queued(database_url: str) -> None:
    with house(database_url) as inside:
        for number in range(20):
            inside.store.submit(
                lambda c, n=number: (
                    c.execute(  # type: ignore[misc]
                        sa.text("INSERT INTO metric (name) VALUES (:name)"), {"name": str(n)}
                    )
                    and None
                )
            )
    with house(database_url) as again:
        assert len(again.rows("SELECT name FROM metric")) == 20


def test_two_processes_register_the_same_series_once(database_url: str) -> None:
    """Two stores on one database, as two processes would have, deliver the same new series."""
    with house(database_url) as one, house(database_url) as two:
        barrier = threading.Barrier(2)

        def run(inside: House, name: str) -> None:
            barrier.wait(10)
            inside.post(records(), name)

        threads = [
            threading.Thread(target=run, args=(inside, name))
            for inside, name in ((one, "1"), (two, "2"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        digests = one.rows("SELECT digest FROM series")
        assert len(set(digests)) == len(digests) > 0
        assert len(two.contents()["v_values"]) > 0


def test_marks_outlive_the_process(database_url: str) -> None:
    with house(database_url) as first:
        first.post(records(3))
        with first.store.read() as connection:
            assert count_marks(connection) == 3
    with house(database_url) as second:
        assert second.evaluator.evaluate_dirty() == 3
        assert second.evaluator.evaluate_dirty() == 0
        assert second.rows("SELECT COUNT(*) FROM v_values")[0][0] != 0


def test_a_database_that_cannot_be_reached_is_unavailable(tmp_path: Path) -> None:
    for url in ("postgresql://nobody@127.0.0.1:1/none", f"sqlite:///{tmp_path}"):
        store = Store(url)
        try:
            with pytest.raises(StorageUnavailable, match="not available"):
                store.check()
            with pytest.raises(StorageUnavailable, match="not available"):
                store.write(lambda _: None)
        finally:
            store.close()


@pytest.mark.empty_database
def test_migrations_make_what_the_tables_say_and_unmake_it(database_url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    from app.storage.engine import parse_database_url, writer_engine

    engine = writer_engine(parse_database_url(database_url))
    try:
        migrate(engine)
        with engine.connect() as connection:
            assert current_revision(connection) == head_revision()
            options = {"compare_type": True, "include_name": is_compared}
            context = MigrationContext.configure(connection, opts=options)
            assert compare_metadata(context, metadata) == []
            for view in (*VIEWS, *ALARM_VIEWS, *MARK_VIEWS):
                assert connection.execute(sa.text(f"SELECT * FROM {view}")).all() == []
        downgrade(engine, "base")
        with engine.connect() as connection:
            left = set(sa.inspect(connection).get_table_names()) - {"alembic_version"}
            assert left <= {"sqlite_sequence"}
            assert sa.inspect(connection).get_view_names() == []
        migrate(engine)
    finally:
        engine.dispose()


def test_a_job_at_fault_by_its_data_is_not_taken_for_an_outage(database_url: str) -> None:
    """A poisonous job must fail alone, and not as something to be tried again for two hours."""
    with house(database_url) as inside:
        held = threading.Event()
        blocker = inside.store.submit(lambda _: held.wait(10))

        def poison(connection: Connection) -> None:
            text = "x" * 100_000
            # Too long for the index of PostgreSQL; SQLite takes it, and fails on the next line.
            values = {"name": "".join(chr(0x4E00 + n % 20_000) for n in range(len(text)))}
            connection.execute(sa.text("INSERT INTO metric (name) VALUES (:name)"), values)
            connection.execute(sa.text("SELECT nonsense"))

        poisonous = inside.store.submit(poison)
        innocent = inside.store.submit(
            lambda c: c.execute(sa.text("INSERT INTO metric (name) VALUES ('kept')")).rowcount
        )
        held.set()
        blocker.result(10)
        innocent.result(10)
        error = poisonous.exception(10)
        assert error is not None
        assert not isinstance(error, StorageUnavailable)
        assert inside.rows("SELECT name FROM metric") == [("kept",)]


def test_a_failing_minute_with_many_marks_starves_no_other(database_url: str) -> None:
    with house(database_url) as inside:
        inside.post(records(2))

        def mark(connection: Connection) -> None:
            first = MINUTE_MS // 60_000
            rows = [{"minute": first} for _ in range(20_000)]
            connection.execute(sa.text("INSERT INTO dirty_minute (minute) VALUES (:minute)"), rows)

        inside.store.write(mark)
        with inside.store.read() as connection:
            marks = read_marks(connection, 10)
        assert len(marks) == 2
        assert sum(map(len, marks.values())) == 20_002


def test_commits_are_durable_whatever_the_database_says(postgresql_url: str) -> None:
    with house(postgresql_url) as inside:
        name = postgresql_url.rsplit("/", 1)[1]
        inside.store.write(
            lambda c: c.exec_driver_sql(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        )
    with house(postgresql_url) as again:
        setting = again.store.write(
            lambda c: c.exec_driver_sql("SHOW synchronous_commit").scalar_one()
        )
        assert setting == "on"


def test_columns_are_compressed_quickly_in_whatever_partition(postgresql_url: str) -> None:
    """Also in the one of minutes that have none of their own."""
    setting = "FROM pg_settings WHERE name = 'default_toast_compression'"
    with house(postgresql_url) as inside:
        if inside.rows(f"SELECT 'lz4' = ANY (enumvals) {setting}") != [(True,)]:
            pytest.skip("this PostgreSQL was built without LZ4")
        points = AccountModel(7, tables=300).points(MINUTE_MS)
        inside.post(encode_records(points, Format.JSON))
        column = "pg_column_compression(sample_count)"
        found = inside.rows(f"SELECT {column} FROM point_batch_default")
        assert found == [("lz4",)]


def test_evaluation_goes_on_while_all_readers_are_busy(database_url: str) -> None:
    with house(database_url) as inside, inside.store.read(), inside.store.read():
        inside.post(records())
        assert inside.evaluator.evaluate_dirty() == 1
