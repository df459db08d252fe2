"""What a query may use, and how much of it is left."""

from dataclasses import dataclass

from app.clock import Clock
from app.errors import QueryFailed, QueryTimeout


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a query and the intervals that PromQL leaves to the server.

    ``max_samples`` are held in memory at once, ``max_series`` selected in all, ``max_steps`` the
    intervals between the times of a range query. ``lookback_ms`` is how long a sample stands,
    ``subquery_step_ms`` the step of a subquery that names none.
    """

    max_samples: int = 50_000_000
    max_series: int = 100_000
    timeout_seconds: float = 60.0
    lookback_ms: int = 300_000
    subquery_step_ms: int = 60_000
    max_steps: int = 11_000


class Deadline:
    """When a query's time is over, from when this is made."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._seconds = seconds
        self._clock = clock
        self._end = clock.monotonic() + seconds

    @property
    def left_seconds(self) -> float:
        """What is left of the time; negative when it is over. Raises what the clock raises."""
        return self._end - self._clock.monotonic()

    def check(self) -> None:
        """Raise ``QueryTimeout`` when the time is over."""
        if self.left_seconds < 0:
            # What is left after a short wait for a place has digits that tell nothing.
            seconds = round(self._seconds, 1) or self._seconds
            raise QueryTimeout(
                f"query timed out in expression evaluation: it took longer than {seconds:g}"
                " seconds; ask for less, or raise HYDRANT_QUERY_TIMEOUT_SECONDS"
            )


class QueryBudget:
    """The ``Budget`` of one query; its time runs from when it is made.

    Readers take what they read and the evaluator what it computes, both before they allocate.
    What a node of the tree has used for itself is given back when its result is there; what is
    ``pinned`` stays until the end.
    """

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._deadline = Deadline(limits.timeout_seconds, clock)
        self.samples = 0
        self.pinned = 0
        self.series = 0

    def take_samples(self, count: int) -> None:
        self.samples += count
        if self.samples + self.pinned > self._limits.max_samples:
            raise QueryFailed(
                "query processing would load too many samples into memory in query execution: more "
                f"than {self._limits.max_samples}; ask for fewer series, a shorter time or a longer"
                " step, or raise HYDRANT_QUERY_MAX_SAMPLES"
            )

    def take_series(self, count: int) -> None:
        self.series += count
        if self.series > self._limits.max_series:
            raise QueryFailed(
                f"query selects more than {self._limits.max_series} series; "
                "narrow its selectors, or raise HYDRANT_QUERY_MAX_SERIES"
            )

    def check_time(self) -> None:
        self._deadline.check()

    def keep(self, before: int, count: int) -> None:
        """Give back what was taken since there were ``before`` samples, but for ``count``."""
        self.samples = before
        self.take_samples(count)

    def pin(self, count: int) -> None:
        """Hold ``count`` of the samples that were taken until the query ends."""
        self.samples -= count
        self.pinned += count
