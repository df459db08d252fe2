"""Parts of selectors and modifiers: matchers in braces, and lists of labels."""

from app.labels import METRIC_NAME
from app.promql.ast import Matcher, MatchOperator
from app.promql.matching import check_pattern
from app.promql.parsing.cursor import Cursor
from app.promql.parsing.quoting import quoted, unquoted
from app.promql.parsing.tokens import LABELS, Kind

_MATCHING = "label matching"
_GROUPING = "grouping opts"


def matchers_in_braces(cursor: Cursor) -> tuple[Matcher, ...]:
    """``{job="x", "name"}``, from its brace on. A string alone is the metric's name."""
    cursor.expect("{")
    matchers: list[Matcher] = []
    while not cursor.at("}"):
        matchers.append(_matcher(cursor))
        if cursor.at("}"):
            break
        cursor.expect(",", _MATCHING, '"," or "}"')
    cursor.advance()
    return tuple(matchers)


def label_list(cursor: Cursor) -> tuple[str, ...]:
    """``(job, "a name")``; it may be empty, and end with a comma."""
    cursor.expect("(", _GROUPING, '"("')
    labels: list[str] = []
    while not cursor.at(")"):
        labels.append(_label(cursor))
        if cursor.at(")"):
            break
        cursor.expect(",", _GROUPING, '"," or ")"')
    cursor.advance()
    return tuple(labels)


def _matcher(cursor: Cursor) -> Matcher:
    label = cursor.token
    if label.kind not in {Kind.IDENTIFIER, Kind.STRING}:
        raise cursor.unexpected(_MATCHING, 'identifier or "}"')
    cursor.advance()
    name = label.text if label.kind is Kind.IDENTIFIER else unquoted(label.text)
    if not cursor.at("=", "!=", "=~", "!~"):
        if label.kind is Kind.STRING and cursor.at(",", "}"):
            return Matcher(METRIC_NAME, MatchOperator.EQUAL, name)
        expected = '"," or "}"' if label.kind is Kind.STRING else "label matching operator"
        raise cursor.unexpected(_MATCHING, expected)
    operator = MatchOperator(cursor.advance().word)
    if not cursor.is_a(Kind.STRING):
        raise cursor.unexpected(_MATCHING, "string")
    value = unquoted(cursor.advance().text)
    matcher = Matcher(name, operator, value)
    try:
        check_pattern(matcher)
    except ValueError as error:
        cursor.refuse(label.start, str(error))
    return matcher


def _label(cursor: Cursor) -> str:
    token = cursor.token
    if token.kind is Kind.STRING:
        name = unquoted(token.text)
        if not name:
            cursor.refuse(token.start, f"invalid label name for grouping: {quoted(name)}")
    elif token.kind in {Kind.IDENTIFIER, Kind.METRIC_IDENTIFIER} or token.word in LABELS:
        name = token.text
    else:
        raise cursor.unexpected(_GROUPING, "label")
    cursor.advance()
    return name
