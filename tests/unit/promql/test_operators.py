"""Binary and unary operators: values, names, matching, and what cannot be matched."""

import math

import pytest

from app.errors import QueryFailed
from tests.fixtures.promql import STALE, instant, ranged, series

INF = math.inf
NAN = math.nan

_X = [series("x", 1.0, a="a"), series("x", 5.0, a="b"), series("x", NAN, a="c")]


def _same(value: float, expected: float) -> bool:
    return value == expected or (math.isnan(value) and math.isnan(expected))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2", 3),
        ("1 - 2", -1),
        ("2 * -3", -6),
        ("1 / 0", INF),
        ("-1 / 0", -INF),
        ("0 / 0", NAN),
        # The remainder is that of Go's math.Mod: with the sign of the dividend.
        ("7 % 3", 1),
        ("-7 % 3", -1),
        ("7 % -3", 1),
        ("7 % 0", NAN),
        ("7 % Inf", 7),
        ("Inf % 7", NAN),
        ("2 ^ 10", 1024),
        ("2 ^ 3 ^ 2", 512),
        ("-2 ^ 2", -4),
        ("(-8) ^ (1 / 3)", NAN),
        ("1 ^ NaN", 1),
        ("NaN ^ 0", 1),
        ("0 ^ -1", INF),
        ("1 atan2 1", math.pi / 4),
        ("0 atan2 -1", math.pi),
        ("1 == bool 1", 1),
        ("1 != bool 1", 0),
        ("NaN == bool NaN", 0),
        ("NaN != bool NaN", 1),
        ("2 > bool 1", 1),
        ("2 < bool 1", 0),
        ("2 >= bool 2", 1),
        ("2 <= bool 1", 0),
        ("--1", 1),
    ],
)
def test_scalars(expression: str, expected: float) -> None:
    (value,) = ranged(expression, 1)["{}"]
    assert value is not None
    assert _same(value, expected)
    assert ranged(expression, 2)["{}"] == pytest.approx([expected, expected], nan_ok=True)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("x + 1", {'{a="a"}': 2, '{a="b"}': 6, '{a="c"}': NAN}),
        ("1 - x", {'{a="a"}': 0, '{a="b"}': -4, '{a="c"}': NAN}),
        ("x ^ 0", {'{a="a"}': 1, '{a="b"}': 1, '{a="c"}': 1}),
        ("-x", {'{a="a"}': -1, '{a="b"}': -5, '{a="c"}': NAN}),
        ("+x", {'x{a="a"}': 1, 'x{a="b"}': 5, 'x{a="c"}': NAN}),
        ("x > 1", {'x{a="b"}': 5}),
        # The value is the vector's, whichever side it stands on.
        ("2 < x", {'x{a="b"}': 5}),
        ("1 == x", {'x{a="a"}': 1}),
        ("x != 1", {'x{a="b"}': 5, 'x{a="c"}': NAN}),
        ("x > bool 1", {'{a="a"}': 0, '{a="b"}': 1, '{a="c"}': 0}),
        ("2 > bool x", {'{a="a"}': 1, '{a="b"}': 0, '{a="c"}': 0}),
    ],
)
def test_a_vector_and_a_scalar(expression: str, expected: dict[str, float]) -> None:
    result = instant(expression, 0, *_X)
    assert result == pytest.approx(expected, nan_ok=True)


def test_what_is_absent_stays_absent_whatever_the_operator() -> None:
    stored = [series("x", 1.0, STALE, a="a"), series("x", 1.0, 1.0, a="b")]
    assert ranged('x{a="a"} ^ 0', 2, *stored) == {'{a="a"}': [1, None]}
    assert ranged('1 ^ x{a="a"}', 2, *stored) == {'{a="a"}': [1, None]}
    assert ranged('x{a="a"} != bool 2', 2, *stored) == {'{a="a"}': [1, None]}
    assert ranged('x{a="a"} != 2', 2, *stored) == {'x{a="a"}': [1, None]}


