"""Ctrl-C and SIGTERM that let a transaction end."""

import signal
from types import FrameType, TracebackType
from typing import Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """Like ``KeyboardInterrupt`` not an error; ``status`` is the exit status for the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.status = 128 + number


class Interruption:
    """Raises ``Interrupted`` in the main thread at a signal; after ``hold`` only at ``let_go``.

    A second signal does not wait.
    """

    def __init__(self) -> None:
        self._received = 0
        self._held = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def hold(self) -> None:
        """Let what comes now end, and be counted, before a signal is heeded."""
        self._held = True

    def let_go(self) -> None:
        """Heed a signal that has come, and those to come."""
        self._held = False
        if self._received:
            raise Interrupted(self._received)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        again = bool(self._received)
        self._received = number
        if again or not self._held:
            raise Interrupted(number)
