"""What a native scanner tells of the part of a record that it has looked at."""

from array import array
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from app.arrays import CodeArray, IntArray
from app.otlp.key_table import RawSeries
from app.otlp.rejection import Format


class NewSeries(Protocol):
    """Series that had no slot, each once, in the order of their first points.

    ``head`` and ``rest`` are of each series: where two have equal numbers, they have equal bytes.
    The head is the format, the resource, the unit and CloudWatch's own labels (of JSON: resource,
    metric, unit, namespace and stream); the rest is the other labels. Both are -1 for a series that
    has fewer labels than CloudWatch writes. ``head_first`` says of each head which series has it
    first; there are ``rests_met`` numbers of rests.
    """

    head: "array[int]"
    head_first: "array[int]"
    rest: "array[int]"
    rests_met: int

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> RawSeries: ...

    def __iter__(self) -> Iterator[RawSeries]: ...

    def others(self, number: int, /) -> tuple[Format, tuple[bytes, ...]]:
        """The format and the labels of a rest."""

    def slots(self) -> "array[int]":
        """The slot of each, -1 where it has none yet."""

    def add(self, rows: IntArray, marks: CodeArray, /) -> None:
        """Give those of some rows, which have none, the next slots, in this order.

        A mark is twice the number of the account, and one more for a series of CloudWatch. Only one
        thread may add at a time.
        """


class News(NamedTuple):
    """What a scanner has met for the first time: it reads on when it has been told.

    ``names`` are of extra statistics.
    """

    series: NewSeries | None
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
