"""The notation of series in tests: ``metric{label="value"} 1 2+3x4 _ stale``.

Source: "The PromQL test scripting language" (promql/promqltest/README.md of Prometheus) and the
section on series of "Unit testing for rules" in its documentation.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from app.errors import QuerySyntaxError, ScriptError
from app.labels import METRIC_NAME, LabelSet, label_set
from app.promql.ast import NumberLiteral, StringLiteral, Unary
from app.promql.parsing import parse
from app.promql.parsing.quoting import BARE_LABEL, BARE_NAME

MOST_POINTS = 1_000_000
"""Points of one line; ``1x1000000000`` is a slip of the pen that must not fill the memory."""


class Mark(Enum):
    """What may stand for a point besides a number."""

    GAP = "_"
    STALE = "stale"
    HISTOGRAM = "{{…}}"


Point: TypeAlias = float | Mark


@dataclass(frozen=True, slots=True)
class SeriesLine:
    """A series and its points; with ``starts`` (``@st``) what they have been counted since.

    Starts are milliseconds from the point's own time.

    ``labels`` is None of a line that is nothing but ``@st``, which is for all series after it.
    """

    line: int
    labels: LabelSet | None
    points: tuple[Point, ...]
    starts: bool = False


_NUMBER = r"(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|(?i:inf|nan)(?![A-Za-wyz_]))"
_VALUE = re.compile(rf"([+-]?{_NUMBER})(?:([+-]{_NUMBER})?x(\d+))?")
_GAP = re.compile(r"_(?:x(\d+))?")
_HISTOGRAM = re.compile(r"\{\{[^{}]*\}\}(?:([+-]\{\{[^{}]*\}\})?x(\d+))?")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|' r"'(?:[^'\\]|\\.)*'|`[^`]*`")
_SPACE = re.compile(r"\s*")
_STARTS = "@st"
_START = re.compile(r"([+-]?(?:\d+(?:ms|[smhdwy]))+)(?:([+-](?:\d+(?:ms|[smhdwy]))+)?x(\d+))?")
_AGAIN = re.compile(r"\*(?:x(\d+))?")


def parse_series(text: str, line: int) -> SeriesLine:
    """A series with its points; ``ScriptError`` with line and column says what is wrong."""
    return _Line(text, line).series()


def parse_seconds(text: str, line: int, what: str) -> float:
    """A time or duration such as ``5m``, ``-1h30m`` or ``90`` (seconds), in seconds."""
    try:
        expression = parse(text)
    except QuerySyntaxError as error:
        raise ScriptError(f"{what}: {text!r} is no duration ({error.reason})", line=line) from error
    sign = 1.0
    while isinstance(expression, Unary):
        sign = -sign if expression.operator == "-" else sign
        expression = expression.operand
    if not isinstance(expression, NumberLiteral):
        raise ScriptError(f"{what}: {text!r} is no duration such as 5m or 1h30m", line=line)
    return sign * expression.value


def parse_milliseconds(text: str, line: int, what: str) -> int:
    """A time or duration in whole milliseconds."""
    seconds = parse_seconds(text, line, what)
    if not abs(seconds) < 2**43:
        raise ScriptError(f"{what}: {text!r} is out of range", line=line)
    return round(seconds * 1000)


def parse_number(text: str) -> float | None:
    """The text as one number, None if it is none."""
    found = _VALUE.fullmatch(text)
    return float(found[1]) if found and found[3] is None else None


def parse_string(text: str) -> str | None:
    """The text as one quoted string, None if it is none."""
    return _unquoted(text) if _STRING.fullmatch(text) else None


def _unquoted(text: str) -> str | None:
    try:
        literal = parse(text)
    except QuerySyntaxError:
        return None
    return literal.value if isinstance(literal, StringLiteral) else None


class _Line:
    def __init__(self, text: str, line: int) -> None:
        self._text = text
        self._line = line
        self._at = 0

    def series(self) -> SeriesLine:
        self._skip_space()
        if self._starts_here():
            return SeriesLine(self._line, None, self._points(durations=True), starts=True)
        labels = self._labels()
        if self._starts_here():
            return SeriesLine(self._line, labels, self._points(durations=True), starts=True)
        if self._at < len(self._text) and not self._text[self._at].isspace():
            raise self._error("expected a space between the series and its points")
        points = self._points()
        if not points:
            raise self._error("the series has no points; write _ for none")
        return SeriesLine(self._line, labels, points)

    def _starts_here(self) -> bool:
        if not self._text.startswith(_STARTS, self._at):
            return False
        self._at += len(_STARTS)
        return True

    def _labels(self) -> LabelSet:
        labels: dict[str, str] = {}
        if name := self._take(BARE_NAME):
            labels[METRIC_NAME] = name
        self._skip_space_before("{")
        if self._peek() != "{":
            if not name:
                raise self._error('expected a series such as metric{label="value"} or {}')
            return label_set(labels)
        self._at += 1
        while True:
            self._skip_space()
            if self._peek() == "}":
                self._at += 1
                return label_set(labels)
            self._label(labels)
            self._skip_space()
            if self._peek() == ",":
                self._at += 1
            elif self._peek() != "}":
                raise self._error("expected , or } after a label")

    def _label(self, labels: dict[str, str]) -> None:
        start = self._at
        if quoted := self._take(_STRING):
            name = self._text_of(quoted, start)
        elif bare := self._take(BARE_LABEL):
            quoted, name = "", bare
        else:
            raise self._error("expected a label's name")
        self._skip_space()
        if self._peek() == "=":
            self._at += 1
            self._skip_space()
            value_at = self._at
            value = self._take(_STRING)
            if not value:
                raise self._error(f"expected the value of label {name!r} in quotes")
            self._add(labels, name, self._text_of(value, value_at), start)
        elif quoted:
            self._add(labels, METRIC_NAME, name, start)
        else:
            raise self._error(f'expected = and a value after label {name!r}, as in {name}="value"')

    def _add(self, labels: dict[str, str], name: str, value: str, start: int) -> None:
        if name in labels:
            self._at = start
            raise self._error(f"label {name!r} is given twice")
        labels[name] = value

    def _text_of(self, quoted: str, start: int) -> str:
        value = _unquoted(quoted)
        if value is None:
            self._at = start
            raise self._error(f"{quoted} is no well-formed string")
        return value

    def _points(self, *, durations: bool = False) -> tuple[Point, ...]:
        points: list[Point] = []
        while True:
            self._skip_space()
            if self._at == len(self._text) or self._peek() == "#":
                return tuple(points)
            start = self._at
            if durations:
                self._start(points)
            else:
                self._item(points)
            if len(points) > MOST_POINTS:
                self._at = start
                raise self._error(f"the line has more than {MOST_POINTS} points")
            if self._at < len(self._text) and not self._text[self._at].isspace():
                self._at = start
                raise self._not_a_point()

    def _item(self, points: list[Point]) -> None:
        if found := self._found(_HISTOGRAM):
            points += [Mark.HISTOGRAM] * (self._repeats(found[2]) + 1)
        elif found := self._found(_GAP):
            points += [Mark.GAP] * (self._repeats(found[1]) if found[1] else 1)
        elif found := self._found(_VALUE):
            value, increment = float(found[1]), float(found[2] or 0)
            points.append(value)
            # Added up one by one, as Prometheus does, so that rounding is the same.
            for _ in range(self._repeats(found[3])):
                value = value + increment if increment else value
                points.append(value)
        elif self._text.startswith(Mark.STALE.value, self._at):
            self._at += len(Mark.STALE.value)
            points.append(Mark.STALE)
        else:
            raise self._not_a_point()

    def _start(self, points: list[Point]) -> None:
        if found := self._found(_GAP):
            points += [Mark.GAP] * (self._repeats(found[1]) if found[1] else 1)
        elif found := self._found(_AGAIN):
            known = [point for point in points if isinstance(point, float)]
            points += [known[-1] if known else 0.0] * (self._repeats(found[1]) + 1)
        elif found := self._found(_START):
            start, step = (self._offset(text) for text in (found[1], found[2] or "0s"))
            points += [start + step * index for index in range(self._repeats(found[3]) + 1)]
        else:
            item = self._text[self._at :].split(maxsplit=1)[0]
            raise self._error(
                f"{item!r} is no start; starts are -1m, _ (unknown), * (as before), -1mx3 (-1m and"
                " three more), -1m-30sx3 (-1m, and three more that are 30s earlier each)"
            )

    def _offset(self, text: str) -> float:
        return float(parse_milliseconds(text.removeprefix("+"), self._line, "start"))

    def _not_a_point(self) -> ScriptError:
        item = self._text[self._at :].split(maxsplit=1)[0]
        return self._error(
            f"{item!r} is no point; points are 1.5, NaN, -Inf, stale, _ (a gap), _x3 (three gaps),"
            " 1x3 (1 and three more), 1+2x3 and 9-2x3 (1 3 5 7 and 9 7 5 3)"
        )

    def _repeats(self, digits: str | None) -> int:
        count = int(digits[:12]) if digits else 0
        if count > MOST_POINTS:
            raise self._error(f"the line has more than {MOST_POINTS} points")
        return count

    def _found(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()
        return found

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = self._found(pattern)
        return found[0] if found else ""

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip_space(self) -> None:
        self._take(_SPACE)

    def _skip_space_before(self, character: str) -> None:
        """A brace after a space belongs to the series, unless it begins a histogram."""
        at = _SPACE.match(self._text, self._at)
        end = at.end() if at else self._at
        if self._text.startswith(character, end) and not self._text.startswith("{{", end):
            self._at = end

    def _error(self, message: str) -> ScriptError:
        return ScriptError(message, line=self._line, column=self._at + 1)
