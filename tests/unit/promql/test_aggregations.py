"""Aggregations: groups, values, and series that are chosen."""

import math
import sys

import numpy as np
import pytest

from app.errors import QueryFailed
from app.promql.parsing import parse
from app.promql.testing.memory import MemoryReader, MemorySeries
from tests.fixtures.promql import MINUTE, STALE, engine, instant, ranged, rows, series

INF = math.inf
NAN = math.nan

_X = [
    series("x", 1.0, a="1", b="1"),
    series("x", 2.0, a="1", b="2"),
    series("x", 4.0, a="2", b="1"),
]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("sum(x)", {"{}": 7}),
        ("sum by (a) (x)", {'{a="1"}': 3, '{a="2"}': 4}),
        ("sum by (a, nothing) (x)", {'{a="1"}': 3, '{a="2"}': 4}),
        ("sum by (__name__) (x)", {"x": 7}),
        ("sum without (a) (x)", {'{b="1"}': 5, '{b="2"}': 2}),
        ("sum without () (x)", {'{a="1", b="1"}': 1, '{a="1", b="2"}': 2, '{a="2", b="1"}': 4}),
        ("avg by (a) (x)", {'{a="1"}': 1.5, '{a="2"}': 4}),
        ("min(x)", {"{}": 1}),
        ("max by (b) (x)", {'{b="1"}': 4, '{b="2"}': 2}),
        ("count by (a) (x)", {'{a="1"}': 2, '{a="2"}': 1}),
        ("group by (a) (x)", {'{a="1"}': 1, '{a="2"}': 1}),
        ("stdvar by (a) (x)", {'{a="1"}': 0.25, '{a="2"}': 0}),
        ("stddev by (a) (x)", {'{a="1"}': 0.5, '{a="2"}': 0}),
        ("quantile(0.5, x)", {"{}": 2}),
        ("quantile(0.75, x)", {"{}": 3}),
        ("quantile by (a) (0.1, x)", {'{a="1"}': 1.1, '{a="2"}': 4}),
        ('count_values("v", x)', {'{v="1"}': 1, '{v="2"}': 1, '{v="4"}': 1}),
        (
            'count_values by (a) ("v", x > bool 1)',
            {'{a="1", v="0"}': 1, '{a="1", v="1"}': 1, '{a="2", v="1"}': 1},
        ),
        # The label of the values takes the place of one with its name.
        ('count_values without (b) ("a", x)', {'{a="1"}': 1, '{a="2"}': 1, '{a="4"}': 1}),
        ("sum(nothing)", {}),
        ("topk(2, nothing)", {}),
        ('count_values("v", nothing)', {}),
        ("quantile(0.5, nothing)", {}),
        ("limit_ratio(1, nothing)", {}),
    ],
)
def test_aggregations(expression: str, expected: dict[str, float]) -> None:
    assert instant(expression, 0, *_X) == pytest.approx(expected)


def test_groups_are_there_while_one_of_their_series_is() -> None:
    stored = [series("x", 1.0, STALE, STALE, a="1"), series("x", 2.0, 2.0, STALE, a="2")]
    assert ranged("sum(x)", 3, *stored) == {"{}": [3, 2, None]}
    assert ranged("avg(x)", 3, *stored) == {"{}": [1.5, 2, None]}
    assert ranged("min(x)", 3, *stored) == {"{}": [1, 2, None]}
    assert ranged("count(x)", 3, *stored) == {"{}": [2, 1, None]}
    assert ranged("group(x)", 3, *stored) == {"{}": [1, 1, None]}
    assert ranged("stdvar(x)", 3, *stored) == {"{}": [0.25, 0, None]}
    assert ranged("quantile(1, x)", 3, *stored) == {"{}": [2, 2, None]}
    assert ranged('count_values("v", x)', 3, *stored) == {
        '{v="1"}': [1, None, None],
        '{v="2"}': [1, 1, None],
    }


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("min", (NAN, 2.0, 1.0), 1),
        ("max", (NAN, 2.0, 1.0), 2),
        ("min", (NAN, NAN), NAN),
        ("sum", (NAN, 1.0), NAN),
        ("sum", (INF, 1.0), INF),
        ("sum", (INF, -INF), NAN),
        ("sum", (1.0, 1e100, 1.0, -1e100), 2),
        ("sum", (1e100, *[1.0] * 500, -1e100), 500),
        ("avg", (1.0, 1e100, 1.0, -1e100), 0.5),
        # The sum overflows, the mean does not.
        ("avg", (sys.float_info.max, sys.float_info.max, 0.0), sys.float_info.max / 3 * 2),
        ("avg", (-sys.float_info.max, -sys.float_info.max), -sys.float_info.max),
        ("avg", (INF, 1.0), INF),
        ("avg", (INF, -INF), NAN),
        ("stdvar", (INF, 1.0), NAN),
        ("stddev", (NAN,), NAN),
        # The digits of small differences of large numbers are not lost.
        ("stdvar", (1e9, 1e9 + 1, 1e9 + 2), 2 / 3),
    ],
)
def test_values_that_are_hard_to_take_together(
    operator: str, values: tuple[float, ...], expected: float
) -> None:
    stored = [series("x", value, a=f"{row:03}") for row, value in enumerate(values)]
    result = instant(f"{operator}(x)", 0, *stored)["{}"]
    assert result == pytest.approx(expected, rel=1e-15, nan_ok=True)


