"""The stored points of one minute, as columns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import overload

import numpy as np

from app.arrays import FloatArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE


class CodedNames(Sequence[str]):
    """Many texts of which few differ: ``code`` indexes ``names``, which are distinct."""

    def __init__(self, names: Sequence[str], code: IntArray) -> None:
        self.names = tuple(names)
        self.code = code

    @classmethod
    def of(cls, texts: Sequence[str]) -> "CodedNames":
        """The texts themselves, where they are coded, or their codes."""
        if isinstance(texts, CodedNames):
            return texts
        numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        return cls(tuple(numbers), np.array([numbers[text] for text in texts], np.int64))

    def take(self, rows: IntArray) -> "CodedNames":
        """Some of the texts, in the order given."""
        return CodedNames(self.names, self.code[rows])

    def __len__(self) -> int:
        return len(self.code)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> "CodedNames": ...
    def __getitem__(self, index: int | slice) -> "str | CodedNames":
        if isinstance(index, slice):
            return CodedNames(self.names, self.code[index])
        return self.names[int(self.code[index])]


@dataclass(frozen=True, slots=True)
class MinutePoints:
    """Points ordered by (series, time); columns of one length n.

    ``minute`` is minutes since the epoch, ``offset_ms`` the point's start within it. ``minimum``
    and ``maximum`` are NaN where unknown. Of m extra statistics, ``extra_row`` is the index of the
    point and ``extra_name`` the statistic; ``CodedNames`` are the quickest.
    """

    minute: int
    series_id: IntArray
    offset_ms: IntArray
    count: FloatArray
    total: FloatArray
    minimum: FloatArray
    maximum: FloatArray
    extra_row: IntArray
    extra_name: Sequence[str]
    extra_value: FloatArray

    @property
    def start_ms(self) -> IntArray:
        """Start of each point in milliseconds since the epoch."""
        return self.minute * MILLISECONDS_PER_MINUTE + self.offset_ms

    def coded(self) -> "MinutePoints":
        """The same points with ``extra_name`` as ``CodedNames``."""
        if isinstance(self.extra_name, CodedNames):
            return self
        return replace(self, extra_name=CodedNames.of(self.extra_name))

    def within(self, first_ms: int, end_ms: int) -> "MinutePoints":
        """The points whose offset is at least ``first_ms`` and less than ``end_ms``."""
        rows = np.flatnonzero((self.offset_ms >= first_ms) & (self.offset_ms < end_ms))
        place = np.full(len(self.series_id), -1, np.int64)
        place[rows] = np.arange(len(rows))
        extra = np.flatnonzero(place[self.extra_row] >= 0)
        return MinutePoints(
            self.minute,
            self.series_id[rows],
            self.offset_ms[rows],
            self.count[rows],
            self.total[rows],
            self.minimum[rows],
            self.maximum[rows],
            place[self.extra_row[extra]],
            CodedNames.of(self.extra_name).take(extra),
            self.extra_value[extra],
        )
