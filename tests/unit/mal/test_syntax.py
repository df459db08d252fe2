"""The grammar: what parses, what does not, and where errors point."""

import contextlib

import pytest

from app.errors import RuleError
from app.mal import ast, parse_chain, parse_closure, parse_expression
from app.mal.closures import ClosureError, label_mapping
from app.mal.places import MAX_DEPTH
from app.mal.syntax import MAX_TEXT_CHARACTERS
from app.mal.terms import MAX_OPERATORS

PLACE = ast.Place(1, 1)


def text(node: object) -> str:
    """An AST printed with every parenthesis."""
    match node:
        case ast.Number(value):
            return f"{value:g}"
        case ast.Metric(name) | ast.Variable(name):
            return name
        case ast.Negate(operand) | ast.Minus(operand):
            return f"(-{text(operand)})"
        case ast.Binary(operator, left, right) | ast.Operation(operator, left, right):
            return f"({text(left)}{operator}{text(right)})"
        case ast.MethodCall(receiver, method, arguments, _, namespace):
            name = f"{namespace}::{method}" if namespace else method
            return f"{text(receiver)}.{name}({','.join(map(text, arguments))})"
        case ast.FunctionCall(name, arguments):
            return f"{name}({','.join(map(text, arguments))})"
        case ast.String(value):
            return repr(value)
        case ast.StringList(values):
            return repr(list(values))
        case ast.NumberList(values):
            return f"[{','.join(f'{value:g}' for value in values)}]"
        case ast.EnumRef(enum, name):
            return f"{enum}::{name}"
        case ast.Constant(value):
            return {True: "true", False: "false", None: "null"}[value]
        case ast.Closure(parameters, body):
            return f"{{{','.join(parameters)}->{';'.join(map(text, body))}}}"
        case _:
            return text_of_closure_part(node)


def text_of_closure_part(node: object) -> str:
    match node:
        case ast.Evaluate(term):
            return text(term)
        case ast.Declaration(name, value):
            return f"def {name}={text(value)}"
        case ast.Assignment(variable, key, value):
            target = variable if key is None else f"{variable}[{text(key)}]"
            return f"{target}={text(value)}"
        case ast.If(test, then, otherwise):
            branches = f"{';'.join(map(text, then))}|{';'.join(map(text, otherwise))}"
            return f"if({text(test)}){branches}"
        case ast.Return(value):
            return "return" if value is None else f"return {text(value)}"
        case ast.Literal(value):
            return repr(value)
        case ast.Field(owner, name, safe):
            return f"{text(owner)}{'?' * safe}.{name}"
        case ast.Index(owner, key):
            return f"{text(owner)}[{text(key)}]"
        case ast.Call(owner, method, arguments, safe):
            return f"{text(owner)}{'?' * safe}.{method}({','.join(map(text, arguments))})"
        case ast.MapLiteral(entries):
            return f"[{','.join(f'{key}:{text(value)}' for key, value in entries)}]"
        case ast.Match(subject, pattern):
            return f"({text(subject)}=~/{pattern}/)"
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
        ("_a9", "_a9"),
        ("a+b*c", "(a+(b*c))"),
        ("a-b-c", "((a-b)-c)"),
        ("a/b*c", "((a/b)*c)"),
        ("(a+b)*2.5", "((a+b)*2.5)"),
        ("-a+b", "((-a)+b)"),
        ("--a", "(-(-a))"),
        ("-a.sum(['x'])", "(-a.sum(['x']))"),
        ("a*-1", "(a*(-1))"),
        ("m * -(1 + 2)", "(m*(-(1+2)))"),
        ("a.sum(['x','y']).max(null)", "a.sum(['x', 'y']).max(null)"),
        ("a.irate()", "a.irate()"),
        ("(a/b).downsampling(SUM)", "(a/b).downsampling(SUM)"),
        ("a.downsampling(DownsamplingType.MAX)", "a.downsampling(DownsamplingType::MAX)"),
        ("a.service(['h'], '::', Layer.AWS)", "a.service(['h'],'::',Layer::AWS)"),
        ("a.tagEqual(\"k\", 'v')", "a.tagEqual('k','v')"),
        ("a.histogram_percentile([50,75.5])", "a.histogram_percentile([50,75.5])"),
        ("a.histogram_percentile(([50]))", "a.histogram_percentile([50])"),
        ("a.sum((( ['x'] )))", "a.sum(['x'])"),
        ("a.safeDiv(b.sum(['x']))", "a.safeDiv(b.sum(['x']))"),
        ("a.safeDiv(b + c * 2)", "a.safeDiv((b+(c*2)))"),
        ("a.valueEqual(-1)", "a.valueEqual((-1))"),
        ("a.f(true, false, null)", "a.f(true,false,null)"),
        ("count(m, ['x'])", "count(m,['x'])"),
        ("time() - m", "(time()-m)"),
        ("m.ns::f('x', 2).g()", "m.ns::f('x',2).g()"),
        ("a // to the end\n + /* here */ b", "(a+b)"),
        ("a.f(// no pattern\n'x')", "a.f('x')"),
        ("a.f(/* no pattern */ 'x')", "a.f('x')"),
        ("a.tag({tags -> tags.x = 'p' + tags.y})", "a.tag({tags->tags['x']=('p'+tags.y)})"),
        ("a.forEach(['x'], {e, t -> t[e] = e})", "a.forEach(['x'],{e,t->t[e]=e})"),
        ("truer + nullable + inner + iffy", "(((truer+nullable)+inner)+iffy)"),
    ],
)
def test_expressions(source: str, expected: str) -> None:
    assert text(parse_expression(source)) == expected


