"""Queries as a whole: types of answers, times, limits, and errors."""

import numpy as np
import pytest

from app.clock import ManualClock
from app.errors import InvalidRequest, QueryFailed, QuerySyntaxError, QueryTimeout
from app.promql.ast import Expression, Paren
from app.promql.engine import Engine, Limits
from app.promql.parsing import parse
from app.promql.reader import Budget, Selected, Selection
from app.promql.testing.memory import MemoryReader
from tests.fixtures.promql import MINUTE, engine, instant, ranged, rows, series

_X = [series("x", *map(float, range(10)), a=str(row)) for row in range(4)]


def test_an_instant_query_answers_each_type() -> None:
    reader = MemoryReader(_X)
    scalar = engine().instant("1 + 1", MINUTE, reader)
    assert scalar.value_type == "scalar"
    assert scalar.scalar is not None
    assert scalar.scalar.tolist() == [2]
    string = engine().instant('("text")', MINUTE, reader)
    assert (string.value_type, string.string) == ("string", "text")
    vector = engine().instant("x", MINUTE, reader)
    assert vector.value_type == "vector"
    assert vector.times.tolist() == [MINUTE]
    matrix = engine().instant("(x[1m])", MINUTE, reader)
    assert matrix.value_type == "matrix"
    assert matrix.vector is None


def test_samples_are_sorted_by_labels_over_parts_of_different_times() -> None:
    stored = [series("x", 1, a="a"), series("x", None, 2, a="b"), series("x", 3, a="c")]
    answer = engine().instant("x[5m]", MINUTE, MemoryReader(stored))
    assert answer.samples is not None
    found = [
        (dict(labels)["a"], part.times.tolist())
        for part in answer.samples
        for labels in part.labels
    ]
    assert found == [("a", [0]), ("b", [MINUTE]), ("c", [0])]


def test_a_subquery_is_answered_with_its_steps() -> None:
    answer = engine().instant("sum(x)[4m:2m]", 5 * MINUTE, MemoryReader(_X))
    assert answer.samples is not None
    (part,) = answer.samples
    assert part.times.tolist() == [2 * MINUTE, 4 * MINUTE]
    assert part.values.tolist() == [[8, 16]]


def test_a_range_query_answers_a_scalar_as_a_series_without_labels() -> None:
    answer = engine().range("time()", 0, 2 * MINUTE, MINUTE, MemoryReader([]))
    assert answer.value_type == "vector"
    assert rows(answer) == {"{}": [0, 60, 120]}
    assert ranged("5", 2) == {"{}": [5, 5]}


def test_a_range_query_ends_at_its_last_whole_step() -> None:
    answer = engine().range("time()", 1_500, 4_000, 1_000, MemoryReader([]))
    assert answer.times.tolist() == [1_500, 2_500, 3_500]
    assert rows(answer) == {"{}": [1.5, 2.5, 3.5]}
    assert engine().range("1", 5, 5, 1, MemoryReader([])).times.tolist() == [5]


def test_the_end_of_a_query_may_lie_behind_its_last_step() -> None:
    reader = MemoryReader(_X)
    query = "sum(x @ end()) + 0 * time()"
    at_end = engine().range(query, 0, 3 * MINUTE, 2 * MINUTE, reader)
    assert rows(at_end) == {"{}": [12, 12]}
    ends = engine().range("end() - range()", MINUTE, 4 * MINUTE, 2 * MINUTE, reader)
    assert rows(ends) == {"{}": [60, 60]}


def test_a_tree_is_evaluated_like_its_text() -> None:
    reader = MemoryReader(_X)
    text = "sum by (a) (x) + time()"
    given = engine().instant(parse(text), MINUTE, reader)
    assert rows(given) == rows(engine().instant(text, MINUTE, reader))


