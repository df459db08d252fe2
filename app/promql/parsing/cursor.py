"""The parser's place among the tokens, and its errors."""

from collections.abc import Iterator
from typing import Never

from app.errors import QuerySyntaxError
from app.promql.ast import Span
from app.promql.parsing.lexer import tokens_of
from app.promql.parsing.tokens import Kind, Token

MAX_LENGTH = 262_144
"""Characters of an expression. A selector of 2,000 table names takes up 60,000."""


class Cursor:
    """Tokens of a text, one at a time. Reading is lazy, so that the first error is the leftmost."""

    def __init__(self, text: str) -> None:
        """Raises ``QuerySyntaxError`` for a text that is too long."""
        self._text = text
        if len(text) > MAX_LENGTH:
            raise QuerySyntaxError(
                f"an expression of {len(text)} characters, at most {MAX_LENGTH} are allowed"
            )
        self._tokens: Iterator[Token] = tokens_of(text)
        self.token = next(self._tokens)
        self._check()
        self.last_end = 0

    def advance(self) -> Token:
        """Go past the token, which is returned."""
        token = self.token
        if token.kind is not Kind.END:
            self.last_end = token.end
            self.token = next(self._tokens)
            self._check()
        return token

    def at(self, *words: str) -> bool:
        """Whether the token is one of these signs, operators or keywords."""
        token = self.token
        return token.word in words and token.kind not in _FREE

    def is_a(self, *kinds: Kind) -> bool:
        """Whether the token is of one of these kinds."""
        return self.token.kind in kinds

    def take(self, word: str) -> bool:
        """Go past a sign, operator or keyword if it is there."""
        if self.at(word):
            self.advance()
            return True
        return False

    def unexpected(self, context: str = "", expected: str = "") -> QuerySyntaxError:
        """The error that the token should not be there."""
        place = f" in {context}" if context else ""
        wanted = f", expected {expected}" if expected else ""
        return self.fault(self.token.start, f"unexpected {self.token.description}{place}{wanted}")

    def expect(self, word: str, context: str = "", expected: str = "") -> Token:
        """Go past a sign that must be there."""
        if not self.at(word):
            raise self.unexpected(context, expected)
        return self.advance()

    def fault(self, start: int, reason: str) -> QuerySyntaxError:
        """An error at a character of the text."""
        line = self._text.count("\n", 0, start) + 1
        column = start - self._text.rfind("\n", 0, start)
        return QuerySyntaxError(reason, line=line, column=column)

    def refuse(self, start: int, reason: str) -> Never:
        """Raise an error at a character of the text."""
        raise self.fault(start, reason)

    def span(self, start: int) -> Span:
        """From a character to the end of the last token that was gone past."""
        return Span(start, self.last_end)

    def _check(self) -> None:
        if self.token.kind is Kind.FAULT:
            raise self.fault(self.token.start, self.token.word)


_FREE = frozenset({Kind.IDENTIFIER, Kind.METRIC_IDENTIFIER, Kind.STRING, Kind.FAULT, Kind.END})
