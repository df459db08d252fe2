"""Bulk writes: the only place that goes past SQLAlchemy to the driver.

Both databases run the same upserts of app.storage.statements over columns; the contract tests run
against each.
"""

from collections.abc import Sequence
from typing import TypeAlias

import sqlalchemy as sa

from app.arrays import BoolArray, FloatArray, IntArray
from app.storage.bulk_postgresql import postgresql_upsert
from app.storage.bulk_sqlite import sqlite_insert, sqlite_upsert
from app.storage.statements import Upsert

Column: TypeAlias = IntArray | FloatArray | BoolArray | Sequence[str] | Sequence[bytes]
"""Values of one column; NaN in a column of doubles means NULL."""


def bulk_upsert(connection: sa.Connection, upsert: Upsert, columns: Sequence[Column]) -> None:
    """Run an upsert over columns of one length, inside the connection's transaction.

    The key of the upsert is unique among the rows: PostgreSQL refuses to touch a row twice.
    """
    if not len(columns[0]):
        return
    if connection.dialect.name == "sqlite":
        sqlite_upsert(connection, upsert, columns)
    else:
        postgresql_upsert(connection, upsert, columns)


def bulk_insert(connection: sa.Connection, upsert: Upsert, columns: Sequence[Column]) -> range:
    """Insert rows with new keys; their ids in order, or nothing where these have to be asked for.

    Only SQLite has one writer, whose rows of one statement follow one another.
    """
    if connection.dialect.name == "sqlite" and len(columns[0]):
        return sqlite_insert(connection, upsert, columns)
    bulk_upsert(connection, upsert, columns)
    return range(0)
