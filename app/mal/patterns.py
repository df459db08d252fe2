"""Regular expressions of rules: Java's, with a bound on the time that they may take.

A rule's author knows Java's syntax, because SkyWalking's rules are written in it; it is translated
by ``java_regex`` for the library ``regex``, which unlike the standard one can stop in time.
"""

import re
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import regex

from app.mal import ast
from app.mal.java_regex import translated
from app.mal.places import fault
from app.mal.values import ClosureError

LONGEST_PATTERN = 4_096
LONGEST_MATCH_SECONDS = 0.1

_SLOW_SECONDS = 0.001
_ALLOWANCE_SECONDS = 0.5
_WORDS = re.compile(r"[\w\-/:, ]*(?:\|[\w\-/:, ]*)*", re.ASCII)
_REPLACEMENT = re.compile(r"\\(.)|\$(\d+)|\$\{(\w+)\}|[\\$]", re.DOTALL)

_Result = TypeVar("_Result")


class Allowance:
    """The processor time that slow matches of one function or closure may take in all.

    A match that is slow, but not so slow as to be stopped, would still hold up a minute if each of
    80,000 series had one.
    """

    def __init__(self, seconds: float = _ALLOWANCE_SECONDS) -> None:
        self.seconds = seconds

    def spend(self, match: Callable[[], _Result], pattern: str) -> _Result:
        """The result of ``match``. Raises ``ClosureError`` when nothing is left to spend."""
        if self.seconds <= 0:
            raise ClosureError(
                f"the regular expression {_shortened(pattern)} is not tried any more:"
                " it has been too slow too often; simplify it"
            )
        result, spent = self._timed(match, pattern)
        if spent > _SLOW_SECONDS:
            # Python may have collected garbage meanwhile, which takes its time among many series:
            # what is slow only once is not the expression's doing.
            _, again = self._timed(match, pattern)
            self._charge(min(spent, again))
        return result

    def _timed(self, match: Callable[[], _Result], pattern: str) -> tuple[_Result, float]:
        """The result of ``match`` and its seconds, which are charged if there is no result."""
        start = time.thread_time()
        try:
            result = match()
        except Exception as error:
            self._charge(time.thread_time() - start)
            if isinstance(error, TimeoutError):
                raise ClosureError(
                    f"the regular expression {_shortened(pattern)} took longer than"
                    f" {LONGEST_MATCH_SECONDS:g} seconds for one text; simplify it"
                ) from None
            if isinstance(error, MemoryError | RecursionError):
                raise ClosureError(
                    f"the regular expression {_shortened(pattern)} needs too much memory;"
                    " simplify it"
                ) from None
            raise
        return result, time.thread_time() - start

    def _charge(self, seconds: float) -> None:
        if seconds > _SLOW_SECONDS:
            self.seconds -= seconds


class Pattern:
    """A compiled regular expression. Its methods raise ``ClosureError`` where it is too slow."""

    def __init__(self, text: str, place: ast.Place, allowance: Allowance) -> None:
        """Raises ``RuleError`` at ``place`` for a text that is not a regular expression."""
        self._text = text
        self._allowance = allowance
        self._words = frozenset(text.split("|")) if _WORDS.fullmatch(text) else None
        if len(text) > LONGEST_PATTERN:
            raise fault(
                place,
                f"a regular expression of {len(text)} characters, at most {LONGEST_PATTERN}"
                " are allowed",
            )
        try:
            self._regex = regex.compile(translated(text), regex.VERSION1)
        except (ValueError, regex.error, RecursionError, OverflowError, MemoryError) as error:
            message = f"{_shortened(text)} is not a regular expression: {error}"
            raise fault(place, message) from error

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        if self._words is not None:
            return text in self._words
        found = self._spend(lambda: self._regex.fullmatch(text, timeout=LONGEST_MATCH_SECONDS))
        return found is not None

    def groups(self, text: str) -> tuple[str | None, ...] | None:
        """The first match in the text and its groups; None without one."""
        found = self._spend(lambda: self._regex.search(text, timeout=LONGEST_MATCH_SECONDS))
        return None if found is None else (found.group(), *found.groups())

    def replaced(self, text: str, replacement: str, *, most: int, longest: int) -> str:
        r"""The text with the first ``most`` matches replaced, all of them if ``most`` is 0.

        ``$1`` and ``${name}`` in the replacement stand for groups, ``\`` takes the next sign as
        it is. The result has at most ``longest`` characters.
        """
        expand = self._expansion(replacement)

        def replace() -> str:
            parts = []
            end = size = 0
            for number, found in enumerate(self._found(text)):
                if most and number == most:
                    break
                parts += [text[end : found.start()], expand(found)]
                end = found.end()
                size += len(parts[-1]) + len(parts[-2])
                if size > longest:
                    break
            if size + len(text) - end > longest:
                raise ClosureError(f"the text would grow beyond {longest} characters")
            return "".join([*parts, text[end:]])

        return self._spend(replace)

    def split(self, text: str, limit: int, most: int) -> list[str]:
        """The pieces of a text as Java cuts it: without trailing empty ones if ``limit`` is 0.

        A positive limit is the largest number of pieces; more than ``most`` are an error.
        """

        def cut() -> list[str]:
            pieces: list[str] = []
            end = 0
            for found in self._found(text):
                if found.end() == 0:
                    continue
                if limit > 0 and len(pieces) == limit - 1:
                    break
                pieces.append(text[end : found.start()])
                end = found.end()
                if len(pieces) > most:
                    raise ClosureError(f"the text has more than {most} pieces")
            pieces.append(text[end:])
            while limit == 0 and len(pieces) > 1 and not pieces[-1]:
                pieces.pop()
            return pieces if pieces != [""] or not text else []

        return self._spend(cut)

    def _found(self, text: str) -> Iterator[regex.Match[str]]:
        return self._regex.finditer(text, timeout=LONGEST_MATCH_SECONDS)

    def _spend(self, match: Callable[[], _Result]) -> _Result:
        return self._allowance.spend(match, self._text)

    def _expansion(self, replacement: str) -> Callable[[regex.Match[str]], str]:
        if "$" not in replacement and "\\" not in replacement:
            return lambda _: replacement
        parts: list[str | int] = []
        end = 0
        for found in _REPLACEMENT.finditer(replacement):
            parts.append(replacement[end : found.start()])
            end = found.end()
            escaped, digits, name = found.groups()
            if escaped is not None:
                parts.append(escaped)
            elif digits is not None:
                number = self._group_number(digits)
                parts += [int(digits[:number]), digits[number:]]
            elif name in self._regex.groupindex:
                parts.append(self._regex.groupindex[name])
            else:
                raise ClosureError(f"{found.group()} in {replacement!r} is no group")
        parts.append(replacement[end:])
        return lambda found: "".join(
            part if isinstance(part, str) else found.group(part) or "" for part in parts
        )

    def _group_number(self, digits: str) -> int:
        """How many of the digits are the group's number: as many as there is such a group."""
        length = 1
        if int(digits[0]) > self._regex.groups:
            raise ClosureError(f"${digits[0]}: the regular expression has no such group")
        while length < len(digits) and int(digits[: length + 1]) <= self._regex.groups:
            length += 1
        return length


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")  # noqa: PLR2004
