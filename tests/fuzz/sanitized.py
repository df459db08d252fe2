"""A pytest plugin for a scanner and codec built with AddressSanitizer; see docs/architecture.md.

Every record and column is given to them in memory of its own, of which not even the zero that
Python puts behind it may be read. Plain Python has slack behind most objects, which hides much.
"""

import ctypes
from typing import Any

from app.otlp import decoder
from app.storage import array_codec

_BYTES_HEAD = bytes.__basicsize__ - 1


def pytest_configure() -> None:
    """Let both scanners see records that end where their memory ends."""
    poison = ctypes.CDLL(None).__asan_poison_memory_region
    poison.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
    for name in ("scan_messages", "scan_lines"):
        setattr(decoder, name, _exactly(getattr(decoder, name), poison))
    array_codec.native.decode = _exactly_column(array_codec.native.decode, poison)


def _exactly(scan: Any, poison: Any) -> Any:  # noqa: ANN401
    def scanned(table: object, record: bytes, *rest: object) -> object:
        return scan(table, _exact(record, poison), *rest)

    return scanned


def _exactly_column(decode: Any, poison: Any) -> Any:  # noqa: ANN401
    def decoded(data: bytes, *places: object) -> object:
        return decode(_exact(data, poison), *places)

    return decoded


def _exact(data: bytes, poison: Any) -> bytes:  # noqa: ANN401
    exact = bytes(bytearray(data))
    if len(exact) > 1:
        poison(id(exact) + _BYTES_HEAD + len(exact), 1)
    return exact
