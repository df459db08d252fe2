"""Text to tokens, in time linear in its length.

What a character means depends on what is open: in braces there are no keywords, in brackets no
names. The first fault ends the tokens; the parser reports it when it gets that far.
"""

import re
from collections.abc import Iterator

from app.promql.parsing.quoting import BARE_LABEL, BARE_NAME, code_point, quoted
from app.promql.parsing.tokens import FILLS, KEYWORDS, Kind, Token

_SKIPPED = re.compile(r"(?:[ \t\r\n]+|#[^\r\n]*)+")
_NUMBER = re.compile(
    r"0[xX](?:_?[0-9A-Fa-f])+"
    r"|(?:[0-9](?:_?[0-9])*(?:\.(?:[0-9](?:_?[0-9])*)?)?|\.[0-9](?:_?[0-9])*)"
    r"(?:[eE][+-]?[0-9](?:_?[0-9])*)?"
)
_UNITS = re.compile(r"[smhdwy]s?(?:[0-9]+[smhdw]s?)*")
_BAD_NUMBER = re.compile(
    r"(?:0[xX])?[0-9_]*\.?[0-9_]*(?:[eE][+-]?[0-9_]*)?\.?"
    r"(?:[smhdwy]s?(?:[0-9]+[smhdw]s?)*(?:[0-9]+|[A-Za-z_])?)?"
)
_FOLLOWS = re.compile(r"[A-Za-z0-9_]")
_PARENTHESIS = re.compile(r"[ \t\r\n]*\(")
_OPERATOR = re.compile(r"==|!=|<=|>=|[-+*/%^<>@]")
_MATCH = re.compile(r"=~|!~|!=|=")
_PLAIN = {
    '"': re.compile(r'[^"\\\n]*'),
    "'": re.compile(r"[^'\\\n]*"),
    "`": re.compile(r"[^`]*"),
}
_ESCAPED_SIGNS = "abfnrtv\\"
_DIGITS = {"x": (2, 16), "u": (4, 16), "U": (8, 16)}
_DURATION_WORDS = frozenset({"step", "range", "min", "max", "min_of", "max_of"})
_LAST_CODE_POINT = 0x10FFFF


class _Fault(Exception):
    def __init__(self, place: int, message: str) -> None:
        super().__init__(message)
        self.place = place


def tokens_of(text: str) -> Iterator[Token]:
    """The tokens of a text; the last one is its end, or the fault at which reading stopped."""
    return _Lexer(text).run()


