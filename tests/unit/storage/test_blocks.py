"""Blocks give back what was put into them, to the last bit."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.storage.blocks import Dense, decode_block, encode_block

DOUBLES = st.floats(allow_nan=False) | st.integers(-(2**33), 2**33).map(lambda n: n / 100)
PLACES = st.tuples(st.integers(0, 2**62), st.integers(0, 59), st.sampled_from([0, 0, 0, 1, 59_999]))


@given(st.dictionaries(PLACES, DOUBLES, min_size=1), st.sampled_from([0, 60_000, 31_622_400_000]))
@settings(deadline=None)
def test_what_is_decoded_is_what_was_encoded(
    points: dict[tuple[int, int, int], float], period_ms: int
) -> None:
    ordered = sorted(points)
    keys = np.array([key for key, _, _ in ordered], np.int64)
    starts = np.array([minute * 60_000 + offset for _, minute, offset in ordered], np.int64)
    values = np.array([points[place] for place in ordered], np.float64)
    block = decode_block(encode_block(keys, starts, np.full(len(keys), period_ms), values))
    if isinstance(block, Dense):
        row, minute = np.nonzero(~np.isnan(block.values))
        found = block.keys[row], minute * 60_000, block.values[row, minute]
        assert period_ms == 60_000
    else:
        found = block.keys, block.start_ms, block.values
        assert set(block.period_ms.tolist()) == {period_ms}
    assert [column.tobytes() for column in found] == [
        column.tobytes() for column in (keys, starts, values)
    ]


def bytes_of_a_value(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    keys = np.repeat(np.arange(256), 60)
    starts = np.tile(np.arange(60) * 60_000, 256)
    return len(encode_block(keys, starts, None, values)) / len(values)


def test_few_digits_take_few_bytes() -> None:
    generator = np.random.default_rng(1)
    assert bytes_of_a_value(np.zeros(15_360)) < 0.1
    assert bytes_of_a_value(generator.integers(0, 2_000, 15_360) / 2) < 2.1
    assert bytes_of_a_value(np.round(generator.random(15_360), 3)) < 2.1
    assert bytes_of_a_value(generator.random(15_360)) < 8


def test_what_is_too_sparse_for_a_matrix_is_not_made_one() -> None:
    keys = np.arange(10_000)
    block = decode_block(encode_block(keys, keys % 60 * 60_000, None, keys.astype(np.float64)))
    assert not isinstance(block, Dense)
    assert len(block.values) == 10_000