@pytest.mark.parametrize(
    ("source", "value"),
    [
        (r"'a\nb'", "a\nb"),
        (r"'a\rb\tc'", "a\rb\tc"),
        (r"'\\ \' \"'", "\\ ' \""),
        (r'"it\'s"', "it's"),
        ("'\"'", '"'),
        # Any other escape stays as the two characters, so that patterns survive.
        (r"'\d\b\f\101\.'", r"\d\b\f\101\."),
        (r"/a\.b\/c'\d/", r"a\.b\/c'\d"),
        ("/ a /", " a "),
    ],
)
def test_texts_and_patterns(source: str, value: str) -> None:
    call = parse_expression(f"m.tagMatch('k', {source})")
    assert isinstance(call, ast.MethodCall)
    argument = call.arguments[1]
    assert isinstance(argument, ast.String)
    assert argument.value == value


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("m / 60 / n", "((m/60)/n)"),
        ("(a) / b / c", "((a/b)/c)"),
        ("a.f(b / c / d)", "a.f(((b/c)/d))"),
        ("a.f((b) / c, /x/) / d", "(a.f((b/c),'x')/d)"),
    ],
)
def test_a_division_is_no_pattern(source: str, expected: str) -> None:
    assert text(parse_expression(source)) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{ it.a == 'x' }", "{it->(it.a=='x')}"),
        ("{ tags -> {tags.a} }", "{tags->tags.a}"),
        ("{ tags -> }", "{tags->}"),
        ("{ t -> t.a && t.b || !t.c }", "{t->((t.a&&t.b)||(!t.c))}"),
        ("{ t -> !t.a == 'x' }", "{t->(!(t.a=='x'))}"),
        ("{ t -> (t.a || t.b) && t.c }", "{t->((t.a||t.b)&&t.c)}"),
        ("{ t -> t.a in ['x', 'y'] }", "{t->(t.a in ['x', 'y'])}"),
        ("{ t -> t.a in [] }", "{t->(t.a in [])}"),
        ("{ t -> t.a >= 1 && t.b <= 2 || t.c > 3 }", "{t->(((t.a>=1)&&(t.b<=2))||(t.c>3))}"),
        # Of + - * / each has a level of its own, as in SkyWalking.
        ("{ x = a / b * c }", "{it->x=(a/(b*c))}"),
        ("{ x = a - b + c }", "{it->x=(a-(b+c))}"),
        ("{ x = a + b / c - d * e }", "{it->x=((a+(b/c))-(d*e))}"),
        ("{ x = -a * -b }", "{it->x=((-a)*(-b))}"),
        ("{ x = a ?: b ?: c }", "{it->x=((a?:b)?:c)}"),
        ("{ x = a ?: b == c }", "{it->x=((a?:b)==c)}"),
        ("{ x = a == b ? c : d }", "{it->x=((a==b)?c:d)}"),
        ("{ x = a >= 1 ? 'b' : 'c' }", "{it->x=((a>=1)?'b':'c')}"),
        ("{ x = a ?: b == c ? d : e }", "{it->x=(a?:((b==c)?d:e))}"),
        ("{ x = a ? b : c ?: d }", "{it->x=((a?b:c)?:d)}"),
        ("{ x = a ? b : c ? d : e }", "{it->x=(a?b:(c?d:e))}"),
        ("{ x = a ? b ? c : d : e }", "{it->x=(a?(b?c:d):e)}"),
        ("{ x = a + b =~ /c.d/ ? e : f }", "{it->x=(((a+b)=~/c.d/)?e:f)}"),
        ("{ x = (a + b) * c }", "{it->x=((a+b)*c)}"),
        ("{ x = t.a?.b.c()?.d(1, 'e')[f].[0] }", "{it->x=t.a?.b.c()?.d(1,'e')[f][0]}"),
        ("{ x = 'a'.trim() + (b + c).size() }", "{it->x=('a'.trim()+(b+c).size())}"),
        ("{ x = t.a.split(/,/) }", "{it->x=t.a.split(',')}"),
        ("{ ['k': t.a, \"l\": -1] }", "{it->[k:t.a,l:(-1)]}"),
        ("{ x = 'a${t.b}c${d.e()}' }", "{it->x=((('a'+t.b)+'c')+d.e())}"),
        ('{ x = "${t.b?.c}" }', "{it->x=(''+t.b?.c)}"),
        ("{ x = '$a {b} ${}' + 1 }", None),
        ("{ x = true\n y = null\n z = 1.50 }", "{it->x=True;y=None;z=1.5}"),
        (
            "{ def a = 1; String b = c; String[] d = e; String [ ] f = g }",
            "{it->def a=1;def b=c;def d=e;def f=g}",
        ),
        ("{ t.a.b.c = 'x'\n t.a['k'] = 'y' }", "{it->t['c']='x';t['k']='y'}"),
        ("{ t?.a = 'x' }", "{it->t['a']='x'}"),
        ("{ x = a\n b = c\n String d = e }", "{it->x=a;b=c;def d=e}"),
        ("{ t.remove('k')\n return t }", "{it->t.remove('k');return t}"),
        (
            "{ t -> if (t.a == 'x') { t.b = 'y' } else if (t.c) { return t } else { t.d = null } }",
            "{t->if((t.a=='x'))t['b']='y'|if(t.c)return t|t['d']=None}",
        ),
        ("{ if (a) { return } return; }", "{it->if(a)return|;return}"),
    ],
)
def test_closures(source: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(RuleError, match="is not understood"):
            parse_closure(source)
    else:
        assert text(parse_closure(source)) == expected


@pytest.mark.parametrize(
    ("source", "line", "column", "message"),
    [
        ("", 1, 1, "ends too early"),
        ("a +", 1, 4, "ends too early"),
        ("a +  \n ", 1, 4, "ends too early"),
        ("a b", 1, 3, "'b' is not expected"),
        ("a.sum([])", 1, 8, "not expected"),
        ("a +\n  * b", 2, 3, "'\\*' is not expected"),
        ("a # b", 1, 3, "'#' has no meaning"),
        ("a.sum(by=['x'])", 1, 9, "not expected"),
        ("a.histogram(le: 'x')", 1, 15, "not expected"),
        ("1.5.sum(['x'])", 1, 4, "not expected"),
        ("a.tagEqual('x", 1, 12, "has no end on its line"),
        ("a.tagEqual('x\n')", 1, 12, "has no end on its line"),
        ("def + 1", 1, 1, "'def' is not expected"),
        ("a.in(['x'])", 1, 3, "'in' is not expected"),
        ("a.tag({t -> t.if = 'x'})", 1, 15, "'if' is not expected"),
        ("a.sum", 1, 1, "arguments stand in"),
        ("a.b + c", 1, 1, "arguments stand in"),
        ("a.f('x').b", 1, 10, "arguments stand in"),
        (".5", 1, 1, "not expected"),
        ("1e5", 1, 2, "not expected"),
        ("9a", 1, 2, "not expected"),
        ("a.f(['x', 1])", 1, 11, "not expected"),
        ("a.f({t -> t.a ? 'x'})", 1, 15, "'\\?' has no ':'"),
        ("a.f({t -> t.a : 'x'})", 1, 15, "':' is not expected"),
        ("a.f({t -> 'x' = t})", 1, 11, "can be assigned"),
        ("a.f({t -> t.a() = t})", 1, 13, "can be assigned"),
        ("a.f({t -> [1, 2]})", 1, 12, "not expected"),
        ("a.f({t -> {u -> u}})", 1, 15, "not expected"),
        ("m * " + "9" * 400, 1, 5, "digits"),
    ],
)
def test_errors_point_at_the_fault(source: str, line: int, column: int, message: str) -> None:
    with pytest.raises(RuleError, match=message) as caught:
        parse_expression(source)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_places_are_those_of_the_file() -> None:
    def locate(offset: int) -> ast.Place:
        return ast.Place(7, 10 + offset)

    with pytest.raises(RuleError) as caught:
        parse_expression("a b", locate)
    assert (caught.value.line, caught.value.column) == (7, 12)
    chain = parse_chain("sum(['x']).max(['y'])", locate)
    assert len(chain) == 2
    call = chain(ast.Metric("m", PLACE))
    assert isinstance(call, ast.MethodCall)
    assert call.place == ast.Place(7, 21)
    assert text(call) == "m.sum(['x']).max(['y'])"


@pytest.mark.parametrize("source", ["sum(['x']) + a", "sum", "", ".sum(['x'])", "a.sum(['x'])"])
def test_a_chain_is_calls_and_nothing_else(source: str) -> None:
    with pytest.raises(RuleError, match=r"not expected|too early"):
        parse_chain(source)


@pytest.mark.parametrize(
    "source",
    [
        "+".join(["a"] * (MAX_DEPTH + 10)),
        "a" + ".sum(['x'])" * 2_000,
        "-" * 4_000 + "a",
        "a.f(" * 3_000 + "b" + ")" * 3_000,
        "a.tag({t -> " + "!" * 5_000 + "t})",
        "a.tag({t -> " + "-" * 5_000 + "t})",
        "a.tag({t -> " + "if (t) {" * 500 + "}" * 500 + "})",
        "a.tag({t -> if (t) {}" + " else if (t) {}" * 1_000 + "})",
        "a.tag({t -> t.x = " + "+".join(["t"] * 1_000) + "})",
        "a.tag({t -> t.x = " + "(t+" * 1_000 + "t" + ")" * 1_000 + "})",
        "a.tag({t -> t.x = " + "t ? " * 1_000 + "t" + ": t" * 1_000 + "})",
        "a.tag({t -> t.x = " + "t ? t : " * 1_000 + "t})",
        "a.tag({t -> t.x = t" + "[t" * 1_000 + "]" * 1_000 + "})",
        "a.tag({t -> t.x = t" + ".a" * 1_000 + "})",
        "a.tag({t -> t.x = '${t" + ".a" * 1_000 + "}'})",
        "a.tag({t -> t.x = '" + "${t.a}" * 1_000 + "'})",
        "a.tag({t -> t.x = " + "['k':" * 1_000 + "t" + "]" * 1_000 + "})",
        "a.f(" + ",".join(["b"] * 25_000) + ")",
        "(" * 30_000,
        "a.f(" + "[" * 30_000,
        "{" * 30_000,
    ],
)
def test_deep_and_large_expressions_are_refused(source: str) -> None:
    with pytest.raises(RuleError):
        parse_expression(source)


def test_the_deepest_that_is_read_can_be_walked() -> None:
    operators = MAX_OPERATORS // 2
    for source in (
        "a.tag({t -> t.x = " + "t ? " * operators + "t" + ": t" * operators + "})",
        "a.tag({t -> t.x = " + "t ? t : " * operators + "t})",
        "a.tag({t -> t.x = " + "(t+" * (MAX_DEPTH - 10) + "t" + ")" * (MAX_DEPTH - 10) + "})",
        "a.tag({t -> " + "if (t) {" * (MAX_DEPTH - 10) + "}" * (MAX_DEPTH - 10) + "})",
    ):
        call = parse_expression(source)
        assert isinstance(call, ast.MethodCall)
        closure = call.arguments[0]
        assert isinstance(closure, ast.Closure)
        with contextlib.suppress(ClosureError):
            label_mapping(closure)({"a": "b"})


def test_parentheses_alone_are_no_depth() -> None:
    assert text(parse_expression("(" * 5_000 + "a" + ")" * 5_000)) == "a"


def test_long_text_is_refused() -> None:
    with pytest.raises(RuleError, match="characters"):
        parse_expression("a" * (MAX_TEXT_CHARACTERS + 1))
