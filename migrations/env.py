"""Alembic's environment: run through ``app.storage.migrate``, which hands over a connection."""

import sqlalchemy as sa
from alembic import context

from app.storage.tables import VIEWS, metadata

# Two deployers must not migrate one database at once; any constant serves as the lock's key.
_ADVISORY_LOCK = 4_907_316


def run_migrations() -> None:
    """Migrate through the connection in the configuration's attributes."""
    connection: sa.Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        include_name=lambda name, kind, _: not (kind == "table" and name in VIEWS),
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SET LOCAL lock_timeout = '10s'"))
            connection.execute(sa.text("SET LOCAL statement_timeout = '10min'"))
            connection.execute(
                sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK}
            )
        context.run_migrations()


run_migrations()
