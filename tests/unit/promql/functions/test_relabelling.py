"""label_replace, label_join and the orders of series."""

import math

import pytest

from app.clock import SystemClock
from app.errors import QueryFailed
from app.promql.engine import Engine
from app.promql.limits import Limits
from app.promql.testing.memory import MemoryReader
from tests.unit.promql.functions.made import labels, of_vector, vector

X = vector({"x{a=foo:bar, b=2}": [1.0], "x{a=other}": [2.0]})


def replaced(destination: str, replacement: str, source: str, pattern: str) -> list[str]:
    text = 'label_replace(x, "", "", "", "")'
    found = of_vector(text, X, destination, replacement, source, pattern).rows
    return ["".join(f"{name}={value} " for name, value in each).strip() for each in found]


FIRST, SECOND = "__name__=x a=foo:bar b=2", "__name__=x a=other"


@pytest.mark.parametrize(
    ("replacement", "value"),
    [
        ("$1", "foo"),
        ("${1}x", "foox"),
        ("$1x", ""),
        ("$2-$1", "bar-foo"),
        ("$last", "bar"),
        ("${last}", "bar"),
        ("$$1", "$1"),
        ("$9|$none|${01}", "||"),
        ("$", "$"),
        ("${1", "${1"),
        ("${}$-", "${}$-"),
        ("$0", "foo:bar"),
    ],
)
def test_references_are_those_of_go(replacement: str, value: str) -> None:
    shown = f" c={value}" if value else ""
    pattern = "(.*):(?P<last>.*)"
    assert replaced("c", replacement, "a", pattern) == [FIRST + shown, SECOND]


def test_a_pattern_must_match_the_whole_value() -> None:
    assert replaced("c", "y", "a", "foo") == [FIRST, SECOND]
    assert replaced("c", "y", "a", "foo.*") == [f"{FIRST} c=y", SECOND]


def test_a_label_that_is_absent_is_empty() -> None:
    assert replaced("c", "y$1", "b", "(.*)") == [f"{FIRST} c=y2", f"{SECOND} c=y"]
    assert replaced("c", "y", "none", "") == [f"{FIRST} c=y", f"{SECOND} c=y"]


def test_an_empty_value_takes_the_label_away() -> None:
    assert replaced("a", "", "a", "foo.*") == ["__name__=x b=2", SECOND]
    assert replaced("__name__", "y", "a", "o.*") == [FIRST, "__name__=y a=other"]


def test_groups_that_take_no_part_are_empty() -> None:
    assert replaced("c", "[$1$2]", "a", "(foo.*)|(x)") == [f"{FIRST} c=[foo:bar]", SECOND]


@pytest.mark.parametrize("pattern", ["(", "*", "(?=a)", r"(a)\1"])
def test_what_is_no_regular_expression_is_refused(pattern: str) -> None:
    with pytest.raises(QueryFailed) as refused:
        replaced("c", "", "a", pattern)
    assert refused.value.message == f"invalid regular expression in label_replace(): {pattern}"


def test_a_slow_regular_expression_is_stopped() -> None:
    slow = vector({f"x{{a={'a' * 60}}}": [1.0]})
    with pytest.raises(QueryFailed, match="took longer than"):
        of_vector('label_replace(x, "", "", "", "")', slow, "c", "", "a", "(a|a)*b|(a*)*c")


def test_a_destination_must_have_a_name() -> None:
    with pytest.raises(
        QueryFailed, match=r"invalid destination label name in label_replace\(\): $"
    ):
        replaced("", "", "a", "")
    with pytest.raises(QueryFailed, match=r"invalid destination label name in label_join\(\): $"):
        of_vector('label_join(x, "", "")', X, "", ",", "a")
    with pytest.raises(QueryFailed, match=r"invalid source label name in label_join\(\): $"):
        of_vector('label_join(x, "", "")', X, "c", ",", "a", "")


