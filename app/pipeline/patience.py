"""Waiting for a database that others keep busy, or that is away for a moment."""

from collections.abc import Callable
from typing import TypeVar

from app.clock import Clock
from app.errors import StorageUnavailable

T = TypeVar("T")

# A server that writes a lot may hold SQLite's only lock longer than one attempt waits.
_ATTEMPTS = 10
# Resting as long as a transaction took, within bounds, leaves the server its share of that lock.
_LONGEST_REST_SECONDS = 0.5


def patiently(clock: Clock, action: Callable[[], T]) -> T:
    """The result of an action, tried ten times, with pauses, while storage is not available.

    Raises ``StorageUnavailable`` when it stays so.
    """
    failures = 0
    while True:
        try:
            return action()
        except StorageUnavailable as error:
            failures += 1
            if failures == _ATTEMPTS:
                raise
            clock.sleep(error.retry_after_seconds)


def rest(clock: Clock, took: float) -> None:
    """Sleep for as many seconds as something took, at most half a second."""
    clock.sleep(min(took, _LONGEST_REST_SECONDS))
