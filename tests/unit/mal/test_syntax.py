"""The grammar: what parses, what does not, and where errors point."""

import pytest

from app.errors import RuleError
from app.mal import ast, parse_chain, parse_closure, parse_expression
from app.mal.syntax import MAX_DEPTH, MAX_TEXT_CHARACTERS

PLACE = ast.Place(1, 1)


def text(node: object) -> str:
    """An AST printed with every parenthesis."""
    match node:
        case ast.Number(value):
            return f"{value:g}"
        case ast.Metric(name):
            return name
        case ast.Negate(operand):
            return f"(-{text(operand)})"
        case ast.Binary(operator, left, right):
            return f"({text(left)}{operator}{text(right)})"
        case ast.MethodCall(receiver, method, arguments):
            return f"{text(receiver)}.{method}({','.join(map(text, arguments))})"
        case ast.String(value):
            return repr(value)
        case ast.StringList(values):
            return repr(list(values))
        case ast.EnumRef(enum, name):
            return f"{enum}::{name}"
        case ast.Constant(value):
            return {True: "true", False: "false", None: "null"}[value]
        case ast.Closure(parameters, body):
            return f"{{{','.join(parameters)}->{';'.join(map(text, body))}}}"
        case ast.Evaluate(term):
            return text(term)
        case ast.Assignment(target, value):
            return f"{text(target)}={text(value)}"
        case ast.If(test, then, otherwise):
            branches = f"{';'.join(map(text, then))}|{';'.join(map(text, otherwise))}"
            return f"if({text(test)}){branches}"
        case ast.Return(value):
            return "return" if value is None else f"return {text(value)}"
        case ast.Access(variable, key):
            return variable if key is None else f"{variable}[{text(key)}]"
        case ast.Operation(operator, left, right):
            return f"({text(left)}{operator}{text(right)})"
        case ast.Not(operand):
            return f"(!{text(operand)})"
        case ast.Ternary(test, then, otherwise):
            return f"({text(test)}?{text(then)}:{text(otherwise)})"
        case ast.In(member, values):
            return f"({text(member)} in {list(values)})"
        case _:
            raise AssertionError(node)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a", "a"),
        ("a+b*c", "(a+(b*c))"),
        ("a-b-c", "((a-b)-c)"),
        ("a/b*c", "((a/b)*c)"),
        ("(a+b)*2.5", "((a+b)*2.5)"),
        ("-a+b", "((-a)+b)"),
        ("-a.sum(['x'])", "(-a.sum(['x']))"),
        ("a*-1", "(a*(-1))"),
        ("a.sum(['x','y']).max(null)", "a.sum(['x', 'y']).max(null)"),
        ("(a/b).downsampling(SUM)", "(a/b).downsampling(SUM)"),
        ("a.downsampling(DownsamplingType.MAX)", "a.downsampling(DownsamplingType::MAX)"),
        ("a.service(['h'], '::', Layer.AWS)", "a.service(['h'],'::',Layer::AWS)"),
        ("a.tagEqual(\"k\", 'v')", "a.tagEqual('k','v')"),
        (r"a.tagMatch('k', 'a\.b\\c\n')", r"a.tagMatch('k','a\\.b\\c\n')"),
        ("a // to the end\n + /* here */ b", "(a+b)"),
        ("a.tag({tags -> tags.x = 'p' + tags.y})", "a.tag({tags->tags['x']=('p'+tags['y'])})"),
        ("a.tag({tags -> tags['x'] = tags.y; })", "a.tag({tags->tags['x']=tags['y']})"),
        ("truer + nullable + inner", "((truer+nullable)+inner)"),
    ],
)
def test_expressions(source: str, expected: str) -> None:
    assert text(parse_expression(source)) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{ it.a == 'x' }", "{it->(it['a']=='x')}"),
        ("{ tags -> {tags.a} }", "{tags->tags['a']}"),
        ("{ t -> t.a && t.b || !t.c }", "{t->((t['a']&&t['b'])||(!t['c']))}"),
        ("{ t -> t.a in ['x', 'y'] }", "{t->(t['a'] in ['x', 'y'])}"),
        ("{ t -> t.a in [] }", "{t->(t['a'] in [])}"),
        ("{ t -> t.a ? 'x' : t.b ?: 'y' }", "{t->(t['a']?'x':(t['b']?:'y'))}"),
        (
            "{ t -> if (t.a == 'x') { t.b = 'y' } else if (t.c) { return t } else { t.d = null } }",
            "{t->if((t['a']=='x'))t['b']='y'|if(t['c'])return t|t['d']=null}",
        ),
        ("{ t -> t.a = 'x'\n t.b = 'y'\n return; }", "{t->t['a']='x';t['b']='y';return}"),
    ],
)
def test_closures(source: str, expected: str) -> None:
    assert text(parse_closure(source)) == expected


@pytest.mark.parametrize(
    ("source", "line", "column", "message"),
    [
        ("", 1, 1, "ends too early"),
        ("a +", 1, 4, "ends too early"),
        ("a b", 1, 3, "'b' is not expected"),
        ("a.sum([])", 1, 8, "not expected"),
        ("a +\n  * b", 2, 3, "'*' is not expected"),
        ("a # b", 1, 3, "'#' has no meaning"),
        ("a.sum(by=['x'])", 1, 9, "has no meaning|not expected"),
        ("1.5.sum(['x'])", 1, 4, "not expected"),
        ("a.tagEqual('x", 1, 12, "has no meaning"),
    ],
)
def test_errors_point_at_the_fault(source: str, line: int, column: int, message: str) -> None:
    with pytest.raises(RuleError, match=message) as caught:
        parse_expression(source)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_places_are_those_of_the_file() -> None:
    origin = ast.Place(7, 10)
    with pytest.raises(RuleError) as caught:
        parse_expression("a b", origin)
    assert (caught.value.line, caught.value.column) == (7, 12)
    chain = parse_chain("sum(['x']).max(['y'])", origin)
    call = chain(ast.Metric("m", PLACE))
    assert isinstance(call, ast.MethodCall)
    assert call.place == ast.Place(7, 21)
    assert text(call) == "m.sum(['x']).max(['y'])"


def test_a_chain_is_calls_and_nothing_else() -> None:
    with pytest.raises(RuleError, match="chain of method calls"):
        parse_chain("sum(['x']) + a")


@pytest.mark.parametrize(
    "source",
    [
        "+".join(["a"] * (MAX_DEPTH + 10)),
        "a" + ".sum(['x'])" * 2_000,
        "-" * 4_000 + "a",
        "a.tag({t -> " + "!" * 5_000 + "t})",
        "a.tag({t -> " + "if (t) {" * 500 + "}" * 500 + "})",
    ],
)
def test_deep_expressions_are_refused(source: str) -> None:
    with pytest.raises(RuleError):
        parse_expression(source)


def test_parentheses_alone_are_no_depth() -> None:
    assert text(parse_expression("(" * 5_000 + "a" + ")" * 5_000)) == "a"


def test_long_text_is_refused() -> None:
    with pytest.raises(RuleError, match="characters"):
        parse_expression("a" * (MAX_TEXT_CHARACTERS + 1))
