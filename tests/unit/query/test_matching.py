"""Names that people search by, and labels."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidParameter
from app.query.matching import has_labels, matches_name, name_value_pairs


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("", "orders", True),
        ("der", "orders", True),
        ("ORD", "Orders", True),
        ("x", "orders", False),
        ("or*", "orders", True),
        ("or*", "the-orders", False),
        ("*s", "orders", True),
        ("*", "", True),
        ("?", "", False),
        ("order?", "orders", True),
        ("order?", "order", False),
        ("o*d*s", "orders", True),
        ("o*d*x", "orders", False),
        ("*a*ab", "aaab", True),
        ("[o]rders*", "orders", False),
        ("[o]*", "[o]rders", True),
        ("a.c*", "abc", False),
    ],
)
def test_patterns(pattern: str, name: str, expected: bool) -> None:
    assert matches_name(pattern, name) is expected


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=10))
def test_patterns_are_what_a_regular_expression_makes_of_them(pattern: str, name: str) -> None:
    if "*" in pattern or "?" in pattern:
        expression = pattern.replace("*", ".*").replace("?", ".")
        assert matches_name(pattern, name) == bool(re.fullmatch(expression, name))
    else:
        assert matches_name(pattern, name) == (pattern in name)


def test_many_stars_take_no_exponential_time() -> None:
    before = time.process_time()
    assert not matches_name("*a" * 100 + "b", "a" * 4_000)
    assert time.process_time() - before < 30


def test_labels() -> None:
    pairs = name_value_pairs("label", ["Operation:Query", "a:b:c", "x:"])
    assert pairs == (("Operation", "Query"), ("a", "b:c"), ("x", ""))
    assert has_labels({"Operation": "Query", "a": "b:c", "more": "1"}, pairs)
    assert not has_labels({"Operation": "Query", "a": "b:c", "x": "1"}, pairs)
    assert not has_labels({}, pairs[:1])
    for wrong in ("", ":x", "name"):
        with pytest.raises(InvalidParameter, match="Name:Value"):
            name_value_pairs("label", [wrong])
