"""Columns of numbers as bytes: the same bits back, small where they should be, damage told."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.arrays import FloatArray
from app.storage.array_codec import decode, encode_doubles, encode_integers

INTEGERS = st.lists(
    st.one_of(st.integers(-3, 300), st.integers(-(2**63), 2**63 - 1)), max_size=200
) | st.lists(st.integers(0, 2**31), max_size=200).map(sorted)
DECIMALS = st.tuples(
    st.lists(st.integers(-(2**31), 2**31), max_size=200),
    st.sampled_from([1, 10, 100, 1e3, 1e6, 60, 120, 600]),
).map(lambda pair: [number / pair[1] for number in pair[0]])
ABSENT = st.lists(st.sampled_from([0.0, 1.0, 0.5, float("nan")]), max_size=200)
DOUBLES = st.lists(st.floats(width=64), max_size=200) | DECIMALS | ABSENT


def bits(values: FloatArray) -> list[str]:
    """NaN is NaN with any bits, and zero is zero with either sign."""
    return [(float(value) + 0.0).hex() for value in values]


@given(values=INTEGERS, quick=st.booleans())
def test_integers_come_back(values: list[int], quick: bool) -> None:
    found = decode(encode_integers(np.array(values, np.int64), quick=quick))
    assert found.dtype == np.int64
    assert found.tolist() == values


@given(values=DOUBLES, quick=st.booleans())
def test_doubles_come_back_bit_for_bit(values: list[float], quick: bool) -> None:
    column = np.array(values, np.float64)
    found = decode(encode_doubles(column, quick=quick))
    assert found.dtype == np.float64
    assert bits(found) == bits(column)


@pytest.mark.parametrize("quick", [False, True])
def test_equal_elements_cost_next_to_nothing(quick: bool) -> None:
    assert len(encode_doubles(np.zeros(10_000), quick=quick)) < 20
    assert len(encode_doubles(np.full(10_000, 0.1), quick=quick)) < 20
    assert len(encode_integers(np.full(10_000, 60_000), quick=quick)) < 20
    assert len(encode_integers(np.arange(7, 10_007), quick=quick)) < 100


@settings(deadline=None)
@given(
    values=DOUBLES,
    quick=st.booleans(),
    place=st.integers(0, 2**16),
    byte=st.integers(0, 255),
    cut=st.integers(0, 2**16),
)
def test_damaged_bytes_are_an_error_or_numbers(
    values: list[float],
    quick: bool,
    place: int,
    byte: int,
    cut: int,
) -> None:
    data = bytearray(encode_doubles(np.array(values, np.float64), quick=quick))
    # Only what stands before the number of elements: a length of four thousand million is no test.
    data[place % 3 if place % 2 or len(data) == 7 else 7 + place % (len(data) - 7)] = byte
    try:
        found = decode(bytes(data[: len(data) - cut % 3]))
    except ValueError:
        return
    assert found.ndim == 1
