"""What a native scanner tells of the part of a record that it has looked at."""

from typing import NamedTuple

from app.otlp.key_table import RawSeries


class Scan(NamedTuple):
    """How far a scanner came.

    ``taken`` messages or lines are in the columns. ``start`` and ``end`` are of what it left; they
    are the record's end when nothing is left. ``series`` and ``quantiles`` are new to it: once they
    have been told it goes on at ``again``. ``is_framed`` is false where no message stands.
    """

    taken: int
    start: int
    end: int
    is_framed: bool
    series: list[RawSeries]
    quantiles: list[float]
    again: int
