"""Blocks of packed hours: a row of 60 minutes for each key, unless most of that were empty."""

MINUTES = 60
"""Columns of a dense block, a matrix with a row for each key, NaN where there is nothing."""

_MOST_EMPTY = 4


def is_dense(keys: int, cells: int) -> bool:
    """Whether so many cells of so many keys are worth a matrix; all must fit its minutes."""
    return keys * MINUTES <= _MOST_EMPTY * cells