def test_quantiles_count_nan_as_the_smallest() -> None:
    stored = [series("x", value, a=str(value)) for value in (NAN, 1.0, 2.0, 3.0)]
    assert math.isnan(instant("quantile(0, x)", 0, *stored)["{}"])
    assert instant("quantile(1 / 3, x)", 0, *stored)["{}"] == 1
    stored = [series("x", value, a=str(value)) for value in (NAN, -INF, 1.0, 2.0)]
    assert math.isnan(instant("quantile(0, x)", 0, *stored)["{}"])
    assert instant("quantile(1, x)", 0, *stored)["{}"] == 2
    assert instant("quantile(1 / 3 * 2, x)", 0, *stored)["{}"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("quantile", "expected", "named"),
    [("2", INF, "2"), ("-0.5", -INF, "-0.5"), ("NaN", NAN, "NaN"), ("1e30", INF, "1e+30")],
)
def test_quantiles_out_of_range_are_warned_about(
    quantile: str, expected: float, named: str
) -> None:
    answer = engine().instant(f"quantile({quantile}, x)", 0, MemoryReader(_X))
    assert rows(answer)["{}"] == pytest.approx([expected], nan_ok=True)
    assert answer.warnings == (
        f"PromQL warning: quantile value should be between 0 and 1, got {named} (1:10)",
    )


def test_places_of_remarks_count_lines_and_are_left_out_without_text() -> None:
    query = "sum(x) +\n  quantile(2, x)"
    placed = engine().instant(query, 0, MemoryReader(_X)).warnings
    without = engine().instant(parse(query), 0, MemoryReader(_X)).warnings
    message = "PromQL warning: quantile value should be between 0 and 1, got 2"
    assert placed == (f"{message} (2:12)",)
    assert without == (message,)


_K = [
    series("x", 1.0, 9.0, a="a", g="1"),
    series("x", 5.0, 5.0, a="b", g="1"),
    series("x", NAN, 7.0, a="c", g="1"),
    series("x", 3.0, STALE, a="d", g="2"),
]


def test_the_largest_and_smallest_of_one_time_are_ordered_by_value() -> None:
    stored = MemoryReader(_K)

    def order(query: str) -> list[str]:
        vector = engine().instant(query, 0, stored).vector
        assert vector is not None
        return [dict(labels)["a"] for labels in vector.labels]

    assert order("topk(2, x)") == ["b", "d"]
    assert order("topk(9, x)") == ["b", "d", "a", "c"]
    assert order("bottomk(2, x)") == ["a", "d"]
    assert order("bottomk(9, x)") == ["a", "d", "b", "c"]
    assert order("topk by (g) (1, x)") == ["b", "d"]
    assert order("topk by (g) (2, x)") == ["b", "a", "d"]
    assert order("topk(0, x)") == []
    assert order("topk(-5, x)") == []
    assert order("topk(2.9, x)") == ["b", "d"]
    assert order("topk(scalar(x{a='d'}), x)") == ["b", "d", "a"]


def test_the_largest_are_chosen_at_each_step() -> None:
    assert ranged("topk(2, x)", 2, *_K) == {
        'x{a="a", g="1"}': [None, 9],
        'x{a="b", g="1"}': [5, None],
        'x{a="c", g="1"}': [None, 7],
        'x{a="d", g="2"}': [3, None],
    }
    # How many are chosen may change from step to step.
    assert ranged("bottomk(time() / 60, x)", 2, *_K) == {'x{a="b", g="1"}': [None, 5]}


