"""Answers that take long, remembered for as long as they are worth it.

A question is answered by one thread at a time. Whoever asks meanwhile waits a moment, and then gets
the last answer to the same question with its age, or nothing yet.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import structlog

from app.clock import Clock
from app.errors import HydrantError

AT_ONCE_SECONDS = 0.15
"""How long a page waits for an answer before it is shown without."""
PATIENT_SECONDS = 30.0
"""How long a part of a page waits, which is loaded after the page."""

_FRESH_SECONDS = 5.0
_RESTS = 20.0
"""An answer is kept so many times as long as it took, so that pages cost a twentieth of a core."""
LONGEST_SECONDS = 120.0
"""For longer no answer is kept without being asked for again."""

_OLDEST_SECONDS = 3600.0
_MOST_PATIENT = 10
"""So many parts wait at a time; further ones would keep the threads that answer everybody else."""

_log = structlog.get_logger(__name__)


class Question(Protocol):
    """What is asked. Questions of one ``subject`` differ in time alone: one takes over."""

    @property
    def subject(self) -> Hashable:
        """What an older answer may stand in for."""
        ...


K = TypeVar("K", bound=Question)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Kept(Generic[V]):
    """An answer, when it was worked out (our clock), and how many seconds that took.

    ``stale`` says that a newer one is being worked out.
    """

    value: V
    at_ms: int
    seconds: float
    stale: bool = False


@dataclass(slots=True)
class _Entry(Generic[K, V]):
    question: K | None = None
    kept: Kept[V] | None = None
    at: float = 0.0
    asked: K | None = None
    error: Exception | None = None
    failed_at: float = 0.0


class Remembered(Generic[K, V]):
    """Answers of ``work`` to at most ``most`` subjects; used from several threads.

    ``work`` runs in threads of its own, one at a time, and at most ``most`` questions wait for
    that. Answers are asked for again after ``longest_seconds`` at the latest.
    """

    def __init__(
        self,
        clock: Clock,
        work: Callable[[K], V],
        *,
        most: int = 16,
        longest_seconds: float = LONGEST_SECONDS,
    ) -> None:
        self._longest_seconds = longest_seconds
        self._clock = clock
        self._work = work
        self._most = most
        self._entries: OrderedDict[Hashable, _Entry[K, V]] = OrderedDict()
        self._changed = threading.Condition()
        self._working = threading.Lock()
        self._patient = 0

    def ask(self, question: K, wait_seconds: float = AT_ONCE_SECONDS) -> Kept[V] | None:
        """The answer; an older one, or None, where it takes longer than ``wait_seconds``.

        Raises what working it out raised, for everybody who waited for it or asks soon after.
        """
        with self._changed:
            entry = self._entry(question.subject)
            if self._is_fresh(entry, question):
                return entry.kept
            if entry.asked is None:
                if (
                    entry.error is not None
                    and self._clock.monotonic() < entry.failed_at + _FRESH_SECONDS
                ):
                    raise entry.error
                if sum(one.asked is not None for one in self._entries.values()) >= self._most:
                    return self._old(entry)
                entry.asked = question
                threading.Thread(target=self._answer, args=(entry, question), daemon=True).start()
            if entry.kept is not None and entry.kept.seconds > wait_seconds:
                # It would be waited for in vain.
                wait_seconds = 0.0
            if not self._wait(entry, wait_seconds):
                return self._old(entry)
            if entry.error is not None:
                raise entry.error
            return entry.kept

    def _wait(self, entry: _Entry[K, V], seconds: float) -> bool:
        """Wait until nothing is worked out for an entry; whether that has come."""
        if seconds > AT_ONCE_SECONDS and self._patient >= _MOST_PATIENT:
            seconds = AT_ONCE_SECONDS
        is_patient = seconds > AT_ONCE_SECONDS
        self._patient += is_patient
        try:
            return self._changed.wait_for(lambda: entry.asked is None, seconds)
        finally:
            self._patient -= is_patient

    def _old(self, entry: _Entry[K, V]) -> Kept[V] | None:
        kept = entry.kept
        if kept is None or self._clock.monotonic() - entry.at > _OLDEST_SECONDS:
            return None
        return Kept(kept.value, kept.at_ms, kept.seconds, stale=True)

    def _entry(self, subject: Hashable) -> _Entry[K, V]:
        entry = self._entries.setdefault(subject, _Entry())
        self._entries.move_to_end(subject)
        # What is being worked out stays: its thread would be started again.
        idle = [each for each, one in self._entries.items() if one.asked is None]
        for each in idle[: max(0, len(self._entries) - self._most)]:
            if each != subject:
                del self._entries[each]
        return entry

    def _is_fresh(self, entry: _Entry[K, V], question: K) -> bool:
        if entry.kept is None:
            return False
        rest = min(max(_FRESH_SECONDS, _RESTS * entry.kept.seconds), self._longest_seconds)
        # An answer that came quickly is not given to the question of another minute.
        same = entry.question == question or entry.kept.seconds > AT_ONCE_SECONDS
        return same and self._clock.monotonic() - entry.at < rest

    def _answer(self, entry: _Entry[K, V], question: K) -> None:
        began = now = self._clock.monotonic()
        kept: Kept[V] | None = None
        error: Exception | None = None
        try:
            with self._working:
                began = self._clock.monotonic()
                at_ms = self._clock.now_ms()
                value = self._work(question)
            now = self._clock.monotonic()
            kept = Kept(value, at_ms, now - began)
        except HydrantError as raised:
            error = raised
        except Exception as raised:  # noqa: BLE001 - raised again for whoever asks
            _log.exception("what a page shows could not be worked out")
            error = raised
        with self._changed:
            entry.asked, entry.error, entry.failed_at = None, error, self._clock.monotonic()
            if kept is not None:
                entry.question, entry.kept, entry.at = question, kept, now
            self._changed.notify_all()
