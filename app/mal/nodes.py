"""The graph that an expression compiles to.

Labels are pushed through the graph once per series: a node receives (row, labels) from its input,
decides what becomes of them, and pushes its own rows on. What stays behind are index arrays, with
which ``evaluate`` turns one minute's values into results without touching a label.

Rows are only ever appended; a row keeps its number for the life of the graph.
"""

from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from app.mal.frames import Combine, FloatArray, Frame, IntArray, Labels
from app.mal.reduction import combine_rows, group_count, group_extreme, group_sum

Sink = Callable[[int, Labels], None]

_OPPOSITE = {Combine.MAXIMUM: Combine.MINIMUM, Combine.MINIMUM: Combine.MAXIMUM}


class Evaluation:
    """One minute: the values of the sources, and the results of nodes already computed."""

    def __init__(self, sources: "Mapping[Source, Frame]") -> None:
        self._frames: dict[Node, Frame] = {}
        self._frames.update(sources.items())

    def frame(self, node: "Node") -> Frame:
        """The values of a node's rows in this minute."""
        frame = self._frames.get(node)
        if frame is None:
            frame = node.evaluate(self)
            self._frames[node] = frame
        return frame


class Node(ABC):
    """A family of samples; ``combine`` says how samples of it may be combined."""

    def __init__(self, combine: Combine) -> None:
        self.combine = combine
        self.size = 0
        self._sinks: list[Sink] = []

    def feed(self, sink: Sink) -> None:
        """Push every row that appears from now on to ``sink``."""
        self._sinks.append(sink)

    def _emit(self, labels: Labels) -> int:
        row = self.size
        self.size += 1
        for sink in self._sinks:
            sink(row, labels)
        return row

    @abstractmethod
    def evaluate(self, evaluation: Evaluation) -> Frame:
        """Values of all rows; NaN where a row has no sample."""


class Source(Node):
    """A sample family as it comes in; rows are series."""

    def __init__(self, name: str, combine: Combine) -> None:
        super().__init__(combine)
        self.name = name

    def add(self, labels: Labels) -> int:
        """Append a series; the row under which its values are given."""
        return self._emit(labels)

    def evaluate(self, evaluation: Evaluation) -> Frame:  # noqa: ARG002 - interface
        return Frame(np.full(self.size, np.nan))


class Select(Node):
    """Rows that pass a filter, with labels that a mapping may change; values stay."""

    def __init__(
        self,
        source: Node,
        *,
        passes: Callable[[Labels], bool] | None = None,
        mapping: Callable[[Labels], Labels] | None = None,
        on_fault: Callable[[Exception], None] | None = None,
    ) -> None:
        super().__init__(source.combine)
        self._source = source
        self._passes = passes
        self._mapping = mapping
        self._on_fault = on_fault
        self._rows = array("q")
        source.feed(self._push)

    def _push(self, row: int, labels: Labels) -> None:
        try:
            if self._passes is not None and not self._passes(labels):
                return
            if self._mapping is not None:
                labels = self._mapping(labels)
        except Exception as error:
            if self._on_fault is None:
                raise
            self._on_fault(error)
            return
        self._rows.append(row)
        self._emit(labels)

    def evaluate(self, evaluation: Evaluation) -> Frame:
        return evaluation.frame(self._source).take(_indexes(self._rows))


class Grouped(Node):
    """Base of nodes whose rows are groups of their input's rows."""

    def __init__(self, source: Node, combine: Combine) -> None:
        super().__init__(combine)
        self._source = source
        self._groups = array("q")
        self._numbers: dict[tuple[str, ...], int] = {}
        source.feed(self._push)

    def _push(self, row: int, labels: Labels) -> None:  # noqa: ARG002 - rows come in order
        key, group_labels = self._group(labels)
        number = self._numbers.get(key)
        if number is None:
            number = len(self._numbers)
            self._numbers[key] = number
            self._groups.append(number)
            self._emit(group_labels)
        else:
            self._groups.append(number)

    @abstractmethod
    def _group(self, labels: Labels) -> tuple[tuple[str, ...], Labels]:
        """The key of the group and the labels of its row."""


class Aggregate(Grouped):
    """``sum``, ``avg``, ``max`` or ``min`` by label names; no names: over everything.

    The result carries exactly the named labels, empty where missing. ``avg`` of averages that know
    their SampleCount is weighed by it; of other samples it is the arithmetic mean.
    """

    def __init__(self, source: Node, operation: Combine, names: Sequence[str]) -> None:
        self._names = tuple(names)
        super().__init__(source, operation)

    def _group(self, labels: Labels) -> tuple[tuple[str, ...], Labels]:
        key = tuple(labels.get(name, "") for name in self._names)
        return key, dict(zip(self._names, key, strict=True))

    def evaluate(self, evaluation: Evaluation) -> Frame:
        frame = evaluation.frame(self._source)
        groups = _indexes(self._groups)
        match self.combine:
            case Combine.SUM:
                return Frame(group_sum(frame.value, groups, self.size))
            case Combine.MAXIMUM | Combine.MINIMUM:
                return Frame(group_extreme(frame.value, groups, self.size, self.combine))
            case _:
                return self._average(frame, groups)

    def _average(self, frame: Frame, groups: IntArray) -> Frame:
        if frame.weight is not None:
            return combine_rows(frame, groups, self.size, Combine.AVERAGE)
        total = group_sum(frame.value, groups, self.size)
        with np.errstate(invalid="ignore"):
            return Frame(total / group_count(frame.value, groups, self.size))


class Merge(Grouped):
    """Samples of equal labels combined by their statistic's own rule, so that none is dropped."""

    def _group(self, labels: Labels) -> tuple[tuple[str, ...], Labels]:
        items = sorted((name, value) for name, value in labels.items() if value)
        return tuple(text for item in items for text in item), labels

    def evaluate(self, evaluation: Evaluation) -> Frame:
        frame = evaluation.frame(self._source).weighed()
        if self.size == self._source.size:
            return frame
        return combine_rows(frame, _indexes(self._groups), self.size, self.combine)


class Scale(Node):
    """A family and a number.

    ``falling`` says that larger values become smaller ones, so that maxima become minima.
    """

    def __init__(
        self,
        source: Node,
        function: Callable[[FloatArray], FloatArray],
        *,
        falling: bool = False,
    ) -> None:
        super().__init__(
            _OPPOSITE.get(source.combine, source.combine) if falling else source.combine
        )
        self._source = source
        self._function = function
        source.feed(lambda _, labels: self._push(labels))

    def _push(self, labels: Labels) -> None:
        self._emit(labels)

    def evaluate(self, evaluation: Evaluation) -> Frame:
        frame = evaluation.frame(self._source)
        with np.errstate(all="ignore"):
            return frame.with_value(self._function(frame.value))


def _indexes(numbers: "array[int]") -> IntArray:
    # A view would lock the array against growing while it is alive.
    return np.array(numbers, np.int64)
