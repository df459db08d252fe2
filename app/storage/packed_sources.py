"""Rows of packed points that rows of packed values are the same as, bit for bit.

A percentile of an operation, numerator and weight of its average, the capacity of a table: such
values are numbers of one series, an hour of which lies in ``packed_point`` already. On SQLite a
block of values says where, instead of storing them again (ADR 0039).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa

from app.arrays import BoolArray, FloatArray, IntArray
from app.storage.array_columns import decoded, fetch_encoded
from app.storage.blocks import MINUTES

PLACES = 1024
"""A place is 1, and the number of the source times this, and the row in it; 0 is none."""

_VALUE = (
    "SELECT value FROM packed_point"
    " WHERE minute = ? AND group_id = ? AND statistic = ? AND first_series = ?"
)
_MOST_SOURCES = 2**31 // PLACES - 1
# Of these the next metric may need some again.
_MOST_DECODED = 256
_FEW = 16
_COLUMNS = np.arange(MINUTES)
_MIXING = np.random.default_rng(40).integers(2**63, size=MINUTES, dtype=np.uint64) * 2 + 1
_HALF = np.uint64(32)


class Source(NamedTuple):
    """A dense block of one statistic of an hour's points, under which it is stored."""

    group: int
    statistic: str
    first_series: int


def sources_of(text: str) -> list[Source]:
    """The sources that a block of values names, by number."""
    return [
        Source(group, statistic, first)
        for group, statistic, begins in json.loads(text)
        for first in begins
    ]


def sources_text(sources: Sequence[Source]) -> str:
    """What a block of values has in its column ``sources``, of sources in ascending order."""
    named = [
        [*of_statistic, [source.first_series for source in some]]
        for of_statistic, some in groupby(sources, itemgetter(0, 1))
    ]
    return json.dumps(named, separators=(",", ":"))


Decoded = dict[tuple[int, Source], FloatArray]
"""Sources as matrices, by hour."""


class PackedSources:
    """Reads rows of sources. What is read by it belongs into the transaction of the block's row.

    ``decoded`` are sources that have been read before and are the same; it is added to.
    """

    def __init__(self, connection: sa.Connection, decoded: Decoded | None = None) -> None:
        self._connection = connection
        self._decoded: Decoded = {} if decoded is None else decoded

    def rows(self, hour: int, source: Source, rows: IntArray) -> FloatArray:
        """Some rows of a source, (R, 60). Raises ``ValueError`` where there is no such source."""
        key = hour, source
        matrix = self._decoded.pop(key, None)
        if matrix is None:
            values: FloatArray = decoded(self._connection, self._encoded(hour, source))
            matrix = values.reshape(-1, MINUTES)
            if len(self._decoded) >= _MOST_DECODED:
                del self._decoded[next(iter(self._decoded))]
        self._decoded[key] = matrix
        return matrix[rows]

    def few_rows(self, hour: int, source: Source, rows: IntArray) -> FloatArray:
        """The same where no others will be asked for."""
        cells = (rows[:, None] * MINUTES + _COLUMNS).ravel()
        values: FloatArray = decoded(self._connection, self._encoded(hour, source), cells)
        return values.reshape(-1, MINUTES)

    def _encoded(self, hour: int, source: Source) -> bytes:
        found = fetch_encoded(self._connection, _VALUE, (hour, *source))
        if not found:
            raise ValueError(
                f"values of the packed hour {hour} lie among points that are gone: {source}"
            )
        data: bytes = found[0][0]
        return data

    def fill(
        self, hour: int, columns: Sequence[tuple[Sequence[Source], IntArray, FloatArray]]
    ) -> None:
        """Put what places name into columns: sources, places (K,), and a matrix (K, 60) of each.

        Each source is decoded once, however many columns name it.
        """
        wanted: dict[Source, list[tuple[FloatArray, IntArray, IntArray]]] = {}
        for sources, places, matrix in columns:
            of_source, row = np.divmod(places - 1, PLACES)
            order = np.argsort(of_source, kind="stable")
            numbers, begins = np.unique(of_source[order], return_index=True)
            bounds = pairwise([*begins.tolist(), len(order)])
            for number, (begin, end) in zip(numbers.tolist(), bounds, strict=True):
                if number >= 0:
                    some = order[begin:end]
                    wanted.setdefault(sources[number], []).append((matrix, some, row[some]))
        for source, parts in wanted.items():
            rows = np.concatenate([there for _, _, there in parts])
            found = (self.few_rows if len(rows) <= _FEW else self.rows)(hour, source, rows)
            begin = 0
            for matrix, some, _ in parts:
                matrix[some] = found[begin : begin + len(some)]
                begin += len(some)


@dataclass(frozen=True, slots=True)
class Placed:
    """Of each row of a column (K, 60) the number of its source, -1 for none, and the row there."""

    source: IntArray
    row: IntArray

    def take(self, some: slice) -> "Placed":
        """Some of the rows."""
        return Placed(self.source[some], self.row[some])


