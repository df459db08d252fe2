"""The interface between the evaluator and whatever holds the samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.promql.ast import Matcher
from app.promql.series import Samples


@dataclass(frozen=True, slots=True)
class Selection:
    """What a selector of a query needs, and how it will be used.

    Samples with ``start_ms`` < time <= ``end_ms`` of the series that fulfil all ``matchers``.
    The rest are hints, with which a reader may choose what it reads: the selector is evaluated at
    ``first_ms``, ``first_ms + step_ms``, … up to ``end_ms`` (offset and ``@`` already applied;
    ``step_ms`` 0: once), each time with a window of ``window_ms`` (0 for an instant selector), by
    ``function`` (the name of the function right around a range selector, else empty).
    """

    matchers: tuple[Matcher, ...]
    start_ms: int
    end_ms: int
    first_ms: int
    step_ms: int = 0
    window_ms: int = 0
    function: str = ""


@dataclass(frozen=True, slots=True)
class Selected:
    """Series that fulfil a selection, in parts of equal times; no label set occurs twice.

    ``infos`` are remarks for the user on how the question was answered.
    """

    parts: Sequence[Samples]
    infos: tuple[str, ...] = ()


class Reader(Protocol):
    """Source of samples. One reader serves one query, from one thread."""

    def select(self, selection: Selection, budget: "Budget") -> Selected:
        """The samples of a selection.

        Raises ``QueryFailed`` when the budget is exceeded, ``StorageUnavailable``.
        """
        ...


class Budget(Protocol):
    """What a query may still use; the engine makes it, readers and functions ask it."""

    def take_samples(self, count: int) -> None:
        """Count samples that are held in memory; raises ``QueryFailed`` when there are too many."""
        ...

    def take_series(self, count: int) -> None:
        """Count series that were selected; raises ``QueryFailed`` when there are too many."""
        ...

    def pin(self, count: int) -> None:
        """Hold so many of the samples that were taken until the query ends."""
        ...

    def check_time(self) -> None:
        """Raise ``QueryTimeout`` when the query has taken too long."""
        ...
