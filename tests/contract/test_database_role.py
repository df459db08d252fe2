"""The role that Compose's PostgreSQL makes: it owns its database, and is nobody elsewhere."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app.storage import Store
from tests.fixtures.postgresql import SUPERUSER, PostgresqlServer, server_programs

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "compose" / "postgresql" / "10-hydrant.sh"
PASSWORD = 'it\'s "quoted" \\ and $odd'


@pytest.fixture
def hydrant_url(postgresql_server: PostgresqlServer, tmp_path: Path) -> Iterator[str]:
    """The database's URL as Hydrant's own role."""
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    environment = {
        "PATH": f"{server_programs()}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(postgresql_server.port),
        "POSTGRES_USER": SUPERUSER,
        "HYDRANT_PASSWORD_FILE": str(tmp_path / "password"),
    }
    try:
        subprocess.run(
            [SCRIPT], env=environment, check=True, capture_output=True, text=True, timeout=60
        )
        yield f"postgresql://hydrant@127.0.0.1:{postgresql_server.port}/hydrant"
    finally:
        with psycopg.connect(postgresql_server.connection_info(), autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS hydrant WITH (FORCE)")
            connection.execute("DROP ROLE IF EXISTS hydrant")


def test_hydrant_lives_on_a_role_that_owns_one_database(
    postgresql_server: PostgresqlServer, hydrant_url: str
) -> None:
    store = Store(hydrant_url)
    try:
        store.migrate()
        store.check()
    finally:
        store.close()
    with psycopg.connect(postgresql_server.connection_info()) as connection:
        flags = connection.execute(
            "SELECT rolsuper, rolcreatedb, rolcreaterole, rolcanlogin FROM pg_roles"
            " WHERE rolname = 'hydrant'"
        ).fetchone()
        verifier = connection.execute(
            "SELECT rolpassword FROM pg_authid WHERE rolname = 'hydrant'"
        ).fetchone()
        admitted = connection.execute(
            "SELECT has_database_privilege('public', 'hydrant', 'CONNECT')"
        ).fetchone()
    assert flags == (False, False, False, True)
    assert verifier is not None
    assert verifier[0].startswith("SCRAM-SHA-256$")
    assert admitted == (False,)
