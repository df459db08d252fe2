"""From text to the AST. Nothing outside this module sees the parser library."""

from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from typing import Any, cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from app.errors import RuleError
from app.mal import ast

MAX_TEXT_CHARACTERS = 65_536
MAX_DEPTH = 200

_CHAIN_RECEIVER = "_"
_ESCAPES = {"\\": "\\", "n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'"}


def parse_expression(text: str) -> ast.Expression:
    """The AST of an expression. Raises ``RuleError`` with line, column and the offending line."""
    return cast("ast.Expression", _parse(text, "expression"))


def parse_closure(text: str) -> ast.Closure:
    """The AST of a closure such as a file's ``filter``. Raises ``RuleError``."""
    return cast("ast.Closure", _parse(text, "closure"))


def parse_chain(text: str) -> Callable[[ast.Expression], ast.Expression]:
    """A chain of method calls such as ``expPrefix``, as a function that applies it to a receiver.

    Raises ``RuleError``; columns are those of ``text``.
    """
    shift = len(_CHAIN_RECEIVER) + 1
    try:
        chain = parse_expression(f"{_CHAIN_RECEIVER}.{text}")
    except RuleError as error:
        column = max(1, error.column - shift) if error.line == 1 else error.column
        source = error.source[shift:] if error.line == 1 else error.source
        raise RuleError(error.reason, line=error.line, column=column, source=source) from error

    def apply(node: ast.Expression, receiver: ast.Expression) -> ast.Expression:
        match node:
            case ast.Metric(name) if name == _CHAIN_RECEIVER:
                return receiver
            case ast.MethodCall(inner, method, arguments, place):
                return ast.MethodCall(apply(inner, receiver), method, arguments, place)
            case _:
                raise RuleError("a chain of method calls is expected here", line=1, column=1)

    apply(chain, ast.Number(0.0, ast.Place(1, 1)))
    return lambda receiver: apply(chain, receiver)


@lru_cache(maxsize=1)
def _grammar() -> Lark:
    text = files("app.mal").joinpath("mal.lark").read_text(encoding="utf-8")
    return Lark(
        text,
        parser="lalr",
        start=["expression", "closure"],
        propagate_positions=True,
        maybe_placeholders=False,
    )


def _parse(text: str, start: str) -> object:
    if len(text) > MAX_TEXT_CHARACTERS:
        raise RuleError(
            f"the text has {len(text)} characters, at most {MAX_TEXT_CHARACTERS} are read",
            line=1,
            column=1,
        )
    try:
        tree = _grammar().parse(text, start=start)
    except UnexpectedInput as error:
        raise _syntax_error(text, error) from error
    _check_depth(tree)
    return _convert(tree)


def _syntax_error(text: str, error: UnexpectedInput) -> RuleError:
    lines = text.splitlines() or [""]
    if isinstance(error, UnexpectedEOF) or (
        isinstance(error, UnexpectedToken) and error.token.type == "$END"
    ):
        line, column = len(lines), len(lines[-1]) + 1
        message = "the text ends too early"
    else:
        line, column = error.line, error.column
        found = error.token if isinstance(error, UnexpectedToken) else error.char  # type: ignore[attr-defined]
        message = f"{str(found)!r} is not expected here"
        if isinstance(error, UnexpectedCharacters):
            message = f"the character {str(found)!r} has no meaning here"
    source = lines[line - 1] if line <= len(lines) else ""
    return RuleError(message, line=line, column=column, source=source)


def _check_depth(tree: "Tree[Token]") -> None:
    level: list[Tree[Token]] = [tree]
    depth = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise RuleError(
                f"nested or chained more than {MAX_DEPTH} levels deep", line=1, column=1
            )
        level = [child for node in level for child in node.children if isinstance(child, Tree)]


def _place(node: "Tree[Token] | Token") -> ast.Place:
    if isinstance(node, Token):
        return ast.Place(node.line or 1, node.column or 1)
    return ast.Place(getattr(node.meta, "line", 1), getattr(node.meta, "column", 1))


