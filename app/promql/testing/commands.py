"""What a test script of PromQL can say."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import regex

from app.errors import ScriptError
from app.promql.testing.notation import Mark, SeriesLine

_SECONDS_TO_MATCH = 5.0


@dataclass(frozen=True, slots=True)
class Load:
    """Adds points ``step_ms`` apart, the first at 0.

    ``converts`` says that classic histograms are to become native ones too.
    """

    line: int
    step_ms: int
    series: tuple[SeriesLine, ...]
    converts: bool = False


@dataclass(frozen=True, slots=True)
class Clear:
    """Removes all points."""

    line: int


@dataclass(frozen=True, slots=True)
class Period:
    """Times from ``start_ms`` to ``end_ms``, ``step_ms`` apart (0: there is only one)."""

    start_ms: int
    end_ms: int
    step_ms: int = 0

    @property
    def count(self) -> int:
        """The number of times."""
        return (self.end_ms - self.start_ms) // self.step_ms + 1 if self.step_ms else 1


class Remark(StrEnum):
    """What a query may say beside its result, or instead of one."""

    FAIL = "fail"
    WARN = "warn"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Expectation:
    """A remark that must be made; with ``text`` or ``pattern`` one that says so."""

    line: int
    remark: Remark
    text: str | None = None
    pattern: "regex.Pattern[str] | None" = None

    def accepts(self, message: str) -> bool:
        """Whether the message is one that is expected."""
        if self.pattern is not None:
            return self.pattern.search(message, timeout=_SECONDS_TO_MATCH) is not None
        return self.text is None or message == self.text

    def __str__(self) -> str:
        if self.pattern is not None:
            return f"{self.remark} that matches {self.pattern.pattern!r}"
        return str(self.remark) if self.text is None else f"{self.remark} {self.text!r}"


@dataclass(frozen=True, slots=True)
class Eval:
    """A query with what it must answer.

    ``times`` has no step for an instant query. Of ``scalar``, ``string`` and ``series`` at most
    one is expected; ``range_vector`` gives the times of the series of an instant query.
    """

    line: int
    text: str
    times: Period
    expectations: tuple[Expectation, ...] = ()
    forbidden: frozenset[Remark] = frozenset()
    ordered: bool = False
    scalar: float | None = None
    string: str | None = None
    range_vector: Period | None = None
    series: tuple[SeriesLine, ...] = ()

    @property
    def is_instant(self) -> bool:
        """Whether the query is asked for one time."""
        return self.times.step_ms == 0

    @property
    def expects_histograms(self) -> bool:
        """Whether native histograms are expected, which Hydrant does not have."""
        return any(Mark.HISTOGRAM in series.points for series in self.series)

    def expects(self, remark: Remark) -> list[Expectation]:
        """The expectations of one sort."""
        return [one for one in self.expectations if one.remark is remark]


@dataclass(frozen=True, slots=True)
class Faulty:
    """A command, or a line of one, that cannot be read or carried out."""

    text: str
    error: ScriptError

    @property
    def line(self) -> int:
        """Where the fault is."""
        return self.error.line or 0


Command: TypeAlias = Load | Clear | Eval | Faulty
