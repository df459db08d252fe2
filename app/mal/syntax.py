"""From text to the AST. Nothing outside this module sees the parser library."""

from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from typing import Any, cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from app.errors import RuleError
from app.mal import ast

MAX_TEXT_CHARACTERS = 65_536
MAX_DEPTH = 200

_CHAIN_RECEIVER = "_"
_START = ast.Place(1, 1)
_ESCAPES = {"\\": "\\", "n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'"}


def parse_expression(text: str, origin: ast.Place = _START) -> ast.Expression:
    """The AST of an expression that begins at ``origin`` of its file.

    Raises ``RuleError`` with the line and column in the file.
    """
    return cast("ast.Expression", _parse(text, "expression", origin))


def parse_closure(text: str, origin: ast.Place = _START) -> ast.Closure:
    """The AST of a closure such as a file's ``filter``. Raises ``RuleError``."""
    return cast("ast.Closure", _parse(text, "closure", origin))


def parse_chain(
    text: str, origin: ast.Place = _START
) -> Callable[[ast.Expression], ast.Expression]:
    """A chain of method calls such as ``expPrefix``, as a function that applies it to a receiver.

    Raises ``RuleError``.
    """
    receiver = f"{_CHAIN_RECEIVER}."
    start = ast.Place(origin.line, origin.column - len(receiver))
    chain = parse_expression(receiver + text, start)

    def apply(node: ast.Expression, receiver: ast.Expression) -> ast.Expression:
        match node:
            case ast.Metric(name) if name == _CHAIN_RECEIVER:
                return receiver
            case ast.MethodCall(inner, method, arguments, place):
                return ast.MethodCall(apply(inner, receiver), method, arguments, place)
            case _:
                raise RuleError(
                    "a chain of method calls is expected here",
                    line=origin.line,
                    column=origin.column,
                )

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


def _parse(text: str, start: str, origin: ast.Place) -> object:
    if len(text) > MAX_TEXT_CHARACTERS:
        raise RuleError(
            f"the text has {len(text)} characters, at most {MAX_TEXT_CHARACTERS} are read",
            line=origin.line,
            column=origin.column,
        )
    try:
        tree = _grammar().parse(text, start=start)
    except UnexpectedInput as error:
        raise _syntax_error(text, error, origin) from error
    _check_depth(tree, origin)
    return _Converter(origin).convert(tree)


def _syntax_error(text: str, error: UnexpectedInput, origin: ast.Place) -> RuleError:
    lines = text.splitlines() or [""]
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        message = f"{str(error.token)!r} is not expected here"
    elif isinstance(error, UnexpectedCharacters):
        message = f"the character {error.char!r} has no meaning here"
    else:
        end = _moved(len(lines), len(lines[-1]) + 1, origin)
        return RuleError("the text ends too early", line=end.line, column=end.column)
    place = _moved(error.line, error.column, origin)
    return RuleError(message, line=place.line, column=place.column)


def _check_depth(tree: "Tree[Token]", origin: ast.Place) -> None:
    level: list[Tree[Token]] = [tree]
    depth = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise RuleError(
                f"nested or chained more than {MAX_DEPTH} levels deep",
                line=origin.line,
                column=origin.column,
            )
        level = [child for node in level for child in node.children if isinstance(child, Tree)]


def _moved(line: int, column: int, origin: ast.Place) -> ast.Place:
    """A place in a text as a place in the file where the text begins at ``origin``."""
    if line == 1:
        return ast.Place(origin.line, origin.column + column - 1)
    return ast.Place(origin.line + line - 1, column)


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


class _Converter:
    """Turns the parser's tree into the AST."""

    def __init__(self, origin: ast.Place) -> None:
        self._origin = origin

    def _place(self, node: "Tree[Token] | Token") -> ast.Place:
        where = node if isinstance(node, Token) else node.meta
        line, column = getattr(where, "line", None), getattr(where, "column", None)
        return _moved(line or 1, column or 1, self._origin)

    def convert(self, node: Any) -> Any:  # noqa: ANN401 - dispatches over all node types
        """One tree node; children are converted first where they are nodes themselves."""
        place = self._place(node)
        children = node.children
        match node.data:
            case "expression":
                return self.convert(children[0])
            case "number":
                return ast.Number(float(children[0]), place)
            case "metric":
                return ast.Metric(str(children[0]), place)
            case "binary":
                left, operator, right = children
                return ast.Binary(
                    str(operator), self.convert(left), self.convert(right), self._place(operator)
                )
            case "negate":
                return ast.Negate(self.convert(children[1]), place)
            case "method_call":
                arguments = children[2].children if len(children) > 2 else []  # noqa: PLR2004
                return ast.MethodCall(
                    self.convert(children[0]),
                    str(children[1]),
                    tuple(self.convert(argument) for argument in arguments),
                    self._place(children[1]),
                )
            case "string":
                return ast.String(_unquote(children[0]), place)
            case "string_list":
                return ast.StringList(tuple(_unquote(child) for child in children), place)
            case "enum_ref":
                return ast.EnumRef(str(children[0]), str(children[1]), place)
            case "constant":
                return ast.Constant(
                    {"true": True, "false": False, "null": None}[children[0]], place
                )
            case "closure":
                return self._closure(node)
            case _:
                return self._convert_in_closure(node)

    def _closure(self, node: "Tree[Token]") -> ast.Closure:
        children: list[Any] = list(node.children)
        parameters: tuple[str, ...] = ("it",)
        if children and isinstance(children[0], Tree) and children[0].data == "parameters":
            parameters = tuple(str(token) for token in children.pop(0).children)
        return ast.Closure(parameters, self._statements(children[0]), self._place(node))

    def _statements(self, node: "Tree[Token]") -> tuple[ast.Statement, ...]:
        return tuple(self.convert(child) for child in node.children if isinstance(child, Tree))

    def _convert_in_closure(self, node: Any) -> Any:  # noqa: ANN401 - as above
        place = self._place(node)
        children = node.children
        match node.data:
            case "evaluate":
                return ast.Evaluate(self.convert(children[0]), place)
            case "assignment":
                return ast.Assignment(self.convert(children[0]), self.convert(children[1]), place)
            case "return_value":
                return ast.Return(self.convert(children[1]), place)
            case "return_nothing":
                return ast.Return(None, place)
            case "if_statement":
                _, test, then, *rest = children
                otherwise = (
                    self._statements(rest[1]) if rest and rest[1].data == "statements" else ()
                )
                if rest and rest[1].data == "else_if":
                    otherwise = (self.convert(rest[1].children[0]),)
                return ast.If(self.convert(test), self._statements(then), otherwise, place)
            case "variable":
                return ast.Access(str(children[0]), None, place)
            case "member":
                key = children[1]
                name = (
                    ast.String(str(key), self._place(key))
                    if isinstance(key, Token)
                    else self.convert(key)
                )
                return ast.Access(str(children[0]), name, place)
            case "operation":
                left, operator, right = children
                return ast.Operation(
                    str(operator), self.convert(left), self.convert(right), self._place(operator)
                )
            case "not_":
                return ast.Not(self.convert(children[0]), place)
            case "ternary":
                test, then, otherwise = children
                return ast.Ternary(
                    self.convert(test), self.convert(then), self.convert(otherwise), place
                )
            case "in_list":
                values = tuple(_unquote(child) for child in children[2:])
                return ast.In(self.convert(children[0]), values, place)
            case unknown:  # pragma: no cover - a rule of the grammar without a conversion
                raise AssertionError(unknown)
