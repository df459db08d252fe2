"""Texts and their trees."""

import pytest

from app.promql.ast import (
    Aggregation,
    Binary,
    Call,
    DurationExpression,
    Expression,
    Matcher,
    Matching,
    MatchOperator,
    MatrixSelector,
    NumberLiteral,
    Paren,
    StringLiteral,
    Subquery,
    Unary,
    VectorSelector,
)
from app.promql.parsing import parse
from app.promql.parsing.parser import MAX_DEPTH

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def matcher(name: str, operator: str, value: str) -> Matcher:
    return Matcher(name, MatchOperator(operator), value)


def named(name: str, *matchers: Matcher) -> VectorSelector:
    return VectorSelector((matcher("__name__", "=", name), *matchers), name)


def moved(offset: int | DurationExpression = 0, at: object = None) -> VectorSelector:
    return VectorSelector((matcher("__name__", "=", "x"),), "x", offset, at)  # type: ignore[arg-type]


def number(value: float) -> NumberLiteral:
    return NumberLiteral(value)


def seconds(value: float) -> DurationExpression:
    return DurationExpression("number", value=value)


def minutes(value: float) -> DurationExpression:
    return DurationExpression("number", value=value * 60, is_duration=True)


def calculated(operator: str, *operands: DurationExpression) -> DurationExpression:
    return DurationExpression(operator, operands)


X, Y, Z = named("x"), named("y"), named("z")
STEP, RANGE = DurationExpression("step"), DurationExpression("range")


def joined(operator: str, **how: object) -> Binary:
    return Binary(operator, X, Y, matching=Matching(**how))  # type: ignore[arg-type]


NUMBERS = {
    "1": 1.0,
    "1.5": 1.5,
    ".5": 0.5,
    "5.": 5.0,
    "1e3": 1000.0,
    "1E-3": 0.001,
    "1.e+2": 100.0,
    "0x1F": 31.0,
    "0XaB": 171.0,
    "0x_1e": 30.0,
    "0755": 493.0,
    "00": 0.0,
    "089": 89.0,
    "0.5": 0.5,
    "09.5": 9.5,
    "1_000": 1000.0,
    "00_1_23_4.56_7_8": 1234.5678,
    "inf": float("inf"),
    "InF": float("inf"),
    "-Inf": float("-inf"),
    "+1": 1.0,
    "- 1": -1.0,
    "--1": 1.0,
    "123456789012345678901234567890": 123456789012345678901234567890.0,
    "0777777777777777777777777": 777777777777777777777777.0,
}


@pytest.mark.parametrize(("text", "value"), NUMBERS.items())
def test_numbers(text: str, value: float) -> None:
    assert parse(text) == number(value)


def test_nan_in_any_case() -> None:
    for text in ("NaN", "nan", "NAN"):
        expression = parse(text)
        assert isinstance(expression, NumberLiteral)
        assert expression.value != expression.value


def test_durations_are_numbers_of_seconds() -> None:
    assert parse("5m") == NumberLiteral(300.0, is_duration=True)
    assert parse("-1h30m15s500ms") == NumberLiteral(-5415.5, is_duration=True)
    assert parse("1y2w3d") == NumberLiteral(86400.0 * (365 + 14 + 3), is_duration=True)
    assert parse("0s") == NumberLiteral(0.0, is_duration=True)


STRINGS = {
    '"a"': "a",
    "'a'": "a",
    "`a`": "a",
    '""': "",
    '"a\'b"': "a'b",
    "'a\"b'": 'a"b',
    r"'it\'s'": "it's",
    r'"\a\b\f\n\r\t\v\\\""': '\a\b\f\n\r\t\v\\"',
    r'"\x41\101\u00e9\U0001F600"': "AAé😀",
    r'"\xc3\xa9"': "é",
    r'"\xff"': "\ufffd",
    r"`\n`": r"\n",
    "`a\nb`": "a\nb",
    '"日本"': "日本",
    '"# no comment"': "# no comment",
}


@pytest.mark.parametrize(("text", "value"), STRINGS.items())
def test_strings(text: str, value: str) -> None:
    assert parse(text) == StringLiteral(value)


