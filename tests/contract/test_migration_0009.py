"""A database of 0008, filled with rows, and what becomes of it as columns and back."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from app.errors import ConfigurationError
from app.storage.engine import parse_database_url, writer_engine
from app.storage.migrate import current_revision, downgrade, migrate
from app.storage.tables import VIEWS
from tests.fixtures.house import NOW_MS

pytestmark = pytest.mark.empty_database

HOUR = NOW_MS // 3_600_000 * 60 - 180
MINUTES = (HOUR, HOUR + 1, HOUR + 59, HOUR + 60, HOUR + 135, 7, -1, -(2**31), 2**31 - 1)
NUMBERS = (0.1, -2.5, 1e300, 5e-324, 1 / 3, 12345678.0, 0.0)
TABLES = (
    "extra_statistic",
    "metric_value",
    "metric_value_1h",
    "metric_value_5m",
    "point",
    "point_1h",
    "point_5m",
)
SERIES = (("N", "Reads"), ("N", "Reads"), ("M", "Reads"), ("N", "ü"))


@contextmanager
def engine_of(url: str) -> Iterator[sa.Engine]:
    engine = writer_engine(parse_database_url(url))
    try:
        yield engine
    finally:
        engine.dispose()


def insert(connection: sa.Connection, table: str, *values: object) -> None:
    marks = ", ".join(f":v{place}" for place in range(len(values)))
    given = {f"v{place}": value for place, value in enumerate(values)}
    connection.execute(sa.text(f"INSERT INTO {table} VALUES ({marks})"), given)


def fill_names(connection: sa.Connection) -> None:
    for number, (namespace, metric) in enumerate(SERIES, start=1):
        dimensions = f'{{"T":"{number}"}}'
        digest = bytes([number]) * 16
        names = ("1", "r", namespace, metric, dimensions, "Count", "summary")
        insert(connection, "series", number, digest, *names)
    for number in (1, 2):
        digest = bytes([number]) * 16
        insert(connection, "metric", number, f"t_{number}")
        insert(connection, "label_set", number, digest, f'{{"n":"{number}"}}')
        connection.execute(
            sa.text(
                "INSERT INTO entity (entity_id, digest, scope, layer, service, instance, endpoint,"
                " process, region, dest_service, dest_instance, dest_process, detect_point,"
                " component, properties) VALUES (:n, :d, 'service', 'L', :s, '', '', '', '', '',"
                " '', '', '', 0, '{}')"
            ),
            {"n": number, "d": digest, "s": f"s{number}"},
        )


def fill_points(connection: sa.Connection, seed: random.Random, minute: int) -> None:
    for series_id in range(1, len(SERIES) + 1):
        for offset in (0, 30_000) if series_id == 2 else (0,):
            if seed.random() < 0.2:
                continue
            count, total = float(seed.randint(1, 3)), seed.choice(NUMBERS)
            least, most = seed.choice((None, total)), seed.choice(NUMBERS)
            period = seed.choice((0, 2**40)) if offset else 60_000
            filled = seed.choice((None, None, True))
            point = (minute, series_id, offset, period, count, total, least, most)
            insert(connection, "point", *point, filled)
            for statistic in ("p99", "TM(25%:75%)", 'le:"5"'):
                # The last one is of a point that was restated.
                of_count = count + 1 if statistic.startswith("le") else count
                value = seed.choice(NUMBERS)
                columns = (minute, series_id, offset, statistic, value, of_count, filled)
                insert(connection, "extra_statistic", *columns)
    for suffix, length in (("_5m", 300_000), ("_1h", 3_600_000)):
        for series_id in range(1, len(SERIES) + 1):
            point = (minute, series_id, 0, length, 3.0, seed.choice(NUMBERS), None, 1 / 7)
            insert(connection, f"point{suffix}", *point)


def fill_values(connection: sa.Connection, seed: random.Random, minute: int) -> None:
    for suffix in ("", "_5m", "_1h"):
        more = (seed.randint(1, 5),) if suffix else ()
        for entity in (1, 2):
            for labels in (1, 2):
                average, weight = seed.choice(NUMBERS), float(seed.randint(1, 7))
                parts = (average / weight, average, weight)
                key = (minute, 1, entity, labels)
                insert(connection, f"metric_value{suffix}", *key, *parts, *more)
                odd = (average, None, None) if labels == 1 else (1 / 3, 1.0, 3.5)
                key = (minute, 2, entity, labels)
                insert(connection, f"metric_value{suffix}", *key, *odd, *more)


def rows(connection: sa.Connection, query: str) -> list[str]:
    """Sorted; repr keeps every digit of a double."""
    return sorted(repr(tuple(row)) for row in connection.execute(sa.text(query)))


def tables(connection: sa.Connection) -> dict[str, list[str]]:
    return {name: rows(connection, f"SELECT * FROM {name}") for name in TABLES}


def named(connection: sa.Connection, columns: dict[str, Sequence[str]]) -> dict[str, list[str]]:
    return {
        view: rows(connection, f"SELECT {', '.join(names)} FROM {view}")
        for view, names in columns.items()
    }


def view_columns(connection: sa.Connection) -> dict[str, Sequence[str]]:
    return {
        view: tuple(connection.execute(sa.text(f"SELECT * FROM {view} LIMIT 0")).keys())
        for view in VIEWS
    }


@pytest.fixture
def filled(database_url: str) -> str:
    """The URL of a database at 0008 with rows of all times."""
    seed = random.Random(9)
    with engine_of(database_url) as engine:
        migrate(engine, "0008")
        with engine.begin() as connection:
            fill_names(connection)
            for minute in MINUTES:
                fill_points(connection, seed, minute)
                fill_values(connection, seed, minute)
            insert(connection, "packed_hour", HOUR)
    return database_url


def test_views_show_the_same_before_and_after(filled: str) -> None:
    with engine_of(filled) as engine:
        with engine.connect() as connection:
            columns = view_columns(connection)
            before = named(connection, columns)
        assert len(before["v_points"]) > 2 * len(MINUTES)
        assert len(before["v_extra_statistics"]) > 2 * len(MINUTES)
        migrate(engine)
        with engine.connect() as connection:
            assert named(connection, columns) == before
            after = view_columns(connection)
            assert all(after[view][: len(names)] == names for view, names in columns.items())
            # Hours whose minutes are whole are packed with their next rollup.
            marks = rows(connection, "SELECT DISTINCT tier, minute FROM dirty_rollup")
            hours = {minute - minute % 60 for minute in MINUTES if minute >= 0}
            assert marks == sorted(repr((60, hour)) for hour in hours)
            assert rows(connection, "SELECT * FROM packed_hour") == []


def test_everything_survives_up_and_down(filled: str) -> None:
    with engine_of(filled) as engine:
        with engine.connect() as connection:
            before = tables(connection)
            shown = named(connection, view_columns(connection))
        migrate(engine)
        downgrade(engine, "0008")
        with engine.connect() as connection:
            after = tables(connection)
            # What did not count is not kept.
            stale = [row for row in before["extra_statistic"] if "le:" in row]
            assert stale
            before["extra_statistic"] = [r for r in before["extra_statistic"] if r not in stale]
            assert after == before
            assert named(connection, view_columns(connection)) == shown
        downgrade(engine, "base")


def test_the_way_there_and_back_of_an_empty_database(database_url: str) -> None:
    with engine_of(database_url) as engine:
        migrate(engine)
        downgrade(engine, "base")
        migrate(engine)
        with engine.connect() as connection:
            assert all(rows(connection, f"SELECT * FROM {view}") == [] for view in VIEWS)


def test_only_values_that_are_quotients_are_left_out(filled: str) -> None:
    with engine_of(filled) as engine:
        migrate(engine)
        with engine.connect() as connection:
            query = "SELECT metric_id, count(value), count(*) FROM metric_value GROUP BY metric_id"
            found = {row[0]: row[1:] for row in connection.execute(sa.text(query))}
            assert found[1][0] < found[1][1]
            assert found[2][0] == found[2][1]


def test_what_cannot_follow_is_named_and_nothing_is_done(postgresql_url: str) -> None:
    with engine_of(postgresql_url) as engine:
        migrate(engine, "0008")
        with engine.begin() as connection:
            for statement in (
                "CREATE VIEW mine AS SELECT minute, max(sum) AS top FROM point GROUP BY 1",
                "CREATE MATERIALIZED VIEW theirs AS SELECT * FROM metric_value",
            ):
                connection.exec_driver_sql(statement)
        named = "materialized view theirs, view mine; drop it.*v_points"
        with pytest.raises(ConfigurationError, match=named):
            migrate(engine)
        with engine.connect() as connection:
            assert current_revision(connection) == "0008"
            assert rows(connection, "SELECT * FROM point") == []


def test_views_of_others_on_views_and_grants_stay(postgresql_url: str) -> None:
    with engine_of(postgresql_url) as engine:
        migrate(engine, "0008")
        with engine.begin() as connection:
            for statement in (
                "CREATE ROLE reader_0009 LOGIN",
                "GRANT SELECT ON v_points, point TO reader_0009",
                "CREATE VIEW busiest AS SELECT minute, max(sum) AS top FROM v_points GROUP BY 1",
            ):
                connection.exec_driver_sql(statement)
        try:
            migrate(engine)
            with engine.begin() as connection:
                assert rows(connection, "SELECT * FROM busiest") == []
                connection.exec_driver_sql("SET LOCAL ROLE reader_0009")
                for name in ("v_points", "point", "point_batch", "point_rows"):
                    assert rows(connection, f"SELECT * FROM {name}") == []
                with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
                    rows(connection, "SELECT * FROM v_values")
        finally:
            with engine.begin() as connection:
                connection.exec_driver_sql("DROP OWNED BY reader_0009")
                connection.exec_driver_sql("DROP ROLE reader_0009")


def test_the_release_before_fails_to_write_and_loses_nothing(filled: str) -> None:
    """It answers 503 then, and Firehose tries again."""
    statements = (
        (
            "INSERT INTO point (minute, series_id, offset_ms, period_ms, sample_count, sum)"
            " VALUES (1, 1, 0, 60000, 1, 1)"
        ),
        (
            "INSERT INTO metric_value (minute, metric_id, entity_id, label_set_id, value)"
            " VALUES (1, 1, 1, 1, 1)"
            " ON CONFLICT (minute, metric_id, entity_id, label_set_id) DO NOTHING"
        ),
        (
            "INSERT INTO point_5m (minute, series_id, offset_ms, period_ms, sample_count, sum)"
            " VALUES (5, 1, 0, 60000, 1, 1)"
        ),
        (
            "INSERT INTO extra_statistic (minute, series_id, offset_ms, statistic, value,"
            " sample_count) VALUES (1, 1, 0, 'p99', 1, 1)"
        ),
    )
    with engine_of(filled) as engine:
        migrate(engine)
        for statement in statements:
            with pytest.raises(sa.exc.DBAPIError), engine.begin() as connection:
                connection.exec_driver_sql(statement)
