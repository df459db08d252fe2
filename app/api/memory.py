"""The memory that deliveries may take up together: bodies, inflated bodies and records.

What does not fit waits or is refused as unavailable: the sender comes again, and a receiver that
runs out of memory would lose what it has.
"""

import threading
from types import TracebackType
from typing import Self

from app.clock import Clock
from app.errors import Unavailable
from app.telemetry import gauge

HELD_BYTES = gauge("held_body_bytes", "Bytes of deliveries in memory, as counted by the budget")

_RETRY_AFTER_SECONDS = 5


class DeliveryMemory:
    """A budget in bytes. Thread-safe.

    A body that is about to be read takes its share at once or not at all. One that has been read
    may need several times as much to be unpacked, which cannot be known before; it waits for room,
    and one delivery at a time may overdraw the budget. So whatever is legal is taken in the end,
    and deliveries that each hold a part cannot wait for each other for ever.
    """

    def __init__(self, limit_bytes: int, clock: Clock) -> None:
        self._limit_bytes = limit_bytes
        self._clock = clock
        self._held_bytes = 0
        self._overdrawing: MemoryShare | None = None
        self._changed = threading.Condition()

    def share(self, deadline: float) -> "MemoryShare":
        """A share, empty at first; waiting for room ends at this monotonic time."""
        return MemoryShare(self, deadline)

    def take(self, size: int) -> None:
        """Take bytes at once, or raise ``Unavailable``."""
        with self._changed:
            if self._held_bytes + size > self._limit_bytes:
                raise _short()
            self._add(size)

    def grow(self, share: "MemoryShare", size: int, deadline: float) -> None:
        """Take bytes when there is room, or overdraw; blocks. Raises ``Unavailable``."""
        with self._changed:
            while self._held_bytes + size > self._limit_bytes and self._overdrawing is not share:
                if self._overdrawing is None:
                    self._overdrawing = share
                    break
                left = deadline - self._clock.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise _short()
            self._add(size)

    def give_back(self, share: "MemoryShare", size: int, *, last: bool) -> None:
        """Give bytes back; with the last ones, the right to overdraw."""
        with self._changed:
            self._add(-size)
            if self._overdrawing is share and (last or self._held_bytes <= self._limit_bytes):
                self._overdrawing = None
            self._changed.notify_all()

    def _add(self, size: int) -> None:
        self._held_bytes += size
        HELD_BYTES.set(self._held_bytes)


class MemoryShare:
    """What one delivery holds of the budget; given back at the end of its context."""

    def __init__(self, memory: DeliveryMemory, deadline: float) -> None:
        self._memory = memory
        self.deadline = deadline
        self._held = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._memory.give_back(self, self._held, last=True)
        self._held = 0

    def take(self, size: int) -> None:
        """Take more at once, or raise ``Unavailable``."""
        self._memory.take(size)
        self._held += size

    def grow(self, size: int) -> None:
        """Take more, waiting for room; to be called on a thread. Raises ``Unavailable``."""
        self._memory.grow(self, size, self.deadline)
        self._held += size

    def keep(self, size: int) -> None:
        """Give back all but ``size`` bytes, if more are held."""
        if size < self._held:
            self._memory.give_back(self, self._held - size, last=False)
            self._held = size


def _short() -> Unavailable:
    return Unavailable(
        "too many large deliveries at once; send again",
        reason="memory",
        retry_after_seconds=_RETRY_AFTER_SECONDS,
    )
