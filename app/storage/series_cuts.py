"""Where points are cut into blocks: at groups, and within them at every so many series.

Group and series make one key. Blocks that are there already stay where they begin: what is written
again is then the same for the most part, and what is only half written still has every series once.
"""

from itertools import pairwise

import numpy as np
import sqlalchemy as sa

from app.arrays import IntArray, ascending
from app.storage.series_groups import groups_of

KEY = 2**32
"""The key is the group times this, and the series."""


def keys_of(connection: sa.Connection, series_ids: IntArray) -> IntArray:
    """The keys of series."""
    return groups_of(connection, series_ids) * KEY + series_ids


def cuts(keys: IntArray, begins: IntArray, most: int) -> list[tuple[int, int]]:
    """Ranges of rows, each of one group and no series in two of them; ``keys`` ascend.

    A range begins wherever one of the keys ``begins``, which ascend, has its place. Between them it
    is cut into pieces of so many series, or left whole until it has twice as many.
    """
    if not len(keys):
        return []
    group = keys // KEY
    starts = np.flatnonzero(np.concatenate(([True], group[1:] != group[:-1])))
    if len(begins):
        starts = ascending(np.concatenate((starts, np.searchsorted(keys, begins))))
    bounds = [*starts[starts < len(keys)].tolist(), len(keys)]
    limit = 2 * most if len(begins) else most
    if max(end - begin for begin, end in pairwise(bounds)) <= limit:
        return list(pairwise(bounds))
    of_series = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    places = np.searchsorted(of_series, bounds).tolist()
    split: list[int] = []
    for first, last in pairwise(places):
        step = most if last - first > limit else last - first
        split += of_series[first:last:step].tolist()
    return list(pairwise([*split, len(keys)]))