SELECTORS: dict[str, Expression] = {
    "x": X,
    "a:b:c": named("a:b:c"),
    ":a": named(":a"),
    "_a1": named("_a1"),
    "x{}": X,
    'x{a="b",c!="d",e=~"f",g!~"h",}': named(
        "x",
        matcher("a", "=", "b"),
        matcher("c", "!=", "d"),
        matcher("e", "=~", "f"),
        matcher("g", "!~", "h"),
    ),
    'x{and="b",offset="c",Inf="d"}': named(
        "x", matcher("and", "=", "b"), matcher("offset", "=", "c"), matcher("Inf", "=", "d")
    ),
    'x{"a b"=\'c\', "ü" != `d`}': named("x", matcher("a b", "=", "c"), matcher("ü", "!=", "d")),
    '{"x"}': VectorSelector((matcher("__name__", "=", "x"),)),
    '{a="b", "x.y"}': VectorSelector((matcher("a", "=", "b"), matcher("__name__", "=", "x.y"))),
    '{__name__=~"x.+"}': VectorSelector((matcher("__name__", "=~", "x.+"),)),
    "x offset 5m": moved(5 * MINUTE),
    "x OFFSET -1h": moved(-HOUR),
    "x offset 90": moved(90_000),
    "x offset +1.5": moved(1_500),
    "x @ 1609746000": moved(at=1_609_746_000_000),
    "x @ -1.0015": moved(at=-1_002),
    "x @ 1h": moved(at=HOUR),
    "x @ start()": moved(at="start"),
    "x @ End ( )": moved(at="end"),
    "x @ end() offset 5m": moved(5 * MINUTE, "end"),
    "x offset 5m @ end()": moved(5 * MINUTE, "end"),
    "x[5m]": MatrixSelector(X, 5 * MINUTE),
    "x[ 1d ]": MatrixSelector(X, DAY),
    "x[300]": MatrixSelector(X, 5 * MINUTE),
    "x[0.5]": MatrixSelector(X, 500),
    "x[5m] offset 1h @ 10": MatrixSelector(moved(HOUR, 10_000), 5 * MINUTE),
    "x[5m:1m]": Subquery(X, 5 * MINUTE, MINUTE),
    "x[5m:]": Subquery(X, 5 * MINUTE),
    "x[5m : 1m] offset 1h @ start()": Subquery(X, 5 * MINUTE, MINUTE, HOUR, "start"),
    "x offset 5m[1h:]": Subquery(moved(5 * MINUTE), HOUR),
}


@pytest.mark.parametrize(("text", "tree"), SELECTORS.items())
def test_selectors(text: str, tree: Expression) -> None:
    assert parse(text) == tree


NAMES = (
    *("avg", "bottomk", "by", "count", "count_values", "group", "and", "or", "unless", "max"),
    *("min", "offset", "quantile", "stddev", "stdvar", "sum", "topk", "without", "start", "end"),
    *("limitk", "limit_ratio", "step", "range", "anchored", "smoothed", "fill", "fill_left"),
    *("SUM", "Offset", "fill_right"),
)


@pytest.mark.parametrize("name", NAMES)
def test_keywords_are_names_of_metrics(name: str) -> None:
    assert parse(name) == named(name)
    assert parse(f"{name} + {name}") == Binary("+", named(name), named(name), matching=Matching())
    assert parse(f'{name}{{a="b"}}') == named(name, matcher("a", "=", "b"))


def test_keywords_are_labels_of_groupings() -> None:
    labels = "and, by, bool, count, group_left, ignoring, on, start, end, atan2, offset, fill, SUM"
    tree = parse(f"sum by ({labels}) (x)")
    assert isinstance(tree, Aggregation)
    assert tree.labels == tuple(labels.split(", "))