class _Lexer:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._parentheses = 0
        self._braces = False
        self._brackets = False
        self._counted = False
        self._colon = False

    def run(self) -> Iterator[Token]:
        try:
            while (token := self._next()).kind is not Kind.END:
                yield token
            yield token
        except _Fault as fault:
            yield Token(Kind.FAULT, str(fault), "", fault.place, len(self._text))

    def _next(self) -> Token:
        if skipped := _SKIPPED.match(self._text, self._at):
            self._at = skipped.end()
        if self._at == len(self._text):
            return self._end()
        if self._braces:
            return self._in_braces()
        if self._brackets:
            return self._in_brackets()
        return self._outside()

    def _end(self) -> Token:
        if self._braces:
            raise _Fault(self._at, "unexpected end of input inside braces")
        if self._brackets and not self._counted:
            raise _Fault(self._at, "unexpected end of input in duration expression")
        if self._parentheses:
            raise _Fault(self._at, "unclosed left parenthesis")
        if self._brackets:
            raise _Fault(self._at, "unclosed left bracket")
        return Token(Kind.END, "", "", self._at, self._at)

    def _take(self, kind: Kind, end: int, word: str | None = None) -> Token:
        start, self._at = self._at, end
        text = self._text[start:end]
        return Token(kind, text if word is None else word, text, start, end)

    def _in_braces(self) -> Token:
        sign = self._text[self._at]
        if label := BARE_LABEL.match(self._text, self._at):
            return self._take(Kind.IDENTIFIER, label.end())
        if sign in _PLAIN:
            return self._string(sign)
        if operator := _MATCH.match(self._text, self._at):
            kind = Kind.SIGN if operator.group() == "=" else Kind.OPERATOR
            return self._take(kind, operator.end())
        if sign == ",":
            return self._take(Kind.SIGN, self._at + 1)
        if sign == "}":
            self._braces = False
            return self._take(Kind.SIGN, self._at + 1)
        if sign == "!":
            raise _Fault(
                self._at,
                f"unexpected character after '!' inside braces: {self._character(self._at + 1)}",
            )
        if sign == "{":
            raise _Fault(self._at, "unexpected left brace '{'")
        raise _Fault(self._at, f"unexpected character inside braces: {self._character(self._at)}")

    def _in_brackets(self) -> Token:
        sign = self._text[self._at]
        if self._is_number():
            self._counted = True
            return self._number()
        if sign in "+-*/%^":
            return self._take(Kind.OPERATOR, self._at + 1)
        if sign in "(),":
            return self._sign(sign)
        if sign == ":":
            if not self._counted and not self._colon:
                raise _Fault(
                    self._at + 1, "unexpected colon before duration in duration expression"
                )
            if self._colon:
                raise _Fault(self._at, "unexpected colon ':'")
            self._colon = True
            return self._take(Kind.SIGN, self._at + 1)
        if sign == "]":
            self._brackets = False
            return self._take(Kind.SIGN, self._at + 1)
        name = BARE_LABEL.match(self._text, self._at)
        if name is not None and (word := name.group().lower()) in _DURATION_WORDS:
            self._counted = True
            kind = Kind.BOUND if word in {"step", "range"} else Kind.IDENTIFIER
            return self._take(kind, name.end(), word)
        shown = self._character(self._at)
        if self._counted and BARE_NAME.match(sign):
            raise _Fault(self._at, f"unexpected character: {shown}, expected ':'")
        if self._counted and sign in _PLAIN:
            return self._string(sign)
        raise _Fault(self._at, f"unexpected character in duration expression: {shown}")

    def _outside(self) -> Token:
        sign = self._text[self._at]
        if name := BARE_NAME.match(self._text, self._at):
            return self._name(name.group())
        if self._is_number():
            return self._number()
        if sign in _PLAIN:
            return self._string(sign)
        if operator := _OPERATOR.match(self._text, self._at):
            return self._take(Kind.OPERATOR, operator.end())
        if sign in "(),{[]":
            return self._sign(sign)
        if sign == "=":
            if self._text.startswith("=~", self._at):
                raise _Fault(self._at, "unexpected character after '=': '~'")
            return self._take(Kind.SIGN, self._at + 1)
        if sign == "!":
            shown = self._character(self._at + 1)
            raise _Fault(self._at, f"unexpected character after '!': {shown}")
        raise _Fault(self._at, f"unexpected character: {self._character(self._at)}")

    def _sign(self, sign: str) -> Token:
        if sign == "(":
            self._parentheses += 1
        elif sign == ")":
            self._parentheses -= 1
            if self._parentheses < 0:
                raise _Fault(self._at + 1, "unexpected right parenthesis ')'")
        elif sign == "{":
            self._braces = True
        elif sign == "[":
            self._brackets = True
            self._counted = self._colon = False
        elif sign == "]":
            raise _Fault(self._at, "unexpected right bracket ']'")
        return self._take(Kind.SIGN, self._at + 1)

    def _name(self, text: str) -> Token:
        end = self._at + len(text)
        word = text.lower()
        kind = KEYWORDS.get(word)
        if kind is not None and (word not in FILLS or _PARENTHESIS.match(self._text, end)):
            return self._take(kind, end, word)
        return self._take(Kind.METRIC_IDENTIFIER if ":" in text else Kind.IDENTIFIER, end)

    def _is_number(self) -> bool:
        sign = self._text[self._at]
        return sign in "0123456789" or (
            sign == "." and self._text[self._at + 1 : self._at + 2] in set("0123456789")
        )

    def _number(self) -> Token:
        number = _NUMBER.match(self._text, self._at)
        end = number.end() if number else self._at + 1
        if not self._continues(end):
            return self._take(Kind.NUMBER, end)
        units = _UNITS.match(self._text, end)
        if units is not None and not self._continues(units.end()):
            return self._take(Kind.DURATION, units.end())
        bad = _BAD_NUMBER.match(self._text, self._at)
        shown = bad.group() if bad else self._text[self._at]
        raise _Fault(self._at, f"bad number or duration syntax: {quoted(shown)}")

    def _continues(self, end: int) -> bool:
        """Whether a number that ends there would run into a name or another number."""
        following = self._text[end : end + 1]
        return bool(_FOLLOWS.match(following)) or (
            following == "." and "." in self._text[self._at : end]
        )

    def _string(self, quote: str) -> Token:
        start = self._at
        plain = _PLAIN[quote]
        at = start + 1
        while True:
            found = plain.match(self._text, at)
            at = found.end() if found else at
            sign = self._text[at : at + 1]
            if sign == quote:
                break
            if sign == "\\":
                at = self._escape(at + 1, quote)
            elif quote == "`":
                raise _Fault(start, "unterminated raw string")
            else:
                raise _Fault(start, "unterminated quoted string")
        token = self._take(Kind.STRING, at + 1)
        if not token.text.isascii() and not _is_unicode(token.text):
            raise _Fault(start, "invalid UTF-8 rune")
        return token

    def _escape(self, at: int, quote: str) -> int:
        """Where the escape sequence ends whose sign after the backslash stands at ``at``."""
        sign = self._text[at : at + 1]
        if not sign:
            raise _Fault(self._at, "escape sequence not terminated")
        if sign in _ESCAPED_SIGNS or sign == quote:
            return at + 1
        if sign in "01234567":
            count, base = 3, 8
        elif sign in _DIGITS:
            count, base = _DIGITS[sign]
            at += 1
        else:
            raise _Fault(self._at, f"unknown escape sequence {code_point(sign)}")
        code = 0
        for place in range(at, at + count):
            digit = self._text[place : place + 1]
            if not digit:
                raise _Fault(self._at, "escape sequence not terminated")
            if digit not in "0123456789abcdefABCDEF"[: base if base == 8 else None]:  # noqa: PLR2004
                raise _Fault(self._at, f"illegal character {code_point(digit)} in escape sequence")
            code = code * base + int(digit, base)
        if code > (_LAST_CODE_POINT if count > 3 else 255) or 0xD800 <= code < 0xE000:  # noqa: PLR2004
            raise _Fault(self._at, "escape sequence is an invalid Unicode code point")
        return at + count

    def _character(self, at: int) -> str:
        """A character as Go quotes one; what stands for the end is Go's doing."""
        return quoted(self._text[at], "'") if at < len(self._text) else "'\ufffd'"


def _is_unicode(text: str) -> bool:
    return not any(0xD800 <= ord(sign) < 0xE000 for sign in text)  # noqa: PLR2004
