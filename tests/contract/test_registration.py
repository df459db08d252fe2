"""Several processes on one PostgreSQL register what is new at the same time."""

import multiprocessing
import threading
import time
from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from app.catalog import SeriesIdentity
from app.errors import StorageUnavailable
from app.mal import Entity, Scope
from app.simulator import Format, Point, Series, encode_records
from app.storage import Connection, register_entities, register_label_sets, register_metrics
from app.storage.bulk import Column, bulk_upsert
from app.storage.series import register_series
from app.storage.statements import INSERT_SERIES
from tests.fixtures.house import NOW_MS, House, house

START_MS = NOW_MS // 60_000 * 60_000
PROCESSES = 3
ROUNDS = 6
SERIES = 40


def point(number: int, minute: int, *statistics: str) -> Point:
    dimensions = (("TableName", f"t{number}"),)
    series = Series("1", "r", "AWS/DynamoDB", "ConsumedReadCapacityUnits", dimensions, "Count")
    percentiles = tuple((name, 1.0) for name in statistics)
    return Point(series, START_MS + minute * 60_000, 1, 1.0, 1.0, 1.0, percentiles)


def deliver_all(url: str, process: int) -> None:
    """Deliver overlapping new series round by round, each process in an order of its own."""
    with house(url, []) as inside:
        for number in range(ROUNDS):
            first = number * SERIES // 2
            chosen = range(first, first + SERIES)
            ordered = chosen if process % 2 else reversed(chosen)
            names = ("p50", "p99") if process % 2 else ("p99", "p50")
            points = [point(series, minute, *names) for series in ordered for minute in (0, 1)]
            for attempt in range(20):
                try:
                    inside.post(encode_records(points, Format.JSON), f"{process}-{number}")
                    break
                except StorageUnavailable:
                    if attempt == 19:
                        raise


