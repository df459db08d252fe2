# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Columns of numbers to bytes and back, to the same bytes as ``app.storage.array_reference``.

There the format is told. Here each column is gone through a few times as plain C: what it is
divided by, how wide it is, and its bytes by significance.
"""

from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE
from cpython.buffer cimport Py_buffer, PyBuffer_Release, PyObject_CheckBuffer, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.math cimport NAN, fabs, rint
from libc.stdint cimport INT8_MIN, INT16_MIN, INT32_MIN, INT64_MAX, INT64_MIN
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

import numpy as np

from app.storage import array_compression
from app.storage.array_format import (
    AS_DOUBLES,
    AS_INTEGERS,
    AS_STEPS,
    DIVISORS,
    HEAD,
    MOST_ELEMENTS,
    MULTIPLE_OF_ALL,
    NEAR,
    SAMPLE,
    SHORTEST_COMPRESSED,
)

cdef enum:
    _HEAD = 7
    _MOST_DIVISORS = 16
    # Elements between two looks at whether they still fit.
    _STRIDE = 256

cdef int _PLAIN = array_compression.PLAIN
cdef int _ZSTD = array_compression.ZSTD
cdef int _LZ4 = array_compression.LZ4
cdef int _EQUAL = array_compression.EQUAL
cdef Py_ssize_t _MOST_LZ4 = array_compression.MOST_LZ4
cdef int _AS_DOUBLES = AS_DOUBLES
cdef int _AS_INTEGERS = AS_INTEGERS
cdef int _AS_STEPS = AS_STEPS
cdef Py_ssize_t _SHORTEST_COMPRESSED = SHORTEST_COMPRESSED
cdef Py_ssize_t _MOST_ELEMENTS = MOST_ELEMENTS
cdef Py_ssize_t _SAMPLE = SAMPLE
cdef double _MULTIPLE_OF_ALL = MULTIPLE_OF_ALL
cdef double _NEAR = NEAR
cdef int _DIVISOR_COUNT = len(DIVISORS)
cdef double[_MOST_DIVISORS] _DIVISORS
for _number, _divisor in enumerate(DIVISORS):
    _DIVISORS[_number] = _divisor
assert HEAD.size == _HEAD and len(DIVISORS) <= _MOST_DIVISORS

# Added and taken away again, it rounds doubles below 2**51 to integers, halves to even ones.
cdef double _ROUNDER = 6755399441055744.0
# Integers of a scaled column are below this.
cdef double _LIMIT = 2147483646.0

cdef object _compress = array_compression.compress
cdef object _compress_quickly = array_compression.compress_quickly
cdef object _expanded = array_compression.expanded
cdef object _empty = np.empty
cdef object _contiguous = np.ascontiguousarray
cdef object _float64 = np.float64
cdef object _int64 = np.int64


cdef int _view(object values, Py_buffer *view, bint doubles) except -1:
    """The numbers of an array, which must be of one dimension."""
    cdef int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT
    if getattr(values, "dtype", None) != (_float64 if doubles else _int64) or not values.flags.c_contiguous:
        values = _contiguous(values, _float64 if doubles else _int64)
    PyObject_GetBuffer(values, view, flags)
    if view.ndim != 1 or view.itemsize != 8:
        PyBuffer_Release(view)
        raise ValueError("a column of numbers has one dimension")
    if view.len // 8 > _MOST_ELEMENTS:
        length = view.len // 8
        PyBuffer_Release(view)
        raise ValueError(f"{length} numbers are too many for one column")
    return 0


# Encoding

def encode_integers(values, *, bint quick=False):
    """As there."""
    cdef Py_buffer view
    _view(values, &view, False)
    try:
        return _integers(<const int64_t *>view.buf, view.len // 8, quick)
    finally:
        PyBuffer_Release(&view)


cdef bytes _integers(const int64_t *values, Py_ssize_t size, bint quick):
    cdef Py_ssize_t i
    cdef int64_t least = 0, most = 0, step
    cdef int64_t *steps
    cdef bint ascends = size > 1 and values[0] < values[size - 1]
    if not ascends:
        _extremes(values, size, &least, &most)
        return _narrowed(values, size, least, most, _AS_INTEGERS, quick)
    steps = <int64_t *>malloc(size * sizeof(int64_t))
    if steps == NULL:
        raise MemoryError
    try:
        steps[0] = values[0]
        for i in range(1, size):
            steps[i] = <int64_t>(<uint64_t>values[i] - <uint64_t>values[i - 1])
        _extremes(steps + 1, size - 1, &least, &most)
        if least < 0:
            _extremes(values, size, &least, &most)
            return _narrowed(values, size, least, most, _AS_INTEGERS, quick)
        if steps[0] < least:
            least = steps[0]
        if steps[0] > most:
            most = steps[0]
        return _narrowed(steps, size, least, most, _AS_STEPS, quick)
    finally:
        free(steps)


cdef void _extremes(
    const int64_t *values, Py_ssize_t size, int64_t *least, int64_t *most
) noexcept nogil:
    cdef Py_ssize_t i
    cdef int64_t low, high
    if size == 0:
        least[0] = most[0] = 0
        return
    low = high = values[0]
    for i in range(1, size):
        low = values[i] if values[i] < low else low
        high = values[i] if values[i] > high else high
    least[0] = low
    most[0] = high


cdef int _narrowest(int64_t least, int64_t most) noexcept nogil:
    """Bytes of the narrowest integers that hold both."""
    if least >= INT8_MIN and most < -<int64_t>INT8_MIN:
        return 1
    if least >= INT16_MIN and most < -<int64_t>INT16_MIN:
        return 2
    if least >= INT32_MIN and most < -<int64_t>INT32_MIN:
        return 4
    return 8


cdef bytes _narrowed(
    const int64_t *values, Py_ssize_t size, int64_t least, int64_t most, int kind, bint quick
):
    cdef int width = _narrowest(least, most)
    cdef Py_ssize_t i
    cdef int32_t *narrow
    cdef uint8_t *at
    if size > 1 and least == most:
        return _equal(<const uint8_t *>values, width, kind, size)
    content = PyBytes_FromStringAndSize(NULL, width * size)
    at = <uint8_t *>PyBytes_AS_STRING(content)
    if width == 8:
        _shuffle8(<const uint8_t *>values, size, at)
    elif width == 1:
        for i in range(size):
            at[i] = <uint8_t>values[i]
    else:
        narrow = <int32_t *>malloc(size * sizeof(int32_t))
        if narrow == NULL:
            raise MemoryError
        for i in range(size):
            narrow[i] = <int32_t>values[i]
        _planes(narrow, size, width, at)
        free(narrow)
    return _stored(content, width, kind, size, quick)


def encode_doubles(values, *, bint quick=False):
    """As there."""
    cdef Py_buffer view
    _view(values, &view, True)
    try:
        return _doubles(<const double *>view.buf, view.len // 8, quick)
    finally:
        PyBuffer_Release(&view)


cdef bytes _doubles(const double *values, Py_ssize_t size, bint quick):
    cdef Py_ssize_t i, absent = 0, present = 0
    cdef const double *some = values
    cdef double *kept = NULL
    cdef uint8_t *at
    cdef int number, kind = _AS_DOUBLES
    cdef double least = 0.0, most = 0.0
    for i in range(size):
        absent += values[i] != values[i]
    try:
        if absent:
            kept = <double *>malloc((size - absent + 1) * sizeof(double))
            if kept == NULL:
                raise MemoryError
            for i in range(size):
                # Written always and kept where it is a number; there is room for one more.
                kept[present] = values[i]
                present += values[i] == values[i]
            some = kept
        kind = _divisor_of(some, size - absent, quick, &least, &most)
        if kind != _AS_DOUBLES:
            return _scaled(
                values, size, absent, kind, <int64_t>least, <int64_t>most, quick
            )
    finally:
        free(kept)
    if size > 1 and _all_equal(<const uint64_t *>values, size):
        return _equal(<const uint8_t *>values, 8, _AS_DOUBLES, size)
    content = PyBytes_FromStringAndSize(NULL, 8 * size)
    _shuffle8(<const uint8_t *>values, size, <uint8_t *>PyBytes_AS_STRING(content))
    return _stored(content, 8, _AS_DOUBLES, size, quick)


cdef int _divisor_of(
    const double *values, Py_ssize_t size, bint quick, double *least, double *most
) noexcept nogil:
    """Which divisor makes integers of all of them, and their extremes; else as doubles."""
    cdef int number, tried = 1 if quick else _DIVISOR_COUNT
    cdef Py_ssize_t i, sample = size if size < _SAMPLE else _SAMPLE
    cdef double multiple
    if not quick:
        for i in range(sample):
            multiple = values[i] * _MULTIPLE_OF_ALL
            if fabs(multiple - rint(multiple)) > _NEAR:
                return _AS_DOUBLES
    for number in range(tried):
        if not _fits(values, sample, _DIVISORS[number], least, most):
            continue
        if _fits(values, size, _DIVISORS[number], least, most):
            return number
    return _AS_DOUBLES


cdef bint _fits(
    const double *values, Py_ssize_t size, double divisor, double *least, double *most
) noexcept nogil:
    """Whether all are integers by the divisor, to the last bit, and which are the extremes."""
    cdef Py_ssize_t i, first = 0, end
    cdef double scaled, again, low = 0.0, high = 0.0
    cdef uint64_t differing
    if size:
        low = high = values[0] * divisor + _ROUNDER - _ROUNDER
    while first < size:
        end = first + _STRIDE if first + _STRIDE < size else size
        differing = 0
        for i in range(first, end):
            # Beyond the limit it may be rounded badly, and is still beyond.
            scaled = values[i] * divisor + _ROUNDER - _ROUNDER
            again = scaled / divisor
            differing |= (<const uint64_t *>&again)[0] ^ (<const uint64_t *>values)[i]
            low = scaled if scaled < low else low
            high = scaled if scaled > high else high
        if differing or not (low > -_LIMIT and high < _LIMIT):
            return False
        first = end
    least[0] = low
    most[0] = high
    return True


cdef bytes _scaled(
    const double *values, Py_ssize_t size, Py_ssize_t absent, int number, int64_t least,
    int64_t most, bint quick
):
    """A column of integers, of which the least of the type stands for what is absent."""
    cdef int width = _narrowest(least - 1, most)
    cdef int64_t nothing = INT8_MIN if width == 1 else INT16_MIN if width == 2 else INT32_MIN
    cdef double divisor = _DIVISORS[number]
    cdef Py_ssize_t i
    cdef int32_t *narrow
    cdef uint8_t *at
    if size > 1 and absent == size:
        return _equal(<const uint8_t *>&nothing, width, number, size)
    if size > 1 and absent == 0 and least == most:
        return _equal(<const uint8_t *>&least, width, number, size)
    content = PyBytes_FromStringAndSize(NULL, width * size)
    at = <uint8_t *>PyBytes_AS_STRING(content)
    narrow = <int32_t *>malloc((size + 1) * sizeof(int32_t))
    if narrow == NULL:
        raise MemoryError
    if absent:
        for i in range(size):
            if values[i] == values[i]:
                narrow[i] = <int32_t>(values[i] * divisor + _ROUNDER - _ROUNDER)
            else:
                narrow[i] = <int32_t>nothing
    else:
        for i in range(size):
            narrow[i] = <int32_t>(values[i] * divisor + _ROUNDER - _ROUNDER)
    _planes(narrow, size, width, at)
    free(narrow)
    return _stored(content, width, number, size, quick)


cdef bint _all_equal(const uint64_t *bits, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t i
    cdef uint64_t differing = 0
    if bits[0] != bits[size - 1]:
        return False
    for i in range(1, size):
        differing |= bits[i] ^ bits[0]
    return differing == 0


cdef void _planes(const int32_t *values, Py_ssize_t size, int width, uint8_t *at) noexcept nogil:
    """The first bytes of all values, the second bytes, ..."""
    cdef Py_ssize_t i
    cdef int byte
    cdef uint8_t *plane
    for byte in range(width):
        plane = at + byte * size
        if byte == 0:
            for i in range(size):
                plane[i] = <uint8_t>values[i]
        elif byte == 1:
            for i in range(size):
                plane[i] = <uint8_t>(<uint32_t>values[i] >> 8)
        elif byte == 2:
            for i in range(size):
                plane[i] = <uint8_t>(<uint32_t>values[i] >> 16)
        else:
            for i in range(size):
                plane[i] = <uint8_t>(<uint32_t>values[i] >> 24)


cdef void _transpose(uint64_t *rows) noexcept nogil:
    """Eight rows of eight bytes become columns."""
    cdef int i
    cdef uint64_t moved
    for i in range(4):
        moved = ((rows[i] >> 32) ^ rows[i + 4]) & 0x00000000FFFFFFFFu
        rows[i + 4] ^= moved
        rows[i] ^= moved << 32
    for i in range(6):
        if i & 2:
            continue
        moved = ((rows[i] >> 16) ^ rows[i + 2]) & 0x0000FFFF0000FFFFu
        rows[i + 2] ^= moved
        rows[i] ^= moved << 16
    for i in range(0, 8, 2):
        moved = ((rows[i] >> 8) ^ rows[i + 1]) & 0x00FF00FF00FF00FFu
        rows[i + 1] ^= moved
        rows[i] ^= moved << 8


cdef void _shuffle8(const uint8_t *values, Py_ssize_t size, uint8_t *at) noexcept nogil:
    cdef Py_ssize_t first = 0, i
    cdef int byte
    cdef uint64_t[8] rows
    while first + 8 <= size:
        memcpy(rows, values + 8 * first, 64)
        _transpose(rows)
        for byte in range(8):
            memcpy(at + byte * size + first, &rows[byte], 8)
        first += 8
    for i in range(first, size):
        for byte in range(8):
            at[byte * size + i] = values[8 * i + byte]


cdef void _unshuffle8(const uint8_t *stored, Py_ssize_t size, uint8_t *values) noexcept nogil:
    cdef Py_ssize_t first = 0, i
    cdef int byte
    cdef uint64_t[8] rows
    while first + 8 <= size:
        for byte in range(8):
            memcpy(&rows[byte], stored + byte * size + first, 8)
        _transpose(rows)
        memcpy(values + 8 * first, rows, 64)
        first += 8
    for i in range(first, size):
        for byte in range(8):
            values[8 * i + byte] = stored[byte * size + i]


cdef bytes _headed(int form, int width, int kind, Py_ssize_t size, const uint8_t *at, Py_ssize_t length):
    cdef bytes data = PyBytes_FromStringAndSize(NULL, _HEAD + length)
    cdef uint8_t *head = <uint8_t *>PyBytes_AS_STRING(data)
    cdef uint32_t elements = <uint32_t>size
    head[0] = form
    head[1] = width
    head[2] = <uint8_t>kind
    memcpy(head + 3, &elements, 4)
    memcpy(head + _HEAD, at, length)
    return data


cdef bytes _equal(const uint8_t *first, int width, int kind, Py_ssize_t size):
    return _headed(_EQUAL, width, kind, size, first, width)


cdef bytes _stored(object content, int width, int kind, Py_ssize_t size, bint quick):
    cdef Py_ssize_t length = len(content)
    cdef object packed
    if length >= _SHORTEST_COMPRESSED:
        packed = _compress_quickly(content) if quick else _compress(content)
        if len(packed) < length:
            return _headed(
                _LZ4 if quick else _ZSTD, width, kind, size,
                <const uint8_t *>PyBytes_AS_STRING(packed), len(packed),
            )
    return _headed(_PLAIN, width, kind, size, <const uint8_t *>PyBytes_AS_STRING(content), length)


# Decoding

cdef struct _Column:
    int form, width, kind
    Py_ssize_t size
    # The elements, or the one that stands for all; ``owned`` is memory to be freed.
    const uint8_t *content
    uint8_t *owned


def decode(data, places=None):
    """As there."""
    cdef _Column column
    cdef Py_buffer view
    cdef bytes whole = data if type(data) is bytes else bytes(data)
    unpacked = _open(whole, &column)
    try:
        if places is None:
            return _all(&column)
        if column.kind == _AS_STEPS:
            return _all(&column)[places]
        _view(places, &view, False)
        try:
            return _some(&column, <const int64_t *>view.buf, view.len // 8)
        finally:
            PyBuffer_Release(&view)
    finally:
        free(column.owned)


def decode_into(data, values):
    """As there."""
    cdef _Column column
    cdef Py_buffer view
    cdef bytes whole = data if type(data) is bytes else bytes(data)
    if values.dtype != _float64:
        raise ValueError("doubles are decoded into doubles")
    PyObject_GetBuffer(values, &view, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)
    try:
        unpacked = _open(whole, &column)
        try:
            if column.kind == _AS_INTEGERS or column.kind == _AS_STEPS or 8 * column.size != view.len:
                raise ValueError(
                    f"a column of numbers is damaged: it is not of {view.len // 8} doubles"
                )
            _numbers(&column, <double *>view.buf)
        finally:
            free(column.owned)
    finally:
        PyBuffer_Release(&view)


cdef object _open(bytes whole, _Column *column):
    """Look at the head, and expand what is compressed; returns what is to be kept meanwhile."""
    cdef const uint8_t *stored = <const uint8_t *>PyBytes_AS_STRING(whole)
    cdef Py_ssize_t length = PyBytes_GET_SIZE(whole), wanted
    cdef uint32_t elements
    cdef bytes unpacked = None
    column.owned = NULL
    if length < _HEAD:
        raise ValueError(f"a column of numbers is damaged: it has {length} bytes")
    column.form, column.width, column.kind = stored[0], stored[1], <int8_t>stored[2]
    memcpy(&elements, stored + 3, 4)
    column.size = elements
    if column.size > _MOST_ELEMENTS:
        raise ValueError(f"a column of numbers is damaged: it has {column.size} elements")
    if column.form > _EQUAL:
        raise ValueError(
            f"a column of numbers is damaged: there is no way {column.form} to store it"
        )
    if column.kind >= _DIVISOR_COUNT or column.kind < _AS_STEPS or (
        column.width != 8
        if column.kind == _AS_DOUBLES
        else column.width not in (1, 2, 4, 8)
    ):
        raise ValueError(
            f"a column of numbers is damaged: kind {column.kind} of {column.width} bytes"
        )
    wanted = column.width * (1 if column.form == _EQUAL else column.size)
    column.content = stored + _HEAD
    length -= _HEAD
    if column.form == _LZ4:
        if wanted > _MOST_LZ4 * length:
            raise ValueError(
                f"a column of numbers is damaged: {length} bytes cannot stand for {wanted}"
            )
        column.owned = <uint8_t *>malloc(wanted + 1)
        if column.owned == NULL:
            raise MemoryError
        if _expand(stored + _HEAD, length, column.owned, wanted) != wanted:
            free(column.owned)
            raise ValueError(f"a column of numbers is damaged: it is not {wanted} bytes of LZ4")
        column.content = column.owned
    elif column.form == _ZSTD:
        try:
            unpacked = _expanded(_ZSTD, whole[_HEAD:], wanted)
        except ValueError as error:
            raise ValueError(f"a column of numbers is damaged: {error}") from error
        column.content = <const uint8_t *>PyBytes_AS_STRING(unpacked)
        length = PyBytes_GET_SIZE(unpacked)
    if column.form != _LZ4 and length < wanted:
        raise ValueError(f"a column of numbers is damaged: {length} bytes instead of {wanted}")
    return unpacked


cdef Py_ssize_t _expand(
    const uint8_t *at, Py_ssize_t length, uint8_t *out, Py_ssize_t size
) noexcept nogil:
    """A block of LZ4 expanded: how many bytes it is, -1 where it is damaged.

    It is as strict as LZ4's own decoder: the last five bytes are literals, and what begins in the
    last twelve is.
    """
    cdef Py_ssize_t read = 0, written = 0, run, offset, i
    cdef int token
    if size == 0:
        return 0 if length == 1 and at[0] == 0 else -1
    while True:
        if read >= length:
            return -1
        token = at[read]
        read += 1
        run = token >> 4
        if run == 15:
            if read >= length - 15:
                return -1
            while True:
                run += at[read]
                read += 1
                if read > length - 15:
                    return -1
                if at[read - 1] != 255:
                    break
        if run > size - 12 - written or run > length - 8 - read:
            if run != length - read or run > size - written:
                return -1
            memcpy(out + written, at + read, run)
            return written + run
        # Most are short, and a copy of a known length is a few instructions: more than is wanted
        # may be copied where there is room, as what comes next is written over it.
        if run <= 16 and read + 16 <= length and written + 16 <= size:
            memcpy(out + written, at + read, 16)
        else:
            memcpy(out + written, at + read, run)
        read += run
        written += run
        offset = at[read] | <Py_ssize_t>at[read + 1] << 8
        read += 2
        run = token & 15
        if run == 15:
            while True:
                if read >= length:
                    return -1
                run += at[read]
                read += 1
                if read > length - 4:
                    return -1
                if at[read - 1] != 255:
                    break
        run += 4
        if offset == 0 or offset > written or run > size - 5 - written:
            return -1
        if offset >= 8 and run <= 24 and written + 24 <= size:
            memcpy(out + written, out + written - offset, 8)
            memcpy(out + written + 8, out + written + 8 - offset, 8)
            memcpy(out + written + 16, out + written + 16 - offset, 8)
        elif offset >= run:
            memcpy(out + written, out + written - offset, run)
        elif offset == 1:
            memset(out + written, out[written - 1], run)
        else:
            for i in range(run):
                out[written + i] = out[written + i - offset]
        written += run


cdef object _all(_Column *column):
    cdef bint doubles = column.kind != _AS_INTEGERS and column.kind != _AS_STEPS
    cdef Py_buffer view
    values = _empty(column.size, _float64 if doubles else _int64)
    PyObject_GetBuffer(values, &view, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)
    if doubles:
        _numbers(column, <double *>view.buf)
    else:
        _integers_of(column, <int64_t *>view.buf)
    PyBuffer_Release(&view)
    return values


cdef void _numbers(const _Column *column, double *values) noexcept nogil:
    cdef Py_ssize_t i
    cdef double number
    if column.form == _EQUAL:
        number = _double_of(_element(column.content, 0, 1, column.width), column.width, column.kind)
        for i in range(column.size):
            values[i] = number
    elif column.kind == _AS_DOUBLES:
        _unshuffle8(column.content, column.size, <uint8_t *>values)
    else:
        _divide(column.content, column.size, column.width, _DIVISORS[column.kind], values)


cdef void _integers_of(const _Column *column, int64_t *values) noexcept nogil:
    cdef Py_ssize_t i
    cdef int64_t element
    if column.form == _EQUAL:
        element = _element(column.content, 0, 1, column.width)
        for i in range(column.size):
            values[i] = element
    else:
        _widen(column.content, column.size, column.width, values)
    if column.kind == _AS_STEPS:
        _add_up(values, column.size)


cdef object _some(_Column *column, const int64_t *places, Py_ssize_t count):
    values = _empty(count, _int64 if column.kind == _AS_INTEGERS else _float64)
    cdef bint equal = column.form == _EQUAL
    cdef Py_ssize_t size = 1 if equal else column.size
    cdef Py_buffer view
    cdef Py_ssize_t i
    cdef int64_t element
    for i in range(0 if equal else count):
        if places[i] < 0 or places[i] >= size:
            raise IndexError(f"place {places[i]} of {size}")
    PyObject_GetBuffer(values, &view, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)
    for i in range(count):
        element = _element(column.content, 0 if equal else places[i], size, column.width)
        if column.kind == _AS_INTEGERS:
            (<int64_t *>view.buf)[i] = element
        else:
            (<double *>view.buf)[i] = _double_of(element, column.width, column.kind)
    PyBuffer_Release(&view)
    return values


cdef inline int64_t _element(
    const uint8_t *content, Py_ssize_t place, Py_ssize_t size, int width
) noexcept nogil:
    """The element at a place, with its sign; of a double its bits."""
    cdef uint64_t bits = 0
    cdef int byte
    for byte in range(width):
        bits |= <uint64_t>content[byte * size + place] << (8 * byte)
    if width == 1:
        return <int8_t>bits
    if width == 2:
        return <int16_t>bits
    if width == 4:
        return <int32_t>bits
    return <int64_t>bits


cdef inline double _double_of(int64_t element, int width, int kind) noexcept nogil:
    """The double that an element stands for."""
    if kind == _AS_DOUBLES:
        return (<double *>&element)[0]
    if element == _least(width):
        return NAN
    return <double>element / _DIVISORS[kind]


cdef inline int64_t _least(int width) noexcept nogil:
    return (
        INT8_MIN if width == 1 else INT16_MIN if width == 2 else INT32_MIN if width == 4 else INT64_MIN
    )


cdef void _widen(const uint8_t *at, Py_ssize_t size, int width, int64_t *values) noexcept nogil:
    cdef Py_ssize_t i
    if width == 1:
        for i in range(size):
            values[i] = <int8_t>at[i]
    elif width == 2:
        for i in range(size):
            values[i] = <int16_t>(at[i] | <uint16_t>at[size + i] << 8)
    elif width == 4:
        for i in range(size):
            values[i] = <int32_t>(
                at[i] | <uint32_t>at[size + i] << 8 | <uint32_t>at[2 * size + i] << 16
                | <uint32_t>at[3 * size + i] << 24
            )
    else:
        _unshuffle8(at, size, <uint8_t *>values)


cdef void _add_up(int64_t *values, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t i
    cdef uint64_t sum = 0
    for i in range(size):
        sum += <uint64_t>values[i]
        values[i] = <int64_t>sum


cdef void _divide(
    const uint8_t *at, Py_ssize_t size, int width, double divisor, double *numbers
) noexcept nogil:
    """The doubles of integers, NaN for the least of the type."""
    cdef Py_ssize_t i
    cdef int64_t element
    cdef int32_t narrow
    cdef double number
    if width == 1:
        for i in range(size):
            narrow = <int8_t>at[i]
            number = <double>narrow / divisor
            numbers[i] = NAN if narrow == INT8_MIN else number
    elif width == 2:
        for i in range(size):
            narrow = <int16_t>(at[i] | <uint16_t>at[size + i] << 8)
            number = <double>narrow / divisor
            numbers[i] = NAN if narrow == INT16_MIN else number
    elif width == 4:
        for i in range(size):
            narrow = <int32_t>(
                at[i] | <uint32_t>at[size + i] << 8 | <uint32_t>at[2 * size + i] << 16
                | <uint32_t>at[3 * size + i] << 24
            )
            number = <double>narrow / divisor
            numbers[i] = NAN if narrow == INT32_MIN else number
    else:
        for i in range(size):
            element = _element(at, i, size, 8)
            number = <double>element / divisor
            numbers[i] = NAN if element == INT64_MIN else number
