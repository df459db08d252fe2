"""Sets of ids, in SQL and against arrays; as arrays they ascend."""

from collections.abc import Iterator, Sequence

import numpy as np

from app.arrays import BoolArray, IntArray
from app.storage.column_reader import id_list

# Of ids that lie closer than this, all between the first and the last are read.
_SPARSE = 4
_MOST_LOOKUPS = 5_000


def id_set(ids: Sequence[int]) -> IntArray:
    """The ids, each once, ascending."""
    return np.unique(np.array(ids, np.int64))


def conditions(column: str, wanted: IntArray | None) -> Iterator[str]:
    """Conditions that together find all rows of the ids, and perhaps some of others.

    None means that all are wanted.
    """
    if wanted is None:
        yield ""
    elif not len(wanted):
        return
    elif int(wanted[-1] - wanted[0]) < _SPARSE * len(wanted) or len(wanted) > _MOST_LOOKUPS:
        yield f" AND {column} >= {int(wanted[0])} AND {column} <= {int(wanted[-1])}"
    else:
        yield f" AND {column} IN ({id_list(wanted.tolist())})"


def is_in(ids: IntArray, wanted: IntArray | None) -> BoolArray:
    """Which of the ids are wanted."""
    if wanted is None:
        return np.ones(len(ids), np.bool_)
    if not len(wanted):
        return np.zeros(len(ids), np.bool_)
    place = np.minimum(np.searchsorted(wanted, ids), len(wanted) - 1)
    found: BoolArray = wanted[place] == ids
    return found
