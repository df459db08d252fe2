"""Whatever the text and whatever the labels, nothing but an error of ours comes out."""

import contextlib
import string
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import RuleError
from app.mal import ast, parse_chain, parse_closure, parse_expression
from app.mal.closures import (
    ClosureError,
    element_mapping,
    label_filter,
    label_mapping,
    property_extractor,
)
from app.mal.names import parts
from app.mal.places import places_in

EXPRESSIONS = [
    (
        "amazonaws_com_AWS_DynamoDB_ConsumedReadCapacityUnits_sum"
        ".tagEqual('IndexName', '', 'Source', '').sum(['host_name']).downsampling(SUM)"
    ),
    "(a.sum(['x']) + b / 60).safeDiv(c.tagMatch('k', /a|b\\d/)).service(['h'], '::', Layer.AWS_S3)",
    "count(m, ['a', 'b']) - time() * -m.irate().histogram_percentile([50,75,99])",
    (
        "m.forEach(['client', 'server'], { prefix, tags ->\n"
        "  if (tags[prefix + '_id'] != null) { return }\n"
        "  String p = tags[prefix + '_a']; if (p == null) { p = ProcessRegistry"
        ".generateVirtualLocalProcess(tags.service, tags.instance) } else if (!p) { return; }\n"
        "  tags[prefix + '_id'] = p })"
    ),
    (
        "m.instance(['s'], '::', ['i'], '', Layer.K, {tags -> ['pod': tags.pod?.trim(), 'x': -1]})"
        ".decorate({me -> me.attr0 = me.layer.name()}).ns::ext('x', 1, true, null)"
    ),
]
CLOSURES = [
    "{ tags -> tags.Namespace == 'AWS/DynamoDB' && (tags.a || !tags.b) && tags.c in ['d', \"e\"] }",
    "{ t -> t.n = t.a ? 'p::' + t.b + '${t.c}' : t.a?.trim() ?: 'none' }",
    (
        "{ t -> String[] x = t.a.split('/', -1); def m = t.b =~ /(\\d+)-(.*)/\n"
        " t.c = m ? m[0][1] : x[0] + x.length; t.remove('d') }"
    ),
    (
        "{ t -> if (t.a > 1) { t.b = t.c.substring(1, 2) } else if (t.a != null) { return t }"
        " else { t.b = t.c.replaceAll('(a)', '$1$1') } }"
    ),
    "{ t -> ['k': t.a.length() * 2 - 1 / t.b.size(), 'l': t.c.charAt(0)] }",
    "{ a, b -> b[a] = a >= b.a ? 1 : 1.5 }",
]
PIECES = [
    *"(){}[],;.+-*/=!<>?:'\"\\$~&|", "->", "?.", "?:", "==", "=~", "::", "&&", "||", "//", "/*",
    "*/", "if", "else", "return", "in", "def", "null", "true", "t", "m", "a", " ", "\n", "1", "1.5",
    "${t.a}", "'x'", "/a/", "sum(['x'])", "{t -> ", "['k': ", "String x = ", "é", "\x00",
]  # fmt: skip


