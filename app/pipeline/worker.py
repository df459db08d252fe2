"""Threads that work in rounds until they are stopped, and outlive what a round runs into."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

import structlog

from app.errors import HydrantError, StorageUnavailable

T = TypeVar("T")

_STOP_SECONDS = 20.0
_TOLD_EVERY_SECONDS = 60.0

_log = structlog.get_logger(__name__)


class Worker(ABC):
    """One thread, named after what it does, that runs ``_loop`` from ``start`` to ``stop``."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._told: float | None = None

    def start(self) -> None:
        """Begin on a thread of its own."""
        self._thread = threading.Thread(
            target=self._loop, name=f"hydrant-{self._name}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop soon, and wait for it; what is not finished is for the next start.

        A thread that hangs in a database that does not answer is left behind.
        """
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
            if self._thread.is_alive():
                _log.warning("a thread is left behind", name=self._name)

    @abstractmethod
    def _loop(self) -> None:
        """Work in rounds until ``_stopped`` is set."""

    def _attempt(self, work: Callable[[], T], *, postponed: str, failed: str) -> T | None:
        """The result of a round; None if it failed, which is logged and tried again some time."""
        try:
            return work()
        except StorageUnavailable as error:
            # An outage is told where it is found; here it is enough to say now and then that
            # this work waits as well.
            now = time.monotonic()
            if self._told is None or now - self._told >= _TOLD_EVERY_SECONDS:
                self._told = now
                _log.warning(postponed, reason=error.message)
        except HydrantError as error:
            _log.warning(postponed, reason=error.message)
        except Exception:  # noqa: BLE001 - logged; what was to be done stays marked
            _log.exception(failed)
        return None
