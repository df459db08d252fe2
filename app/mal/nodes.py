"""The graph that an expression compiles to.

Labels are pushed through the graph once per series, many series at a time: a node receives the
labels of further rows of its input, decides what becomes of them, and pushes its own rows on. What
stays behind are index arrays, with which ``evaluate`` turns one minute's values into results
without touching a label.

Rows are only ever appended; a row keeps its number for the life of the graph.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from app.arrays import BoolArray, CodeArray, FloatArray, IntArray
from app.mal.frames import Combine, Frame, Labels
from app.mal.growing import Remade
from app.mal.label_block import LabelBlock
from app.mal.label_functions import Selection
from app.mal.row_numbers import Parts, RowNumbers
from app.mal.vocabulary import Vocabulary

Sink = Callable[[int, LabelBlock], None]
"""Takes the labels of rows that appear, and the number of the first; the others follow it."""

_OPPOSITE = {Combine.MAXIMUM: Combine.MINIMUM, Combine.MINIMUM: Combine.MAXIMUM}


class Carried(StrEnum):
    """What is known of a row beside its value, worked out only where a node asks for it."""

    ORIGIN = "origin"
    """Number of the resource that the samples come from; ``MANY`` where there are several."""
    ACCOUNT = "account"
    """Number of its account; ``MANY`` where there are several."""
    LEVEL = "level"
    """How many breakdown dimensions the samples have, at least."""
    TIME = "time"
    """Milliseconds since the epoch of the last sample; only below ``rate`` and its like."""


_MARKED = Carried.ORIGIN, Carried.ACCOUNT, Carried.LEVEL

MANY = -1.0


class Mark(NamedTuple):
    """What a source knows of a series: numbers of its origin and account, and its level."""

    origin: int = 0
    account: int = 0
    level: int = 0


class Marks(NamedTuple):
    """The marks of many series, as columns."""

    origin: CodeArray
    account: CodeArray
    level: CodeArray


UNMARKED = Mark()

_BY_HAND = Vocabulary()


class Evaluation:
    """One instant: the values of the sources, and the results of nodes already computed.

    ``now_ms`` is what ``time()`` tells. ``times`` are the milliseconds of the sources' samples, and
    ``history`` gives the evaluations of earlier instants, in cells of so many milliseconds; both
    are needed below ``rate``, ``increase`` and ``irate`` only.
    """

    def __init__(
        self,
        sources: "Mapping[Source, Frame]",
        *,
        now_ms: int = 0,
        times: "Mapping[Source, FloatArray] | None" = None,
        history: "Callable[[int], Sequence[Evaluation]] | None" = None,
    ) -> None:
        self.now_ms = now_ms
        self.times: Mapping[Source, FloatArray] = times or {}
        self.history: Callable[[int], Sequence[Evaluation]] = history or (lambda _: ())
        self._frames: dict[Node, Frame] = {}
        self._frames.update(sources.items())
        self._carried: dict[tuple[Node, Carried], FloatArray | None] = {}

    def frame(self, node: "Node") -> Frame:
        """The values of a node's rows at this instant."""
        frame = self._frames.get(node)
        if frame is None:
            frame = node.evaluate(self)
            self._frames[node] = frame
        return frame

    def carried(self, node: "Node", what: Carried) -> FloatArray | None:
        """What is known of a node's rows; None where nothing is to be known of any."""
        key = node, what
        if key not in self._carried:
            self._carried[key] = node.carry(self, what)
        return self._carried[key]

    def column(self, node: "Node", what: Carried) -> FloatArray:
        """The same, with 0 where nothing is to be known of any row."""
        column = self.carried(node, what)
        return np.zeros(node.size) if column is None else column


class Node(ABC):
    """A family of samples; ``combine`` says how samples of it may be combined.

    ``counted`` says that the weights of its rows are counts of what was averaged, so that averaging
    the rows must weigh them. ``plain`` says that nothing is known of how its samples combine: they
    are bare values, and ``combine`` is a guess. ``step`` is how the node reads in an explanation.
    """

    def __init__(self, combine: Combine, *inputs: "Node", step: str = "") -> None:
        self.combine = combine
        self.inputs = inputs
        self.step = step
        self.size = 0
        self.counted: bool = bool(inputs) and inputs[0].counted
        self.plain: bool = bool(inputs) and all(node.plain for node in inputs)
        self._sinks: list[Sink] = []

    def feed(self, sink: Sink) -> None:
        """Push every row that appears from now on to ``sink``."""
        self._sinks.append(sink)

    def _emit(self, labels: LabelBlock) -> int:
        """Append rows; the number of the first."""
        first = self.size
        self.size += labels.size
        for sink in self._sinks:
            sink(first, labels)
        return first

    @abstractmethod
    def evaluate(self, evaluation: Evaluation) -> Frame:
        """Values of all rows; NaN where a row has no sample."""

    @abstractmethod
    def carry(self, evaluation: Evaluation, what: Carried) -> FloatArray | None:
        """What is known of all rows, see ``Carried``."""

    @abstractmethod
    def contributors(self, rows: IntArray) -> tuple[IntArray, ...]:
        """For each input, those of its rows that these rows are made of."""