def test_series_are_sorted_unless_their_order_is_the_answer() -> None:
    stored = [series("x", float(row), a=str(row)) for row in (2, 0, 3, 1)]
    assert list(instant("x", 0, *stored)) == [f'x{{a="{row}"}}' for row in range(4)]
    renamed = 'label_replace(x, "a", "9", "a", "0")'
    assert list(instant(renamed, 0, *stored)) == [f'x{{a="{row}"}}' for row in (1, 2, 3, 9)]
    assert list(instant("topk(2, x)", 0, *stored)) == ['x{a="3"}', 'x{a="2"}']
    assert list(ranged("topk(2, x)", 1, *stored)) == ['x{a="2"}', 'x{a="3"}']


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("abs(-x)", {'{a="1"}': [1, 2]}),
        ("clamp_max(x, time() / 60 + 1)", {'{a="1"}': [1, 2]}),
        ("hour()", {"{}": [0, 0]}),
        ("minute()", {"{}": [0, 1]}),
        ("minute(vector(0))", {"{}": [0, 0]}),
        ("last_over_time(x[1m])", {'x{a="1"}': [1, 2]}),
        ("count_over_time((x[2m]))", {'{a="1"}': [1, 2]}),
        ("scalar(x)", {"{}": [1, 2]}),
        ("vector(time())", {"{}": [0, 60]}),
        ("end() - start() + range() + step()", {"{}": [180, 180]}),
        ("sum_over_time(vector(step())[2m:1m])", {"{}": [120, 120]}),
        ("absent(x)", {}),
        ('absent(y{b="c"})', {'{b="c"}': [1, 1]}),
        ('absent_over_time(y{b="c"}[1m])', {'{b="c"}': [1, 1]}),
        ("absent_over_time(x[1m] offset 1m)", {"{}": [1, None]}),
        ("absent_over_time(y[1m:1h])", {"{}": [1, 1]}),
    ],
)
def test_functions_are_given_what_they_need(
    expression: str, expected: dict[str, list[float | None]]
) -> None:
    assert ranged(expression, 2, series("x", 1.0, 2.0, a="1")) == expected


def test_remarks_stand_at_what_they_are_about() -> None:
    query = "histogram_quantile(2, x) or quantile_over_time(3, x[1m])"
    assert engine().instant(query, 0, MemoryReader(_X)).warnings == (
        "PromQL warning: quantile value should be between 0 and 1, got 2 (1:20)",
        (
            'PromQL warning: bucket label "le" is missing or has a malformed value of "" '
            'for metric name "x" (1:23)'
        ),
        "PromQL warning: quantile value should be between 0 and 1, got 3 (1:48)",
    )


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("deriv(x[5m] anchored)", "anchored modifier can only be used with: changes, delta, "),
    ],
)
def test_what_is_not_supported_says_so(query: str, message: str) -> None:
    with pytest.raises(QueryFailed) as raised:
        engine().instant(query, 0, MemoryReader(_X))
    assert raised.value.message.startswith(message)