class SourceIndex:
    """The sources of one hour: filled while its points are packed, asked while its values are.

    It keeps 14 bytes for each row of 60 numbers. Rows of one number throughout are left out: they
    cost little where they are, and idle series would all be the same.
    """

    def __init__(self) -> None:
        self._sources: list[Source] = []
        self._hashes: list[IntArray] = []
        self._rows: list[IntArray] = []
        self._sorted: tuple[IntArray, IntArray, IntArray, IntArray] | None = None
        self._decoded: Decoded = {}

    def add(self, source: Source, values: FloatArray) -> None:
        """Take up a dense block, as it is written; ``values`` are its cells."""
        matrix = values.reshape(-1, MINUTES)
        if len(matrix) > PLACES:
            return
        hashes, is_constant = _hashes(matrix)
        rows = np.flatnonzero(~is_constant)
        if len(rows):
            self._sources.append(source)
            self._hashes.append(hashes[rows])
            self._rows.append(rows.astype(np.int16))
            self._sorted = None

    def places(self, connection: sa.Connection, hour: int, matrix: FloatArray) -> Placed:
        """Where the rows of a matrix (K, 60) lie, to the last bit; the sources have been written.

        From then on they must not change as long as this is used.
        """
        reader = PackedSources(connection, self._decoded)
        source = np.full(len(matrix), -1)
        row = np.zeros(len(matrix), np.int64)
        for number, rows, there in self._find(matrix):
            # A hash only says where to look.
            same = _same(reader.rows(hour, self._sources[number], there), matrix[rows])
            source[rows[same]] = number
            row[rows[same]] = there[same]
        return Placed(source, row)

    def name(self, columns: Sequence[Placed | None]) -> tuple[list[IntArray | None], list[Source]]:
        """The places of a block's columns, None where there is none, and the sources they name."""
        found = [column.source for column in columns if column is not None]
        numbers = np.unique(np.concatenate([np.empty(0, np.int64), *found]))
        numbers = numbers[numbers >= 0][:_MOST_SOURCES]
        order = sorted(range(len(numbers)), key=lambda place: self._sources[numbers[place]])
        rank = np.empty(len(numbers), np.int64)
        rank[order] = np.arange(len(numbers))
        named: list[IntArray | None] = []
        for column in columns:
            if column is None or not np.isin(column.source, numbers).any():
                named.append(None)
                continue
            place = np.minimum(np.searchsorted(numbers, column.source), len(numbers) - 1)
            there = numbers[place] == column.source
            named.append(np.where(there, 1 + rank[place] * PLACES + column.row, 0))
        return named, [self._sources[numbers[place]] for place in order]

    def _find(self, matrix: FloatArray) -> Iterator[tuple[int, IntArray, IntArray]]:
        """Sources that may hold rows of a matrix (K, 60): which rows, and where they are there."""
        if not self._sources:
            return
        hashes, is_constant = _hashes(matrix)
        known, order, begins, row_of = self._by_hash()
        place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        rows = np.flatnonzero((known[place] == hashes) & ~is_constant)
        # The first of several, whatever the values: the same again whenever the hour is packed.
        number = order[place[rows]]
        of_source = np.searchsorted(begins, number, side="right") - 1
        by_source = np.argsort(of_source, kind="stable")
        rows, there, of_source = rows[by_source], row_of[number[by_source]], of_source[by_source]
        cuts = np.flatnonzero(np.diff(of_source, prepend=-1)).tolist()
        for begin, end in pairwise([*cuts, len(rows)]):
            yield int(of_source[begin]), rows[begin:end], there[begin:end].astype(np.int64)

    def _by_hash(self) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Hashes ascending, their numbers, the first number of each source, the row of each."""
        if self._sorted is None:
            hashes = np.concatenate(self._hashes)
            order = np.argsort(hashes, kind="stable")
            sizes = [len(rows) for rows in self._rows]
            begins = np.cumsum([0, *sizes[:-1]])
            self._sorted = hashes[order], order, begins, np.concatenate(self._rows)
        return self._sorted


def _same(one: FloatArray, other: FloatArray) -> BoolArray:
    """Which rows are equal to the last bit; all NaN are."""
    bits = one.view(np.int64) == other.view(np.int64)
    same: BoolArray = (bits | (np.isnan(one) & np.isnan(other))).all(axis=1)
    return same


def _hashes(matrix: FloatArray) -> tuple[IntArray, BoolArray]:
    """A number of 64 bits for each row, and which rows are of one number throughout."""
    absent = np.isnan(matrix)
    bits = matrix.view(np.uint64)
    if not absent.any():
        hashes = _mixed(bits) @ _MIXING
        # What a row of its first number throughout has: to be wrong costs a row that is stored.
        return hashes.view(np.int64), hashes == _mixed(bits[:, 0]) * _MIXING.sum()
    bits = np.where(absent, np.nan, matrix).view(np.uint64)
    first = bits[np.arange(len(bits)), absent.argmin(axis=1)]
    is_constant = ((bits == first[:, None]) | absent).all(axis=1)
    return (_mixed(bits) @ _MIXING).view(np.int64), is_constant


def _mixed(bits: np.ndarray[Any, np.dtype[np.uint64]]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """High bits too are to count in the low ones: those of short numbers are all 0."""
    return bits ^ (bits >> _HALF)
