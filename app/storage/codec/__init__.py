"""The native codec of columns: compiled from Cython when Hydrant is installed, where possible.

It is imported through ``app.storage.array_codec``, which knows what to do without it.
"""

from app.storage.codec.decoding import decode, decode_into
from app.storage.codec.encoding import encode_doubles, encode_integers

__all__ = ["decode", "decode_into", "encode_doubles", "encode_integers"]
