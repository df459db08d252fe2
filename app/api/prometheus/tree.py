"""Trees of expressions as JSON, as ``parse_query`` tells them to query builders."""

from app.api.prometheus.numbers import value_text
from app.promql import ast
from app.promql.ast import At, Duration, Expression, Matcher
from app.promql.signatures import SIGNATURES

_VARIADIC_WITHOUT_END = -1


def tree_content(node: Expression) -> dict[str, object]:
    """A node and all below it. Durations are milliseconds, those still to be computed null."""
    match node:
        case ast.NumberLiteral():
            return {"type": "numberLiteral", "val": value_text(node.value)}
        case ast.StringLiteral():
            return {"type": "stringLiteral", "val": node.value}
        case ast.VectorSelector():
            return {"type": "vectorSelector", **_selector(node)}
        case ast.MatrixSelector():
            window = {"range": _duration(node.window)}
            return {"type": "matrixSelector", **_selector(node.selector), **window}
        case ast.Subquery():
            return {
                "type": "subquery",
                "expr": tree_content(node.operand),
                "range": _duration(node.window),
                "offset": _duration(node.offset),
                "step": 0 if node.step is None else _duration(node.step),
                **_at(node.at),
            }
        case ast.Call():
            arguments = [tree_content(argument) for argument in node.arguments]
            return {"type": "call", "func": _function(node.function), "args": arguments}
        case ast.Aggregation():
            return {
                "type": "aggregation",
                "op": node.operator,
                "expr": tree_content(node.operand),
                "param": None if node.parameter is None else tree_content(node.parameter),
                "grouping": list(node.labels),
                "without": node.without,
            }
        case ast.Binary():
            return {
                "type": "binaryExpr",
                "op": node.operator,
                "lhs": tree_content(node.left),
                "rhs": tree_content(node.right),
                "matching": _matching(node.matching),
                "bool": node.returns_bool,
            }
        case ast.Unary():
            return {"type": "unaryExpr", "op": node.operator, "expr": tree_content(node.operand)}
        case ast.Paren():
            return {"type": "parenExpr", "expr": tree_content(node.operand)}


def _selector(node: ast.VectorSelector) -> dict[str, object]:
    return {
        "name": node.name or "",
        "offset": _duration(node.offset),
        "matchers": [_matcher(matcher) for matcher in node.matchers],
        **_at(node.at),
    }


def _matcher(matcher: Matcher) -> dict[str, str]:
    return {"name": matcher.name, "value": matcher.value, "type": matcher.operator.value}


def _duration(duration: Duration) -> int | None:
    return duration if isinstance(duration, int) else None


def _at(at: At) -> dict[str, object]:
    return {
        "timestamp": at if isinstance(at, int) else None,
        "startOrEnd": at if isinstance(at, str) else None,
    }


def _function(name: str) -> dict[str, object]:
    signature = SIGNATURES[name]
    variadic = _VARIADIC_WITHOUT_END
    if signature.most is not None:
        variadic = signature.most - signature.least
    return {
        "name": name,
        "argTypes": [str(argument) for argument in signature.arguments],
        "variadic": variadic,
        "returnType": str(signature.result),
    }


def _matching(matching: ast.Matching | None) -> dict[str, object] | None:
    if matching is None:
        return None
    return {
        "card": matching.cardinality,
        "labels": list(matching.labels),
        "on": matching.on,
        "include": list(matching.include),
    }
