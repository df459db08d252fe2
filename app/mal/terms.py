"""Terms of closures: from a flat row of operands and operators to a tree.

Twelve levels, loosest first: ``||``, ``&&``, ``!``, comparisons and ``in``, ``?:``, the ternary,
the ternary of a comparison ``a == b ? c : d``, ``=~``, ``-``, ``+``, ``/``, ``*``, and the sign.
That ``- + / *`` have a level each is SkyWalking's reading: ``a / b * c`` is ``a / (b * c)``.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

from app.mal import ast
from app.mal.places import fault

MAX_OPERATORS = 150
"""Operators of one term outside parentheses."""

_LOGICAL = ("||", "&&")
_COMPARISONS = ("==", "!=", "<", ">", "<=", ">=")
_ARITHMETIC = ("-", "+", "/", "*")
_INTERPOLATION = re.compile(r"\$\{([^}]*)\}")
_PATH = re.compile(r"\s*([A-Za-z_]\w*)((?:\s*\??\.\s*[A-Za-z_]\w*(?:\s*\(\s*\))?)*)\s*", re.ASCII)
_STEP = re.compile(r"(\??)\.\s*([A-Za-z_]\w*)\s*(\(?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Operator:
    """A sign of a flat row; ``values`` and ``pattern`` are what follows ``in`` and ``=~``."""

    text: str
    place: ast.Place
    values: tuple[str, ...] = ()
    pattern: str = ""


Row: TypeAlias = list[ast.Term | Operator]


def nested(row: Row) -> ast.Term:
    """The tree of a row. Raises ``RuleError`` for a ``?`` without ``:`` and the like."""
    if len(row) == 1 and not isinstance(row[0], Operator):
        return row[0]
    for number, operator in enumerate(item for item in row if isinstance(item, Operator)):
        if number == MAX_OPERATORS:
            raise fault(operator.place, f"more than {MAX_OPERATORS} operators in one term")
    reader = _Reader(row)
    term = reader.condition(0)
    left_over = reader.next()
    if left_over is not None:
        raise fault(left_over.place, f"{left_over.text!r} is not expected here")
    return term


def interpolated(text: str, place: ast.Place) -> ast.Term:
    """A text in which ``${tags.x}`` stands for a value: the concatenation of its parts."""
    parts: list[ast.Term] = []
    end = 0
    for found in _INTERPOLATION.finditer(text):
        if found.start() > end or not parts:
            parts.append(ast.Literal(text[end : found.start()], place))
        parts.append(_path(found.group(1), place))
        end = found.end()
    if end < len(text) or not parts:
        parts.append(ast.Literal(text[end:], place))
    if len(parts) > MAX_OPERATORS:
        raise fault(place, f"more than {MAX_OPERATORS} parts in one text")
    term = parts[0]
    for part in parts[1:]:
        term = ast.Operation("+", term, part, place)
    return term


def _path(text: str, place: ast.Place) -> ast.Term:
    path = _PATH.fullmatch(text)
    if path is None:
        raise fault(place, f"${{{text}}} is not understood: a path such as ${{tags.x}} is expected")
    term: ast.Term = ast.Variable(path.group(1), place)
    for number, (safe, name, call) in enumerate(_STEP.findall(path.group(2))):
        if number == MAX_OPERATORS:
            raise fault(place, f"more than {MAX_OPERATORS} steps in one path")
        if call:
            term = ast.Call(term, name, (), bool(safe), place)
        else:
            term = ast.Field(term, name, bool(safe), place)
    return term


class _Reader:
    """Reads a row from left to right."""

    def __init__(self, row: Row) -> None:
        self._row = row
        self._at = 0

    def next(self) -> Operator | None:
        """The operator that comes next; None at the end."""
        item = self._row[self._at] if self._at < len(self._row) else None
        return item if isinstance(item, Operator) else None

    def _take(self, texts: tuple[str, ...]) -> Operator | None:
        operator = self.next()
        if operator is None or operator.text not in texts:
            return None
        self._at += 1
        return operator

    def condition(self, level: int) -> ast.Term:
        """``||`` at level 0, ``&&`` at level 1, then ``!`` and comparisons."""
        if level == len(_LOGICAL):
            return self._comparison()
        left = self.condition(level + 1)
        while operator := self._take((_LOGICAL[level],)):
            right = self.condition(level + 1)
            left = ast.Operation(operator.text, left, right, operator.place)
        return left

    def _comparison(self) -> ast.Term:
        if bang := self._take(("!",)):
            return ast.Not(self._comparison(), bang.place)
        left = self._elvis()
        while operator := self._take((*_COMPARISONS, "in")):
            if operator.text == "in":
                left = ast.In(left, operator.values, operator.place)
            else:
                left = ast.Operation(operator.text, left, self._elvis(), operator.place)
        return left

    def _elvis(self) -> ast.Term:
        left = self._ternary()
        while operator := self._take(("?:",)):
            left = ast.Operation("?:", left, self._ternary(), operator.place)
        return left

    def _ternary(self) -> ast.Term:
        test = self._match()
        compared = self._comparison_before_question(test)
        question = self._take(("?",))
        if question is None:
            return test
        then = self.condition(0)
        if self._take((":",)) is None:
            raise fault(question.place, "this '?' has no ':'")
        return ast.Ternary(compared or test, then, self._ternary(), question.place)

    def _comparison_before_question(self, left: ast.Term) -> ast.Term | None:
        """``left == right`` if a ``?`` follows it; else nothing is read."""
        start = self._at
        operator = self._take(_COMPARISONS)
        if operator is None:
            return None
        right = self._match()
        following = self.next()
        if following is not None and following.text == "?":
            return ast.Operation(operator.text, left, right, operator.place)
        self._at = start
        return None

    def _match(self) -> ast.Term:
        left = self._arithmetic(0)
        while operator := self._take(("=~",)):
            left = ast.Match(left, operator.pattern, operator.place)
        return left

    def _arithmetic(self, level: int) -> ast.Term:
        if level == len(_ARITHMETIC):
            return self._operand()
        left = self._arithmetic(level + 1)
        while operator := self._take((_ARITHMETIC[level],)):
            right = self._arithmetic(level + 1)
            left = ast.Operation(operator.text, left, right, operator.place)
        return left

    def _operand(self) -> ast.Term:
        if sign := self._take(("-",)):
            return ast.Minus(self._operand(), sign.place)
        if bang := self._take(("!",)):
            return ast.Not(self._operand(), bang.place)
        item = self._row[self._at]
        self._at += 1
        assert not isinstance(item, Operator)  # noqa: S101 - the grammar puts operands between
        return item
