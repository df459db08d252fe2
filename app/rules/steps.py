"""The steps of a value: traced rows as samples, and the series behind them."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from app.arrays import IntArray
from app.catalog import SeriesIdentity
from app.mal import Node, Source
from app.mal.arithmetic import Arithmetic
from app.mal.grouping import Merge
from app.mal.nodes import Evaluation
from app.mal.tracing import LabelRecorder, Reached
from app.mal.windows import Samples, Window
from app.rules.explanation import FamilyUse, Sample, SourceSeries, Step
from app.rules.families import Column, Selection
from app.rules.sources import Origin

_STATISTICS = {
    Column.SUM: "Sum",
    Column.COUNT: "SampleCount",
    Column.MINIMUM: "Minimum",
    Column.MAXIMUM: "Maximum",
    Column.AVERAGE: "Average",
    Column.VALUE: "value",
    Column.BUCKET: "buckets",
    Column.QUANTILE: "quantiles",
}


def steps_of_value(
    evaluation: Evaluation, reached: Sequence[Reached], recorder: LabelRecorder, limit: int
) -> Iterator[Step]:
    """The steps from the sources to the end, each with at most ``limit`` samples."""
    numbers: dict[Node, int] = {}
    for of_node in reached:
        node = of_node.node
        if isinstance(node, Merge) and node.size == node.inputs[0].size:
            # Nothing was merged; the step would repeat the one before.
            numbers[node] = numbers[node.inputs[0]]
            continue
        number = numbers[node] = len(set(numbers.values())) + 1
        inputs = tuple(numbers[inner] for inner in node.inputs)
        text = node.step
        if isinstance(node, Arithmetic):
            text = f" {text} ".join(f"step {inner}" for inner in inputs)
        family = int(np.count_nonzero(~np.isnan(evaluation.frame(node).value)))
        samples = tuple(_samples(evaluation, of_node, recorder, limit))
        left_out = len(of_node.left_out)
        yield Step(number, text, inputs, family, len(of_node.counted), left_out, samples)


def _samples(
    evaluation: Evaluation, reached: Reached, recorder: LabelRecorder, limit: int
) -> Iterator[Sample]:
    frame = evaluation.frame(reached.node)
    lost = np.array(sorted(reached.left_out), np.int64)
    rows = [*_largest(frame.value, reached.counted), *_largest(frame.value, lost)][:limit]
    labels = recorder.labels(reached.node)
    bounds = reached.node.lower_bounds(evaluation) if isinstance(reached.node, Window) else None
    for row in rows:
        weight = np.nan if frame.weight is None else frame.weight[row]
        yield Sample(
            labels[row],
            float(frame.value[row]),
            None if np.isnan(weight) else float(weight),
            reached.left_out.get(row, ""),
            None if bounds is None else _bound(bounds, row),
        )


def _largest(values: np.ndarray[tuple[int], np.dtype[np.float64]], rows: IntArray) -> list[int]:
    largest: list[int] = rows[np.argsort(-values[rows], kind="stable")].tolist()
    return largest


def _bound(bounds: Samples, row: int) -> tuple[int, float] | None:
    if np.isnan(bounds.value[row]):
        return None
    return int(bounds.time[row]), float(bounds.value[row])


def series_of_value(
    reached: Sequence[Reached],
    origins: Callable[[Source], Sequence[Origin]],
    identities: Mapping[int, SeriesIdentity],
) -> list[SourceSeries]:
    """The series whose samples belong to a value, those that count first.

    Otherwise they are in the order of ``identities``.
    """
    uses: dict[int, dict[FamilyUse, None]] = {}
    left_out: dict[int, str] = {}
    for of_node in reached:
        source = of_node.node
        if not isinstance(source, Source):
            continue
        of_rows = origins(source)
        for row in of_node.rows.tolist():
            origin = of_rows[row]
            reason = of_node.left_out.get(row, "")
            known = left_out.setdefault(origin.series_id, reason)
            left_out[origin.series_id] = known and reason
            use = FamilyUse(source.name, _statistic(origin.selection), origin.combine)
            uses.setdefault(origin.series_id, {})[use] = None
    found = [
        SourceSeries(number, identity, tuple(uses[number]), left_out[number])
        for number, identity in identities.items()
        if number in uses
    ]
    return sorted(found, key=lambda item: bool(item.left_out))


def _statistic(selection: Selection) -> str:
    return _STATISTICS.get(selection.column, selection.extra)
