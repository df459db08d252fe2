"""Canonical spelling, line breaks, and that what is printed is read as the same."""

import pytest
from hypothesis import HealthCheck, given, settings

from app.promql.ast import Expression
from app.promql.parsing import format_expression, parse
from tests.unit.promql.trees import trees

CANONICAL = {
    "SUM (x) BY (a,b)": "sum by (a, b) (x)",
    "sum by () (x)": "sum(x)",
    "sum without() (x)": "sum without () (x)",
    "TopK(  3,x)by(a)": "topk by (a) (3, x)",
    'count_values("a",x)': 'count_values("a", x)',
    'sum by ("a b", without1, "without", "inf", by) (x)': 'sum by ("a b", without1, "without",'
    ' "inf", by) (x)',
    "x{}": "x",
    'x{b = "1",a=~`\\d`,}': 'x{a=~"\\\\d",b="1"}',
    '{__name__="x"}': '{__name__="x"}',
    '{"x.y", "a b"="c"}': '{"a b"="c",__name__="x.y"}',
    "x[300s]": "x[5m]",
    "x[14d]": "x[2w]",
    "x[90d]": "x[90d]",
    "x[365d]": "x[1y]",
    "x[1500ms:60s]": "x[1s500ms:1m]",
    "x[5m] offset -1h @ 5": "x[5m] @ 5.000 offset -1h",
    "x[5m:]@end()offset 60": "x[5m:] @ end() offset 1m",
    "x offset 5m anchored @ start()": "x @ start() anchored offset 5m",
    "x[5m] offset 5m smoothed": "x[5m] smoothed offset 5m",
    "x[5m+60*2]": "x[5m + 60 * 2]",
    "x[(1+2)*3m]": "x[(1 + 2) * 3m]",
    "x[(1*2)+3m]": "x[1 * 2 + 3m]",
    "x[min(step(),1)]": "x[min_of(step(), 1)]",
    "x offset -(step()^2)": "x offset -(step() ^ 2)",
    "x offset (1h-step())": "x offset (1h - step())",
    "x offset (5m)": "x offset 5m",
    "1e3": "1000",
    "0x1F": "31",
    "1e-7": "0.0000001",
    "1.50": "1.5",
    "inf": "+Inf",
    "-Inf": "-Inf",
    "nan": "NaN",
    "Inf^2": "Inf ^ 2",
    "90m": "1h30m",
    "-90s": "-1m30s",
    "'it\\'s \"x\"\\n\\x00é\\u2028'": '"it\'s \\"x\\"\\n\\x00é\\u2028"',
    "-x^2": "-x ^ 2",
    "x+on(a)group_left y": "x + on (a) group_left () y",
    "x==bool ignoring(a,)group_right(b)y": "x == bool ignoring (a) group_right (b) y",
    "x+ignoring()y": "x + y",
    "x+on()y": "x + on () y",
    "x and ignoring(a)y": "x and ignoring (a) y",
    "x+fill_left(0)fill_right(0)y": "x + fill (0) y",
    "x+fill_right(1)y": "x + fill_right (1) y",
    "(  x)": "(x)",
    "round(x ,5 )": "round(x, 5)",
    "x # comment": "x",
}


@pytest.mark.parametrize(("text", "printed"), CANONICAL.items())
def test_canonical_spelling(text: str, printed: str) -> None:
    tree = parse(text)
    assert format_expression(tree) == printed
    assert format_expression(parse(printed)) == printed


A = "a" * 60
B = "b" * 60
BROKEN = {
    f"sum by (job) (rate({A}[5m])) / sum by (job) (rate({B}[5m]))": f"""\
  sum by (job) (rate({A}[5m]))
/
  sum by (job) (rate({B}[5m]))""",
    f"({A} + on (job) group_left (team) {B}) * 2": f"""\
  (
      {A}
    + on (job) group_left (team)
      {B}
  )
*
  2""",
    f'label_replace(rate({A}{{a="b"}}[5m]), "foo", "$1", "service", "(.*):.*")': f"""\
label_replace(
  rate({A}{{a="b"}}[5m]),
  "foo",
  "$1",
  "service",
  "(.*):.*"
)""",
    f"topk by (job) (5, rate({A}[5m]) > {B})": f"""\
topk by (job) (
  5,
    rate({A}[5m])
  >
    {B}
)""",
    f"-({A} == bool {B})": f"""\
-(
    {A}
  == bool
    {B}
)""",
    f"max_over_time(({A} + {B})[1h:5m] @ end() offset 5m)": f"""\
max_over_time(
  (
      {A}
    +
      {B}
  )[1h:5m] @ end() offset 5m
)""",
    f"{A}{B}[5m]": f"{A}{B}[5m]",
}


@pytest.mark.parametrize(("text", "printed"), BROKEN.items())
def test_what_is_longer_than_a_line_is_broken(text: str, printed: str) -> None:
    assert format_expression(parse(text)) == printed
    assert format_expression(parse(printed)) == printed


def test_a_hundred_characters_are_one_line() -> None:
    text = f"abs({'x' * 95})"
    assert len(text) == 100
    assert format_expression(parse(text)) == text
    assert format_expression(parse(f"abs({'x' * 96})")) == f"abs(\n  {'x' * 96}\n)"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(trees(depth=2))
def test_what_is_printed_is_read_as_the_same_tree(tree: Expression) -> None:
    assert parse(format_expression(tree)) == tree
