"""Rows of queries straight from the driver: SQLAlchemy's row objects cost more than the query."""

from typing import Any

import sqlalchemy as sa


def fetch_rows(
    connection: sa.Connection, query: str, texts: tuple[str, ...] = ()
) -> list[tuple[Any, ...]]:
    """Rows of a query; each ``?`` in it is one of the ``texts``, numbers stand in it themselves."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        return list(driver.execute(query, texts).fetchall())
    # As text, bytes would take up twice the room.
    with driver.cursor(binary=True) as cursor:
        cursor.execute(query.replace("?", "%s").encode(), texts or None)
        return list(cursor.fetchall())


def id_list(ids: Any) -> str:  # noqa: ANN401 - integers of any sequence, or an array
    """Integers as a list in SQL; text that could be anything else raises ``ValueError``."""
    return ",".join(str(int(number)) for number in ids)
