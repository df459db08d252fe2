"""Migrations of PostgreSQL: several deployers at once, and SQL that stops nobody who is working."""

import io
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from app.errors import StorageUnavailable
from app.storage import Store
from app.storage.engine import parse_database_url, writer_engine
from app.storage.migrate import SCRIPTS, current_revision, head_revision, migrate
from tests.fixtures.house import house
from tests.fixtures.server import REPOSITORY, command_environment

pytestmark = pytest.mark.empty_database

# By migration and rule, each with the reason why it does not hold there.
EXCLUDED = {
    "0003": {
        "renaming-table": "a table of the old name takes its place in the same transaction",
        "renaming-object": "nothing but Alembic knows the names of indexes",
    },
    "0004": {"prefer-bigint-over-int": "the seconds of a lease"},
    "0005": {"prefer-bigint-over-int": "ten bits, one for each minute"},
    "0008": {"prefer-bigint-over-int": "minutes and ids, as in the tables that are packed"},
    "0009": {
        "ban-drop-function": "that of a trigger on tables that go with it",
        "ban-drop-table": "what was in them has been converted; servers stand still meanwhile",
        "prefer-bigint-over-int": "minutes and ids, as before",
        "renaming-object": "nothing but Alembic knows the names of indexes",
        "renaming-table": "a table of the old name takes its place in the same transaction",
    },
    "0010": {"prefer-bigint-over-int": "places of rows in the blocks of one hour"},
    "0011": {
        "prefer-bigint-over-int": "minutes, and numbers that are 0 or 1",
        "prefer-identity": "ids are counted as in the tables before",
    },
    "0012": {
        "prefer-bigint-over-int": "a count of attempts",
        "prefer-identity": "ids are counted as in the tables before",
    },
    "0013": {"prefer-identity": "ids are counted as in the tables before"},
}
SINCE = "0003"


def test_two_processes_migrate_an_empty_database_at_once(
    postgresql_url: str, tmp_path: Path
) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "app.cli", "migrate", "--database", postgresql_url],
            cwd=tmp_path,
            env={**command_environment(), "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=100)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0], said
    store = Store(postgresql_url)
    store.check()
    store.close()


def test_the_second_deployer_waits_longer_than_for_a_table(postgresql_url: str) -> None:
    """The first one holds the advisory lock for longer than a migration waits for a table."""
    engine = writer_engine(parse_database_url(postgresql_url))
    first = sa.create_engine(postgresql_url)
    try:
        with first.begin() as connection:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(4907316)")
            second = threading.Thread(target=migrate, args=(engine,), kwargs={"attempts": 1})
            second.start()
            second.join(3)
            assert second.is_alive()
        second.join(60)
        with engine.connect() as connection:
            assert current_revision(connection) == head_revision()
    finally:
        first.dispose()
        engine.dispose()


def test_a_schema_of_a_later_release_is_served(database_url: str) -> None:
    """While releases are exchanged; an unknown schema without a revision is none."""
    with house(database_url, []) as inside:
        inside.store.write(
            lambda c: c.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")).rowcount
        )
        inside.store.check()
        inside.store.migrate()
        assert inside.rows("SELECT version_num FROM alembic_version") == [("9999",)]
        inside.store.write(
            lambda c: c.execute(sa.text("UPDATE alembic_version SET version_num = '0001'")).rowcount
        )
        with pytest.raises(StorageUnavailable, match="run hydrant migrate"):
            inside.store.check()


def rendered(revision: str, direction: str) -> str:
    """The SQL of a migration for PostgreSQL."""
    script = ScriptDirectory(str(SCRIPTS)).get_revision(revision)
    assert script is not None
    text = io.StringIO()
    options = {"as_sql": True, "output_buffer": text}
    context = MigrationContext.configure(dialect_name="postgresql", opts=options)
    with Operations.context(context):
        getattr(script.module, direction)()
    return text.getvalue()


def revisions() -> list[str]:
    walked = ScriptDirectory(str(SCRIPTS)).walk_revisions()
    return sorted(script.revision for script in walked if script.revision >= SINCE)


def faults(sql: str, *, excluded: str = "") -> list[str]:
    command = [str(Path(sys.executable).parent / "squawk"), "--reporter=json"]
    command += ["--pg-version=15.0", "--assume-in-transaction"]
    ended = subprocess.run(
        [*command, *([f"--exclude={excluded}"] if excluded else [])],
        # As migrations/env.py sets them for every migration.
        input=f"SET lock_timeout = '2s';\nSET statement_timeout = '10min';\n{sql}",
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(ended.stdout) if ended.stdout.strip() else []
    return [f"{fault['rule_name']}, line {fault['line']}: {fault['message']}" for fault in found]


@pytest.mark.parametrize("revision", revisions())
def test_migrations_stop_nobody_who_is_working(revision: str) -> None:
    """The way up: the way down copies, and is for those who stand still anyway."""
    sql = rendered(revision, "upgrade")
    assert "ALTER TABLE" in sql or "CREATE TABLE" in sql
    assert faults(sql, excluded=",".join(EXCLUDED.get(revision, ()))) == []


def test_the_linter_sees_what_it_is_for() -> None:
    assert faults("ALTER TABLE point ADD CONSTRAINT c CHECK (minute > 0);") != []
    assert faults("ALTER TABLE point ALTER COLUMN sum TYPE numeric;") != []
