"""Variables in PromQL: where they may stand, and how their values get there.

``$name`` stands inside the text of a matcher, ``$__interval`` and ``$__range`` where a duration
does. Values of variables are any text at all, so they are put in by way of the lexer and never by
replacing text: what a label is called cannot change what is asked.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from app.promql.parsing.lexer import tokens_of
from app.promql.parsing.quoting import quoted, unquoted
from app.promql.parsing.tokens import Kind, Token

INTERVAL = "$__interval"
RANGE = "$__range"
DURATIONS = (INTERVAL, RANGE)
ANY = ".+"
"""The regular expression that stands for all values of a variable."""

_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_SPECIAL = re.compile(r"[\\^$*+?.()|{}\[\]]")
_REGEX = {"=": "=~", "!=": "!~"}
_OPERATORS = ("=", "!=", "=~", "!~")


class Use(NamedTuple):
    """A ``$name`` of an expression: where it begins, and the operator of the matcher it is in.

    ``operator`` is empty where it does not stand in the text of a matcher.
    """

    name: str
    offset: int
    operator: str


def filled(expression: str, duration: str = "1m") -> str:
    """The expression with a duration for those of the time range, as long as it was.

    What is not a variable keeps its place, so that errors point at it.
    """
    for name in DURATIONS:
        expression = re.sub(rf"\{name}\b", duration.ljust(len(name)), expression)
    return expression


def uses(expression: str) -> list[Use]:
    """The variables of an expression in their order; of one that cannot be read, without places."""
    text = filled(expression)
    inside = {
        string.start + match.start(): operator.word
        for operator, string in _compared(text)
        for match in _VARIABLE.finditer(string.text)
    }
    return [
        Use(match[1], match.start(), inside.get(match.start(), ""))
        for match in _VARIABLE.finditer(text)
    ]


def substituted(expression: str, values: Mapping[str, Sequence[str]]) -> str:
    """The expression with values for its variables; no value means all of them.

    Where a matcher compares with ``=`` and there is not one value, it compares with ``=~`` instead.
    Variables that ``values`` does not name are taken as all.
    """
    parts: list[str] = []
    end = 0
    for operator, string in _compared(filled(expression)):
        if _VARIABLE.search(string.text):
            word, text = _chosen(operator.word, unquoted(string.text), values)
            parts += (expression[end : operator.start], word, quoted(text))
            end = string.end
    return "".join([*parts, expression[end:]])


def escaped(value: str) -> str:
    """The regular expression that matches a text alone, in the syntax of RE2."""
    return _SPECIAL.sub(lambda sign: f"\\{sign[0]}", value)


def _chosen(operator: str, text: str, values: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """Operator and text of a matcher once values stand for the variables."""
    is_text = operator in _REGEX
    chosen = {name: values.get(name, ()) for name in _VARIABLE.findall(text)}
    if is_text and all(len(each) == 1 for each in chosen.values()):
        return operator, _VARIABLE.sub(lambda match: chosen[match[1]][0], text)
    parts: list[str] = []
    end = 0
    for match in _VARIABLE.finditer(text):
        before = text[end : match.start()]
        parts += (escaped(before) if is_text else before, _alternatives(chosen[match[1]]))
        end = match.end()
    rest = text[end:]
    parts.append(escaped(rest) if is_text else rest)
    return _REGEX.get(operator, operator), "".join(parts)


def _alternatives(values: Sequence[str]) -> str:
    if not values:
        return ANY
    return escaped(values[0]) if len(values) == 1 else f"({'|'.join(map(escaped, values))})"


def _compared(text: str) -> Iterator[tuple[Token, Token]]:
    """Operators of matchers, and the strings that follow them."""
    before: Token | None = None
    for token in tokens_of(text):
        if token.kind is Kind.FAULT:
            return
        if token.kind is Kind.STRING and before is not None and before.word in _OPERATORS:
            yield before, token
        before = token
