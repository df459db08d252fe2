"""A PostgreSQL database of 0002, filled, and what becomes of it under partitions and back."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
import sqlalchemy as sa

from app.errors import ConfigurationError, StorageUnavailable
from app.storage import Tier
from app.storage.attaching import Range, attach
from app.storage.engine import parse_database_url, writer_engine
from app.storage.migrate import current_revision, downgrade, migrate
from app.storage.partitions import partitions_of
from app.storage.tables import VIEWS
from tests.fixtures.house import NOW_MS, house
from tests.fixtures.postgresql import PostgresqlServer, server_programs
from tests.fixtures.rollups import capacity, deliver, rules

pytestmark = pytest.mark.empty_database

NOW = NOW_MS // 60_000
# Now, long ago, before the epoch, and as far in the future as the column goes.
MINUTES = (NOW, NOW - 30, NOW + 1440, 7, 0, -1, -(2**31), 2**31 - 1)
TABLES = (
    "extra_statistic",
    "metric_value",
    "metric_value_1h",
    "metric_value_5m",
    "point",
    "point_1h",
    "point_5m",
)


def filling() -> Iterator[str]:
    yield (
        "INSERT INTO series (digest, account, region, namespace, metric, dimensions, unit, kind)"
        " VALUES ('\\xaa', '1', 'r', 'n', 'm', '{}', 'None', 'summary')"
    )
    yield "INSERT INTO metric (name) VALUES ('m')"
    yield "INSERT INTO label_set (digest, labels) VALUES ('\\xaa', '{}')"
    yield (
        "INSERT INTO entity (digest, scope, layer, service, endpoint, region, instance, process,"
        " dest_service, dest_instance, dest_process, detect_point, component, properties)"
        " VALUES ('\\xaa', 'service', 'L', 's', '', '', '', '', '', '', '', '', 0, '{}')"
    )
    for minute in MINUTES:
        for tier in ("", "_5m", "_1h"):
            more = ", 1" if tier else ""
            yield f"INSERT INTO point{tier} VALUES ({minute}, 1, 0, 60000, 2, 0.5, NULL, 0.25)"
            yield f"INSERT INTO metric_value{tier} VALUES ({minute}, 1, 1, 1, 4, NULL, NULL{more})"
        yield f"INSERT INTO extra_statistic VALUES ({minute}, 1, 0, 'p99', 3, 2)"


@contextmanager
def engine_of(url: str) -> Iterator[sa.Engine]:
    engine = writer_engine(parse_database_url(url))
    try:
        yield engine
    finally:
        engine.dispose()


@pytest.fixture
def filled(postgresql_url: str) -> str:
    """The URL of a database at 0002 with rows of all times."""
    with engine_of(postgresql_url) as engine:
        migrate(engine, "0002")
        with engine.begin() as connection:
            for statement in filling():
                connection.exec_driver_sql(statement)
    return postgresql_url


def make_partitions(engine: sa.Engine) -> None:
    """Those of some days, as the release of then makes them."""
    today = NOW - NOW % 1440
    with engine.connect() as connection:
        for table in ("point", "metric_value", "extra_statistic"):
            for first in range(today - 2880, today + 2880, 1440):
                day = Range(first, first + 1440)
                assert attach(connection, Tier.MINUTE, table, f"{table}_default", day) == 1


def contents(connection: sa.Connection) -> dict[str, list[tuple[object, ...]]]:
    return {
        name: sorted((tuple(row) for row in connection.exec_driver_sql(f"TABLE {name}")), key=repr)
        for name in (*TABLES, *VIEWS)
    }


def test_everything_survives_up_and_down(filled: str) -> None:
    with engine_of(filled) as engine:
        with engine.connect() as connection:
            before = contents(connection)
        assert len(before["v_points"]) == len(before["v_values_1h"]) == len(MINUTES)
        migrate(engine, "0003")
        with engine.connect() as connection:
            assert contents(connection) == before
            for table in TABLES:
                kind = f"SELECT relkind FROM pg_class WHERE oid = '{table}'::regclass"
                assert connection.exec_driver_sql(kind).scalar_one() == "p"
        # As the release of 0003 does; this one has more tables.
        day = Range(NOW - NOW % 1440, NOW - NOW % 1440 + 1440)
        with engine.connect() as connection:
            for table in ("point", "metric_value", "extra_statistic"):
                assert attach(connection, Tier.MINUTE, table, f"{table}_default", day) == 1
        with engine.connect() as connection:
            assert len(partitions_of(connection, "point")) == 1
            assert contents(connection) == before
        downgrade(engine, "0002")
        with engine.connect() as connection:
            assert contents(connection) == before
            left = sa.inspect(connection).get_table_names()
            assert [name for name in left if name.startswith("point")] == [
                name for name in sorted(left) if name in {"point", "point_5m", "point_1h"}
            ]
        migrate(engine, "0003")
        with engine.connect() as connection:
            assert contents(connection) == before


def test_no_row_is_read_or_moved(filled: str) -> None:
    """The heap stays the same file, and nobody has scanned it."""

    def heap(connection: sa.Connection, name: str) -> tuple[object, ...]:
        query = (
            "SELECT pg_relation_filenode(c.oid), pg_stat_get_numscans(c.oid)"
            f" FROM pg_class c WHERE oid = '{name}'::regclass"
        )
        return tuple(connection.exec_driver_sql(query).one())

    with engine_of(filled) as engine:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
            connection.commit()
            before = [heap(connection, name) for name in TABLES]
        migrate(engine, "0008")
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
            connection.commit()
            assert [heap(connection, f"{name}_default") for name in TABLES] == before


def test_views_and_grants_of_others_are_carried_over(filled: str) -> None:
    with engine_of(filled) as engine:
        with engine.begin() as connection:
            for statement in (
                "CREATE ROLE reader_0003 LOGIN",
                "GRANT SELECT ON point, v_points TO reader_0003",
                "GRANT SELECT (minute, value) ON metric_value TO reader_0003 WITH GRANT OPTION",
                (
                    "CREATE VIEW busiest WITH (security_barrier=true) AS"
                    " SELECT minute, max(sum) AS top FROM point GROUP BY minute"
                ),
                "CREATE VIEW of_busiest AS SELECT top FROM busiest",
            ):
                connection.exec_driver_sql(statement)
        migrate(engine, "0008")
        make_partitions(engine)
        with engine.begin() as connection:
            connection.exec_driver_sql(f"INSERT INTO point VALUES ({NOW + 2000}, 1, 0, 1, 1, 9)")
            top = connection.exec_driver_sql("SELECT max(top) FROM of_busiest").scalar_one()
            assert top == 9
            options = "SELECT reloptions FROM pg_class WHERE relname = 'busiest'"
            assert connection.exec_driver_sql(options).scalar_one() == ["security_barrier=true"]
            connection.exec_driver_sql("SET LOCAL ROLE reader_0003")
            for query in (
                "SELECT count(*) FROM point",
                "SELECT count(*) FROM v_points",
                "SELECT count(value) FROM metric_value",
            ):
                assert connection.exec_driver_sql(query).scalar_one() >= len(MINUTES)
            with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
                connection.exec_driver_sql("SELECT count(weight) FROM metric_value")
    with engine_of(filled) as engine, engine.begin() as connection:
        connection.exec_driver_sql("DROP OWNED BY reader_0003")
        connection.exec_driver_sql("DROP ROLE reader_0003")


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("CREATE MATERIALIZED VIEW mine AS SELECT * FROM point", "materialized view mine"),
        (
            (
                "CREATE TABLE mine (a int, b int, c int, CONSTRAINT theirs FOREIGN KEY (a, b, c)"
                " REFERENCES point)"
            ),
            "foreign key theirs of mine",
        ),
    ],
)
def test_what_cannot_follow_is_named_and_nothing_is_done(
    filled: str, statement: str, name: str
) -> None:
    with engine_of(filled) as engine:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
        with pytest.raises(ConfigurationError, match=name):
            migrate(engine, "0008")
        with engine.connect() as connection:
            assert current_revision(connection) == "0002"
            assert len(contents(connection)["point"]) == len(MINUTES)


def test_a_table_in_use_is_waited_for_and_then_given_up_on(filled: str) -> None:
    with engine_of(filled) as engine, engine_of(filled) as reader:
        with reader.connect() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM point_5m")
            with pytest.raises(
                StorageUnavailable, match=r"nothing has been changed.*migrate again"
            ):
                migrate(engine, attempts=1)
            assert current_revision(connection) == "0002"
            assert len(contents(connection)["point"]) == len(MINUTES)
        migrate(engine, "0008")


def test_a_dump_can_be_restored(filled: str, postgresql_server: PostgresqlServer) -> None:
    with house(filled, rules()) as inside:
        assert inside.store.partitions is not None
        inside.store.partitions.make(NOW, {})
        deliver(inside, capacity(0, 1.0), capacity(3000, 2.0), request_id="1")
        before = inside.contents()
    name = filled.rsplit("/", 1)[1]
    programs = server_programs()
    dumped = subprocess.run(
        [programs / "pg_dump", f"--dbname={postgresql_server.connection_info(name)}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    restored = f"{name}_restored"
    postgresql_server.create_database(restored)
    try:
        subprocess.run(
            [
                programs / "psql",
                "--quiet",
                "--set=ON_ERROR_STOP=1",
                f"--dbname={postgresql_server.connection_info(restored)}",
            ],
            input=dumped,
            check=True,
            capture_output=True,
            text=True,
        )
        with house(postgresql_server.url(restored), rules()) as inside:
            assert inside.contents() == before
            assert inside.store.partitions is not None
            again = inside.store.partitions.make(NOW, {})
            assert set(again.changed.values()) == {0}
            deliver(inside, capacity(0, 1.0, table="new"), request_id="2")
            ids = inside.rows("SELECT series_id FROM series ORDER BY 1")
            assert ids == [(n + 1,) for n in range(len(ids))]
    finally:
        postgresql_server.drop_database(restored)


def test_the_statements_of_the_release_before_work(filled: str) -> None:
    """Spelt out as they were at 0002: they change with a release, and these must not."""
    with engine_of(filled) as engine:
        migrate(engine, "0008")
        make_partitions(engine)
    conninfo = filled.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(conninfo) as connection:
        for minute in (NOW, NOW + 1440, 3, -5, 2**31 - 1):
            for _ in range(2):
                for statement in OLD_RELEASE:
                    connection.execute(statement.format(minute=minute))
                connection.commit()
            row = connection.execute(
                "SELECT sample_count, sum FROM point WHERE minute = %s AND series_id = 9", [minute]
            ).fetchall()
            assert row == [(3.0, 1.0)]
            low = connection.execute(
                "SELECT min(minute) FROM point WHERE minute > %s AND minute < %s",
                [max(minute - 1, -(2**31)), minute + 1 if minute < 2**31 - 1 else minute],
            ).fetchone()
            assert low is not None
            deleted = connection.execute("DELETE FROM point WHERE minute = %s", [minute])
            assert deleted.rowcount >= 1


OLD_RELEASE = (
    (
        "CREATE TEMP TABLE IF NOT EXISTS stage_point ON COMMIT DELETE ROWS AS SELECT minute,"
        " series_id, offset_ms, period_ms, sample_count, sum, minimum, maximum FROM point"
        " WITH NO DATA"
    ),
    "DELETE FROM stage_point",
    "INSERT INTO stage_point VALUES ({minute}, 9, 0, 60000, 3, 1, NULL, 2)",
    """
    INSERT INTO point (minute, series_id, offset_ms, period_ms, sample_count, sum, minimum, maximum)
    SELECT minute, series_id, offset_ms, period_ms, NULLIF(sample_count, 'NaN'),
           NULLIF(sum, 'NaN'), NULLIF(minimum, 'NaN'), NULLIF(maximum, 'NaN') FROM stage_point
    ON CONFLICT (minute, series_id, offset_ms) DO UPDATE SET
        period_ms = excluded.period_ms, sample_count = excluded.sample_count,
        sum = excluded.sum, minimum = excluded.minimum, maximum = excluded.maximum
    WHERE excluded.sample_count > point.sample_count
       OR (excluded.sample_count = point.sample_count
           AND (excluded.sum <> point.sum
                OR excluded.period_ms <> point.period_ms
                OR excluded.minimum IS DISTINCT FROM point.minimum
                OR excluded.maximum IS DISTINCT FROM point.maximum))
    """,
    """
    INSERT INTO extra_statistic (minute, series_id, offset_ms, statistic, value, sample_count)
    VALUES ({minute}, 9, 0, 'p99', 1, 3)
    ON CONFLICT (minute, series_id, offset_ms, statistic) DO UPDATE SET
        value = excluded.value, sample_count = excluded.sample_count
    WHERE excluded.sample_count > extra_statistic.sample_count
       OR (excluded.sample_count = extra_statistic.sample_count
           AND excluded.value <> extra_statistic.value)
    """,
    """
    INSERT INTO metric_value (minute, metric_id, entity_id, label_set_id, value, numerator, weight)
    VALUES ({minute}, 1, 9, 1, 1, NULL, NULL)
    ON CONFLICT (minute, metric_id, entity_id, label_set_id) DO UPDATE SET
        value = excluded.value, numerator = excluded.numerator, weight = excluded.weight
    """,
    """
    INSERT INTO metric_value_5m
        (minute, metric_id, entity_id, label_set_id, value, numerator, weight, minutes)
    VALUES ({minute}, 1, 9, 1, 1, NULL, NULL, 5)
    ON CONFLICT (minute, metric_id, entity_id, label_set_id) DO UPDATE SET
        value = excluded.value, numerator = excluded.numerator, weight = excluded.weight,
        minutes = excluded.minutes
    """,
    (
        "DELETE FROM metric_value WHERE minute = {minute} AND metric_id = 1 AND entity_id = 9"
        " AND label_set_id = 1"
    ),
)
