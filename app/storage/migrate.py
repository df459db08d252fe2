"""Schemas are made here and nowhere else: Alembic, from the scripts in migrations/."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import sqlalchemy as sa
import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import exc

import app
from app.clock import SystemClock
from app.errors import ConfigurationError, StorageUnavailable
from app.storage.faults import sql_state
from app.storage.tables import metadata

SCRIPTS = Path(app.__file__).resolve().parent.parent / "migrations"

_ATTEMPTS = 10
_PAUSE_SECONDS = 2.0
_IN_USE = frozenset({"55P03", "40P01"})
_TOO_LONG = "57014"
_REFUSED = "55006"

_log = structlog.get_logger(__name__)


def migrate(engine: sa.Engine, revision: str = "head", *, attempts: int = _ATTEMPTS) -> None:
    """Bring the database to ``revision``, all of it or nothing; a later schema stays as it is.

    On PostgreSQL several may try at once: one does it, the others wait. Raises
    ``StorageUnavailable`` when after so many ``attempts`` a table is still in use, and
    ``ConfigurationError`` where something of somebody else's stands in the way.
    """
    if revision == "head":
        with engine.connect() as connection:
            if is_later(current_revision(connection)):
                return
    _run(engine, command.upgrade, revision, attempts)


def downgrade(engine: sa.Engine, revision: str, *, attempts: int = _ATTEMPTS) -> None:
    """Take the database back to ``revision``; ``base`` is empty. Raises as ``migrate`` does."""
    _run(engine, command.downgrade, revision, attempts)


def current_revision(connection: sa.Connection) -> str | None:
    """The revision of the database; None when it has no schema."""
    return MigrationContext.configure(connection).get_current_revision()


@lru_cache(maxsize=1)
def head_revision() -> str:
    """The revision that this release needs."""
    head = _scripts().get_current_head()
    assert head is not None  # noqa: S101 - there is always at least one migration
    return head


def is_later(revision: str | None) -> bool:
    """Whether a revision was made by a release that came after this one.

    Its schema works with this release, which goes on serving until its turn comes to be replaced.
    """
    known = {script.revision for script in _scripts().walk_revisions()}
    return revision is not None and revision not in known


def is_compared(name: str | None, kind: str, _: object = None) -> bool:
    """For Alembic: what of a database is held against our tables; neither views nor partitions."""
    return kind != "table" or name in metadata.tables


def _run(
    engine: sa.Engine, action: Callable[[Config, str], None], revision: str, attempts: int
) -> None:
    for attempt in range(1, attempts + 1):
        try:
            config = _config()
            with engine.begin() as connection:
                config.attributes["connection"] = connection
                action(config, revision)
        except exc.DBAPIError as error:
            state = sql_state(error)
            if state == _TOO_LONG:
                raise StorageUnavailable(
                    "the migration took longer than its time limit, or was cancelled; nothing has"
                    " been changed. Run hydrant migrate again when the database is less busy"
                ) from error
            if state == _REFUSED:
                raise ConfigurationError(str(error.orig).split("\n", 1)[0]) from error
            if state not in _IN_USE:
                raise
            if attempt == attempts:
                raise StorageUnavailable(
                    "the migration waits for tables that other transactions are using; nothing has"
                    " been changed. Look for long ones in pg_stat_activity (pid, xact_start,"
                    " query), end them or wait for them, and run hydrant migrate again"
                ) from error
            _log.info("the migration waits for tables in use", attempt=attempt, of=attempts)
            SystemClock().sleep(_PAUSE_SECONDS)
        else:
            return


@lru_cache(maxsize=1)
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    return config