def test_label_join_puts_the_separator_between_all() -> None:
    found = of_vector('label_join(x, "c", ",", "a")', X, "c", ",", "a", "b", "none").rows
    assert [dict(each)["c"] for each in found] == ["foo:bar,2,", "other,,"]
    found = of_vector('label_join(x, "a", ",")', X, "a", ",").rows
    assert list(found) == [labels("x{b=2}"), labels("x")]


def order(text: str, rows: dict[str, list[float | None]], *names: str) -> list[str]:
    found = of_vector(text, vector(rows), *names)
    assert found.ordered
    return [dict(each).get("a", "") for each in found.rows]


def test_series_are_sorted_by_value_with_nan_last() -> None:
    rows: dict[str, list[float | None]] = {
        "x{a=1}": [2.0],
        "x{a=2}": [math.nan],
        "x{a=3}": [None],
        "x{a=4}": [-1.0],
        "x{a=5}": [2.0],
    }
    assert order("sort(x)", rows) == ["4", "1", "5", "2"]
    assert order("sort_desc(x)", rows) == ["1", "5", "4", "2"]


def test_labels_are_sorted_as_people_would() -> None:
    names = ["b10", "9" * 5000, "b2", "", "b", "B3", "b2c", "-1", "10", "9", "é"]
    rows: dict[str, list[float | None]] = {f"x{{a={name}}}": [1.0] for name in names}
    ascending = ["", "-1", "9", "10", "9" * 5000, "B3", "b", "b2", "b2c", "b10", "é"]
    assert order('sort_by_label(x, "a")', rows, "a") == ascending
    assert order('sort_by_label_desc(x, "a")', rows, "a") == ascending[::-1]


def test_further_labels_and_then_all_of_them_decide() -> None:
    rows: dict[str, list[float | None]] = {
        "x{a=1, b=2, c=9}": [1.0],
        "x{a=2, b=1, c=9}": [1.0],
        "x{a=3, b=1, c=8}": [1.0],
        "x{a=0, b=1, c=9}": [1.0],
    }
    assert order('sort_by_label(x, "c", "b")', rows, "c", "b") == ["3", "0", "2", "1"]


@pytest.mark.parametrize("text", ["sort(x)", "sort_desc(x)", 'sort_by_label(x, "a")'])
def test_ranges_are_not_sorted(text: str) -> None:
    rows: dict[str, list[float | None]] = {"x{a=2}": [2.0, 2.0], "x{a=1}": [1.0, 1.0]}
    found = of_vector(text, vector(rows), *["a"] * ("label" in text))
    assert not found.ordered
    assert list(found.rows) == [labels("x{a=2}"), labels("x{a=1}")]


def nested(call: str, times: int) -> str:
    """A label of ten characters that each call makes eight times as long."""
    text = 'label_replace(vector(1), "a", "xxxxxxxxxx", "", "")'
    for _ in range(times):
        text = call.format(text)
    return text


@pytest.mark.parametrize(
    "call",
    [
        'label_replace({}, "a", "$1$1$1$1$1$1$1$1", "a", "(.*)")',
        'label_join({}, "a", "", "a", "a", "a", "a", "a", "a", "a", "a")',
    ],
)
def test_labels_that_would_fill_the_memory_are_refused(call: str) -> None:
    limits = Limits(max_samples=10_000)
    engine = Engine(limits, SystemClock())
    (made,) = engine.instant(nested(call, 4), 0, MemoryReader([])).vector.labels  # type: ignore[union-attr]
    assert made == (("a", "x" * 40_960),)
    with pytest.raises(QueryFailed, match="327680 characters long, and at most 65536"):
        engine.instant(nested(call, 20), 0, MemoryReader([]))
    # Several labels of one query are counted together, also where calls are nested.
    many = nested(call, 4)
    for number in range(4):
        many = f'label_replace({many}, "b{number}", "$1", "a", "(.*)")'
    with pytest.raises(QueryFailed, match="HYDRANT_QUERY_MAX_SAMPLES"):
        engine.instant(many, 0, MemoryReader([]))
