"""Trees to text, as Prometheus prints them: one line if it fits, otherwise indented by level.

Source of the layout: what Prometheus answers at ``/api/v1/format_query``. What it would print so
that it reads as something else is printed with quotes or parentheses instead.
"""

from app.labels import METRIC_NAME
from app.promql import ast
from app.promql.ast import Duration, DurationExpression, Expression, MatchOperator
from app.promql.numbers import positional
from app.promql.parsing.numbers import duration_text
from app.promql.parsing.quoting import BARE_LABEL, quoted
from app.promql.parsing.tokens import KEYWORDS, LABELS

LONGEST_LINE = 100
_INDENT = "  "
_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "^": 3}
_SIGNED = 2
_ATOM = 4


def format_expression(expression: Expression) -> str:
    """The expression in its canonical spelling; lines of up to 100 characters are not broken."""
    return _Printer().pretty(expression, 0)


class _Printer:
    """Keeps the lines of the nodes below, so that each is made once."""

    def __init__(self) -> None:
        self._lines: dict[int, str] = {}

    def pretty(self, node: Expression, level: int) -> str:
        """The text, its first line indented too."""
        indent = _INDENT * level
        line = self.line(node)
        if len(line.encode("utf-8", "replace")) <= LONGEST_LINE:
            return f"{indent}{line}"
        match node:
            case ast.Aggregation():
                inner = [] if node.parameter is None else [node.parameter]
                return self._list(f"{indent}{_head(node)}", [*inner, node.operand], level)
            case ast.Call(arguments=[_, *_]):
                return self._list(f"{indent}{node.function}", list(node.arguments), level)
            case ast.Paren():
                return self._list(indent, [node.operand], level)
            case ast.Binary():
                left = self.pretty(node.left, level + 1)
                right = self.pretty(node.right, level + 1)
                return f"{left}\n{indent}{_operator(node)}\n{right}"
            case ast.Unary():
                return f"{indent}{node.operator}{self.pretty(node.operand, level).lstrip()}"
            case ast.Subquery():
                return f"{self.pretty(node.operand, level)}{_subquery_suffix(node)}"
        return f"{indent}{line}"

    def _list(self, head: str, inner: list[Expression], level: int) -> str:
        lines = ",\n".join(self.pretty(each, level + 1) for each in inner)
        return f"{head}(\n{lines}\n{_INDENT * level})"

    def line(self, node: Expression) -> str:
        """The text without line breaks."""
        known = self._lines.get(id(node))
        if known is None:
            known = self._lines[id(node)] = self._line(node)
        return known

    def _line(self, node: Expression) -> str:
        match node:
            case ast.NumberLiteral():
                return _number(node)
            case ast.StringLiteral():
                return quoted(node.value)
            case ast.VectorSelector():
                return f"{_selected(node)}{_at(node.at)}{_extension(node)}{_offset(node.offset)}"
            case ast.MatrixSelector():
                inner = node.selector
                window = _duration(node.window)
                suffix = f"{_extension(inner)}{_at(inner.at)}{_offset(inner.offset)}"
                return f"{_selected(inner)}[{window}]{suffix}"
            case ast.Subquery():
                return f"{self.line(node.operand)}{_subquery_suffix(node)}"
            case ast.Call():
                return f"{node.function}({', '.join(map(self.line, node.arguments))})"
            case ast.Aggregation():
                parameter = "" if node.parameter is None else f"{self.line(node.parameter)}, "
                return f"{_head(node)}({parameter}{self.line(node.operand)})"
            case ast.Binary():
                left = self.line(node.left)
                if node.operator == "^" and left.startswith("+Inf"):
                    # A sign would bind less strongly.
                    left = left[1:]
                return f"{left} {_operator(node)} {self.line(node.right)}"
            case ast.Unary():
                return f"{node.operator}{self.line(node.operand)}"
            case ast.Paren():
                return f"({self.line(node.operand)})"


def _number(literal: ast.NumberLiteral) -> str:
    value = literal.value
    if literal.is_duration:
        return duration_text(round(value * 1_000))
    return positional(value)


def _selected(selector: ast.VectorSelector) -> str:
    matchers = sorted(
        matcher_text(matcher) for matcher in selector.matchers if not _is_name(matcher, selector)
    )
    braces = f"{{{','.join(matchers)}}}" if matchers or selector.name is None else ""
    return f"{selector.name or ''}{braces}"


