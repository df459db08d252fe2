"""Rows of queries straight from the driver: SQLAlchemy's row objects cost more than the query."""

from typing import Any

import sqlalchemy as sa


def fetch_rows(
    connection: sa.Connection, query: str, parameters: tuple[str | bytes | int, ...] = ()
) -> list[tuple[Any, ...]]:
    """Rows of a query; each ``?`` in it is one of the ``parameters``."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        return list(driver.execute(query, parameters).fetchall())
    # As text, bytes would take up twice the room.
    with driver.cursor(binary=True) as cursor:
        cursor.execute(query.replace("?", "%s").encode(), parameters or None)
        return list(cursor.fetchall())


def id_list(ids: Any) -> str:  # noqa: ANN401 - integers of any sequence, or an array
    """Integers as a list in SQL; text that could be anything else raises ``ValueError``."""
    return ",".join(str(int(number)) for number in ids)
