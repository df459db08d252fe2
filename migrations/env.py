"""Alembic's environment: run through ``app.storage.migrate``, which hands over a connection."""

import sqlalchemy as sa
from alembic import context

from app.storage.migrate import is_compared
from app.storage.tables import metadata

# Two deployers must not migrate one database at once; any constant serves as the lock's key.
_ADVISORY_LOCK = 4_907_316
# Whoever waits for a table holds up the readers and deliveries that come after, so this one soon
# gives up, and app.storage.migrate tries again. lock_timeout counts for advisory locks as well; the
# second deployer is to wait for as long as the first one may take.
_PREPARE = """
    SET LOCAL lock_timeout = 0;
    SET LOCAL statement_timeout = '15min';
    SELECT pg_advisory_xact_lock({lock});
    SET LOCAL lock_timeout = '2s';
    SET LOCAL statement_timeout = '10min'
"""


def run_migrations() -> None:
    """Migrate through the connection in the configuration's attributes."""
    connection: sa.Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        include_name=is_compared,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            for statement in _PREPARE.format(lock=_ADVISORY_LOCK).split(";"):
                connection.execute(sa.text(statement))
        context.run_migrations()


run_migrations()
