# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Columns of numbers to the same bytes as ``app.storage.array_reference`` makes of them.

There the format is told. Here each column is gone through a few times as plain C: what it is
divided by, how wide it is, and its bytes by significance.
"""

from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBUF_FORMAT
from cpython.buffer cimport Py_buffer, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.math cimport fabs, rint
from libc.stdint cimport INT8_MIN, INT16_MIN, INT32_MIN
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

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

from app.storage.codec.planes cimport shuffle, split_planes

cdef enum:
    _HEAD = 7
    _MOST_DIVISORS = 16
    # Elements between two looks at whether they still fit.
    _STRIDE = 256

cdef int _PLAIN = array_compression.PLAIN
cdef int _ZSTD = array_compression.ZSTD
cdef int _LZ4 = array_compression.LZ4
cdef int _EQUAL = array_compression.EQUAL
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
cdef object _contiguous = np.ascontiguousarray
cdef object _float64 = np.float64
cdef object _int64 = np.int64


cdef int view_numbers(object values, Py_buffer *view, bint doubles) except -1:
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


def encode_integers(values, *, bint quick=False):
    """As there."""
    cdef Py_buffer view
    view_numbers(values, &view, False)
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
        shuffle(<const uint8_t *>values, size, at)
    elif width == 1:
        for i in range(size):
            at[i] = <uint8_t>values[i]
    else:
        narrow = <int32_t *>malloc(size * sizeof(int32_t))
        if narrow == NULL:
            raise MemoryError
        for i in range(size):
            narrow[i] = <int32_t>values[i]
        split_planes(narrow, size, width, at)
        free(narrow)
    return _stored(content, width, kind, size, quick)


def encode_doubles(values, *, bint quick=False):
    """As there."""
    cdef Py_buffer view
    view_numbers(values, &view, True)
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
    shuffle(<const uint8_t *>values, size, <uint8_t *>PyBytes_AS_STRING(content))
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
    split_planes(narrow, size, width, at)
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