class _Counting:
    """A reader that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Selection] = []

    def select(self, selection: Selection, budget: Budget) -> Selected:
        self.asked.append(selection)
        return MemoryReader(_X).select(selection, budget)


def test_what_does_not_depend_on_the_step_is_read_once() -> None:
    reader = _Counting()
    answer = engine().range("sum(x @ 120) + count(x)", 0, 5 * MINUTE, MINUTE, reader)
    assert rows(answer) == {"{}": [8 + 4] * 6}
    assert [selection.step_ms for selection in reader.asked] == [0, MINUTE]


def test_what_an_expression_names_twice_is_read_once() -> None:
    reader = _Counting()
    query = "sum(x) / (sum(x) + count(x offset 1m)) + sum(sum_over_time(x[1m]) * x)"
    engine().range(query, 0, 5 * MINUTE, MINUTE, reader)
    assert [selection.end_ms for selection in reader.asked] == [
        5 * MINUTE,
        4 * MINUTE,
        5 * MINUTE,
    ]


@pytest.mark.parametrize(
    ("start", "end", "step", "message"),
    [
        (2, 1, 1, 'invalid parameter "end": end timestamp must not be before start time'),
        (
            1,
            2,
            0,
            (
                'invalid parameter "step": zero or negative query resolution step widths are not '
                "accepted. Try a positive integer"
            ),
        ),
        (
            0,
            11_001,
            1,
            (
                "exceeded maximum resolution of 11,000 points per timeseries. "
                "Try decreasing the query resolution (?step=XX)"
            ),
        ),
    ],
)
def test_times_that_make_no_sense(start: int, end: int, step: int, message: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        engine().range("1", start, end, step, MemoryReader([]))
    assert raised.value.message == message


def test_the_largest_range() -> None:
    assert len(engine().range("1", 0, 11_000, 1, MemoryReader([])).times) == 11_001


@pytest.mark.parametrize(("query", "name"), [("x[5m]", "range vector"), ('"text"', "string")])
def test_a_range_of_what_has_no_steps(query: str, name: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        engine().range(query, 0, 1, 1, MemoryReader([]))
    assert raised.value.message == (
        f'invalid expression type "{name}" for range query, must be Scalar or instant Vector'
    )


def test_text_that_is_no_query() -> None:
    with pytest.raises(QuerySyntaxError):
        engine().instant("sum(", 0, MemoryReader([]))


@pytest.mark.parametrize(
    ("query", "limit"),
    [
        ("x", 40),
        ("sum(x)", 40),
        ("sum_over_time(x[5m])", 40),
        ("sum_over_time(x[5m:1s])", 1_000),
        ("sum_over_time(nothing[10y:1ms])", 1_000_000),
    ],
)
def test_too_many_samples(query: str, limit: int) -> None:
    with pytest.raises(QueryFailed) as raised:
        engine(max_samples=limit).range(query, 0, 9 * MINUTE, MINUTE, MemoryReader(_X))
    assert raised.value.message.startswith(
        "query processing would load too many samples into memory in query execution"
    )
    assert "HYDRANT_QUERY_MAX_SAMPLES" in raised.value.message


def test_what_a_part_of_a_query_has_used_is_given_back() -> None:
    query = " + ".join(f"sum(x offset -{seconds}s)" for seconds in range(20))
    answer = engine(max_samples=200).range(query, 0, 9 * MINUTE, MINUTE, MemoryReader(_X))
    assert rows(answer) == {"{}": [4 * 20 * float(minute) for minute in range(10)]}


def test_what_stays_in_memory_is_counted_until_the_end() -> None:
    query = "sum(x) + sum(x) + sum(x offset -1s) + sum(x offset -1s)"
    reader = MemoryReader(_X)
    engine(max_samples=240).range(query, 0, 9 * MINUTE, MINUTE, reader)
    with pytest.raises(QueryFailed):
        engine(max_samples=150).range(query, 0, 9 * MINUTE, MINUTE, reader)
    once = "sum(x) + sum(x offset -1s)"
    engine(max_samples=150).range(once, 0, 9 * MINUTE, MINUTE, reader)


def test_too_many_series() -> None:
    with pytest.raises(QueryFailed) as raised:
        engine(max_series=7).instant("x + x offset 1m", MINUTE, MemoryReader(_X))
    assert raised.value.message == (
        "query selects more than 7 series; narrow its selectors, or raise HYDRANT_QUERY_MAX_SERIES"
    )
    engine(max_series=8).instant("x + x offset 1m", MINUTE, MemoryReader(_X))


def test_a_query_that_takes_too_long() -> None:
    clock = ManualClock()

    class Slow(MemoryReader):
        def select(self, selection: Selection, budget: Budget) -> Selected:
            clock.advance(40)
            return super().select(selection, budget)

    slow = Engine(Limits(timeout_seconds=60), clock)
    assert slow.instant("x", 0, Slow(_X)).vector
    with pytest.raises(QueryTimeout) as raised:
        slow.instant("x + x offset 1m", 0, Slow(_X))
    assert raised.value.message.startswith("query timed out in expression evaluation")


def test_a_query_that_is_nested_too_deeply() -> None:
    tree: Expression = parse("1")
    for _ in range(5_000):
        tree = Paren(tree)
    with pytest.raises(QueryFailed, match="nested too deeply"):
        engine().instant(tree, 0, MemoryReader([]))


def test_operands_are_not_written_to() -> None:
    stored = series("x", 1.0, float("inf"), 3.0)
    before = stored.values.copy()
    ranged("-x + x * 2 > bool 1 or sum(x) or topk(1, x)", 3, stored)
    assert np.array_equal(before, stored.values)
