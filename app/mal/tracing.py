"""From a value back to the samples that it is made of, through every node of its graph.

Labels are not kept by nodes. Whoever wants to trace makes a ``LabelRecorder`` before the first
series is added; tracing itself needs an evaluation only.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.arrays import IntArray
from app.mal.arithmetic import Arithmetic
from app.mal.emission import Emission
from app.mal.frames import Labels
from app.mal.grouping import Aggregate
from app.mal.label_block import RecordedLabels
from app.mal.nodes import Evaluation, Mask, Node

# Above this many absent results, why each is absent is not worked out one by one.
_MOST_LOOKED_AT = 1_000


class LabelRecorder:
    """The labels of every row of some graphs, from the first one on."""

    def __init__(self, ends: Iterable[Node]) -> None:
        self._labels: dict[Node, RecordedLabels] = {}
        for end in ends:
            for node in in_order(end):
                if node not in self._labels:
                    self._labels[node] = RecordedLabels()
                    self._listen(node)

    def labels(self, node: Node) -> Sequence[Labels]:
        """Labels by row."""
        return self._labels[node]

    def _listen(self, node: Node) -> None:
        kept = self._labels[node]
        node.feed(lambda _, labels: kept.append(labels))


@dataclass(slots=True)
class Reached:
    """Rows of a node that lead to a target by their labels, ascending.

    ``counted`` are those whose samples the target's value is made of. ``left_out`` are the others
    that have a sample, by the reason why it does not count.
    """

    node: Node
    rows: IntArray
    counted: IntArray
    left_out: dict[int, str] = field(default_factory=dict)


def in_order(end: Node) -> list[Node]:
    """The nodes of a graph, each after its inputs."""
    found: dict[Node, None] = {}
    pending: list[tuple[Node, bool]] = [(end, False)]
    while pending:
        node, ready = pending.pop()
        if node in found:
            continue
        if ready:
            found[node] = None
        else:
            pending.append((node, True))
            pending += [(inner, False) for inner in reversed(node.inputs)]
    return list(found)


def trace(evaluation: Evaluation, emission: Emission, target: int) -> list[Reached]:
    """What leads to a target, from the sources to the end of the graph."""
    tracer = _Tracer(evaluation)
    rows = emission.contributors(target)
    beside = np.intersect1d(rows, emission.breakdowns(evaluation))
    tracer.arrive(emission.source, rows, rows, [(_BREAKDOWN, beside)])
    order = in_order(emission.source)
    for node in reversed(order):
        tracer.pass_on(node)
    return [tracer.reached(node) for node in order]


_Reasons = list[tuple[str, IntArray]]
_BREAKDOWN = "part of what another sample says as a whole"


class _Tracer:
    """Collects rows node by node, against the direction in which samples flow."""

    def __init__(self, evaluation: Evaluation) -> None:
        self._evaluation = evaluation
        self._rows: dict[Node, IntArray] = {}
        self._counted: dict[Node, IntArray] = {}
        self._reasons: dict[Node, _Reasons] = {}

    def arrive(self, node: Node, rows: IntArray, counted: IntArray, reasons: _Reasons) -> None:
        """Rows of a node to which something behind it leads, and why some of them do not count."""
        for _, lost in reasons:
            counted = np.setdiff1d(counted, lost)
        counted = counted[~np.isnan(self._evaluation.frame(node).value[counted])]
        nothing = np.empty(0, np.int64)
        self._rows[node] = np.union1d(self._rows.get(node, nothing), rows)
        self._counted[node] = np.union1d(self._counted.get(node, nothing), counted)
        self._reasons.setdefault(node, []).extend(reasons)

    def pass_on(self, node: Node) -> None:
        """Go from a node to its inputs, once everything behind it has arrived."""
        if not node.inputs:
            return
        rows, counted = self._rows[node], self._counted[node]
        present = ~np.isnan(self._evaluation.frame(node).value)
        # Of what is absent here, the reason lies here or before, and not behind.
        reasons: list[tuple[str, tuple[IntArray, ...]]] = [
            (reason, node.contributors(np.setdiff1d(lost[present[lost]], counted)))
            for reason, lost in self._reasons[node]
        ]
        reasons += [
            (reason, node.contributors(absent)) for reason, absent in self._why_absent(node, rows)
        ]
        reached, used = node.contributors(rows), node.contributors(counted)
        beside = np.empty(0, np.int64)
        if isinstance(node, Aggregate):
            beside = node.breakdowns(self._evaluation)
        for number, inner in enumerate(node.inputs):
            parts = np.intersect1d(reached[number], beside)
            behind = [(reason, np.setdiff1d(of[number], used[number])) for reason, of in reasons]
            own = (f"{_BREAKDOWN}: left out by {node.step}", parts)
            self.arrive(inner, reached[number], used[number], [own, *behind])

    def reached(self, node: Node) -> Reached:
        """All that has arrived at a node."""
        rows, counted = self._rows[node], self._counted[node]
        present = ~np.isnan(self._evaluation.frame(node).value)
        left_out: dict[int, str] = {}
        for reason, lost in self._reasons[node]:
            for row in np.setdiff1d(lost[present[lost]], counted).tolist():
                left_out.setdefault(row, reason)
        return Reached(node, rows[present[rows]], counted, left_out)

    def _why_absent(self, node: Node, rows: IntArray) -> Iterator[tuple[str, IntArray]]:
        absent = rows[np.isnan(self._evaluation.frame(node).value[rows])]
        if isinstance(node, Mask):
            yield f"does not pass {node.step}", absent
        elif isinstance(node, Arithmetic) and len(absent) <= _MOST_LOOKED_AT:
            paired = np.array([self._is_paired(node, row) for row in absent.tolist()], np.bool_)
            yield (
                f"no sample with the same labels on the other side of {node.step}",
                absent[~paired],
            )
            yield f"no number under {node.step}, as 0 / 0 is none", absent[paired]
        else:
            yield f"no number under {node.step}", absent

    def _is_paired(self, node: Arithmetic, row: int) -> bool:
        """Whether both sides of an absent result have a sample: the numbers are at fault."""
        sides = zip(node.inputs, node.contributors(np.array([row])), strict=True)
        return all(
            len(rows) and not np.isnan(self._evaluation.frame(side).value[rows]).all()
            for side, rows in sides
        )


def dropped(evaluation: Evaluation, node: Node) -> list[IntArray]:
    """For each input of a node, its rows with a sample that the node has no row for."""
    if isinstance(node, Arithmetic):
        # What has no partner is told by ``trace``: the other family decides, not the labels.
        return [np.empty(0, np.int64) for _ in node.inputs]
    taken = node.contributors(np.arange(node.size))
    return [
        np.setdiff1d(np.flatnonzero(~np.isnan(evaluation.frame(inner).value)), rows)
        for inner, rows in zip(node.inputs, taken, strict=True)
    ]