_LEFT = [
    series("l", 1.0, a="1", b="1"),
    series("l", 2.0, a="1", b="2"),
    series("l", 3.0, a="2", b="1"),
]
_RIGHT = [
    series("r", 10.0, a="1", c="x"),
    series("r", 20.0, a="2", c="y"),
    series("r", 30.0, a="3", c="z"),
]
_SAME = [series("s", 100.0, a="1", b="1"), series("s", 2.0, a="1", b="2")]
_ALL = [*_LEFT, *_RIGHT, *_SAME]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("l + s", {'{a="1", b="1"}': 101, '{a="1", b="2"}': 4}),
        ("l == s", {'l{a="1", b="2"}': 2}),
        ("l < s", {'l{a="1", b="1"}': 1}),
        ("l < bool s", {'{a="1", b="1"}': 1, '{a="1", b="2"}': 0}),
        ('l{b="1"} * on(a) r', {'{a="1"}': 10, '{a="2"}': 60}),
        ('l{b="1"} * ignoring(b, c) r', {'{a="1"}': 10, '{a="2"}': 60}),
        ('l{b="1"} < on(a) r', {'{a="1"}': 1, '{a="2"}': 3}),
        ('l{b="1"} < ignoring(b, c) r', {'l{a="1"}': 1, 'l{a="2"}': 3}),
        (
            "l * on(a) group_left r",
            {'{a="1", b="1"}': 10, '{a="1", b="2"}': 20, '{a="2", b="1"}': 60},
        ),
        (
            "l - on(a) group_left(c) r",
            {
                '{a="1", b="1", c="x"}': -9,
                '{a="1", b="2", c="x"}': -8,
                '{a="2", b="1", c="y"}': -17,
            },
        ),
        (
            "r - on(a) group_right(c) l",
            {'{a="1", b="1", c="x"}': 9, '{a="1", b="2", c="x"}': 8, '{a="2", b="1", c="y"}': 17},
        ),
        # A filter keeps the left value, and the name of the side with many series.
        (
            "r > on(a) group_right l",
            {'l{a="1", b="1"}': 10, 'l{a="1", b="2"}': 10, 'l{a="2", b="1"}': 20},
        ),
        ("l and s", {'l{a="1", b="1"}': 1, 'l{a="1", b="2"}': 2}),
        ("l and on(a) r", {'l{a="1", b="1"}': 1, 'l{a="1", b="2"}': 2, 'l{a="2", b="1"}': 3}),
        ("l unless s", {'l{a="2", b="1"}': 3}),
        ('r unless on(a) l{b="1"}', {'r{a="3", c="z"}': 30}),
        ("s or l", {'s{a="1", b="1"}': 100, 's{a="1", b="2"}': 2, 'l{a="2", b="1"}': 3}),
        (
            'l{b="2"} or on(a) r',
            {'l{a="1", b="2"}': 2, 'r{a="2", c="y"}': 20, 'r{a="3", c="z"}': 30},
        ),
        ("l and nothing", {}),
        ("l unless nothing", {'l{a="1", b="1"}': 1, 'l{a="1", b="2"}': 2, 'l{a="2", b="1"}': 3}),
        ("l + nothing", {}),
    ],
)
def test_two_vectors(expression: str, expected: dict[str, float]) -> None:
    assert instant(expression, 0, *_ALL) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("l + fill(0) s", {'{a="1", b="1"}': 101, '{a="1", b="2"}': 4, '{a="2", b="1"}': 3}),
        ('l{b="2"} + fill_left(0) s', {'{a="1", b="1"}': 100, '{a="1", b="2"}': 4}),
        ("s - fill_left(1) l", {'{a="1", b="1"}': 99, '{a="1", b="2"}': 0, '{a="2", b="1"}': -2}),
        (
            'l * on(a) group_left(c) fill_right(0) r{a="1"}',
            {'{a="1", b="1", c="x"}': 10, '{a="1", b="2", c="x"}': 20, '{a="2", b="1"}': 0},
        ),
        (
            'l{a="1"} + on(a) group_left fill_left(0) r',
            {'{a="1", b="1"}': 11, '{a="1", b="2"}': 12, '{a="2"}': 20, '{a="3"}': 30},
        ),
    ],
)
def test_fills_stand_for_the_side_that_is_missing(
    expression: str, expected: dict[str, float]
) -> None:
    assert instant(expression, 0, *_ALL) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            "l + on(b) l",
            (
                'found duplicate series for the match group {b="1"} on the right hand-side of the '
                'operation: [l{a="2", b="1"}, l{a="1", b="1"}];many-to-many matching not allowed: '
                "matching labels must be unique on one side"
            ),
        ),
        (
            "r + on() group_right l",
            (
                "found duplicate series for the match group {} on the left hand-side of the "
                'operation: [r{a="2", c="y"}, r{a="1", c="x"}];many-to-many matching not allowed: '
                "matching labels must be unique on one side"
            ),
        ),
        (
            "l * on(a) r",
            (
                "multiple matches for labels: many-to-one matching must be explicit "
                "(group_left/group_right)"
            ),
        ),
        (
            "l * on(a) group_left(b) label r",
            "multiple matches for labels: grouping labels must ensure unique matches",
        ),
        (
            '-{__name__=~"l|s"}',
            "vector cannot contain metrics with the same labelset",
        ),
        (
            '{__name__=~"l|s"} * 2',
            "vector cannot contain metrics with the same labelset",
        ),
    ],
)
def test_matches_that_are_not_unique(expression: str, message: str) -> None:
    expression = expression.replace("label r", "b_of_r")
    stored = [*_ALL, series("b_of_r", 1.0, a="1"), series("b_of_r", 1.0, a="2")]
    with pytest.raises(QueryFailed) as raised:
        instant(expression, 0, *stored)
    assert raised.value.message == message


