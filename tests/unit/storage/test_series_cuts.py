"""Where points are cut into blocks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.storage.series_cuts import KEY, cuts

KEYS = st.lists(
    st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 2)), max_size=60
).map(lambda rows: np.array(sorted(g * KEY + s for g, s, n in rows for _ in range(n)), np.int64))


@given(keys=KEYS, begins=KEYS, most=st.integers(1, 9))
def test_every_row_is_in_one_piece_of_one_group_and_no_series_in_two(
    keys: np.ndarray, begins: np.ndarray, most: int
) -> None:
    pieces = cuts(keys, np.unique(begins), most)
    assert [row for begin, end in pieces for row in range(begin, end)] == list(range(len(keys)))
    series = [set(keys[begin:end].tolist()) for begin, end in pieces]
    assert sum(map(len, series)) == len(set(keys.tolist()))
    assert all(len({key // KEY for key in some}) == 1 for some in series)
    assert all(len(some) <= (2 * most if len(begins) else most) for some in series)


def test_blocks_stay_where_they_begin_until_they_are_twice_as_large() -> None:
    keys = KEY + np.arange(100)
    begins = np.array([KEY + 30, KEY + 50])
    assert cuts(keys, begins, 25) == [(0, 30), (30, 50), (50, 100)]
    assert cuts(keys, begins, 20) == [(0, 30), (30, 50), (50, 70), (70, 90), (90, 100)]
    assert cuts(keys, begins[:0], 40) == [(0, 40), (40, 80), (80, 100)]
