"""Silences as conditions on alerts."""

import re
from collections.abc import Iterable, Mapping, Sequence

import structlog

from app.alarms.alerts import Alert
from app.errors import InvalidParameter, QueryFailed
from app.promql.ast import Matcher, MatchOperator
from app.promql.matching import Predicate, check_pattern, compile_matcher
from app.storage import SilenceMatcher, SilenceRow

MOST_MATCHERS = 20
LONGEST_TEXT = 1_000
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_log = structlog.get_logger(__name__)


def check_silence(
    matchers: Sequence[SilenceMatcher], starts_ms: int, ends_ms: int, now_ms: int
) -> None:
    """Raise ``InvalidParameter`` for a silence that cannot be meant.

    One that matches everything is refused: at least one matcher must not match the empty value.
    """
    if not matchers:
        raise InvalidParameter("matchers", "a silence needs one matcher or more")
    if len(matchers) > MOST_MATCHERS:
        raise InvalidParameter("matchers", f"a silence has at most {MOST_MATCHERS} matchers")
    for name, operator, value in matchers:
        if not _LABEL.fullmatch(name):
            raise InvalidParameter(
                "matchers", f"{name!r} is not the name of a label, such as alarm or TableName"
            )
        if len(value) > LONGEST_TEXT:
            raise InvalidParameter("matchers", f"a value has more than {LONGEST_TEXT} characters")
        if operator not in set(MatchOperator):
            raise InvalidParameter("matchers", f"{operator!r} is not one of =, !=, =~, !~")
        try:
            check_pattern(Matcher(name, MatchOperator(operator), value))
        except ValueError as error:
            raise InvalidParameter(
                "matchers", f"{value!r} is not a regular expression: {error}"
            ) from error
    if all(predicate("") for _, predicate in _compiled(matchers)):
        raise InvalidParameter(
            "matchers",
            "every matcher matches the empty value, so the silence would hold for alarms that have"
            ' none of these labels; add one that does not, such as TableName="orders"',
        )
    if ends_ms <= starts_ms:
        raise InvalidParameter("ends", "a silence ends after it starts")
    if ends_ms <= now_ms:
        raise InvalidParameter("ends", "a silence must end in the future")


class Silences:
    """The silences that there are, ready to be asked."""

    def __init__(self, rows: Iterable[SilenceRow]) -> None:
        self.rows = tuple(rows)
        self._conditions = [(row, _compiled(row.matchers)) for row in self.rows]

    def hold(self, alert: Alert, at_ms: int) -> bool:
        """Whether an alert is silenced at a time, wall-clock milliseconds."""
        return bool(self.holding(dict(alert.labels), at_ms))

    def holding(self, labels: Mapping[str, str], at_ms: int) -> list[SilenceRow]:
        """The silences that hold an alert of these labels at a time."""
        return [
            row
            for row, conditions in self._conditions
            if row.starts_ms <= at_ms < row.ends_ms and _matches(row, conditions, labels)
        ]


_Conditions = list[tuple[str, Predicate]]


def _compiled(matchers: Sequence[SilenceMatcher]) -> _Conditions:
    return [
        (name, compile_matcher(Matcher(name, MatchOperator(operator), value)))
        for name, operator, value in matchers
    ]


def _matches(row: SilenceRow, conditions: _Conditions, labels: Mapping[str, str]) -> bool:
    try:
        return all(predicate(labels.get(name, "")) for name, predicate in conditions)
    except QueryFailed as error:
        # Of two mistakes the better one: people hear of something that they wanted silenced.
        _log.warning("a silence is left out", silence=row.silence_id, reason=error.message)
        return False
