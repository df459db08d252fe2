"""Bulk statements: the only place that goes past SQLAlchemy to the driver.

``bulk_of(connection)`` gives the implementation of the connection's engine. Both write the same
rows by the same rules; the contract tests run against each.
"""

from collections.abc import Sequence
from typing import Protocol

import sqlalchemy as sa

from app.storage.columns import ExtraColumns, PointColumns
from app.storage.values import ValueColumns


class Bulk(Protocol):
    """Upserts of columns, inside the transaction of the connection."""

    def upsert_points(self, connection: sa.Connection, points: PointColumns) -> None:
        """Insert points, or replace stored ones that the new ones stand against.

        A higher SampleCount stands; at equal SampleCount other values do. Anything else, an
        identical redelivery above all, changes nothing.
        """
        ...

    def upsert_extras(self, connection: sa.Connection, extras: ExtraColumns) -> None:
        """Insert extra statistics; a stored one of a lower or equal SampleCount is replaced."""
        ...

    def upsert_values(self, connection: sa.Connection, values: ValueColumns) -> None:
        """Insert or replace values of metrics."""
        ...

    def insert_series(self, connection: sa.Connection, rows: Sequence[tuple[object, ...]]) -> None:
        """Insert (digest, account, region, namespace, metric, dimensions, unit, kind).

        Rows whose digest exists already are left as they are.
        """
        ...


def bulk_of(connection: sa.Connection) -> Bulk:
    """The implementation for the connection's database."""
    from app.storage.bulk_postgresql import PostgresqlBulk
    from app.storage.bulk_sqlite import SqliteBulk

    return SqliteBulk() if connection.dialect.name == "sqlite" else PostgresqlBulk()
