"""Backfill of metrics from stored points, alone and beside a running server, on both engines."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from app.catalog import load_statistic_catalog
from app.clock import ManualClock
from app.errors import InvalidParameter, NotFound, StorageUnavailable
from app.pipeline import Backfill
from app.rules import RuleFile, load_rule_directory
from app.rules.files import parse_rule_file
from app.settings import DEFAULT_RULES
from app.simulator import AccountModel, Format, Point, Series, encode_records
from app.storage import Connection, Store, Tier, expire, lock_minute
from app.storage.array_columns import array_parameter, execute_many
from tests.fixtures.house import NOW_MS, House, house, until_available

CATALOG = load_statistic_catalog()
MINUTE_MS = NOW_MS // 60_000 * 60_000
DAY_MS = 86_400_000
AT_A_TIME = 30
OLD = """
metricPrefix: t
filter: "{ tags -> tags.Namespace == 'AWS/DynamoDB' && tags.TableName }"
expSuffix: endpoint(['cloud_account_id'], ['TableName'], Layer.AWS_DYNAMODB)
metricsRules:
  - {name: sum, exp: amazonaws_com_AWS_DynamoDB_ConsumedReadCapacityUnits_sum}
"""
NEW = f"""{OLD}
  - {{name: count, exp: amazonaws_com_AWS_DynamoDB_ConsumedReadCapacityUnits_count}}
  - {{name: largest, exp: amazonaws_com_AWS_DynamoDB_ConsumedReadCapacityUnits_max}}
"""
WINDOW = f"""{OLD}
  - name: increase
    exp: amazonaws_com_AWS_DynamoDB_ConsumedReadCapacityUnits_sum.increase('PT1M')
"""

BITS = """
    SELECT m.name, v.minute, e.service, e.endpoint, e.region, l.labels,
           v.value, v.numerator, v.weight
    FROM value_rows v JOIN metric m ON m.metric_id = v.metric_id
    JOIN entity e ON e.entity_id = v.entity_id
    JOIN label_set l ON l.label_set_id = v.label_set_id
