"""The query that is being evaluated."""

from dataclasses import dataclass, field
from typing import TypeAlias

from app.arrays import FloatArray
from app.promql.annotations import Annotations
from app.promql.ast import Duration, Span, VectorSelector
from app.promql.limits import Limits, QueryBudget
from app.promql.reader import Reader, Selected, Selection
from app.promql.series import Vector

Value: TypeAlias = Vector | FloatArray | str
"""An instant vector, a scalar at each step (shape (T,)), or a string."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """The times of a query as they were given; the last step may lie before the end."""

    start_ms: int
    end_ms: int
    step_ms: int = 0


@dataclass(frozen=True, slots=True)
class Query:
    """What every part of an evaluation shares.

    ``times`` are those of the query, whatever its parts are evaluated at; ``text`` is empty if only
    the tree was given. What selectors read that are ``repeated`` in the tree is read once.
    ``delays_names`` says that names are dropped from the answer alone.
    """

    reader: Reader
    limits: Limits
    budget: QueryBudget
    annotations: Annotations
    times: TimeRange
    text: str = ""
    repeated: frozenset[VectorSelector] = frozenset()
    delays_names: bool = False
    _read: dict[Selection, Selected] = field(default_factory=dict)

    def at(self, span: Span, quantile: Span | None = None) -> Annotations:
        """The annotations, each followed by the place of ``span`` where the text is known.

        Those on a quantile's own value are followed by the place of ``quantile``.
        """
        places = self.place(span), self.place(quantile or span)
        return _Placed(self.annotations, *places)

    def place(self, span: Span) -> str:
        """Line and column of a span's start, as `` (1:8)``; empty without text."""
        if not self.text:
            return ""
        line = self.text.count("\n", 0, span.start)
        column = span.start - self.text.rfind("\n", 0, span.start)
        return f" ({line + 1}:{column})"

    def select(self, node: VectorSelector, selection: Selection) -> Selected:
        """Ask the reader, and take of the budget what the reader itself has not taken."""
        self.budget.check_time()
        if (known := self._read.get(selection)) is not None:
            return known
        series, samples = self.budget.series, self.budget.samples
        selected = self.reader.select(selection, self.budget)
        rows = sum(len(part.labels) for part in selected.parts)
        cells = sum(part.values.size for part in selected.parts)
        self.budget.take_series(max(0, series + rows - self.budget.series))
        self.budget.take_samples(max(0, samples + cells - self.budget.samples))
        for info in selected.infos:
            self.annotations.inform(info)
        if node in self.repeated:
            self._read[selection] = selected
            self.budget.pin(cells)
        return selected


class _Placed(Annotations):
    """Annotations that go on to others with a place behind them."""

    def __init__(self, target: Annotations, place: str, quantile: str) -> None:
        super().__init__()
        self._target = target
        self._place = place
        self._quantile = quantile

    def warn(self, message: str) -> None:
        of_quantile = message.startswith("quantile value")
        self._target.warn(message + (self._quantile if of_quantile else self._place))

    def inform(self, message: str, detail: str = "") -> None:
        self._target.inform(message + (detail if self._place else "") + self._place)


def milliseconds(duration: Duration) -> int:
    """A duration of a bound tree."""
    if not isinstance(duration, int):
        raise TypeError("the tree has not been bound to the times of a query")
    return duration