OPERATORS: dict[str, Expression] = {
    "1 + 2 * 3": Binary("+", number(1), Binary("*", number(2), number(3))),
    "1 * 2 + 3": Binary("+", Binary("*", number(1), number(2)), number(3)),
    "1 - 2 - 3": Binary("-", Binary("-", number(1), number(2)), number(3)),
    "2 ^ 3 ^ 2": Binary("^", number(2), Binary("^", number(3), number(2))),
    "-1 ^ 2": Unary("-", Binary("^", number(1), number(2))),
    "(-1) ^ 2": Binary("^", Paren(number(-1)), number(2)),
    "2 ^ -1 * 3": Binary("*", Binary("^", number(2), number(-1)), number(3)),
    "-x * y": Binary("*", Unary("-", X), Y, matching=Matching()),
    "- -x": Unary("-", Unary("-", X)),
    "+x": Unary("+", X),
    "-x offset 5m": Unary("-", moved(5 * MINUTE)),
    "1 % 2 atan2 3": Binary("atan2", Binary("%", number(1), number(2)), number(3)),
    "1 < bool 2 + 3": Binary("<", number(1), Binary("+", number(2), number(3)), returns_bool=True),
    "x or y and z": Binary(
        "or",
        X,
        Binary("and", Y, Z, matching=Matching(cardinality="many-to-many")),
        matching=Matching(cardinality="many-to-many"),
    ),
    "x and y unless z": Binary(
        "unless",
        Binary("and", X, Y, matching=Matching(cardinality="many-to-many")),
        Z,
        matching=Matching(cardinality="many-to-many"),
    ),
    "x == y + 1": Binary("==", X, Binary("+", Y, number(1)), matching=Matching()),
    "x > 1": Binary(">", X, number(1)),
    "1 ATAN2 x": Binary("atan2", number(1), X),
    "x + on() y": joined("+", on=True),
    "x + ignoring() y": joined("+"),
    "x + on(a,b,) y": joined("+", on=True, labels=("a", "b")),
    'x + Ignoring(a, "b c") y': joined("+", labels=("a", "b c")),
    "x * on(a) group_left y": joined("*", on=True, labels=("a",), cardinality="many-to-one"),
    "x * on(a) group_right(b) y": joined(
        "*", on=True, labels=("a",), cardinality="one-to-many", include=("b",)
    ),
    "x and on(a) y": joined("and", on=True, labels=("a",), cardinality="many-to-many"),
    "x + fill(0) y": joined("+", fill_left=0.0, fill_right=0.0),
    "x + fill_right(-1) fill_left(5m) y": joined("+", fill_left=300.0, fill_right=-1.0),
    "x + on(a) group_left() fill_left (Inf) y": joined(
        "+", on=True, labels=("a",), cardinality="many-to-one", fill_left=float("inf")
    ),
    "x == bool on(a) y": Binary(
        "==", X, Y, returns_bool=True, matching=Matching(on=True, labels=("a",))
    ),
    "x offset 5m + 1": Binary("+", moved(5 * MINUTE), number(1)),
    "x offset -2 ^ 2": Binary("^", moved(-2_000), number(2)),
    "x offset (1h) / 2": Binary("/", moved(HOUR), number(2)),
}


@pytest.mark.parametrize(("text", "tree"), OPERATORS.items())
def test_operators(text: str, tree: Expression) -> None:
    assert parse(text) == tree


CALLS: dict[str, Expression] = {
    "sum(x)": Aggregation("sum", X),
    "SUM (x)": Aggregation("sum", X),
    "sum by (a, b) (x)": Aggregation("sum", X, labels=("a", "b")),
    "sum(x) by (a)": Aggregation("sum", X, labels=("a",)),
    "sum without () (x)": Aggregation("sum", X, without=True),
    "sum by () (x)": Aggregation("sum", X),
    'sum by ("a b") (x)': Aggregation("sum", X, labels=("a b",)),
    "topk(3, x) WITHOUT (a,)": Aggregation("topk", X, number(3), ("a",), without=True),
    "quantile by (a) (0.9, x)": Aggregation("quantile", X, number(0.9), ("a",)),
    'count_values("v", x)': Aggregation("count_values", X, StringLiteral("v")),
    "limit_ratio(-0.5, x)": Aggregation("limit_ratio", X, number(-0.5)),
    "time()": Call("time", ()),
    "rate(x[5m])": Call("rate", (MatrixSelector(X, 5 * MINUTE),)),
    "round(x)": Call("round", (X,)),
    "round(x, 5)": Call("round", (X, number(5))),
    "start() - Step()": Binary("-", Call("start", ()), Call("step", ())),
    'info(x, {a="b"})': Call("info", (X, VectorSelector((matcher("a", "=", "b"),)))),
    "info(x, {})": Call("info", (X, VectorSelector(()))),
    "max_of(1, 2m)": Call("max_of", (number(1), NumberLiteral(120.0, is_duration=True))),
    "sort_by_label(x)": Call("sort_by_label", (X,)),
    "max_over_time(rate(x[5m])[1h:1m] offset 5m)": Call(
        "max_over_time",
        (
            Subquery(
                Call("rate", (MatrixSelector(X, 5 * MINUTE),)),
                HOUR,
                MINUTE,
                5 * MINUTE,
            ),
        ),
    ),
}