"""


def files(*texts: str) -> list[RuleFile]:
    return [parse_rule_file(text, f"{number}.yaml") for number, text in enumerate(texts)]


@contextmanager
def backfill(
    database: str, rules: Sequence[RuleFile], *metrics: str
) -> Iterator[tuple[Backfill, Store]]:
    """A backfill over a store of its own, as in a process of its own."""
    store = Store(database, readers=1)
    try:
        yield Backfill(store, rules, CATALOG, ManualClock(NOW_MS), metrics), store
    finally:
        store.close()


def run(database: str, rules: Sequence[RuleFile], *metrics: str) -> tuple[int, int]:
    """Backfill everything; how many values there are, and how many rows were written."""
    with backfill(database, rules, *metrics) as (work, _):
        done = [work.evaluate(minute) for minute in work.minutes(0, NOW_MS + DAY_MS)]
    return sum(minute.values for minute in done), sum(minute.written for minute in done)


def point(minute: int, count: int = 2, total: float = 5.0) -> Point:
    dimensions = (("TableName", "orders"),)
    series = Series(
        "1", "eu-west-1", "AWS/DynamoDB", "ConsumedReadCapacityUnits", dimensions, "Count"
    )
    return Point(series, MINUTE_MS + minute * 60_000, count, total, 0.0, total)


def deliver(inside: House, request_id: str, *points: Point) -> None:
    inside.post(encode_records(points, Format.JSON), request_id)


def values(inside: House) -> list[tuple[object, ...]]:
    return inside.rows("SELECT metric, start_ms, value FROM v_values")


def make_wrong(connection: Connection) -> None:
    """Make every value 0.5, of which each minute has one."""
    half = array_parameter(connection, "F", np.array([0.5]))
    execute_many(connection, "UPDATE metric_value SET value = ?", [(half,)])


def test_only_the_metrics_asked_for_are_written(database_url: str) -> None:
    with house(database_url, files(OLD)) as inside:
        deliver(inside, "1", point(-2), point(-1), point(0))
        inside.evaluator.evaluate_dirty()
        before = values(inside)
        # What is there of another metric is not looked at, right or wrong.
        inside.store.write(make_wrong)
        assert run(database_url, files(NEW), "t_count") == (3, 3)
        after = values(inside)
        assert [row for row in after if row[0] == "t_sum"] == [(*row[:2], 0.5) for row in before]
        counts = [("t_count", MINUTE_MS + minute * 60_000, 2.0) for minute in (-2, -1, 0)]
        assert [row for row in after if row[0] != "t_sum"] == counts
        # Again, nothing has to be written.
        assert run(database_url, files(NEW), "t_count") == (3, 0)
        assert run(database_url, files(NEW), "t_count", "t_largest") == (6, 3)


def test_what_lies_packed_is_not_written_again(database_url: str) -> None:
    with house(database_url, files(OLD)) as inside:
        deliver(inside, "1", point(-2), point(-1), point(0))
        inside.evaluator.evaluate_dirty()
        assert run(database_url, files(NEW), "t_count") == (3, 3)
        inside.clock.advance(2 * 3600)
        inside.rollups.run_once()
        assert inside.rows("SELECT minute FROM metric_value") == []
        before = values(inside)
        assert run(database_url, files(NEW), "t_count") == (3, 0)
        assert inside.rows("SELECT minute FROM metric_value") == []
        assert values(inside) == before


def test_values_that_a_rule_no_longer_gives_are_deleted(database_url: str) -> None:
    with house(database_url, files(OLD)) as inside:
        deliver(inside, "1", point(-1, total=5.0), point(0, total=50.0))
        inside.evaluator.evaluate_dirty()
        changed = OLD.replace("tags.TableName }", "tags.TableName == 'other' }")
        assert run(database_url, files(changed), "t_sum") == (0, 2)
        assert values(inside) == []


def test_a_range_of_time_is_kept_to(database_url: str) -> None:
    with (
        house(database_url, files(OLD)) as inside,
        backfill(database_url, files(NEW), "t_count") as (work, _),
    ):
        deliver(inside, "1", *(point(minute) for minute in range(-5, 1)))
        newest = MINUTE_MS // 60_000
        assert work.minutes(MINUTE_MS - 180_000, MINUTE_MS - 60_000) == [newest - 3, newest - 2]
        # Times within a minute take the whole of it.
        assert work.minutes(MINUTE_MS - 150_000, MINUTE_MS - 90_000) == [newest - 3, newest - 2]
        with pytest.raises(NotFound, match="no points"):
            work.minutes(MINUTE_MS + 60_000, MINUTE_MS + DAY_MS)


def test_minutes_that_are_no_longer_kept_are_refused(database_url: str) -> None:
    hour_ms = MINUTE_MS // 3_600_000 * 3_600_000
    with (
        house(database_url, files(OLD)) as inside,
        backfill(database_url, files(NEW), "t_count") as (work, _),
    ):
        deliver(inside, "1", *(point(minute) for minute in range(-90, 1)))
        inside.evaluator.evaluate_dirty()
        before = work.minutes(hour_ms - 60_000, NOW_MS)
        assert before[0] == hour_ms // 60_000 - 1
        inside.clock.advance(7_200)
        inside.rollups.run_once()
        inside.store.write(lambda c: expire(c, {Tier.MINUTE: hour_ms // 60_000}))
        # The rows are still there: deleting takes its time, and some of them may be gone.
        for since in (0, hour_ms - 60_000, hour_ms - 1):
            with pytest.raises(InvalidParameter, match=r"--since: .* from .*:00:00Z on"):
                work.minutes(since, NOW_MS)
        assert work.minutes(hour_ms, NOW_MS) == before[1:]


def test_unknown_metrics_are_refused_with_those_that_are_near(database_url: str) -> None:
    with (
        pytest.raises(NotFound, match=r"no rule defines the metric t_coumt; similar: t_count"),
        backfill(database_url, files(NEW), "t_sum", "t_coumt"),
    ):
        pass


def test_backfill_gives_the_bits_of_the_server(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """All shipped metrics, some at a time, against a server that had the rules all along."""
    model = AccountModel(5, tables=6, accounts=2, regions=2)
    stream = [
        encode_records(model.points(MINUTE_MS - minute * 60_000), Format.OPENTELEMETRY_1_0)
        for minute in range(4)
    ]
    shipped = load_rule_directory(DEFAULT_RULES)
    other = f"sqlite:///{tmp_path_factory.mktemp('other') / 'h.db'}"
    with house(other, shipped) as inside:
        for number, records in enumerate(stream):
            inside.post(records, str(number))
        inside.evaluator.evaluate_dirty()
        expected = inside.rows(BITS)
    with house(database_url, []) as inside:
        for number, records in enumerate(stream):
            inside.post(records, str(number))
        inside.evaluator.evaluate_dirty()
        assert inside.rows(BITS) == []
        names = sorted({rule.name for file in shipped for rule in file.rules})
        # Each takes from all files, so that none of them is evaluated as a whole.
        parts = [names[number::AT_A_TIME] for number in range(AT_A_TIME)]
        written = sum(run(database_url, shipped, *part)[1] for part in parts)
        assert written == len(expected)
        assert inside.rows(BITS) == expected


def test_a_delivery_between_reading_and_storing_is_not_overwritten(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        house(database_url, files(NEW)) as inside,
        backfill(database_url, files(NEW), "t_sum") as (work, store),
    ):
        deliver(inside, "1", point(0))
        inside.evaluator.evaluate_dirty()
        write = store.write

        def overtaken(job: object, *, epoch: int) -> object:
            monkeypatch.undo()
            deliver(inside, "2", point(0, count=9, total=7.5))
            inside.evaluator.evaluate_dirty()
            return write(job, epoch=epoch)  # type: ignore[arg-type]

        monkeypatch.setattr(store, "write", overtaken)
        assert work.evaluate(MINUTE_MS // 60_000).written == 0
        assert ("t_sum", MINUTE_MS, 7.5) in values(inside)


def test_a_delivery_to_a_minute_that_is_looked_back_at_is_not_overlooked(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = files(WINDOW)
    with (
        house(database_url, rules) as inside,
        backfill(database_url, rules, "t_increase") as (work, store),
    ):
        deliver(inside, "1", point(0, total=5.0), point(1, total=9.0))
        inside.evaluator.evaluate_dirty()
        assert ("t_increase", MINUTE_MS + 60_000, 4.0) in values(inside)
        write = store.write

        def overtaken(job: object, *, epoch: int) -> object:
            monkeypatch.undo()
            deliver(inside, "2", point(0, count=9, total=7.5))
            inside.evaluator.evaluate_dirty()
            return write(job, epoch=epoch)  # type: ignore[arg-type]

        monkeypatch.setattr(store, "write", overtaken)
        assert work.evaluate(MINUTE_MS // 60_000 + 1).written == 0
        assert ("t_increase", MINUTE_MS + 60_000, 1.5) in values(inside)


def test_beside_a_server_nothing_is_lost(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same minutes are delivered to again and again, evaluated, and backfilled, at once."""
    minutes = range(-3, 1)
    restated = [
        [point(minute, count=count, total=count + 0.25) for minute in minutes]
        for count in range(1, 25)
    ]
    delivered = threading.Event()
    failures: list[Exception] = []
    with (
        house(database_url, files(NEW)) as inside,
        backfill(database_url, files(NEW), "t_sum", "t_largest") as (work, _),
    ):

        def deliver_all() -> None:
            try:
                for number, points in enumerate(restated):
                    deliver(inside, str(number), *points)
                    inside.evaluator.wake()
            except Exception as error:  # noqa: BLE001 - looked at below
                failures.append(error)
            finally:
                delivered.set()

        deliver(inside, "first", *restated[0])
        sender = threading.Thread(target=deliver_all)
        inside.evaluator.start()
        sender.start()
        rounds = 0
        while rounds < 3 or not delivered.is_set():
            for minute in work.minutes(0, NOW_MS + DAY_MS):
                work.evaluate(minute)
            rounds += 1
        sender.join()
        inside.evaluator.stop()
        inside.evaluator._stopped.clear()
        inside.evaluator.evaluate_dirty()
        assert failures == []
        found = values(inside)
    other = f"sqlite:///{tmp_path_factory.mktemp('other') / 'h.db'}"
    with house(other, files(NEW)) as inside:
        deliver(inside, "1", *restated[-1])
        inside.evaluator.evaluate_dirty()
        assert found == values(inside)


