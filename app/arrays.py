"""Names of the array types that columns are made of."""

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
CodeArray = npt.NDArray[np.int32]
"""Numbers that stand for texts, or for what there are at most two thousand million of."""


def ascending(values: IntArray) -> IntArray:
    """The distinct values, ascending.

    ``np.unique`` puts them into a hash table, which takes several times as long as sorting what is
    nearly in order.
    """
    ordered = np.sort(values)
    begins = np.ones(len(ordered), np.bool_)
    begins[1:] = ordered[1:] != ordered[:-1]
    return ordered[begins]
