"""What is to be written and deleted so that stored rows become the wanted ones."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.storage.differences import Columns, difference

VALUES = st.sampled_from([0.0, 1.5, -2.0, math.nan, math.inf])
ROWS = st.dictionaries(
    st.tuples(st.integers(0, 3), st.integers(0, 3)), st.tuples(VALUES, VALUES), max_size=12
)
Rows = dict[tuple[int, int], tuple[float, float]]


def columns(rows: Rows, order: list[tuple[int, int]]) -> Columns:
    keys = [np.array([key[place] for key in order], np.int64) for place in range(2)]
    return [*keys, *(np.array([rows[key][place] for key in order]) for place in range(2))]


@given(wanted=ROWS, stored=ROWS, data=st.data())
def test_it_is_what_comparing_one_by_one_finds(
    wanted: Rows, stored: Rows, data: st.DataObject
) -> None:
    wanted_order = data.draw(st.permutations(sorted(wanted)))
    stored_order = data.draw(st.permutations(sorted(stored)))
    written, deleted = difference(columns(wanted, wanted_order), columns(stored, stored_order), 2)
    # Texts, because NaN is NULL here, and one NULL is as good as another.
    assert {wanted_order[row] for row in written} == {
        key for key, row in wanted.items() if str(row) != str(stored.get(key))
    }
    assert {stored_order[row] for row in deleted} == stored.keys() - wanted.keys()
