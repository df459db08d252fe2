"""Queries: a PromQL expression, a time or a range of them, and a reader, to an answer."""

from dataclasses import replace

import numpy as np

from app.clock import Clock
from app.errors import InvalidQueryType, InvalidRequest, QueryFailed
from app.promql.annotations import Annotations
from app.promql.answer import Answer
from app.promql.ast import Expression, MatrixSelector, Subquery, ValueType
from app.promql.evaluation.calls import unwrapped
from app.promql.evaluation.query import Query, TimeRange, Value
from app.promql.evaluation.repetition import repeated_selectors
from app.promql.evaluation.rows import in_label_order, with_names_removed
from app.promql.evaluation.tree import evaluate, range_vector
from app.promql.evaluation.windows import window_samples
from app.promql.limits import Limits, QueryBudget
from app.promql.parsing import bind, parse, value_type
from app.promql.reader import Reader
from app.promql.series import Steps, Vector, Windows

__all__ = ["Answer", "Engine", "Limits"]

_TYPE_NAMES = {ValueType.RANGE_VECTOR: "range vector", ValueType.STRING: "string"}


class Engine:
    """Evaluates PromQL with the semantics of Prometheus 3. Safe to use from several threads.

    A query is given as text or as a tree that ``parse`` has made. Times are in milliseconds. Raises
    ``QuerySyntaxError``, ``InvalidRequest`` for times that make no sense, ``QueryFailed``,
    ``QueryTimeout``, and what the reader raises.
    """

    def __init__(self, limits: Limits, clock: Clock, *, delayed_name_removal: bool = False) -> None:
        """``delayed_name_removal`` is Prometheus' feature flag of that name, off by default."""
        self.limits = limits
        self._clock = clock
        self._delayed_name_removal = delayed_name_removal

    def instant(self, query: str | Expression, at_ms: int, reader: Reader) -> Answer:
        """The value at one time."""
        return self._answer(query, TimeRange(at_ms, at_ms), reader, ranged=False)

    def range(
        self, query: str | Expression, start_ms: int, end_ms: int, step_ms: int, reader: Reader
    ) -> Answer:
        """The values at ``start_ms`` and every ``step_ms`` after it, up to ``end_ms``."""
        if step_ms <= 0:
            raise InvalidRequest(
                'invalid parameter "step": zero or negative query resolution step widths '
                "are not accepted. Try a positive integer"
            )
        if end_ms < start_ms:
            raise InvalidRequest(
                'invalid parameter "end": end timestamp must not be before start time'
            )
        if (end_ms - start_ms) // step_ms > self.limits.max_steps:
            raise InvalidRequest(
                f"exceeded maximum resolution of {self.limits.max_steps:,} points per timeseries. "
                "Try decreasing the query resolution (?step=XX)"
            )
        return self._answer(query, TimeRange(start_ms, end_ms, step_ms), reader, ranged=True)

    def _answer(
        self, query: str | Expression, times: TimeRange, reader: Reader, *, ranged: bool
    ) -> Answer:
        budget = QueryBudget(self.limits, self._clock)
        try:
            tree = parse(query) if isinstance(query, str) else query
            if ranged and (kind := value_type(tree)) in _TYPE_NAMES:
                raise InvalidQueryType(
                    f'invalid expression type "{_TYPE_NAMES[kind]}" for range query, '
                    "must be Scalar or instant Vector"
                )
            tree = bind(tree, times.start_ms, times.end_ms, times.step_ms)
            running = Query(
                reader,
                self.limits,
                budget,
                Annotations(),
                times,
                query if isinstance(query, str) else "",
                repeated_selectors(tree),
                self._delayed_name_removal,
            )
            # Infinities and NaN are values here, and dividing by zero gives them.
            with np.errstate(all="ignore"):
                return _evaluated(tree, _steps(times), running, ranged=ranged)
        except RecursionError:
            raise QueryFailed("the expression is nested too deeply to be evaluated") from None


def _steps(times: TimeRange) -> Steps:
    count = (times.end_ms - times.start_ms) // times.step_ms + 1 if times.step_ms else 1
    return Steps(times.start_ms, times.step_ms, count)


def _evaluated(tree: Expression, steps: Steps, query: Query, *, ranged: bool) -> Answer:
    node = unwrapped(tree)
    if isinstance(node, MatrixSelector | Subquery):
        parts = range_vector(node, steps, query)
        if query.delays_names:
            parts = list(map(_with_names_removed, parts))
        samples = window_samples(parts)
        answer = Answer(ValueType.RANGE_VECTOR, steps.times, samples=samples)
    else:
        value = evaluate(tree, steps, query)
        if query.delays_names and isinstance(value, Vector):
            value = with_names_removed(value)
        answer = _of_value(value, steps, ranged=ranged)
    warnings, infos = query.annotations.warnings, query.annotations.infos
    return replace(answer, warnings=tuple(warnings), infos=tuple(infos))


def _with_names_removed(windows: Windows) -> Windows:
    vector = with_names_removed(Vector(windows.labels, windows.values, windows.present))
    return replace(windows, labels=vector.labels, values=vector.values, present=vector.present)


def _of_value(value: Value, steps: Steps, *, ranged: bool) -> Answer:
    if isinstance(value, str):
        return Answer(ValueType.STRING, steps.times, string=value)
    if not isinstance(value, Vector):
        if not ranged:
            return Answer(ValueType.SCALAR, steps.times, scalar=value)
        value = Vector(((),), value[np.newaxis], np.ones((1, steps.count), np.bool_))
    # Over a range no order of series holds at all steps.
    if ranged or not value.ordered:
        value = in_label_order(Vector(value.labels, value.values, value.present))
    return Answer(ValueType.INSTANT_VECTOR, steps.times, vector=value)
