"""Distinct values in order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.arrays import ascending


@given(values=st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_distinct_values_ascend(values: list[int]) -> None:
    assert ascending(np.array(values, np.int64)).tolist() == sorted(set(values))