def _unquote(token: Token) -> str:
    body = str(token)[1:-1]
    if "\\" not in body:
        return body
    characters = iter(body)
    result = []
    for character in characters:
        if character != "\\":
            result.append(character)
            continue
        escaped = next(characters)
        # Any other escape stays as the two characters, so that regular expressions survive.
        result.append(_ESCAPES.get(escaped, f"\\{escaped}"))
    return "".join(result)


def _convert(node: Any) -> Any:  # noqa: ANN401 - dispatches over all node types
    """One tree node; children are converted first where they are nodes themselves."""
    place = _place(node)
    children = node.children
    match node.data:
        case "expression":
            return _convert(children[0])
        case "number":
            return ast.Number(float(children[0]), place)
        case "metric":
            return ast.Metric(str(children[0]), place)
        case "binary":
            left, operator, right = children
            return ast.Binary(str(operator), _convert(left), _convert(right), _place(operator))
        case "negate":
            return ast.Negate(_convert(children[1]), place)
        case "method_call":
            arguments = children[2].children if len(children) > 2 else []  # noqa: PLR2004
            return ast.MethodCall(
                _convert(children[0]),
                str(children[1]),
                tuple(_convert(argument) for argument in arguments),
                _place(children[1]),
            )
        case "string":
            return ast.String(_unquote(children[0]), place)
        case "string_list":
            return ast.StringList(tuple(_unquote(child) for child in children), place)
        case "enum_ref":
            return ast.EnumRef(str(children[0]), str(children[1]), place)
        case "constant":
            return ast.Constant({"true": True, "false": False, "null": None}[children[0]], place)
        case "closure":
            return _closure(node)
        case _:
            return _convert_in_closure(node)


def _closure(node: "Tree[Token]") -> ast.Closure:
    children: list[Any] = list(node.children)
    parameters: tuple[str, ...] = ("it",)
    if children and isinstance(children[0], Tree) and children[0].data == "parameters":
        parameters = tuple(str(token) for token in children.pop(0).children)
    return ast.Closure(parameters, _statements(children[0]), _place(node))


def _statements(node: "Tree[Token]") -> tuple[ast.Statement, ...]:
    return tuple(_convert(child) for child in node.children if isinstance(child, Tree))


def _convert_in_closure(node: Any) -> Any:  # noqa: ANN401 - as above
    place = _place(node)
    children = node.children
    match node.data:
        case "evaluate":
            return ast.Evaluate(_convert(children[0]), place)
        case "assignment":
            return ast.Assignment(_convert(children[0]), _convert(children[1]), place)
        case "return_value":
            return ast.Return(_convert(children[1]), place)
        case "return_nothing":
            return ast.Return(None, place)
        case "if_statement":
            _, test, then, *rest = children
            otherwise = _statements(rest[1]) if rest and rest[1].data == "statements" else ()
            if rest and rest[1].data == "else_if":
                otherwise = (_convert(rest[1].children[0]),)
            return ast.If(_convert(test), _statements(then), otherwise, place)
        case "variable":
            return ast.Access(str(children[0]), None, place)
        case "member":
            key = children[1]
            name = ast.String(str(key), _place(key)) if isinstance(key, Token) else _convert(key)
            return ast.Access(str(children[0]), name, place)
        case "operation":
            left, operator, right = children
            return ast.Operation(str(operator), _convert(left), _convert(right), _place(operator))
        case "not_":
            return ast.Not(_convert(children[0]), place)
        case "ternary":
            test, then, otherwise = children
            return ast.Ternary(_convert(test), _convert(then), _convert(otherwise), place)
        case "in_list":
            values = tuple(_unquote(child) for child in children[2:])
            return ast.In(_convert(children[0]), values, place)
        case unknown:  # pragma: no cover - a rule of the grammar without a conversion
            raise AssertionError(unknown)