@pytest.mark.parametrize(("text", "tree"), CALLS.items())
def test_calls_and_aggregations(text: str, tree: Expression) -> None:
    assert parse(text) == tree


DURATIONS: dict[str, Expression] = {
    "x[1h + 5m]": MatrixSelector(X, calculated("+", minutes(60), minutes(5))),
    "x[2 * 5m - 1]": MatrixSelector(
        X, calculated("-", calculated("*", seconds(2), minutes(5)), seconds(1))
    ),
    "x[2 ^ 3 ^ 2]": MatrixSelector(
        X, calculated("^", seconds(2), calculated("^", seconds(3), seconds(2)))
    ),
    "x[(1 + 2) * 1m]": MatrixSelector(
        X, calculated("*", calculated("+", seconds(1), seconds(2)), minutes(1))
    ),
    "x[(5m)]": MatrixSelector(X, 5 * MINUTE),
    "x[--5m]": MatrixSelector(X, 5 * MINUTE),
    "x[step()]": MatrixSelector(X, STEP),
    "x[RANGE() % 3]": MatrixSelector(X, calculated("%", RANGE, seconds(3))),
    "x[5m + range()]": MatrixSelector(X, calculated("+", minutes(5), RANGE)),
    "x[-step() + 1h]": MatrixSelector(X, calculated("+", calculated("-", STEP), minutes(60))),
    "x[max(step(), 1m)]": MatrixSelector(X, calculated("max", STEP, minutes(1))),
    "x[min_of(step(), 1m):max_of(1, 2)]": Subquery(
        X,
        calculated("min", STEP, minutes(1)),
        calculated("max", seconds(1), seconds(2)),
    ),
    "x offset step()": moved(STEP),
    "x offset -range()": moved(calculated("-", RANGE)),
    "x offset (1h - 5m)": moved(calculated("-", minutes(60), minutes(5))),
    "x offset -(step() * 2)": moved(calculated("-", calculated("*", STEP, seconds(2)))),
    "x offset max(step(), 5)": moved(calculated("max", STEP, seconds(5))),
    "x offset step() + 1": Binary("+", moved(STEP), number(1)),
}


@pytest.mark.parametrize(("text", "tree"), DURATIONS.items())
def test_duration_expressions(text: str, tree: Expression) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize("word", ["anchored", "smoothed"])
def test_extended_range_selectors(word: str) -> None:
    expected = VectorSelector(X.matchers, "x", 60_000, None, word)  # type: ignore[arg-type]
    assert parse(f"x {word} offset 1m") == expected
    assert parse(f"x[5m] {word} offset 1m") == MatrixSelector(expected, 5 * MINUTE)
    assert parse(f"x[5m] offset 1m {word.upper()}") == MatrixSelector(expected, 5 * MINUTE)
    assert parse(f"x {word}[5m] offset 1m") == MatrixSelector(expected, 5 * MINUTE)


def test_comments_and_spaces_do_not_matter() -> None:
    text = "# first\nsum(  # what\n\tx{\n a = 'b' # why\n , }\r\n) by\n(a) # last"
    assert parse(text) == Aggregation("sum", named("x", matcher("a", "=", "b")), labels=("a",))


def test_spans_are_characters_of_the_text() -> None:
    text = 'x{a="ü"} offset 5m + sum(rate(y[5m])) by (a)'
    tree = parse(text)
    assert isinstance(tree, Binary)

    def shown(expression: Expression) -> str:
        return text[expression.span.start : expression.span.end]

    assert shown(tree) == text
    assert shown(tree.left) == 'x{a="ü"} offset 5m'
    assert shown(tree.right) == "sum(rate(y[5m])) by (a)"
    assert isinstance(tree.right, Aggregation)
    assert shown(tree.right.operand) == "rate(y[5m])"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("(" * (MAX_DEPTH - 1) + "x" + ")" * (MAX_DEPTH - 1), Paren),
        ("x" + " + x" * (MAX_DEPTH - 1), Binary),
        ("x" + " ^ x" * (MAX_DEPTH - 1), Binary),
        ("abs(" * (MAX_DEPTH - 1) + "x" + ")" * (MAX_DEPTH - 1), Call),
        ("-" * (MAX_DEPTH - 1) + "x", Unary),
    ],
    ids=["parentheses", "chain", "powers", "calls", "signs"],
)
def test_trees_as_deep_as_allowed_are_parsed(text: str, kind: type) -> None:
    assert isinstance(parse(text), kind)
