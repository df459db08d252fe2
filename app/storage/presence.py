"""Which series have points in which minutes, for finding gaps."""

import numpy as np
import sqlalchemy as sa

from app.arrays import IntArray
from app.storage.columns import fetch, integers, transposed


def series_of_minutes(connection: sa.Connection, first: int, last: int) -> dict[int, IntArray]:
    """Ids of the series with points, ascending, by the minutes from ``first`` up to ``last``.

    A minute without any is left out.
    """
    rows = fetch(connection, _SERIES, {"first": first, "last": last})
    minute, series_id = (integers(column) for column in transposed(rows, 2))
    return {int(each): np.unique(series_id[minute == each]) for each in np.unique(minute)}


def statistics_of_minutes(
    connection: sa.Connection, first: int, last: int
) -> list[tuple[int, str]]:
    """The (series id, extra statistic) with values from minute ``first`` up to ``last``."""
    rows = fetch(connection, _STATISTICS, {"first": first, "last": last})
    return [(series_id, statistic) for series_id, statistic in rows]


_SERIES = sa.text("SELECT minute, series_id FROM point WHERE minute >= :first AND minute < :last")
_STATISTICS = sa.text(
    "SELECT DISTINCT series_id, statistic FROM extra_statistic"
    " WHERE minute >= :first AND minute < :last"
)
