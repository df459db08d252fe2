"""The notation of series: what is read, and what is said of what cannot be."""

import math

import pytest

from app.errors import ScriptError
from app.promql.testing.comparison import almost_equal, write_labels, write_point
from app.promql.testing.notation import MOST_POINTS, Mark, Point, parse_series

GAP, STALE, HISTOGRAM = Mark.GAP, Mark.STALE, Mark.HISTOGRAM


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("1", [1]),
        ("1 -2 +3 .5 5. 1e3 1E-2", [1, -2, 3, 0.5, 5, 1000, 0.01]),
        ("-2+4x3", [-2, 2, 6, 10]),
        ("1-2x4", [1, -1, -3, -5, -7]),
        ("1x4", [1, 1, 1, 1, 1]),
        ("1x0", [1]),
        ("1e2+1e1x1", [100, 110]),
        ("1 _x3 stale", [1, GAP, GAP, GAP, STALE]),
        ("_ _ 3", [GAP, GAP, 3]),
        ("Inf -Inf +inf", [math.inf, -math.inf, math.inf]),
        ("Infx1 -Inf-1x1", [math.inf, math.inf, -math.inf, -math.inf]),
        ("5 # five", [5]),
        ("{{schema:0 sum:1 count:2 buckets:[1 1]}} 3", [HISTOGRAM, 3]),
        ("{{}}x2 {{sum:1}}+{{sum:2}}x1", [HISTOGRAM] * 5),
    ],
)
def test_points(text: str, points: list[Point]) -> None:
    assert parse_series(f"metric {text}", 1).points == tuple(points)


def test_increments_add_up_as_prometheus_adds_them() -> None:
    points = parse_series("metric 0+0.1x10", 1).points
    assert points[8] == 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1
    assert points[8] != 8 * 0.1


def test_nan() -> None:
    points = parse_series("metric NaN nan NaNx1", 1).points
    assert len(points) == 4
    assert all(isinstance(point, float) and math.isnan(point) for point in points)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("metric", {"__name__": "metric"}),
        ("a:b", {"__name__": "a:b"}),
        ("{}", {}),
        ("metric{}", {"__name__": "metric"}),
        ('metric{a="b"}', {"__name__": "metric", "a": "b"}),
        ("metric { a = 'b' , c=`d` , }", {"__name__": "metric", "a": "b", "c": "d"}),
        ('metric{a="x y, }{"}', {"__name__": "metric", "a": "x y, }{"}),
        (r'metric{a="\"q\"\n\u00fc"}', {"__name__": "metric", "a": '"q"\nü'}),
        ('metric{a=""}', {"__name__": "metric"}),
        ('{__name__="metric"}', {"__name__": "metric"}),
        ('{"a.metric"}', {"__name__": "a.metric"}),
        ('{"a.metric", "a label"="b"}', {"__name__": "a.metric", "a label": "b"}),
    ],
)
def test_labels(text: str, labels: dict[str, str]) -> None:
    series = parse_series(f"    {text} 1", 1)
    assert dict(series.labels or ()) == labels
    # What is written of it reads the same.
    assert parse_series(f"{write_labels(series.labels or ())} 1", 1) == series


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("metric", 7, "has no points"),
        ("metric 1 two", 10, "'two' is no point"),
        ("metric 1_000", 8, "'1_000' is no point"),
        ("metric 1x", 8, "'1x' is no point"),
        ("metric 1+x3", 8, "no point"),
        ("metric 1+-1x3", 8, "no point"),
        ("metric stalex3", 8, "no point"),
        ("metric infinity", 8, "no point"),
        ("metric{a} 1", 9, "expected = and a value after label"),
        ("metric{a=b} 1", 10, "value of label 'a' in quotes"),
        ('metric{a="b" c="d"} 1', 14, "expected , or }"),
        ('metric{a="b', 10, "in quotes"),
        ('metric{a="b",a="c"} 1', 14, "given twice"),
        ('metric{a="b"}1', 14, "expected a space"),
        (r'metric{a="\q"} 1', 10, "no well-formed string"),
        ("1 2 3", 1, "expected a series"),
        (f"metric 1x{MOST_POINTS + 1}", 8, "more than"),
        (f"metric 1x{'9' * 5000}", 8, "more than"),
    ],
)
def test_faults_have_a_place(text: str, column: int, message: str) -> None:
    with pytest.raises(ScriptError) as caught:
        parse_series(text, 7)
    assert message in caught.value.reason
    assert caught.value.line == 7
    assert column <= caught.value.column <= len(text) + 1


def test_start_timestamps_are_told_from_points() -> None:
    series = parse_series('metric{a="b"}@st -1mx4 _ 5s', 1)
    assert series.starts
    assert dict(series.labels or ()) == {"__name__": "metric", "a": "b"}
    assert parse_series("@st -1m", 1).labels is None


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1.0, 1.0, True),
        (1.0, 1.0 + 1e-6, True),
        (1.0, 1.0 + 3e-6, False),
        (math.nan, math.nan, True),
        (math.nan, 0.0, False),
        (math.inf, math.inf, True),
        (math.inf, -math.inf, False),
        (math.inf, 1.0, False),
        (0.0, -0.0, True),
        (0.0, 1e-300, False),
        (1.7e308, 1.7e308 * (1 - 1e-7), True),
    ],
)
def test_almost_equal(one: float, other: float, equal: bool) -> None:
    assert almost_equal(one, other) is equal
    assert almost_equal(other, one) is equal


@pytest.mark.parametrize(
    ("point", "text"),
    [(1.0, "1"), (0.1, "0.1"), (1e300, "1e+300"), (math.inf, "+Inf"), (Mark.GAP, "_")],
)
def test_points_are_written_as_they_are_read(point: Point, text: str) -> None:
    assert write_point(point) == text
    assert parse_series(f"metric {text}", 1).points == (point,)