class Source(Node):
    """A sample family as it comes in; rows are series."""

    def __init__(self, name: str, combine: Combine, *, plain: bool = False) -> None:
        super().__init__(combine, step=name)
        self.name = name
        self.counted = True
        self.plain = plain
        self._marks = {what: Parts() for what in _MARKED}
        self._has_levels = False
        self._columns = {what: _remade(parts) for what, parts in self._marks.items()}

    def add(self, labels: Labels, mark: Mark = UNMARKED) -> int:
        """Append a series of a graph that is fed by hand; the row of its values."""
        columns = (np.array([number], np.int32) for number in mark)
        return self.extend(LabelBlock.of(_BY_HAND, [labels]), Marks(*columns))

    def extend(self, labels: LabelBlock, marks: Marks) -> int:
        """Append series; the row of the first one's values, which the others' rows follow."""
        if not labels.size:
            return self.size
        for what, part in zip(_MARKED, marks, strict=True):
            self._marks[what].append(part)
        self._has_levels = self._has_levels or bool((marks.level > 0).any())
        return self._emit(labels)

    def evaluate(self, evaluation: Evaluation) -> Frame:  # noqa: ARG002 - interface
        return Frame(np.full(self.size, np.nan))

    def carry(self, evaluation: Evaluation, what: Carried) -> FloatArray | None:
        match what:
            case Carried.TIME:
                times = evaluation.times.get(self)
                return np.full(self.size, np.nan) if times is None else times
            case Carried.LEVEL:
                return self._columns[what]() if self._has_levels else None
            case _:
                return self._columns[what]()

    def contributors(self, rows: IntArray) -> tuple[IntArray, ...]:  # noqa: ARG002 - interface
        return ()


class Select(Node):
    """Rows that a selection leaves, with labels that it may change; values stay."""

    def __init__(
        self,
        source: Node,
        selection: Selection,
        *,
        on_fault: Callable[[Exception], None] | None = None,
        step: str = "",
    ) -> None:
        super().__init__(source.combine, source, step=step)
        self._source = source
        self._selection = selection
        self._on_fault = on_fault
        self._rows = RowNumbers()
        self._indexes = Remade(lambda: indexes(self._rows), self._rows)
        source.feed(self._push)

    def _push(self, first: int, labels: LabelBlock) -> None:
        rows, left, faults = self._selection(labels)
        tell(faults, self._on_fault)
        if len(rows):
            self._rows.extend(first + rows)
            self._emit(left)

    def evaluate(self, evaluation: Evaluation) -> Frame:
        frame = evaluation.frame(self._source)
        return frame if self.size == self._source.size else frame.take(self._indexes())

    def carry(self, evaluation: Evaluation, what: Carried) -> FloatArray | None:
        column = evaluation.carried(self._source, what)
        if column is None or self.size == self._source.size:
            return column
        of_rows: FloatArray = column[self._indexes()]
        return of_rows

    def contributors(self, rows: IntArray) -> tuple[IntArray, ...]:
        return (indexes(self._rows)[rows],)


class Rowwise(Node):
    """Base of nodes whose rows are their input's rows, with other values."""

    def __init__(self, source: Node, combine: Combine, step: str) -> None:
        super().__init__(combine, source, step=step)
        self._source = source
        source.feed(self._push)

    def _push(self, first: int, labels: LabelBlock) -> None:  # noqa: ARG002 - rows come in order
        self._emit(labels)

    def carry(self, evaluation: Evaluation, what: Carried) -> FloatArray | None:
        return evaluation.carried(self._source, what)

    def contributors(self, rows: IntArray) -> tuple[IntArray, ...]:
        return (rows,)


class Scale(Rowwise):
    """A family and a scalar; ``function`` takes the values and the time in seconds.

    ``falling`` says that larger values become smaller ones, so that maxima become minima.
    """

    def __init__(
        self,
        source: Node,
        function: Callable[[FloatArray, float], FloatArray],
        *,
        falling: bool = False,
        step: str = "",
    ) -> None:
        combine = _OPPOSITE.get(source.combine, source.combine) if falling else source.combine
        super().__init__(source, combine, step)
        self._function = function

    def evaluate(self, evaluation: Evaluation) -> Frame:
        frame = evaluation.frame(self._source)
        with np.errstate(all="ignore"):
            return frame.with_value(self._function(frame.value, evaluation.now_ms / 1000.0))


class Mask(Rowwise):
    """Samples whose value passes a test."""

    def __init__(
        self, source: Node, passes: Callable[[FloatArray], BoolArray], step: str = ""
    ) -> None:
        super().__init__(source, source.combine, step)
        self._passes = passes

    def evaluate(self, evaluation: Evaluation) -> Frame:
        frame = evaluation.frame(self._source)
        return frame.with_absent(~self._passes(frame.value))


def tell(faults: Sequence[Exception], on_fault: Callable[[Exception], None] | None) -> None:
    """Hand over the errors of rows that failed; the first is raised where nobody takes them."""
    for error in faults:
        if on_fault is None:
            raise error
        on_fault(error)


def indexes(numbers: RowNumbers) -> IntArray:
    """A growing column as indexes."""
    return numbers.whole()


def _remade(parts: Parts) -> Remade[FloatArray]:
    return Remade(lambda: parts.whole().astype(np.float64), parts)
