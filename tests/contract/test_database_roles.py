"""The roles of docs/access.md on a real PostgreSQL: each can do its part, and nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from app.pipeline import Maintenance, Retention
from app.storage import Store, Tier
from tests.e2e.deliveries import metric_lines
from tests.fixtures.house import house

pytestmark = pytest.mark.empty_database

PAGE = Path(__file__).resolve().parents[2] / "docs" / "access.md"
ROLES = ("hydrant_owner", "hydrant_server", "hydrant_reader")


@pytest.fixture
def urls(postgresql_url: str) -> Iterator[dict[str, str]]:
    """The URL of a migrated database for each role."""
    (script,) = re.findall(r"^```sql\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    url = sa.make_url(postgresql_url)
    assert url.database is not None
    script = script.replace("ON DATABASE hydrant ", f'ON DATABASE "{url.database}" ')
    admin = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        try:
            connection.execute(script.encode())
            of_roles = {
                role: url.set(username=role).render_as_string(hide_password=False) for role in ROLES
            }
            store = Store(of_roles["hydrant_owner"])
            try:
                store.migrate()
            finally:
                store.close()
            yield of_roles
        finally:
            # Roles belong to the whole server, and other tests use it after this one.
            for role in ROLES:
                connection.execute(f"DROP OWNED BY {role} CASCADE".encode())
            connection.execute(f"DROP ROLE {', '.join(ROLES)}".encode())


def refused(url: str, *statements: str) -> None:
    plain = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        for statement in statements:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


def test_each_role_can_do_its_part_and_no_more(urls: dict[str, str]) -> None:
    with house(urls["hydrant_server"]) as inside:
        inside.store.check()
        inside.post([metric_lines("ConsumedReadCapacityUnits"), b"\xff"])
        found = inside.contents()
        assert len(found["v_points"]) == 1
        assert len(found["v_values"]) > 0
        days = {Tier.MINUTE: 3, Tier.FIVE_MINUTES: 3, Tier.HOUR: 3}
        retention = Retention(delivery_hours=3, quarantine_days=1, tier_days=days)
        inside.clock.advance(30 * 86_400)
        Maintenance(inside.store, inside.clock, inside.lease, retention).run_once()
        assert inside.rows("SELECT * FROM quarantine") == []
    refused(
        urls["hydrant_server"],
        "CREATE TABLE public.mine (id int)",
        "ALTER TABLE point ADD COLUMN mine int",
        "DROP TABLE point",
        "TRUNCATE point",
        "CREATE ROLE mine",
        "COPY series TO '/tmp/series'",
    )
    reader = sa.make_url(urls["hydrant_reader"]).set(drivername="postgresql")
    with psycopg.connect(reader.render_as_string(hide_password=False)) as connection:
        ((series,),) = connection.execute("SELECT count(*) FROM series")
        connection.execute("SELECT * FROM v_values")
    assert series == 1
    refused(
        urls["hydrant_reader"],
        "DELETE FROM point",
        "INSERT INTO metric (name) VALUES ('mine')",
        "CREATE TABLE public.mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
    )
