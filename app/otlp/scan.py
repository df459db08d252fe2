"""What a native scanner tells of the part of a record that it has looked at."""

from collections.abc import Sequence
from typing import NamedTuple

from app.otlp.key_table import RawSeries


class News(NamedTuple):
    """What a scanner has met for the first time: it reads on when it has been told.

    A series is there for each of its points, ``names`` are of extra statistics.
    """

    series: Sequence[RawSeries]
    quantiles: set[float]
    names: set[bytes]


class Scan(NamedTuple):
    """How far a scanner came.

    ``taken`` messages or lines are in the columns. ``start`` and ``end`` are of the one that it
    left; where it left none, ``start`` is the end of what it has looked at. ``is_framed`` is false
    where no message stands. With ``news``, it goes on at ``again`` when they have been told.
    """

    taken: int
    start: int
    end: int
    is_framed: bool
    news: News
    again: int
