"""When to send a request again and when to give up, without any I/O (section A.3).

The generator yields what to do next and is sent how it went; the driver is in `delivery`.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass

from app.simulator.replies import Failure

FIRST_BACKOFF_SECONDS = 1.0
MAX_BACKOFF_SECONDS = 120.0
BACKOFF_JITTER = 0.15


@dataclass(frozen=True, slots=True)
class Send:
    """Post the request; answer with None (acknowledged) or the Failure."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait; the answer does not matter."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the delivery of one request ended; `failure` is the last one, None if acknowledged."""

    attempts: int
    failure: Failure | None

    @property
    def acknowledged(self) -> bool:
        """Whether the endpoint took the request."""
        return self.failure is None


Attempts = Generator[Send | Wait, Failure | None, Outcome]


def attempts(
    retry_seconds: float,
    draw: Callable[[], float],
    longest_backoff_seconds: float = MAX_BACKOFF_SECONDS,
) -> Attempts:
    """Try until acknowledged, refused for good, or out of time.

    Back-off starts at 1 s and doubles up to the longest, each with 15 % jitter from `draw`, which
    returns numbers in [0, 1). The retry duration counts the waits alone: its clock starts with
    the first failure and excludes the time until an answer.
    """
    made = 0
    waited = 0.0
    backoff = min(FIRST_BACKOFF_SECONDS, longest_backoff_seconds)
    while True:
        failure = yield Send()
        made += 1
        if failure is None or failure.permanent:
            return Outcome(made, failure)
        seconds = backoff * (1 + BACKOFF_JITTER * (2 * draw() - 1))
        if waited + seconds > retry_seconds:
            return Outcome(made, failure)
        yield Wait(seconds)
        waited += seconds
        backoff = min(backoff * 2, longest_backoff_seconds)
