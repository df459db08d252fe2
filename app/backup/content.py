"""A window that moves over the bytes of an object, in bounded memory."""

from collections.abc import Iterator
from typing import Protocol

from app.errors import WireError


class UnreadableObject(WireError):
    """An object that cannot be read, or from some byte on; the message says why."""


class Source(Protocol):
    """Where bytes come from. Implementations may raise ``OSError``."""

    def read(self, size: int, /) -> bytes | None:
        """At most ``size`` bytes; none at the end."""
        ...


class Content:
    """The bytes of an object, decompressed, of which a part is at hand.

    ``window`` holds the bytes from ``start`` on, which is counted from the object's beginning.
    When the object cannot be read on, what is at hand can still be used up; the error is raised by
    ``fill`` behind it, and by ``end``. So is the one for more than ``limit`` bytes.
    """

    def __init__(self, chunks: Iterator[bytes], limit: int) -> None:
        self.window = bytearray()
        self.start = 0
        self._chunks = chunks
        self._limit = limit
        self._ended = False
        self._failure: UnreadableObject | None = None

    def fill(self, size: int) -> bool:
        """Have at least ``size`` bytes in the window; False when there are no more than it has."""
        while len(self.window) < size and not self._ended:
            self._read()
        if not self.window:
            self.end()
        return len(self.window) >= size

    def end(self) -> None:
        """Say that what is at hand counts as the last. Raises ``UnreadableObject`` if it is not."""
        if self._failure is not None:
            raise self._failure

    def take(self, size: int) -> bytes:
        """The first ``size`` bytes of the window, which moves on behind them."""
        taken = bytes(self.window[:size])
        del self.window[:size]
        self.start += len(taken)
        return taken

    def give_back(self, taken: bytes) -> None:
        """Put bytes that were taken last before the window again."""
        self.window[:0] = taken
        self.start -= len(taken)

    def skip_to(self, position: int) -> None:
        """Move on to a byte of the object; less when it ends before."""
        while self.start < position and self.fill(1):
            self.take(min(len(self.window), position - self.start))

    def chunks(self) -> Iterator[bytes]:
        """Everything that is left, as it comes."""
        while self.fill(1):
            yield self.take(len(self.window))

    def _read(self) -> None:
        try:
            chunk = next(self._chunks, None)
        except UnreadableObject as error:
            self._fail(error)
        except OSError as error:
            self._fail(UnreadableObject(f"it cannot be read: {error.strerror or error}"))
        else:
            if chunk is None:
                self._ended = True
                return
            self.window += chunk
            if self.start + len(self.window) > self._limit:
                self._fail(UnreadableObject(too_large(self._limit)))

    def _fail(self, error: UnreadableObject) -> None:
        self._ended = True
        self._failure = error


def too_large(limit: int) -> str:
    """What to say of an object that has more than ``limit`` bytes."""
    return f"it has more than {limit} bytes when decompressed; Firehose's objects are smaller"
