"""Sets of ids, in SQL and against arrays; as arrays they ascend. None is the set of all ids."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from app.arrays import BoolArray, IntArray

IdSet: TypeAlias = IntArray | range | None

# Up to this number each id is looked for on its own in ranges.
_MOST_RANGES = 10


def id_set(ids: Sequence[int]) -> IntArray:
    """The ids, each once, ascending."""
    return np.unique(np.array(ids, np.int64))


def is_in(ids: IntArray, wanted: IdSet) -> BoolArray:
    """Which of the ids are wanted."""
    if wanted is None:
        return np.ones(len(ids), np.bool_)
    if isinstance(wanted, range):
        inside: BoolArray = (ids >= wanted.start) & (ids < wanted.stop)
        return inside
    if not len(wanted):
        return np.zeros(len(ids), np.bool_)
    place = np.minimum(np.searchsorted(wanted, ids), len(wanted) - 1)
    found: BoolArray = wanted[place] == ids
    return found


def overlap(first: str, last: str, wanted: IdSet) -> str:
    """A condition on ranges of ids that those with any of the wanted ones fulfil."""
    if wanted is None:
        return ""
    if not len(wanted):
        return " AND 1 = 0"
    pairs = [(int(wanted[0]), int(wanted[-1]))]
    if not isinstance(wanted, range) and len(wanted) <= _MOST_RANGES:
        pairs = [(one, one) for one in wanted.tolist()]
    tests = (f"({first} <= {high} AND {last} >= {low})" for low, high in pairs)
    return f" AND ({' OR '.join(tests)})"


def holds_any(first: int, last: int, wanted: IdSet) -> bool:
    """Whether any of the wanted ids is in a range."""
    if wanted is None:
        return True
    if isinstance(wanted, range):
        return first < wanted.stop and last >= wanted.start
    place = np.searchsorted(wanted, first)
    return bool(place < len(wanted) and wanted[place] <= last)
