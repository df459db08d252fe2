"""The bytes of a column of numbers: what both codecs, the native one and the reference, go by.

After the head come the first bytes of all elements, then the second bytes, and so on, perhaps
compressed. Elements are doubles, integers, the steps of integers that ascend, or integers that are
doubles when divided; the least integer of the type then stands for what is absent.
"""

import struct

HEAD = struct.Struct("<BBbI")
"""How the content is stored, width, kind, and the number of elements."""

AS_DOUBLES, AS_INTEGERS, AS_STEPS = -1, -2, -3
"""Kinds; others are the number of a divisor."""
DIVISORS = (1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 60.0, 120.0, 600.0, 6e3, 6e4)
MULTIPLE_OF_ALL = 3e6
NEAR = 0.01
"""How near to an integer the multiple by ``MULTIPLE_OF_ALL`` is of what a divisor may fit."""
SAMPLE = 16
"""Most that do not fit are told by so many first elements."""
MOST_ELEMENTS = 2**27
"""What is longer is damaged: one element that stands for all could claim any length."""
SHORTEST_COMPRESSED = 64
"""In bytes; shorter ones would grow."""
