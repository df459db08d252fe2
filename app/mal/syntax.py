"""From text to the AST: the parser and its errors."""

from functools import lru_cache
from importlib.resources import files
from typing import Any

from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from app.errors import RuleError
from app.mal import ast
from app.mal.builder import Builder, Called
from app.mal.places import Locate, check_size, fault, places_in

MAX_TEXT_CHARACTERS = 65_536


class Chain:
    """A chain of method calls such as ``expPrefix``; calling it applies the chain to a receiver."""

    def __init__(self, calls: tuple[Called, ...]) -> None:
        self._calls = calls

    def __len__(self) -> int:
        return len(self._calls)

    def __call__(self, receiver: ast.Expression) -> ast.Expression:
        """``receiver`` with the calls after it."""
        for call in self._calls:
            receiver = call.on(receiver)
        return receiver


def parse_expression(text: str, locate: Locate | None = None) -> ast.Expression:
    """The AST of an expression.

    Raises ``RuleError`` with the line and column in the file, which ``locate`` tells; without it
    the text is taken for the whole file.
    """
    locate = locate or places_in(text)
    node: ast.Expression = _parse(text, "expression", locate)
    check_size(node, locate(0))
    return node


def parse_closure(text: str, locate: Locate | None = None) -> ast.Closure:
    """The AST of a closure such as a file's ``filter``. Raises ``RuleError``."""
    locate = locate or places_in(text)
    node: ast.Closure = _parse(text, "filter", locate)
    check_size(node, locate(0))
    return node


def parse_chain(text: str, locate: Locate | None = None) -> Chain:
    """A chain of method calls such as ``expPrefix``. Raises ``RuleError``."""
    locate = locate or places_in(text)
    chain = Chain(_parse(text, "chain", locate))
    check_size(chain(ast.Metric("", locate(0))), locate(0))
    return chain


@lru_cache(maxsize=1)
def _grammar() -> Lark:
    text = files("app.mal").joinpath("mal.lark").read_text(encoding="utf-8")
    return Lark(
        text,
        parser="lalr",
        start=["expression", "chain", "filter"],
        maybe_placeholders=False,
    )


def _parse(text: str, start: str, locate: Locate) -> Any:  # noqa: ANN401 - what start builds
    if len(text) > MAX_TEXT_CHARACTERS:
        message = f"the text has {len(text)} characters, at most {MAX_TEXT_CHARACTERS} are read"
        raise fault(locate(0), message)
    try:
        tree = _grammar().parse(text, start=start)
    except UnexpectedInput as error:
        raise _syntax_error(text, error, locate) from error
    return Builder(locate).build(tree)


def _syntax_error(text: str, error: UnexpectedInput, locate: Locate) -> RuleError:
    if isinstance(error, UnexpectedToken):
        if error.token.type == "$END":
            return fault(locate(len(text.rstrip())), "the text ends too early")
        message = f"{str(error.token)!r} is not expected here"
        return fault(locate(error.token.start_pos or 0), message)
    assert isinstance(error, UnexpectedCharacters)  # noqa: S101 - Lark's parsers raise no other
    message = f"the character {error.char!r} has no meaning here"
    if error.char in "'\"":
        message = f"the text that begins with {error.char} has no end on its line"
    offset: Any = error.pos_in_stream
    return fault(locate(offset), message)
