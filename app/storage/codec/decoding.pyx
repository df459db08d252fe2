# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Columns of numbers from their bytes, as ``app.storage.array_reference`` decodes them.

No length is believed before it has been compared with the bytes that are there.
"""

from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBUF_WRITABLE
from cpython.buffer cimport Py_buffer, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.math cimport NAN
from libc.stdint cimport INT8_MIN, INT16_MIN, INT32_MIN, INT64_MIN
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
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
)

from app.storage.codec.encoding cimport view_numbers
from app.storage.codec.planes cimport element_at, least_of, unshuffle, widen

cdef enum:
    _HEAD = 7
    _MOST_DIVISORS = 16

cdef int _ZSTD = array_compression.ZSTD
cdef int _LZ4 = array_compression.LZ4
cdef int _EQUAL = array_compression.EQUAL
cdef int _AS_DOUBLES = AS_DOUBLES
cdef int _AS_INTEGERS = AS_INTEGERS
cdef int _AS_STEPS = AS_STEPS
cdef Py_ssize_t _MOST_ELEMENTS = MOST_ELEMENTS
cdef int _DIVISOR_COUNT = len(DIVISORS)
cdef double[_MOST_DIVISORS] _DIVISORS
for _number, _divisor in enumerate(DIVISORS):
    _DIVISORS[_number] = _divisor
assert HEAD.size == _HEAD and len(DIVISORS) <= _MOST_DIVISORS

cdef object _expanded = array_compression.expanded
cdef object _empty = np.empty
cdef object _float64 = np.float64
cdef object _int64 = np.int64


cdef struct _Column:
    int form, width, kind
    Py_ssize_t size
    # The elements, or the one that stands for all.
    const uint8_t *content


def decode(data, places=None):
    """As there."""
    cdef _Column column
    cdef Py_buffer view
    cdef bytes whole = data if type(data) is bytes else bytes(data)
    unpacked = _open(whole, &column)
    if places is None:
        return _all(&column)
    if column.kind == _AS_STEPS:
        return _all(&column)[places]
    view_numbers(places, &view, False)
    try:
        return _some(&column, <const int64_t *>view.buf, view.len // 8)
    finally:
        PyBuffer_Release(&view)


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
        if column.kind == _AS_INTEGERS or column.kind == _AS_STEPS or 8 * column.size != view.len:
            raise ValueError(
                f"a column of numbers is damaged: it is not of {view.len // 8} doubles"
            )
        _numbers(&column, <double *>view.buf)
    finally:
        PyBuffer_Release(&view)


cdef object _open(bytes whole, _Column *column):
    """Look at the head, and expand what is compressed; returns what is to be kept meanwhile."""
    cdef const uint8_t *stored = <const uint8_t *>PyBytes_AS_STRING(whole)
    cdef Py_ssize_t length = PyBytes_GET_SIZE(whole), wanted
    cdef uint32_t elements
    cdef bytes unpacked = None
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
    if column.form == _ZSTD or column.form == _LZ4:
        try:
            unpacked = _expanded(column.form, whole[_HEAD:], wanted)
        except ValueError as error:
            raise ValueError(f"a column of numbers is damaged: {error}") from error
        column.content = <const uint8_t *>PyBytes_AS_STRING(unpacked)
        length = PyBytes_GET_SIZE(unpacked)
    if length < wanted:
        raise ValueError(f"a column of numbers is damaged: {length} bytes instead of {wanted}")
    return unpacked


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
        number = _double_of(element_at(column.content, 0, 1, column.width), column.width, column.kind)
        for i in range(column.size):
            values[i] = number
    elif column.kind == _AS_DOUBLES:
        unshuffle(column.content, column.size, <uint8_t *>values)
    else:
        _divide(column.content, column.size, column.width, _DIVISORS[column.kind], values)


cdef void _integers_of(const _Column *column, int64_t *values) noexcept nogil:
    cdef Py_ssize_t i
    cdef int64_t element
    if column.form == _EQUAL:
        element = element_at(column.content, 0, 1, column.width)
        for i in range(column.size):
            values[i] = element
    else:
        widen(column.content, column.size, column.width, values)
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
        element = element_at(column.content, 0 if equal else places[i], size, column.width)
        if column.kind == _AS_INTEGERS:
            (<int64_t *>view.buf)[i] = element
        else:
            (<double *>view.buf)[i] = _double_of(element, column.width, column.kind)
    PyBuffer_Release(&view)
    return values


cdef inline double _double_of(int64_t element, int width, int kind) noexcept nogil:
    """The double that an element stands for."""
    if kind == _AS_DOUBLES:
        return (<double *>&element)[0]
    if element == least_of(width):
        return NAN
    return <double>element / _DIVISORS[kind]


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
            element = element_at(at, i, size, 8)
            number = <double>element / divisor
            numbers[i] = NAN if element == INT64_MIN else number
