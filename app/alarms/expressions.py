"""Expressions of alarm rules: parsed, and the labels that their result can have."""

from app.alarms.reach import reach_ms
from app.errors import QueryFailed, QuerySyntaxError, RuleError
from app.promql.ast import (
    COMPARISONS,
    SET_OPERATORS,
    Aggregation,
    Binary,
    Call,
    Expression,
    Matching,
    Paren,
    Unary,
    ValueType,
)
from app.promql.parsing import parse, value_type
from app.rules.documents import Item

_KEEPING_SERIES = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
_ROUNDING = frozenset({"abs", "ceil", "floor", "round", "clamp", "clamp_min", "clamp_max"})
_SORTING = frozenset({"sort", "sort_desc", "sort_by_label", "sort_by_label_desc"})
_KEEPING_LABELS = _ROUNDING | _SORTING | {"sgn", "sqrt", "exp", "ln", "log2", "log10"}
_EVALUABLE = frozenset({ValueType.INSTANT_VECTOR, ValueType.SCALAR})

Labels = frozenset[str] | None
"""The only labels that a result can have; None where the text does not tell."""


def read_expression(item: Item) -> Expression:
    """Parse an expression. Raises ``RuleError`` at the place inside it."""
    text = item.text()
    try:
        tree = parse(text)
    except QuerySyntaxError as error:
        raise _placed(item, text, error) from error
    kind = value_type(tree)
    if kind not in _EVALUABLE:
        raise item.fault(
            f"the expression is a {kind}, and an alarm needs a value at each time: an instant"
            " vector or a scalar"
        )
    try:
        reach_ms(text)
    except QueryFailed as error:
        raise item.fault(error.message) from error
    return tree


def possible_labels(tree: Expression) -> Labels:
    """The labels that the result can have, as far as aggregations and matching tell."""
    match tree:
        case Paren(operand) | Unary(_, operand):
            return possible_labels(operand)
        case Aggregation():
            return _aggregated(tree)
        case Call(function, arguments) if function in _KEEPING_LABELS and arguments:
            return possible_labels(arguments[0])
        case Call() if value_type(tree) is ValueType.SCALAR:
            return frozenset()
        case Binary():
            return _combined(tree)
        case _ if value_type(tree) is ValueType.SCALAR:
            return frozenset()
    return None


def is_filter(tree: Expression) -> bool:
    """Whether the outermost operation drops series by comparing them."""
    while isinstance(tree, Paren):
        tree = tree.operand
    return isinstance(tree, Binary) and tree.operator in COMPARISONS and not tree.returns_bool


def _aggregated(tree: Aggregation) -> Labels:
    if tree.operator in _KEEPING_SERIES:
        return possible_labels(tree.operand)
    if tree.without or tree.operator == "count_values":
        return None
    return frozenset(tree.labels)


def _combined(tree: Binary) -> Labels:
    left, right = possible_labels(tree.left), possible_labels(tree.right)
    matching = tree.matching
    if matching is None:
        # A scalar has no labels, so these are those of the side that is a vector.
        return None if left is None or right is None else left | right
    if tree.operator in SET_OPERATORS:
        return left if tree.operator != "or" else _either(left, right)
    if matching.cardinality == "one-to-one":
        return _one_to_one(matching, left)
    many = left if matching.cardinality == "many-to-one" else right
    return None if many is None else many | frozenset(matching.include)


def _one_to_one(matching: Matching, left: Labels) -> Labels:
    if matching.on:
        return frozenset(matching.labels)
    return None if left is None else left - frozenset(matching.labels)


def _either(left: Labels, right: Labels) -> Labels:
    return None if left is None or right is None else left | right


def _placed(item: Item, text: str, error: QuerySyntaxError) -> RuleError:
    if not error.line:
        return item.fault(f"not PromQL: {error.reason}")
    lines = text.split("\n")
    before = sum(len(line) + 1 for line in lines[: error.line - 1])
    return item.fault_at(before + error.column - 1, f"not PromQL: {error.reason}")
