"""Which hours are packed: settled hours whose minutes are stored as blocks (ADR 0037).

An hour is recorded when all of its blocks are there; from then on they are the only place where
its minutes are, but for what has come since, which lies over them.
"""

import sqlalchemy as sa

from app.storage.column_reader import fetch_rows
from app.storage.minutes import clamped
from app.storage.tiers import Tier


def read_packed_hours(connection: sa.Connection, first: int, last: int) -> list[int]:
    """Hours that overlap the minutes from ``first`` up to ``last`` and are packed, ascending.

    What is read by it belongs into the same transaction.
    """
    query = (
        f"SELECT minute FROM packed_hour WHERE minute > {clamped(first - Tier.HOUR)}"  # noqa: S608 - numbers
        f" AND minute < {clamped(last)} ORDER BY minute"
    )
    return [minute for (minute,) in fetch_rows(connection, query)]
