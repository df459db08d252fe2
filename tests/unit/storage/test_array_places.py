"""Some places of an encoded column are those of all of it."""

import numpy as np
import pytest

from app.arrays import FloatArray, IntArray
from app.storage.array_codec import decode, encode_doubles, encode_integers

_GENERATOR = np.random.default_rng(1)
_INTEGERS = (np.arange(200), np.full(200, 7), _GENERATOR.integers(-(2**40), 2**40, 200))
_DOUBLES = (
    _GENERATOR.random(200),
    np.where(np.arange(200) % 3, np.arange(200) / 4, np.nan),
    np.full(200, 0.1),
)


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("places", [[], [0], [199, 3], list(range(50, 150))])
def test_places_are_those_of_the_whole(places: list[int], *, quick: bool) -> None:
    chosen: IntArray = np.array(places, np.int64)
    for integers in _INTEGERS:
        data = encode_integers(integers, quick=quick)
        assert np.array_equal(decode(data, chosen), integers[chosen])
    doubles: FloatArray
    for doubles in _DOUBLES:
        data = encode_doubles(doubles, quick=quick)
        assert np.array_equal(decode(data, chosen), doubles[chosen], equal_nan=True)