@st.composite
def mutations(draw: st.DrawFn, texts: list[str]) -> str:
    """A valid text with a few pieces taken out, put in, or doubled."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 6)))
        piece = draw(st.sampled_from([*PIECES, text[start:end] * 2]))
        text = text[:start] + piece + text[end:]
    return text


ANY_TEXT = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
    st.text(alphabet=string.printable, max_size=60),
)
LABELS = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d", "pod", "Namespace"]),
    st.one_of(st.text(max_size=12), st.sampled_from(["", "12-x", "a/b/c", "AWS/DynamoDB", "aaa"])),
)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_the_expressions_are_valid(text: str) -> None:
    parse_expression(text)


@settings(max_examples=400, deadline=None)
@given(st.one_of(mutations(EXPRESSIONS), ANY_TEXT))
def test_parsing_raises_nothing_but_rule_errors(text: str) -> None:
    for parse in (parse_expression, parse_chain, parse_closure):
        with contextlib.suppress(RuleError):
            parse(text)


@settings(max_examples=200, deadline=None)
@given(st.one_of(mutations(EXPRESSIONS), ANY_TEXT))
def test_errors_stand_inside_their_text(text: str) -> None:
    for error in rule_errors(text):
        lines = [*text.split("\n"), ""]
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1


def rule_errors(text: str) -> Iterator[RuleError]:
    try:
        parse_expression(text)
    except RuleError as error:
        yield error


def runs_of(closure: ast.Closure) -> Iterator[object]:
    for make in (label_filter, label_mapping, property_extractor):
        with contextlib.suppress(RuleError):
            yield make(closure)
    with contextlib.suppress(RuleError):
        yield element_mapping(closure, ["a", "x"])


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.sampled_from(CLOSURES), mutations(CLOSURES)), LABELS)
def test_closures_raise_nothing_but_closure_errors(text: str, labels: dict[str, str]) -> None:
    try:
        closure = parse_closure(text)
    except RuleError:
        return
    before = dict(labels)
    for run in runs_of(closure):
        assert callable(run)
        with contextlib.suppress(ClosureError):
            result = run(labels)
            assert isinstance(result, bool | dict)
            if isinstance(result, dict):
                assert {type(value) for value in result.values()} <= {str}
    assert labels == before


def text_at(text: str, place: ast.Place) -> str:
    return "\n".join(text.split("\n")[place.line - 1 :])[place.column - 1 :]


def begins_with(node: object) -> tuple[str, ...]:
    """What stands in the text at the place of a node."""
    match node:
        case ast.Metric(name) | ast.Variable(name) | ast.FunctionCall(name):
            return (name, "'", '"')
        case ast.MethodCall(_, method) | ast.Call(_, method):
            return (method, "'", '"')
        case ast.Field(_, name):
            return (name, "'", '"')
        case ast.EnumRef(enum):
            return (enum,)
        case ast.Binary(operator) | ast.Operation(operator):
            return (operator, "'", '"')
        case ast.Number() | ast.NumberList():
            return tuple(string.digits)
        case ast.String() | ast.StringList() | ast.MapLiteral():
            return ("'", '"', "/")
        case ast.Literal(bool() | None as value):
            return ({True: "true", False: "false", None: "null"}[value],)
        case ast.Literal(int() | float()):
            return tuple(string.digits)
        case ast.Literal(str(value)):
            return ("'", '"', "/", value)
        case ast.Constant():
            return ("true", "false", "null")
        case ast.Negate() | ast.Minus():
            return ("-",)
        case ast.Not():
            return ("!",)
        case ast.In():
            return ("in",)
        case ast.Match():
            return ("=~",)
        case ast.Ternary():
            return ("?",)
        case ast.Closure():
            return ("{",)
        case ast.Assignment(name) | ast.Declaration(name):
            return (name,)
        case ast.If():
            return ("if",)
        case ast.Return():
            return ("return",)
        case ast.Evaluate(term):
            return begins_with(term)
        case _:
            return ("",)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.sampled_from(EXPRESSIONS), mutations(EXPRESSIONS)))
def test_places_point_at_their_text(text: str) -> None:
    try:
        expression = parse_expression(text)
    except RuleError:
        return
    for node in parts(expression):
        place = getattr(node, "place", None)
        assert isinstance(place, ast.Place)
        # An index stands where what it is taken of begins; that may be anything.
        if not isinstance(node, ast.Index):
            assert text_at(text, place).startswith(begins_with(node)), node


@given(st.text(alphabet="ab\n", max_size=30), st.data())
def test_places_count_lines_and_columns(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, max(len(text) - 1, 0)))
    assert text_at(text, places_in(text)(offset)) == text[offset:]