def test_ties_go_to_the_first_labels() -> None:
    stored = [series("x", 1.0, a=name) for name in "dcba"]
    assert list(instant("topk(2, x)", 0, *stored)) == ['x{a="a"}', 'x{a="b"}']
    assert list(instant("bottomk(2, x)", 0, *stored)) == ['x{a="a"}', 'x{a="b"}']
    assert list(instant("limitk(2, x)", 0, *stored)) == ['x{a="a"}', 'x{a="b"}']


def test_infinity_is_not_nan() -> None:
    stored = [series("x", value, a=str(value)) for value in (NAN, -INF, INF)]
    assert list(instant("topk(2, x)", 0, *stored)) == ['x{a="inf"}', 'x{a="-inf"}']
    assert list(instant("bottomk(2, x)", 0, *stored)) == ['x{a="-inf"}', 'x{a="inf"}']


def test_limitk_takes_what_is_there() -> None:
    assert ranged("limitk by (g) (1, x)", 2, *_K) == {
        'x{a="a", g="1"}': [1, 9],
        'x{a="d", g="2"}': [3, None],
    }


def test_a_ratio_and_its_complement_divide_the_series() -> None:
    stored = [series("x", 1.0, a=str(row)) for row in range(200)]
    whole = instant("x", 0, *stored)
    part = instant("limit_ratio(0.3, x)", 0, *stored)
    rest = instant("limit_ratio(-0.7, x)", 0, *stored)
    assert 30 < len(part) < 90
    assert {**part, **rest} == whole
    assert not set(part) & set(rest)
    assert instant("limit_ratio(0.3, x)", 0, *stored[::-1]) == part
    assert instant("limit_ratio(0, x)", 0, *stored) == {}
    assert instant("limit_ratio(1, x)", 0, *stored) == whole
    assert instant("limit_ratio(-1, x)", 0, *stored) == whole


def test_ratios_out_of_range_are_capped_with_a_warning() -> None:
    answer = engine().instant("limit_ratio(-1.5, x)", 0, MemoryReader(_X))
    assert len(rows(answer)) == 3
    assert answer.warnings == (
        "PromQL warning: ratio value should be between -1 and 1, got -1.5, capping to -1 (1:13)",
    )


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("topk(NaN, x)", "Parameter value is NaN"),
        ("limitk(1e30, x)", "Scalar value 1e+30 overflows int64"),
        ("bottomk(Inf, x)", "Scalar value +Inf overflows int64"),
        ("limit_ratio(NaN, x)", "Ratio value is NaN"),
        ('count_values("", x)', 'invalid label name ""'),
    ],
)
def test_parameters_that_make_no_sense(expression: str, message: str) -> None:
    with pytest.raises(QueryFailed) as raised:
        instant(expression, 0, *_X)
    assert raised.value.message == message


def test_values_in_labels_are_printed_without_exponents() -> None:
    values = (1e21, 1e-7, 0.1, 0.0, -0.0, 0.0, INF, -INF, NAN, NAN)
    stored = [series("x", value, a=str(row)) for row, value in enumerate(values)]
    assert instant('count_values("v", x)', 0, *stored) == {
        '{v="1000000000000000000000"}': 1,
        '{v="0.0000001"}': 1,
        '{v="0.1"}': 1,
        '{v="0"}': 2,
        '{v="-0"}': 1,
        '{v="+Inf"}': 1,
        '{v="-Inf"}': 1,
        '{v="NaN"}': 2,
    }


@pytest.mark.parametrize(
    "expression",
    [
        "sum(x)",
        "avg by (g) (x)",
        "stddev by (g) (x)",
        "topk(3, x)",
        "limitk by (g) (3, x)",
        "quantile(0.3, x)",
        'count_values("v", x > bool 0)',
        "x - on(a) group_left x",
        "x",
    ],
)
def test_the_order_of_series_changes_no_bit(expression: str) -> None:
    random = np.random.default_rng(5)
    stored = [
        series("x", *random.normal(scale=10.0 ** (row % 30), size=3), a=str(row), g=str(row % 4))
        for row in range(101)
    ]

    def answer(series: list[MemorySeries]) -> list[tuple[object, bytes, bytes]]:
        reply = engine().range(expression, 0, 2 * MINUTE, MINUTE, MemoryReader(series))
        assert reply.vector is not None
        vector = reply.vector
        return [
            (labels, values.tobytes(), present.tobytes())
            for labels, values, present in zip(
                vector.labels, vector.values, vector.present, strict=True
            )
        ]

    expected = answer(stored)
    assert expected
    for _ in range(3):
        random.shuffle(stored)
        assert answer(stored) == expected
