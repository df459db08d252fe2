"""Vectors and windows made by hand, and calls of functions on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.labels import LabelSet, label_set
from app.promql.annotations import Annotations
from app.promql.ast import Call
from app.promql.functions import RANGE_FUNCTIONS, VALUE_FUNCTIONS, VECTOR_FUNCTIONS
from app.promql.functions.kinds import Argument, CallContext
from app.promql.parsing import parse
from app.promql.series import Steps, Vector, Windows

Row = Sequence[float | None]


class Unlimited:
    """A budget of a query that may use whatever it wants; counts how often the time is checked."""

    def __init__(self) -> None:
        self.checks = 0

    def take_samples(self, count: int) -> None: ...

    def take_series(self, count: int) -> None: ...

    def pin(self, count: int) -> None: ...

    def check_time(self) -> None:
        self.checks += 1


@dataclass
class Outcome:
    """Values at each step by labels (None: no sample), and what was said."""

    rows: dict[LabelSet, list[float | None]]
    warnings: list[str] = field(default_factory=list)
    infos: list[str] = field(default_factory=list)
    ordered: bool = False

    @property
    def only(self) -> list[float | None]:
        """The values of the only series."""
        (row,) = self.rows.values()
        return row


def labels(text: str) -> LabelSet:
    """``name{a=1, b=2}``, either part of which may be missing, as a label set."""
    name, _, inside = text.rstrip("}").partition("{")
    pairs = (pair.split("=", 1) for pair in inside.split(", ") if pair)
    return label_set({"__name__": name} | dict(pairs))


def vector(rows: Mapping[str, Row]) -> Vector:
    """An instant vector; None stands for no sample."""
    values = np.array(
        [[np.nan if value is None else value for value in row] for row in rows.values()], np.float64
    )
    present = np.array([[value is not None for value in row] for row in rows.values()], np.bool_)
    return Vector([labels(text) for text in rows], values, present)


def windows(
    rows: Mapping[str, Row], times_ms: Sequence[int], ends_ms: Sequence[int], width_ms: int
) -> Windows:
    """The windows (end − width, end] over samples at ``times_ms``."""
    made = vector(rows)
    times, ends = np.array(times_ms, np.int64), np.array(ends_ms, np.int64)
    starts = ends - width_ms
    shape = (len(rows), len(times))
    return Windows(
        made.labels,
        times,
        made.values.reshape(shape),
        made.present.reshape(shape),
        np.searchsorted(times, starts, "right"),
        np.searchsorted(times, ends, "right"),
        starts,
        ends,
    )


def outcome(labels: Sequence[LabelSet], made: Vector, annotations: Annotations) -> Outcome:
    rows: dict[LabelSet, list[float | None]] = {}
    for each, values, present in zip(labels, made.values, made.present, strict=True):
        assert each not in rows
        assert np.isnan(values[~present]).all()
        pairs = zip(values.tolist(), present.tolist(), strict=True)
        rows[each] = [value if there else None for value, there in pairs]
    return Outcome(rows, annotations.warnings, annotations.infos, made.ordered)


def of_windows(
    name: str,
    over: Windows,
    *scalars: float,
    offset_ms: int = 0,
    budget: Unlimited | None = None,
) -> Outcome:
    """The range function; evaluated ``offset_ms`` after the windows' ends."""
    step = int(over.ends_ms[1] - over.ends_ms[0]) if len(over.ends_ms) > 1 else 0
    steps = Steps(int(over.ends_ms[0]) + offset_ms, step, len(over.ends_ms))
    annotations = Annotations()
    context = CallContext(Call(name, ()), steps, annotations, budget or Unlimited())
    numbers = [np.full(steps.count, scalar) for scalar in scalars]
    values, present = RANGE_FUNCTIONS[name](over, numbers, context)
    return outcome(over.labels, Vector(over.labels, values, present), annotations)


def of_vector(text: str, *arguments: Argument, steps: Steps | None = None) -> Outcome:
    """The vector function that ``text`` calls, with its arguments already evaluated."""
    call = parse(text)
    assert isinstance(call, Call)
    if steps is None:
        count = max(
            (a.values.shape[1] for a in arguments if isinstance(a, Vector)),
            default=max((len(a) for a in arguments if isinstance(a, np.ndarray)), default=1),
        )
        steps = Steps(60_000, 60_000, count)
    annotations = Annotations()
    context = CallContext(call, steps, annotations, Unlimited())
    made = VECTOR_FUNCTIONS[call.function](context, arguments)
    if not isinstance(made, Vector):
        made = Vector([()], made[np.newaxis], np.ones((1, len(made)), np.bool_))
    return outcome(made.labels, made, annotations)


def of_values(name: str, values: Sequence[float], *scalars: Sequence[float]) -> list[float]:
    """The value function for one series at as many steps as there are values."""
    numbers = [np.array(scalar, np.float64) for scalar in scalars]
    found: list[float] = VALUE_FUNCTIONS[name](np.array([values], np.float64), *numbers)[0].tolist()
    return found
