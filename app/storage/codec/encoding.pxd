# cython: language_level=3
"""What decoding has in common with encoding."""

from cpython.buffer cimport Py_buffer

cdef int view_numbers(object values, Py_buffer *view, bint doubles) except -1
