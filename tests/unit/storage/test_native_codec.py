"""The native codec against the reference: the same bytes, the same numbers, the same refusals."""

import random
import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.arrays import FloatArray, IntArray
from app.storage import array_codec, array_reference
from app.storage.array_codec import choose_codec
from app.storage.array_format import DIVISORS, HEAD
from tests.fixtures.server import REPOSITORY
from tests.unit.storage.test_array_codec import DOUBLES, INTEGERS

needs_codec = pytest.mark.skipif(
    not array_codec.IS_BUILT, reason="the native codec was not built: no compiler, or no Cython"
)
_LIMIT = 2**31 - 2
_NAN, _INFINITY = float("nan"), float("inf")
# The edges of every width and of what may be scaled, and what is rounded halfway.
_EDGES = [0.0, -0.0, 0.5, 1.5, 2.5, -0.5, 1 / 3, _INFINITY, -_INFINITY, _NAN, 5e-324, 1.7e308]
_EDGES += [
    float(sign * (edge + d))
    for edge in (127, 2**15, _LIMIT, 2**51, 2**53)
    for sign in (1, -1)
    for d in (-1, 0, 1)
]
COLUMNS = st.lists(st.sampled_from(_EDGES), max_size=40) | st.tuples(
    st.lists(st.sampled_from([*range(-130, 130), _LIMIT - 1, -(2**31), 32767, 32768]), max_size=40),
    st.sampled_from(DIVISORS),
).map(lambda pair: [number / pair[1] for number in pair[0]])


def encoded(random_: random.Random) -> bytes:
    """A legal column of any kind."""
    generator = np.random.default_rng(random_.randrange(2**32))
    size = random_.choice([0, 1, 2, 9, 60, 300])
    whole = generator.integers(
        -(10 ** random_.randrange(1, 9)), 10 ** random_.randrange(1, 9), size
    )
    quick = random_.random() < 0.5
    match random_.randrange(6):
        case 0:
            return array_codec.encode_integers(np.sort(whole), quick=quick)
        case 1:
            return array_codec.encode_integers(whole, quick=quick)
        case 2:
            return array_codec.encode_doubles(generator.random(size), quick=quick)
        case 3:
            return array_codec.encode_doubles(np.full(size, 0.1), quick=quick)
        case 4:
            absent = np.where(generator.random(size) < 0.2, np.nan, whole)
            return array_codec.encode_doubles(absent, quick=quick)
    return array_codec.encode_doubles(whole / random_.choice(DIVISORS), quick=quick)


def damaged(random_: random.Random, data: bytes) -> bytes:
    """Some bytes of it changed, cut off or added."""
    changed = bytearray(data)
    for _ in range(random_.choice([1, 1, 1, 2, 5])):
        match random_.randrange(4):
            case 0:
                changed = changed[: random_.randrange(len(changed) + 1)]
            case 1:
                changed += random_.randbytes(random_.randrange(1, 20))
            case _:
                if changed:
                    place = random_.randrange(min(len(changed), random_.choice([3, 7, 10_000])))
                    changed[place] = random_.choice([0, 1, 2, 4, 8, 254, random_.randrange(256)])
    if len(changed) >= HEAD.size and HEAD.unpack_from(changed)[-1] >= 2**20:
        # One element may stand for a hundred million, which would take long.
        changed[5:7] = b"\0\0"
    return bytes(changed)


def answer(codec: object, data: bytes, places: IntArray | None = None) -> object:
    """The type and the bits of the numbers, or that the bytes are damaged."""
    try:
        values = codec.decode(data, places)  # type: ignore[attr-defined]
    except (ValueError, IndexError) as error:
        return type(error)
    # NaN may have any bits.
    if values.dtype == np.float64:
        values = np.where(np.isnan(values), np.nan, values)
    return values.dtype, values.tobytes()


@needs_codec
@given(values=DOUBLES | COLUMNS, quick=st.booleans(), stride=st.sampled_from([1, 1, 2, -1]))
def test_doubles_become_the_same_bytes(values: list[float], quick: bool, stride: int) -> None:
    column = np.array(values, np.float64)[::stride]
    data = array_reference.encode_doubles(np.ascontiguousarray(column), quick=quick)
    assert array_codec.native.encode_doubles(column, quick=quick) == data
    assert answer(array_codec.native, data) == answer(array_reference, data)


@needs_codec
@given(values=INTEGERS, quick=st.booleans(), stride=st.sampled_from([1, 1, 2, -1]))
def test_integers_become_the_same_bytes(values: list[int], quick: bool, stride: int) -> None:
    column = np.array(values, np.int64)[::stride]
    data = array_reference.encode_integers(np.ascontiguousarray(column), quick=quick)
    assert array_codec.native.encode_integers(column, quick=quick) == data
    assert answer(array_codec.native, data) == answer(array_reference, data)


@needs_codec
@pytest.mark.parametrize("size", [256, 257, 511, 4_096])
def test_long_columns_become_the_same_bytes(size: int) -> None:
    generator = np.random.default_rng(size)
    last = np.zeros(size)
    last[-1] = 1 / 3
    doubles: list[FloatArray] = [
        last,
        generator.random(size),
        generator.integers(0, 2**31 - 3, size).astype(np.float64),
        np.where(generator.random(size) < 0.5, np.nan, generator.integers(0, 90, size) / 60),
        np.broadcast_to(np.float64(7), size),
        np.full(size, np.nan),
    ]
    for column in doubles:
        data = array_reference.encode_doubles(np.ascontiguousarray(column))
        assert array_codec.native.encode_doubles(column) == data
        assert answer(array_codec.native, data) == answer(array_reference, data)


