"""Whatever a label's value is, a variable stands for that value and for nothing else."""

from hypothesis import example, given
from hypothesis import strategies as st

from app.dashboards.placeholders import substituted
from app.promql.ast import Matcher, MatchOperator, VectorSelector
from app.promql.matching import compile_matcher
from app.promql.parsing import parse

TEXTS = st.text(max_size=12)
TELLING = st.text(alphabet="ab.*+?()[]{}|\\^$\"'`\n_é€", min_size=1, max_size=8)
VALUES = st.lists(TEXTS | TELLING, min_size=1, max_size=4, unique=True)


def matcher_of(expression: str) -> Matcher:
    tree = parse(expression)
    assert isinstance(tree, VectorSelector)
    name, matcher, rest = tree.matchers
    assert (name.value, rest.value) == ("load", "fixed")
    return matcher


def matches(matcher: Matcher, text: str) -> bool:
    return compile_matcher(matcher)(text)


@given(TEXTS | TELLING)
@example("$__interval")
@example("$x")
@example('", other=~".*')
def test_one_value_is_compared_as_it_is(value: str) -> None:
    matcher = matcher_of(substituted('load{b="$x", c="fixed"}', {"x": [value]}))
    assert matcher == Matcher("b", MatchOperator.EQUAL, value)


@given(VALUES, TEXTS | TELLING)
def test_several_values_match_themselves_alone(values: list[str], other: str) -> None:
    for operator in ("=", "=~"):
        matcher = matcher_of(substituted(f'load{{b{operator}"$x", c="fixed"}}', {"x": values}))
        for text in (*values, other):
            assert matches(matcher, text) is (text in values)


@given(st.text(alphabet="ab.+(", max_size=3), VALUES)
def test_text_around_a_variable_of_a_text_is_text(around: str, values: list[str]) -> None:
    matcher = matcher_of(substituted(f'load{{b="{around}$x", c="fixed"}}', {"x": values}))
    for value in values:
        assert matches(matcher, around + value)
        assert not matches(matcher, f"{around}{value}!") or f"{value}!" in values


@given(st.text(min_size=1, max_size=12).filter(lambda text: "\n" not in text))
def test_all_values_match_any_text(text: str) -> None:
    matcher = matcher_of(substituted('load{b=~"$x", c="fixed"}', {}))
    assert matches(matcher, text)
    assert not matches(matcher, "")