def test_a_minute_is_stored_by_one_process_at_a_time(postgresql_url: str) -> None:
    """The second waits for the commit of the first, and sees it."""
    with (
        house(postgresql_url, []) as inside,
        backfill(postgresql_url, files(NEW), "t_sum") as (
            _,
            other,
        ),
    ):
        locked, release = threading.Event(), threading.Event()

        def first(connection: Connection) -> None:
            lock_minute(connection, 7)
            locked.set()
            assert release.wait(30)
            connection.exec_driver_sql("INSERT INTO metric (name) VALUES ('first')")

        def second(connection: Connection) -> int:
            lock_minute(connection, 7)
            return len(connection.execute(sa.text("SELECT name FROM metric")).all())

        one = inside.store.submit(first)
        assert locked.wait(30)
        # Another minute does not wait.
        other.write(lambda connection: lock_minute(connection, 8))
        two = other.submit(second)
        waiting = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while not inside.rows(waiting):
            assert not two.done()
        release.set()
        one.result(30)
        assert two.result(30) == 1


def test_a_database_that_stays_locked_ends_the_backfill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.storage.engine.SQLITE_BUSY_TIMEOUT_MS", 20)
    database = f"sqlite:///{tmp_path / 'h.db'}"
    with house(database, files(OLD)) as inside:
        deliver(inside, "1", point(0))
    store = Store(database, readers=1)
    clock = ManualClock()
    work = Backfill(store, files(OLD), CATALOG, clock, ["t_sum"])
    other = sa.create_engine(database, isolation_level="AUTOCOMMIT")
    with other.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable, match="locked"):
            work.evaluate(MINUTE_MS // 60_000)
        connection.exec_driver_sql("ROLLBACK")
    other.dispose()
    # It was patient, and it goes on where it was.
    assert clock.monotonic() >= 5
    until_available(store)
    assert work.evaluate(MINUTE_MS // 60_000).written == 1
    store.close()
