"""Data time: up to when data is taken to be there, from the order in which minutes came.

Pure. ``progressed`` follows the marks of minutes; ``Silence`` says how far data time goes on when
there are none. See ADR 0041.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from app.clock import MILLISECONDS_PER_MINUTE
from app.storage import AlarmProgress

OBSERVED_MINUTES: Final = 60
"""Disorder counts for so many minutes of data time."""


@dataclass(frozen=True, slots=True)
class Delays:
    """How long data is waited for.

    The delay behind the newest minute is between ``shortest`` and ``longest`` minutes. After
    ``silence_ms`` without anything data time goes on with the clock. What comes late is evaluated
    again for ``correction_ms``.
    """

    shortest: int = 1
    longest: int = 15
    silence_ms: int = 5 * MILLISECONDS_PER_MINUTE
    correction_ms: int = 48 * 60 * MILLISECONDS_PER_MINUTE


def progressed(
    progress: AlarmProgress | None, minutes: Iterable[int], delays: Delays, now_ms: int
) -> AlarmProgress | None:
    """What is known after further marks, in the order in which they were made.

    Of minutes that have not begun by our clock nothing can be learnt. The frontier stays where it
    was, or where nothing has been evaluated yet at the beginning of the first minute that came, so
    that all of them are evaluated. None while no minute has come.
    """
    minutes = [minute for minute in minutes if minute * MILLISECONDS_PER_MINUTE <= now_ms]
    if not minutes:
        return progress
    if progress is None:
        progress = AlarmProgress(min(minutes) * MILLISECONDS_PER_MINUTE, minutes[0], {})
    newest, disorder = progress.newest_minute, dict(progress.disorder)
    for minute in minutes:
        newest = max(newest, minute)
        behind = newest - minute
        if behind < delays.longest:
            disorder[newest] = max(disorder.get(newest, 0), behind)
    kept = {
        minute: behind for minute, behind in disorder.items() if minute > newest - OBSERVED_MINUTES
    }
    return AlarmProgress(progress.frontier_ms, newest, kept)


def delay_minutes(progress: AlarmProgress, delays: Delays) -> int:
    """How many minutes behind the newest one data is waited for."""
    observed = max(progress.disorder.values(), default=0) + 1
    return max(delays.shortest, min(observed, delays.longest))


def watermark_ms(progress: AlarmProgress, delays: Delays) -> int:
    """Up to when the data that has come says that data is there; never before the frontier."""
    minute = progress.newest_minute + 1 - delay_minutes(progress, delays)
    return max(progress.frontier_ms, minute * MILLISECONDS_PER_MINUTE)


class Silence:
    """How long nothing has come, by a clock that never goes back; for one term of a server."""

    def __init__(self, now_seconds: float) -> None:
        self._since = now_seconds
        self._stood_ms: int | None = None

    def heard(self, now_seconds: float) -> None:
        """Something has come."""
        self._since = now_seconds
        self._stood_ms = None

    def watermark_ms(
        self, standing_ms: int, delays: Delays, now_seconds: float, now_ms: int
    ) -> int:
        """The watermark, ``standing_ms`` or later when it has been silent for long.

        It goes on in whole minutes from where it stood when the silence was noticed, at the pace of
        the clock, and not beyond it.
        """
        silent_ms = int((now_seconds - self._since) * 1000) - delays.silence_ms
        if silent_ms < 0:
            return standing_ms
        if self._stood_ms is None:
            self._stood_ms = standing_ms
        latest_ms = now_ms - delays.shortest * MILLISECONDS_PER_MINUTE
        reached_ms = min(self._stood_ms + silent_ms, latest_ms)
        reached_ms -= reached_ms % MILLISECONDS_PER_MINUTE
        return max(standing_ms, reached_ms)