def test_series_that_follow_one_another_are_one_match() -> None:
    stored = [
        series("l", 1.0, 2.0, 3.0, 4.0, a="1"),
        series("r", 10.0, STALE, None, None, a="1", pod="old"),
        series("r", None, 20.0, STALE, 40.0, a="1", pod="new"),
    ]
    assert ranged("l + on(a) r", 4, *stored) == {'{a="1"}': [11, 22, None, 44]}
    assert ranged("r + on(a) l", 4, *stored) == {'{a="1"}': [11, 22, None, 44]}
    assert ranged("l + on(a) group_left(pod) r", 4, *stored) == {
        '{a="1", pod="old"}': [11, None, None, None],
        '{a="1", pod="new"}': [None, 22, None, 44],
    }
    assert ranged("l and on(a) r", 4, *stored) == {'l{a="1"}': [1, 2, None, 4]}
    assert ranged("l unless on(a) r", 4, *stored) == {'l{a="1"}': [None, None, 3, None]}
    assert ranged("r or on(a) l", 4, *stored) == {
        'l{a="1"}': [None, None, 3, None],
        'r{a="1", pod="new"}': [None, 20, None, 40],
        'r{a="1", pod="old"}': [10, None, None, None],
    }


def test_names_that_change_are_one_series_without_them() -> None:
    stored = [series("old", 1.0, STALE, a="1"), series("new", None, 2.0, a="1")]
    assert ranged('{__name__=~"old|new"} * 2', 2, *stored) == {'{a="1"}': [2, 4]}
    assert ranged('sum_over_time({__name__=~"old|new"}[1m])', 2, *stored) == {'{a="1"}': [1, 2]}


def test_duplicates_do_not_matter_where_nothing_is_to_be_matched() -> None:
    stored = [
        series("l", None, 1.0, a="1"),
        series("r", 1.0, STALE, a="1"),
        series("r", 1.0, STALE),
    ]
    assert ranged("l + on() r", 2, *stored) == {}


def test_results_of_different_sides_may_be_one_series() -> None:
    stored = [series("l", 1.0, STALE), series("r", None, 2.0)]
    assert ranged("sum(l) or sum(r)", 2, *stored) == {"{}": [1, 2]}
