"""Matchers of labels as predicates, with a bound on the time of regular expressions.

They are anchored at both ends, and ``.`` matches a line break. What Grafana makes of a variable
with many values, an alternation of names, is a look-up in a set.
"""

import re
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Never

import regex

from app.errors import QueryFailed
from app.promql.ast import Matcher, MatchOperator
from app.promql.re2 import translated

LONGEST_PATTERN = 16_384
"""Characters of a regular expression that is more than literals with ``.*`` around them."""
LONGEST_MATCH_SECONDS = 0.1
ALLOWANCE_SECONDS = 1.0
"""What the slow matches of one matcher may take in all."""

_SLOW_SECONDS = 0.001
_BRANCH = re.compile(
    r"(?P<before>\.[*+])?(?P<text>(?:[^\\.+*?()|\[\]{}^$]|\\[-\\.+*?()|\[\]{}^$/ ])*)"
    r"(?P<after>\.[*+])?(?P<end>\||\Z)"
)
_ESCAPE = re.compile(r"\\(.)")

Predicate = Callable[[str], bool]


def compile_matcher(matcher: Matcher) -> Predicate:
    """Whether the value of a label (empty where there is none) fulfils the matcher.

    Raises ``ValueError`` for a regular expression that is not one; the parser has checked that. The
    predicate raises ``QueryFailed`` for a regular expression that is too slow.
    """
    value = matcher.value
    match matcher.operator:
        case MatchOperator.EQUAL:
            return lambda text: text == value
        case MatchOperator.NOT_EQUAL:
            return lambda text: text != value
        case MatchOperator.REGEX:
            return _predicate(value)
        case MatchOperator.NOT_REGEX:
            matches = _predicate(value)
            return lambda text: not matches(text)


def check_pattern(matcher: Matcher) -> None:
    """Raise ``ValueError`` for a regular expression that is not one, in Go's words."""
    if matcher.operator in {MatchOperator.REGEX, MatchOperator.NOT_REGEX}:
        _compiled(matcher.value)


def _predicate(pattern: str) -> Predicate:
    compiled = _compiled(pattern)
    if not isinstance(compiled, regex.Pattern):
        return compiled
    timed = TimedPattern(pattern, compiled)
    return lambda text: timed.match(text) is not None


def capturing(pattern: str) -> "TimedPattern":
    """The pattern with its groups. Raises ``ValueError`` for what is no regular expression."""
    return TimedPattern(pattern, _regex(pattern, captures=True))


class TimedPattern:
    """A pattern that may be slow, and the processor time that it may still take."""

    def __init__(self, pattern: str, compiled: "regex.Pattern[str]") -> None:
        self._pattern = pattern
        self._allowance = ALLOWANCE_SECONDS
        self.compiled = compiled

    def match(self, text: str) -> "regex.Match[str] | None":
        """The match of the whole text. Raises ``QueryFailed`` when it takes too long."""
        if self._allowance <= 0:
            self._refuse("has been too slow too often")
        start = time.thread_time()
        try:
            return self.compiled.fullmatch(text, timeout=LONGEST_MATCH_SECONDS)
        except TimeoutError:
            self._refuse(f"took longer than {LONGEST_MATCH_SECONDS:g} seconds for one value")
        except (MemoryError, RecursionError):
            self._refuse("needs too much memory")
        finally:
            spent = time.thread_time() - start
            if spent > _SLOW_SECONDS:
                self._allowance -= spent

    def _refuse(self, reason: str) -> Never:
        shown = self._pattern if len(self._pattern) <= 80 else f"{self._pattern[:77]}..."  # noqa: PLR2004
        raise QueryFailed(f"the regular expression {shown!r} {reason}; simplify it")


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> "Predicate | regex.Pattern[str]":
    simple = _branches(pattern)
    return _regex(pattern) if simple is None else simple


def _regex(pattern: str, *, captures: bool = False) -> "regex.Pattern[str]":
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(
            f"error parsing regexp: expression too large: {len(pattern)} characters,"
            f" at most {LONGEST_PATTERN} are allowed"
        )
    try:
        return regex.compile(translated(pattern, captures=captures), regex.VERSION0)
    except (regex.error, RecursionError, OverflowError, MemoryError) as error:
        raise ValueError(f"error parsing regexp: {error}: `{pattern}`") from error


def _branches(pattern: str) -> Predicate | None:
    """A predicate without regular expression, if the pattern is literals between ``.*``."""
    words: set[str] = set()
    prefixes: list[str] = []
    suffixes: list[str] = []
    rest: list[tuple[str, str, str]] = []
    at = 0
    while True:
        found = _BRANCH.match(pattern, at)
        if found is None:
            return None
        before, text, after = found["before"] or "", found["text"], found["after"] or ""
        text = _ESCAPE.sub(r"\1", text)
        if not before and not after:
            words.add(text)
        elif (before, after) == ("", ".*"):
            prefixes.append(text)
        elif (before, after) == (".*", ""):
            suffixes.append(text)
        else:
            rest.append((before, text, after))
        at = found.end()
        if not found["end"]:
            break
    return _combined(frozenset(words), tuple(prefixes), tuple(suffixes), rest)


def _combined(
    words: frozenset[str],
    prefixes: tuple[str, ...],
    suffixes: tuple[str, ...],
    rest: list[tuple[str, str, str]],
) -> Predicate:
    if not prefixes and not suffixes and not rest:
        return words.__contains__
    surrounded = [_surrounded(*branch) for branch in rest]

    def matches(text: str) -> bool:
        return (
            text in words
            or text.startswith(prefixes)
            or text.endswith(suffixes)
            or any(branch(text) for branch in surrounded)
        )

    return matches


def _surrounded(before: str, literal: str, after: str) -> Predicate:
    """Something around a literal: at least a character where it is ``.+``."""
    least_before, least_after = int(before == ".+"), int(after == ".+")
    if not before:
        return lambda text: text.startswith(literal) and len(text) > len(literal)
    if not after:
        return lambda text: text.endswith(literal) and len(text) > len(literal)

    def found(text: str) -> bool:
        end = len(text) - least_after
        # Below 0 it would count from the end.
        return end >= 0 and text.find(literal, least_before, end) >= 0

    return found
