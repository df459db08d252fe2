"""What a query's times make of an expression."""

import pytest

from app.errors import QuerySyntaxError
from app.promql.ast import MatrixSelector, Subquery, VectorSelector
from app.promql.parsing import bind, format_expression, parse

START, END, STEP = 1_000_000, 4_600_000, 60_000

BOUND = {
    "x @ start() + y @ end()": "x @ 1000.000 + y @ 4600.000",
    "sum by (a) (rate(x[step() * 2] @ end()))": "sum by (a) (rate(x[2m] @ 4600.000))",
    "topk(scalar(x @ start()), -(y offset step()))": "topk(scalar(x @ 1000.000), -(y offset 1m))",
    "(x)[range():step() / 2] offset (-step() - 1)": "(x)[1h:30s] offset -1m1s",
    "(x @ end())[5m:] @ start()": "(x @ 4600.000)[5m:] @ 1000.000",
    "x[min(1h, step()) + max_of(5, 1)]": "x[1m5s]",
    "x[range() % 7m]": "x[4m]",
    "x[2 ^ 3 ^ 2]": "x[8m32s]",
    "x[1.0005]": "x[1s]",
    "x[step()] anchored": "x[1m] anchored",
    "1 + 5m": "1 + 5m",
    '"start()"': '"start()"',
    "start() + time()": "start() + time()",
}


@pytest.mark.parametrize(("text", "bound"), BOUND.items())
def test_times_and_durations_become_numbers(text: str, bound: str) -> None:
    assert format_expression(bind(parse(text), START, END, STEP)) == bound


def test_bound_nodes_hold_integers() -> None:
    tree = bind(
        parse("(x[step()] offset step())[1h:step() * 2]".replace("x[step()]", "x")), 0, 9, 7
    )
    assert isinstance(tree, Subquery)
    assert (tree.window, tree.step) == (3_600_000, 14)
    tree = bind(parse("x[step()] @ end() offset range()"), 0, 9, 7)
    assert isinstance(tree, MatrixSelector)
    assert (tree.window, tree.selector.at, tree.selector.offset) == (7, 9, 9)


def test_step_and_range_are_zero_in_an_instant_query() -> None:
    tree = bind(parse("x offset (step() + range() + 1m)"), END, END, 0)
    assert isinstance(tree, VectorSelector)
    assert tree.offset == 60_000


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x[step()]", "duration must be greater than 0"),
        ("x[5m - 10m]", "duration must be greater than 0"),
        ("(x)[1h:step()]", "duration must be greater than 0"),
        ("x[1h / step()]", "division by zero"),
        ("x[1h % range()]", "modulo by zero"),
        ("x[10 ^ 100]", "duration out of range"),
        ("x[10 ^ 1000]", "duration out of range"),
        ("x offset ((0 - 8) ^ 0.5)", "duration out of range"),
        ("x offset (0 ^ (0 - 1))", "duration out of range"),
    ],
)
def test_durations_that_come_out_unusable_are_refused(text: str, reason: str) -> None:
    with pytest.raises(QuerySyntaxError, match=reason):
        bind(parse(text), END, END, 0)
