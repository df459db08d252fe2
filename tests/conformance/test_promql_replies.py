"""The comparison of replies itself: what counts as a difference."""

import math

import pytest

from tests.fixtures.promql_replies import Question, Reply, difference, worded_alike

A = (("job", "a"),)
QUESTION = Question("q", 0)


def vector(**values: float) -> Reply:
    return Reply("vector", {(("job", job),): {0: value} for job, value in values.items()})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (vector(a=1.0), vector(a=1.0 + 1e-10)),
        (vector(a=math.nan, b=math.inf), vector(b=math.inf, a=math.nan)),
        (Reply("string", {}, "x"), Reply("string", {}, "x")),
        (Reply("execution", {}, "one"), Reply("execution", {}, "other")),
        (Reply("execution", {}, "one", 422), Reply("execution", {}, "other")),
    ],
)
def test_equal_replies(one: Reply, other: Reply) -> None:
    assert difference(QUESTION, one, other) == ""


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [
        (vector(a=1.0), vector(a=1.0 + 1e-8), "at 0: 1.0, 1.00000001"),
        (vector(a=math.nan), vector(a=0.0), "nan, 0.0"),
        (vector(a=math.inf), vector(a=-math.inf), "inf, -inf"),
        (vector(a=1.0), vector(a=1.0, b=2.0), "only the other has"),
        (vector(a=1.0), vector(b=1.0), "only the one has"),
        (vector(a=1.0), Reply("matrix", {A: {0: 1.0}}), "vector"),
        (Reply("matrix", {A: {0: 1.0}}), Reply("matrix", {A: {0: 1.0, 1: 1.0}}), "times [1]"),
        (Reply("string", {}, "x"), Reply("string", {}, "y"), "'x', 'y'"),
        (vector(), Reply("execution", {}, "why"), "execution 'why'"),
        (Reply("bad_data", {}, "why"), Reply("execution", {}, "why"), "bad_data"),
        (Reply("bad_data", {}, "why", 400), Reply("bad_data", {}, "why", 422), "status 400, 422"),
    ],
)
def test_replies_that_differ(one: Reply, other: Reply, text: str) -> None:
    assert text in difference(QUESTION, one, other)


def test_the_order_counts_where_it_was_asked_for() -> None:
    one, other = vector(a=1.0, b=2.0), vector(b=2.0, a=1.0)
    assert difference(QUESTION, one, other) == ""
    assert difference(Question("sort(q)", 0, ordered=True), one, other).startswith("order ")


def test_wording() -> None:
    of_2 = Reply("bad_data", {}, 'invalid parameter "query": 1:3: parse error: unexpected "="')
    assert worded_alike(of_2, Reply("bad_data", {}, '1:4: parse error: unexpected "="'))
    assert not worded_alike(of_2, Reply("bad_data", {}, "1:3: parse error: bad number"))
