"""The parser beside promql-parser, an independent one, over generated expressions.

What is known to differ is left out of the texts. promql-parser 0.12 has no duration expressions, no
``anchored`` and ``smoothed`` and no numbers with underscores; it reads backslashes in raw strings
as escapes, and panics when it is asked for a time before 1970. Its regular expressions are Rust's,
and it takes an ``@`` at any distance.
"""

import random
import re
from datetime import timedelta
from typing import Any

import promql_parser as other

from app.errors import QuerySyntaxError
from app.promql import ast
from app.promql.ast import Expression
from app.promql.parsing import parse
from tests.fixtures.promql_texts import expression

COUNT = 2_000
_KNOWN_TO_DIFFER = re.compile(
    r"\[\[|\*\*|\+\+\"|\(\?ix"  # regular expressions
    r"|@ *[0-9]{15}"  # times
    r"|offset *\("  # durations
)
_SEPARATORS = re.compile(r"(\s+|[(){}\[\],:]|[-+*/%^=!<>~]+)")


def text_of(seed: int) -> str:
    text = expression(seed, plain=True)
    return text.replace("`d\\e`", "`de`").replace("@ -1.5", "@ 1.5")


def test_both_see_the_same_structure() -> None:
    kinds: set[str] = set()
    for seed in range(COUNT):
        text = text_of(seed)
        ours, theirs = parse(text), other.parse(text)
        kinds.add(type(ours).__name__)
        assert _ours(ours) == _theirs(theirs), text
    assert {"Aggregation", "Binary", "Call", "Unary", "VectorSelector", "Paren"} <= kinds


def test_both_accept_and_refuse_the_same() -> None:
    refused = accepted = 0
    for seed in range(COUNT):
        text = _broken(text_of(seed), random.Random(seed))
        if _is_known_to_differ(text):
            continue
        ours, theirs = _accepted(parse, text), _accepted(other.parse, text)
        assert ours is theirs, text
        refused += not ours
        accepted += ours
    assert refused > COUNT / 4
    assert accepted > COUNT / 10


def _broken(text: str, rng: random.Random) -> str:
    """The text with a word left out, doubled, or exchanged with another one."""
    words = [word for word in _SEPARATORS.split(text) if word]
    one, two = rng.randrange(len(words)), rng.randrange(len(words))
    way = rng.randrange(3)
    if way == 0:
        del words[one]
    elif way == 1:
        words.insert(one, words[one])
    else:
        words[one], words[two] = words[two], words[one]
    return "".join(words)


def _is_known_to_differ(text: str) -> bool:
    return _KNOWN_TO_DIFFER.search(text) is not None


def _accepted(read: Any, text: str) -> bool:  # noqa: ANN401
    try:
        read(text)
    except (QuerySyntaxError, ValueError):
        return False
    return True


def _ours(node: Expression) -> tuple[Any, ...]:
    """A tree as nested tuples of what both parsers tell."""
    match node:
        case ast.NumberLiteral():
            return ("number", str(node.value))
        case ast.StringLiteral():
            return ("string", node.value)
        case ast.VectorSelector():
            bare = [each for each in node.matchers if not (node.name and each.name == "__name__")]
            matchers = [(each.name, each.operator.value, each.value) for each in bare]
            return ("selector", node.name, matchers, node.offset, node.at)
        case ast.MatrixSelector():
            return ("matrix", _ours(node.selector), node.window)
        case ast.Subquery():
            return ("subquery", _ours(node.operand), node.window, node.step, node.offset, node.at)
        case ast.Call():
            return ("call", node.function, [_ours(each) for each in node.arguments])
        case ast.Aggregation():
            parameter = None if node.parameter is None else _ours(node.parameter)
            labels = sorted(node.labels)
            return ("aggregation", node.operator, _ours(node.operand), parameter, labels)
        case ast.Binary():
            how = node.matching or ast.Matching()
            cardinality = how.cardinality.replace("-", "")
            matching = (how.on, sorted(how.labels), cardinality, sorted(how.include))
            sides = _ours(node.left), _ours(node.right)
            return ("binary", node.operator, *sides, node.returns_bool, *matching)
        case ast.Unary():
            return ("unary", _ours(node.operand))
        case ast.Paren():
            return ("paren", _ours(node.operand))


def _theirs(node: Any) -> tuple[Any, ...]:  # noqa: ANN401
    match type(node).__name__:
        case "NumberLiteral":
            return ("number", str(node.val))
        case "StringLiteral":
            return ("string", node.val)
        case "VectorSelector":
            operators = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
            matchers = [
                (each.name, operators[str(each.op).removeprefix("MatchOp.")], each.value)
                for each in node.matchers.matchers
            ]
            return ("selector", node.name, matchers, *_moved(node))
        case "MatrixSelector":
            return ("matrix", _theirs(node.vector_selector), _milliseconds(node.range))
        case "SubqueryExpr":
            step = None if node.step is None else _milliseconds(node.step)
            window = _milliseconds(node.range)
            return ("subquery", _theirs(node.expr), window, step, *_moved(node))
        case "Call":
            return ("call", node.func.name, [_theirs(each) for each in node.args])
        case "AggregateExpr":
            parameter = None if node.param is None else _theirs(node.param)
            labels = [] if node.modifier is None else sorted(node.modifier.labels)
            return ("aggregation", str(node.op), _theirs(node.expr), parameter, labels)
        case "BinaryExpr":
            sides = _theirs(node.lhs), _theirs(node.rhs)
            return ("binary", str(node.op), *sides, *_modified(node.modifier))
        case "UnaryExpr":
            return ("unary", _theirs(node.expr))
        case "ParenExpr":
            return ("paren", _theirs(node.expr))
    raise AssertionError(type(node))


def _modified(modifier: Any) -> tuple[Any, ...]:  # noqa: ANN401
    if modifier is None:
        return False, False, [], "onetoone", []
    on = modifier.matching is not None and str(modifier.matching.type).endswith("Include")
    labels = [] if modifier.matching is None else sorted(modifier.matching.labels)
    cardinality = str(modifier.card).removeprefix("VectorMatchCardinality.").lower()
    return modifier.return_bool, on, labels, cardinality, sorted(modifier.group_labels or [])


def _moved(node: Any) -> tuple[Any, Any]:  # noqa: ANN401
    offset = 0 if node.offset is None else _milliseconds(node.offset)
    if node.at is None:
        return offset, None
    kind = str(node.at.type).removeprefix("AtModifierType.").lower()
    return offset, round(node.at.at.timestamp() * 1_000) if kind == "at" else kind


def _milliseconds(duration: timedelta) -> int:
    return round(duration.total_seconds() * 1_000)