@needs_codec
def test_what_is_no_column_is_refused() -> None:
    with pytest.raises(ValueError, match="one dimension"):
        array_codec.native.encode_doubles(np.zeros((2, 2)))
    assert array_codec.native.encode_integers(
        np.arange(5, dtype=np.int32)
    ) == array_reference.encode_integers(np.arange(5))
    with pytest.raises(IndexError):
        array_codec.native.decode(array_codec.encode_integers(np.arange(5)), np.array([5]))


@needs_codec
def test_damaged_bytes_have_the_same_answer() -> None:
    refused = 0
    for number in range(20_000):
        random_ = random.Random(number)
        data = damaged(random_, encoded(random_))
        places = None
        if number % 3 == 0:
            places = np.array(
                [random_.randrange(60) for _ in range(random_.randrange(4))], np.int64
            )
        expected = answer(array_reference, data, places)
        assert answer(array_codec.native, data, places) == expected, (number, data.hex(), places)
        refused += isinstance(expected, type)
    # Both are met: what is refused, and what is numbers nevertheless.
    assert 4_000 < refused < 16_000


@needs_codec
def test_damaged_blocks_of_lz4_have_the_same_answer() -> None:
    refused = 0
    for number in range(5_000):
        random_ = random.Random(number)
        generator = np.random.default_rng(number)
        numbers = generator.integers(0, random_.choice([3, 20, 300]), random_.choice([70, 900]))
        changed = bytearray(array_codec.encode_integers(np.repeat(numbers, 2), quick=True))
        for _ in range(random_.choice([1, 2, 3])):
            place = HEAD.size + random_.randrange(len(changed) - HEAD.size)
            # Never 0: LZ4's own decoder takes an offset of 0, and gives whatever is in the memory.
            changed[place] = random_.choice([1, 15, 16, 31, 240, 255, random_.randrange(1, 256)])
        data = bytes(changed)
        expected = answer(array_reference, data)
        assert answer(array_codec.native, data) == expected, (number, data.hex())
        refused += isinstance(expected, type)
    assert 500 < refused < 4_500


@pytest.mark.parametrize("codec", [array_reference, array_codec])
def test_a_row_takes_doubles_of_its_length(codec: ModuleType) -> None:
    matrix = np.zeros((3, 9))
    for quick in (False, True):
        matrix[1] = 0.0
        codec.decode_into(codec.encode_doubles(np.arange(9) / 4, quick=quick), matrix[1])
        assert matrix.tolist() == [[0.0] * 9, [number / 4 for number in range(9)], [0.0] * 9]
    for wrong in (codec.encode_doubles(np.zeros(8)), codec.encode_integers(np.arange(9))):
        with pytest.raises(ValueError, match="9 doubles"):
            codec.decode_into(wrong, matrix[1])
    with pytest.raises(ValueError, match="damaged"):
        codec.decode_into(b"", matrix[1])


_BEFORE = {
    # Of zstd, with the size of the content in each frame, as cramjam wrote them.
    "0101fd6400000028b52ffd206445000010005a01003f012c": np.arange(0, 9_000, 90),
    "0108ff6400000028b52ffd6020026d01007800929200242400494900c2d2003f3f0b000ea6e1600e1860c10430c0820"
    "930c0a6ac093898868369b8931b02": np.arange(100) % 3 / 7,
    # Of LZ4, plain, and one element for all.
    "0201fd640000002f005a01004a505a5a5a5a5a": np.arange(0, 9_000, 90),
    "000102040000000019324b": np.arange(4) / 4,
    "0301016300000001": np.full(99, 0.1),
}


@pytest.mark.parametrize("written", _BEFORE)
@pytest.mark.parametrize("reference", [False, True])
def test_columns_of_before_are_read(written: str, reference: bool) -> None:
    try:
        choose_codec(reference=reference)
        assert array_codec.decode(bytes.fromhex(written)).tolist() == _BEFORE[written].tolist()
    finally:
        choose_codec(reference=False)


def test_a_length_that_no_column_has_is_damage() -> None:
    equal = array_codec.encode_doubles(np.full(9, 0.1))
    for codec in (array_reference, array_codec):
        with pytest.raises(ValueError, match="damaged"):
            codec.decode(equal[:3] + b"\xff\xff\xff\xff" + equal[7:])


@needs_codec
def test_the_codec_is_chosen() -> None:
    column = np.arange(100) / 8
    try:
        assert choose_codec(reference=True) == "reference"
        data = array_codec.encode_doubles(column)
        assert choose_codec(reference=False) == "native"
        assert array_codec.encode_doubles(column) == data
        assert np.array_equal(array_codec.decode(data), column)
    finally:
        choose_codec(reference=False)


def test_without_the_codec_the_reference_stores_everything() -> None:
    program = (
        "import sys; sys.modules['app.storage.codec.encoding'] = None\n"
        "import numpy as np\n"
        "from app.storage import array_codec\n"
        "assert not array_codec.IS_BUILT\n"
        "assert array_codec.choose_codec(reference=False) == 'reference'\n"
        "data = array_codec.encode_doubles(np.arange(100) / 8)\n"
        "print(array_codec.decode(data)[-1])\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == "12.375\n"
