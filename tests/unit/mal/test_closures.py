"""Closures over labels, table by table."""

import pytest

from app.errors import RuleError
from app.mal import parse_closure
from app.mal.closures import ClosureError, label_filter, label_mapping

LABELS = {"a": "x", "b": "y", "empty": ""}


@pytest.mark.parametrize(
    ("closure", "passes"),
    [
        ("{ t -> t.a == 'x' }", True),
        ("{ t -> t.a != 'x' }", False),
        ("{ t -> t.missing == null }", True),
        ("{ t -> t.missing }", False),
        ("{ t -> t.empty }", False),
        ("{ t -> !t.empty && t.a }", True),
        ("{ t -> t.a == 'z' || t.b == 'y' }", True),
        ("{ t -> t.a in ['z', 'x'] }", True),
        ("{ t -> t.missing in ['z'] }", False),
        ("{ t -> {t.a == 'x' && (t.b == 'q' || t.b == 'y')} }", True),
        ("{ t -> t['a'] == 'x' }", True),
        ("{ it.a == 'x' }", True),
        ("{ t -> true }", True),
        ("{ t -> if (t.a == 'x') { return false } return true }", False),
        ("{ t -> t.a = 'changed' }", False),
        ("{ t -> }", False),
    ],
)
def test_filters(closure: str, passes: bool) -> None:
    assert label_filter(parse_closure(closure))(LABELS) is passes


@pytest.mark.parametrize(
    ("closure", "changed"),
    [
        ("{ t -> t.n = 'p::' + t.a }", {"n": "p::x"}),
        ("{ t -> t.n = 'p::' + t.missing }", {"n": "p::null"}),
        ("{ t -> t.n = t.a ? 'yes' : 'no' }", {"n": "yes"}),
        # A ternary tests for null only: an empty string takes the first branch.
        ("{ t -> t.n = t.empty ? 'yes' : 'no' }", {"n": "yes"}),
        ("{ t -> t.n = t.missing ? 'yes' : 'no' }", {"n": "no"}),
        ("{ t -> t.n = t.empty ?: 'fallback' }", {"n": "fallback"}),
        ("{ t -> t.n = t.a ?: 'fallback' }", {"n": "x"}),
        ("{ t -> if (t.a == 'x') { t.n = '1' } else { t.n = '2' } }", {"n": "1"}),
        ("{ t -> if (t.a == 'q') { t.n = '1' } else if (t.b == 'y') { t.n = '2' } }", {"n": "2"}),
        ("{ t -> t.n = 1 + 2 }", {"n": "3"}),
        ("{ t -> t['a b'] = 'c' }", {"a b": "c"}),
        ("{ t -> t.n = 'a'; t.n = t.n + 'b'; return t }", {"n": "ab"}),
        ("{ t -> t.n = t.a == 'x' }", {"n": "true"}),
    ],
)
def test_mappings(closure: str, changed: dict[str, str]) -> None:
    before = dict(LABELS)
    assert label_mapping(parse_closure(closure))(LABELS) == {**LABELS, **changed}
    assert before == LABELS


@pytest.mark.parametrize(
    ("closure", "message"),
    [
        ("{ t -> t.n = t.missing }", "would become null"),
        ("{ t -> t.n = u.a }", "u is not defined"),
        ("{ t -> u.n = 'x' }", "u is not defined"),
        ("{ t -> if (t.a) { t.n = !u.a ? 'x' : t['b'] } }", "u is not defined"),
        ("{ t -> t.n = 'a${t b}' }", "is not understood"),
        ("{ t -> u = 'x'\n u.n = 'y' }", "u is a text; it holds no labels"),
        ("{ t -> t.n = t.a.b }", "read from a text"),
        ("{ t -> return 'x' }", "gives back the labels"),
    ],
)
def test_faults(closure: str, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        label_mapping(parse_closure(closure))(LABELS)


def test_a_fault_says_where() -> None:
    with pytest.raises(ClosureError) as caught:
        label_mapping(parse_closure("{ t ->\n  t.n = t.missing }"))(LABELS)
    assert (caught.value.line, caught.value.column) == (2, 3)


def test_one_parameter_is_taken() -> None:
    with pytest.raises(RuleError, match="one parameter"):
        label_mapping(parse_closure("{ a, b -> a.x = 'y' }"))
