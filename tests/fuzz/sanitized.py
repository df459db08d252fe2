"""A pytest plugin for a scanner that was built with AddressSanitizer; see docs/architecture.md.

Every record is given to the scanner in memory of its own, of which not even the zero that Python
puts behind it may be read. Plain Python has slack behind most of its objects, which hides much.
"""

import ctypes
from typing import Any

from app.otlp import decoder

_BYTES_HEAD = bytes.__basicsize__ - 1


def pytest_configure() -> None:
    """Let both scanners see records that end where their memory ends."""
    poison = ctypes.CDLL(None).__asan_poison_memory_region
    poison.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
    for name in ("scan_messages", "scan_lines"):
        setattr(decoder, name, _exactly(getattr(decoder, name), poison))


def _exactly(scan: Any, poison: Any) -> Any:  # noqa: ANN401
    def scanned(table: object, record: bytes, *rest: object) -> object:
        exact = bytes(bytearray(record))
        if len(exact) > 1:
            poison(id(exact) + _BYTES_HEAD + len(exact), 1)
        return scan(table, exact, *rest)

    return scanned
