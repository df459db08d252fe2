"""Threads that work in rounds until they are stopped, and outlive what a round runs into."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

import structlog

from app.errors import HydrantError

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class Worker(ABC):
    """One thread, named after what it does, that runs ``_loop`` from ``start`` to ``stop``."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin on a thread of its own."""
        self._thread = threading.Thread(
            target=self._loop, name=f"hydrant-{self._name}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop soon, and wait for it; what is not finished is for the next start."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    @abstractmethod
    def _loop(self) -> None:
        """Work in rounds until ``_stopped`` is set."""

    def _attempt(self, work: Callable[[], T], *, postponed: str, failed: str) -> T | None:
        """The result of a round; None if it failed, which is logged and tried again some time."""
        try:
            return work()
        except HydrantError as error:
            _log.warning(postponed, reason=error.message)
        except Exception:  # noqa: BLE001 - logged; what was to be done stays marked
            _log.exception(failed)
        return None