def test_processes_register_overlapping_series_once_and_without_gaps(postgresql_url: str) -> None:
    with house(postgresql_url, []) as inside:
        spawn = multiprocessing.get_context("spawn")
        processes = [
            spawn.Process(target=deliver_all, args=(postgresql_url, n)) for n in range(PROCESSES)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(100)
        assert [process.exitcode for process in processes] == [0] * PROCESSES
        total = SERIES // 2 * (ROUNDS + 1)
        assert ids(inside, "series") == sorted(range(1, total + 1), key=repr)
        assert inside.rows("SELECT COUNT(DISTINCT digest) FROM series") == [(total,)]
        assert inside.rows("SELECT COUNT(*) FROM delivery") == [(PROCESSES * ROUNDS,)]
        assert inside.rows("SELECT COUNT(*), SUM(sample_count) FROM v_points") == [
            (2 * total, 2.0 * total)
        ]
        # Whoever writes one delivery at a time takes its locks in the same order as everybody.
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert inside.rows(deadlocks) == [(0,)]


def ids(inside: House, table: str) -> list[object]:
    found = inside.rows(f"SELECT {table}_id FROM {table}")
    return sorted((row[0] for row in found), key=repr)


def together(work: Sequence[object], houses: Sequence[House]) -> None:
    """Run jobs at once, each on a writer of its own."""
    barrier = threading.Barrier(len(houses))
    failures: list[BaseException] = []

    def run(inside: House, job: object) -> None:
        barrier.wait(10)
        try:
            inside.store.write(job)  # type: ignore[arg-type]
        except BaseException as error:  # noqa: BLE001 - told below
            failures.append(error)

    threads = [threading.Thread(target=run, args=pair) for pair in zip(houses, work, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


def test_entities_labels_and_metrics_have_no_gaps_either(postgresql_url: str) -> None:
    with house(postgresql_url, []) as one, house(postgresql_url, []) as two:

        def job(first: int, step: int) -> object:
            numbers = list(range(first, first + 30))[::step]

            def register(connection: Connection) -> None:
                entities = [Entity(Scope.SERVICE, "L", f"s{n}") for n in numbers]
                labels = [(("l", str(n)),) for n in numbers]
                names = [f"m{n}" for n in numbers]
                # The two begin at different ends, also of the tables.
                if step > 0:
                    register_metrics(connection, names)
                    register_entities(connection, entities)
                    register_label_sets(connection, labels)
                else:
                    register_label_sets(connection, labels)
                    register_entities(connection, entities)
                    register_metrics(connection, names)

            return register

        for number in range(8):
            first = number * 20
            together([job(first, 1), job(first, -1)], [one, two])
            # Known ones take no numbers.
            one.store.write(job(first, 1))  # type: ignore[arg-type]
        for table in ("metric", "entity", "label_set"):
            assert ids(one, table) == sorted(range(1, 8 * 20 + 10 + 1), key=repr), table


def test_what_a_transaction_took_and_did_not_commit_is_given_out_again(
    postgresql_url: str,
) -> None:
    with house(postgresql_url, []) as inside:
        inside.post(encode_records([point(1, 0)], Format.JSON), "1")

        def register_and_fail(connection: Connection) -> None:
            register_metrics(connection, ["lost", "lost too"])
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            inside.store.write(register_and_fail)
        inside.store.write(lambda c: register_metrics(c, ["kept"]))
        assert inside.rows("SELECT metric_id, name FROM metric") == [(1, "kept")]


def test_one_at_a_time_gives_out_ids(postgresql_url: str) -> None:
    with house(postgresql_url, []) as one, house(postgresql_url, []) as two:
        registered, go_on = threading.Event(), threading.Event()

        def hold(connection: Connection) -> None:
            register_metrics(connection, ["first", "second"])
            registered.set()
            go_on.wait(30)

        held = one.store.submit(hold)
        registered.wait(30)
        waiting = two.store.submit(lambda c: register_metrics(c, ["third"]))
        blocked = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        deadline = time.monotonic() + 20
        while not one.rows(blocked) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert one.rows(blocked)
        go_on.set()
        held.result(30)
        assert waiting.result(30) == {"first": 1, "second": 2, "third": 3}


def test_a_release_without_the_lock_may_register_meanwhile(postgresql_url: str) -> None:
    """During an upgrade; it holds an id of the sequence that nobody else can see yet."""
    engine = sa.create_engine(postgresql_url)
    with house(postgresql_url, []) as inside, engine.connect() as older:
        older.exec_driver_sql("INSERT INTO metric (name) VALUES ('theirs')")
        thread = threading.Thread(
            target=lambda: inside.store.write(lambda c: register_metrics(c, ["ours", "theirs"]))
        )
        thread.start()
        thread.join(0.5)
        older.commit()
        thread.join(30)
        rows = inside.rows("SELECT metric_id, name FROM metric")
        assert rows == [(1, "theirs"), (2, "ours")]
    engine.dispose()


def test_rows_are_locked_in_the_order_of_their_keys(postgresql_url: str) -> None:
    """Series, for one, come in an order of each delivery's own."""
    digests = [bytes([number]) * 32 for number in (3, 1, 4, 2)]
    columns: list[Column] = [digests, *(["x"] * len(digests) for _ in range(7))]
    with house(postgresql_url, []) as inside:
        inside.store.write(lambda c: bulk_upsert(c, INSERT_SERIES, columns))
        with inside.store.read() as connection:
            query = "SELECT digest FROM series ORDER BY ctid"
            written = [bytes(each) for each in connection.exec_driver_sql(query).scalars()]
        assert written == sorted(digests)


def test_few_series_are_found_by_the_index_however_many_there_are(postgresql_url: str) -> None:
    """Reading the whole table once for each delivery with a new series would cost more than it."""
    identities = [
        SeriesIdentity("1", "r", "AWS/X", "m", (("d", str(number)),), "None")
        for number in range(5_000)
    ]
    scans = "SELECT pg_stat_get_xact_numscans('series'::regclass)"

    def find(connection: Connection) -> tuple[list[int], int]:
        # After some of these, PostgreSQL plans the statement once for any number of series.
        for _ in range(12):
            register_series(connection, identities)
        before = connection.exec_driver_sql(scans).scalar_one()
        found = register_series(connection, identities[7:4_000:1_000])
        return found, connection.exec_driver_sql(scans).scalar_one() - before

    with house(postgresql_url, []) as inside:
        every = inside.store.write(lambda c: register_series(c, identities))
        inside.store.write(lambda c: c.exec_driver_sql("ANALYZE series"))
        assert inside.store.write(find) == (every[7:4_000:1_000], 0)


def test_a_deadlock_is_tried_again(postgresql_url: str) -> None:
    """Jobs that share a transaction may lock rows in any order."""
    with house(postgresql_url, []) as one, house(postgresql_url, []) as two:
        one.store.write(lambda c: register_metrics(c, ["a", "b"]))
        met = threading.Barrier(2)
        tries: list[str] = []

        def job(first: str, second: str) -> object:
            def update(connection: Connection) -> None:
                tries.append(first)
                statement = sa.text("UPDATE metric SET name = name || '!' WHERE name LIKE :name")
                connection.execute(statement, {"name": f"{first}%"})
                if tries.count(first) == 1:
                    met.wait(10)
                connection.execute(statement, {"name": f"{second}%"})

            return update

        together([job("a", "b"), job("b", "a")], [one, two])
        assert one.rows("SELECT name FROM metric") == [("a!!",), ("b!!",)]
        assert len(tries) > 2
