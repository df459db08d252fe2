"""Trees in the form in which the parser makes them, for hypothesis."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from hypothesis import strategies as st

from app.promql import ast
from app.promql.ast import DurationExpression, Expression, Matcher, MatchOperator, ValueType
from app.promql.parsing.printing import matcher_text
from app.promql.signatures import SIGNATURES

_PRECEDENCE = {
    **dict.fromkeys(["or"], 1),
    **dict.fromkeys(["and", "unless"], 2),
    **dict.fromkeys(ast.COMPARISONS, 3),
    **dict.fromkeys("+-", 4),
    **dict.fromkeys(["*", "/", "%", "atan2"], 5),
    "^": 6,
}
_SIGNED = 5
_PATTERNS = ("a|b", "x.+", "(?i:y)", "[^z]*q", "\\d{2,3}")
_WITH_PARAMETER = ("topk", "bottomk", "quantile", "limitk", "limit_ratio")
_WITHOUT_PARAMETER = ("sum", "avg", "min", "max", "group", "count", "stddev", "stdvar")

_Cardinality: TypeAlias = Literal["one-to-one", "many-to-one", "one-to-many"]
_CARDINALITIES: tuple[_Cardinality, ...] = ("one-to-one", "many-to-one", "one-to-many")

_numbers = st.floats(allow_nan=False)
_texts = st.text(max_size=6)
_labels = st.sampled_from(["job", "le", "by", "without", "inf", "a b", "ü", "__name__", "x1"])
_label_lists = st.lists(_labels, max_size=3, unique=True).map(tuple)
_milliseconds = st.integers(1, 10**12)
_offsets = st.one_of(st.just(0), st.integers(-(10**12), 10**12))
_at: st.SearchStrategy[ast.At] = st.one_of(
    st.none(), st.just("start"), st.just("end"), st.integers(-(10**13), 10**13)
)


def _literals() -> st.SearchStrategy[ast.NumberLiteral]:
    durations = st.integers(-(10**12), 10**12).map(
        lambda ms: ast.NumberLiteral(ms / 1_000, is_duration=True)
    )
    return st.one_of(_numbers.map(ast.NumberLiteral), durations)


def _terms(inner: st.SearchStrategy[DurationExpression]) -> st.SearchStrategy[DurationExpression]:
    def calculated(operator: str, left: DurationExpression, right: DurationExpression) -> Any:  # noqa: ANN401
        if operator in "/%" and right.operator == "number" and right.value == 0:
            right = replace(right, value=1.0)
        return DurationExpression(operator, (left, right))

    operators = st.sampled_from(["+", "-", "*", "/", "%", "^", "min", "max"])
    signed = inner.filter(lambda term: term.operator != "number").map(
        lambda term: DurationExpression("-", (term,))
    )
    return st.one_of(st.builds(calculated, operators, inner, inner), signed)


_numbers_of_durations = st.one_of(
    st.floats(-1e9, 1e9).map(lambda value: DurationExpression("number", value=value)),
    st.integers(-(10**12), 10**12).map(
        lambda ms: DurationExpression("number", value=ms / 1_000, is_duration=True)
    ),
)
_calls_of_durations = st.sampled_from([DurationExpression("step"), DurationExpression("range")])
_durations = st.one_of(
    _calls_of_durations,
    _terms(
        st.recursive(st.one_of(_numbers_of_durations, _calls_of_durations), _terms, max_leaves=5)
    ),
)


@st.composite
def _selectors(draw: st.DrawFn) -> ast.VectorSelector:
    name = draw(st.sampled_from([None, "up", "a:b", "sum", "offset", "start"]))
    operators = st.sampled_from([MatchOperator.EQUAL, MatchOperator.NOT_EQUAL])
    exact = st.builds(Matcher, _labels, operators, _texts)
    operators = st.sampled_from([MatchOperator.REGEX, MatchOperator.NOT_REGEX])
    matching = st.builds(Matcher, _labels, operators, st.sampled_from(_PATTERNS))
    matchers = draw(st.lists(st.one_of(exact, matching), max_size=3))
    if name is None:
        matchers.append(Matcher("job", MatchOperator.EQUAL, "x"))
    else:
        matchers = [matcher for matcher in matchers if matcher.name != "__name__"]
    matchers.sort(key=matcher_text)
    if name is not None:
        matchers.insert(0, Matcher("__name__", MatchOperator.EQUAL, name))
    return ast.VectorSelector(
        tuple(matchers),
        name,
        draw(st.one_of(_offsets, _durations)),
        draw(_at),
        draw(st.sampled_from(["", "", "anchored", "smoothed"])),
    )


@st.composite
def _matchings(draw: st.DrawFn, operator: str) -> ast.Matching:
    on, labels = draw(st.booleans()), draw(_label_lists)
    if operator in ast.SET_OPERATORS:
        return ast.Matching(labels, on, "many-to-many")
    cardinality = draw(st.sampled_from(_CARDINALITIES))
    include: tuple[str, ...] = ()
    if cardinality != "one-to-one":
        include = tuple(each for each in draw(_label_lists) if not on or each not in labels)
    fills = st.one_of(st.none(), _numbers)
    return ast.Matching(labels, on, cardinality, include, draw(fills), draw(fills))


@st.composite
def trees(draw: st.DrawFn, value_type: ValueType | None = None, depth: int = 3) -> Expression:
    """A tree of any type, or of one."""
    if value_type is None:
        value_type = draw(st.sampled_from(ValueType))
    if value_type is ValueType.STRING:
        return ast.StringLiteral(draw(_texts))
    if value_type is ValueType.RANGE_VECTOR:
        return draw(_ranges(depth))
    return draw(_scalars(depth) if value_type is ValueType.SCALAR else _vectors(depth))


@st.composite
def _ranges(draw: st.DrawFn, depth: int) -> Expression:
    if depth <= 0 or draw(st.booleans()):
        selector = draw(_selectors())
        return ast.MatrixSelector(selector, draw(st.one_of(_milliseconds, _durations)))
    operand = draw(trees(ValueType.INSTANT_VECTOR, depth - 1))
    if isinstance(operand, ast.Binary | ast.Unary):
        operand = ast.Paren(operand)
    return ast.Subquery(
        operand,
        draw(st.one_of(_milliseconds, _durations)),
        draw(st.one_of(st.none(), _milliseconds, _durations)),
        draw(st.one_of(_offsets, _durations)),
        draw(_at),
    )


@st.composite
def _scalars(draw: st.DrawFn, depth: int) -> Expression:
    if depth <= 0:
        return draw(_literals())
    inner = trees(ValueType.SCALAR, depth - 1)
    match draw(st.integers(0, 4)):
        case 0:
            return _signed(draw(st.sampled_from("+-")), draw(inner))
        case 1:
            return ast.Paren(draw(inner))
        case 2:
            return draw(_calls(depth, ValueType.SCALAR))
        case 3:
            operator = draw(st.sampled_from(sorted(ast.ARITHMETIC | ast.COMPARISONS)))
            returns_bool = operator in ast.COMPARISONS
            return _binary(operator, draw(inner), draw(inner), returns_bool, None)
    return draw(_literals())


@st.composite
def _vectors(draw: st.DrawFn, depth: int) -> Expression:
    if depth <= 0:
        return draw(_selectors())
    inner = trees(ValueType.INSTANT_VECTOR, depth - 1)
    match draw(st.integers(0, 6)):
        case 0:
            return _signed(draw(st.sampled_from("+-")), draw(inner))
        case 1:
            return ast.Paren(draw(inner))
        case 2:
            return draw(_calls(depth, ValueType.INSTANT_VECTOR))
        case 3:
            return draw(_aggregations(depth))
        case 4:
            operators = ast.ARITHMETIC | ast.COMPARISONS | ast.SET_OPERATORS
            operator = draw(st.sampled_from(sorted(operators)))
            returns_bool = operator in ast.COMPARISONS and draw(st.booleans())
            matching = draw(_matchings(operator))
            return _binary(operator, draw(inner), draw(inner), returns_bool, matching)
        case 5:
            operator = draw(st.sampled_from(sorted(ast.ARITHMETIC | ast.COMPARISONS)))
            returns_bool = operator in ast.COMPARISONS and draw(st.booleans())
            sides = [draw(inner), draw(trees(ValueType.SCALAR, depth - 1))]
            if draw(st.booleans()):
                sides.reverse()
            return _binary(operator, sides[0], sides[1], returns_bool, None)
    return draw(_selectors())


@st.composite
def _aggregations(draw: st.DrawFn, depth: int) -> Expression:
    operand = draw(trees(ValueType.INSTANT_VECTOR, depth - 1))
    without, labels = draw(st.booleans()), draw(_label_lists)
    kind = draw(st.integers(0, 2))
    parameter: Expression | None = None
    operator = draw(st.sampled_from(_WITHOUT_PARAMETER))
    if kind == 0:
        operator = draw(st.sampled_from(_WITH_PARAMETER))
        parameter = draw(trees(ValueType.SCALAR, depth - 2))
    elif kind == 1:
        operator, parameter = "count_values", ast.StringLiteral(draw(_texts))
    return ast.Aggregation(operator, operand, parameter, labels, without)


@st.composite
def _calls(draw: st.DrawFn, depth: int, result: ValueType) -> Expression:
    names = sorted(
        name
        for name, signature in SIGNATURES.items()
        if signature.result is result and name != "info"
    )
    signature = SIGNATURES[draw(st.sampled_from(names))]
    most = signature.least + 2 if signature.most is None else signature.most
    count = draw(st.integers(signature.least, most))
    arguments = (draw(trees(signature.argument_type(number), depth - 1)) for number in range(count))
    return ast.Call(signature.name, tuple(arguments))


def _signed(operator: Any, operand: Expression) -> Expression:  # noqa: ANN401
    """A number takes up its sign; what binds less strongly than a sign is put in parentheses."""
    weak = isinstance(operand, ast.Binary) and operand.operator != "^"
    if weak or isinstance(operand, ast.NumberLiteral):
        operand = ast.Paren(operand)
    return ast.Unary(operator, operand)


def _binary(
    operator: str,
    left: Expression,
    right: Expression,
    returns_bool: bool,
    matching: ast.Matching | None,
) -> Expression:
    strength = _PRECEDENCE[operator]
    fit: Callable[[Expression, int], Expression] = lambda side, least: (  # noqa: E731
        side if _strength(side) >= least else ast.Paren(side)
    )
    left = fit(left, strength + (operator == "^"))
    right = fit(right, strength + (operator != "^")) if isinstance(right, ast.Binary) else right
    return ast.Binary(operator, left, right, returns_bool, matching)


def _strength(expression: Expression) -> int:
    match expression:
        case ast.Binary():
            return _PRECEDENCE[expression.operator]
        case ast.Unary():
            return _SIGNED
        case ast.NumberLiteral(value) if value < 0 or str(value) == "-0.0":
            return _SIGNED
    return 7
