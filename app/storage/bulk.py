"""Bulk writes: the only place that goes past SQLAlchemy to the driver.

Both databases run the same upserts of app.storage.statements over columns; the contract tests run
against each.
"""

from collections.abc import Sequence
from typing import TypeAlias

import sqlalchemy as sa

from app.arrays import IntArray
from app.storage.bulk_postgresql import postgresql_insert, postgresql_upsert
from app.storage.bulk_sqlite import sqlite_insert, sqlite_upsert
from app.storage.statements import Upsert

Column: TypeAlias = IntArray | Sequence[str] | Sequence[bytes]
"""Values of one column, none of them NULL."""


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


def bulk_insert(
    connection: sa.Connection, upsert: Upsert, columns: Sequence[Column]
) -> Sequence[int]:
    """Insert rows with new keys, which ascend; their ids in order, or nothing.

    Where nothing is returned, the ids have to be asked for: a row was there already.
    """
    if not len(columns[0]):
        return range(0)
    if connection.dialect.name == "sqlite":
        return sqlite_insert(connection, upsert, columns)
    return postgresql_insert(connection, upsert, columns)
