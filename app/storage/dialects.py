"""Statements that both databases have, and SQLAlchemy spells for each on its own."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(connection: sa.Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say what is to happen on a conflict."""
    return insert_for(connection.dialect.name, table)


def insert_for(dialect: str, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """The same, to be kept for all connections to databases of this dialect."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