def _is_name(matcher: ast.Matcher, selector: ast.VectorSelector) -> bool:
    return (
        matcher.name == METRIC_NAME
        and matcher.operator is MatchOperator.EQUAL
        and matcher.value == selector.name
    )


def matcher_text(matcher: ast.Matcher) -> str:
    """A matcher as it stands in braces."""
    name = matcher.name if BARE_LABEL.fullmatch(matcher.name) else quoted(matcher.name)
    return f"{name}{matcher.operator.value}{quoted(matcher.value)}"


def _labels(labels: tuple[str, ...]) -> str:
    return ", ".join(label if _is_bare(label) else quoted(label) for label in labels)


def _is_bare(label: str) -> bool:
    word = label.lower()
    return bool(BARE_LABEL.fullmatch(label)) and (word not in KEYWORDS or word in LABELS)


def _head(node: ast.Aggregation) -> str:
    if node.without:
        return f"{node.operator} without ({_labels(node.labels)}) "
    return f"{node.operator} by ({_labels(node.labels)}) " if node.labels else node.operator


def _operator(node: ast.Binary) -> str:
    parts = [node.operator]
    if node.returns_bool:
        parts.append("bool")
    matching = node.matching
    if matching is not None:
        grouped = matching.cardinality in {"many-to-one", "one-to-many"}
        if matching.labels or matching.on or grouped:
            parts.append(f"{'on' if matching.on else 'ignoring'} ({_labels(matching.labels)})")
        if grouped:
            side = "left" if matching.cardinality == "many-to-one" else "right"
            parts.append(f"group_{side} ({_labels(matching.include)})")
        left, right = matching.fill_left, matching.fill_right
        if left is not None and right is not None and positional(left) == positional(right):
            parts.append(f"fill ({positional(left)})")
        else:
            if left is not None:
                parts.append(f"fill_left ({positional(left)})")
            if right is not None:
                parts.append(f"fill_right ({positional(right)})")
    return " ".join(parts)


def _subquery_suffix(node: ast.Subquery) -> str:
    step = "" if node.step is None else _duration(node.step)
    return f"[{_duration(node.window)}:{step}]{_at(node.at)}{_offset(node.offset)}"


def _at(at: ast.At) -> str:
    if at is None:
        return ""
    if isinstance(at, str):
        return f" @ {at}()"
    seconds, thousandths = divmod(abs(at), 1_000)
    return f" @ {'-' if at < 0 else ''}{seconds}.{thousandths:03}"


def _extension(selector: ast.VectorSelector) -> str:
    return f" {selector.extension}" if selector.extension else ""


def _offset(offset: Duration) -> str:
    if offset == 0:
        return ""
    return f" offset {_duration(offset, in_offset=True)}"


def _duration(duration: Duration, *, in_offset: bool = False) -> str:
    if isinstance(duration, int):
        return duration_text(duration)
    if in_offset and duration.operator == "-" and len(duration.operands) == 1:
        return f"-{_operand(duration.operands[0], _ATOM)}"
    return _operand(duration, _ATOM) if in_offset else _calculation(duration)[0]


def _calculation(duration: DurationExpression) -> tuple[str, int]:
    """The text of an expression, and how strongly it binds."""
    operator, operands = duration.operator, duration.operands
    if operator == "number":
        text = positional(duration.value)
        if duration.is_duration:
            text = duration_text(round(duration.value * 1_000))
        return text, _SIGNED if text.startswith("-") else _ATOM
    if not operands:
        return f"{operator}()", _ATOM
    if operator in {"min", "max"}:
        inner = ", ".join(_calculation(operand)[0] for operand in operands)
        return f"{operator}_of({inner})", _ATOM
    if len(operands) == 1:
        return f"-{_operand(operands[0], _SIGNED + 1, signed=True)}", _SIGNED
    strength = _PRECEDENCE[operator]
    left = _operand(operands[0], strength + (operator == "^"))
    right = _operand(operands[1], strength + (operator != "^"), signed=True)
    return f"{left} {operator} {right}", strength


def _operand(duration: DurationExpression, least: int, *, signed: bool = False) -> str:
    """An operand, in parentheses where it needs them; a sign needs none if ``signed``."""
    text, binds = _calculation(duration)
    bare = binds >= least or (signed and text.startswith("-") and len(duration.operands) < 2)  # noqa: PLR2004
    return text if bare else f"({text})"
