"""Which alerting rules a request is about, by Prometheus' parameters."""

from collections.abc import Sequence
from hashlib import sha1

from app.alarms.rules import AlarmRule
from app.api.prometheus.arguments import Arguments
from app.api.prometheus.described import MATCHES
from app.errors import InvalidParameter, QuerySyntaxError
from app.labels import METRIC_NAME
from app.promql.ast import VectorSelector
from app.promql.matching import Predicate, compile_matcher
from app.promql.parsing import parse

PARAMETERS = (
    ("type", "alert or record; default: both, and there are alerts alone"),
    ("rule_name[]", "Name of a rule; may be given several times"),
    ("rule_group[]", "Name of a group; may be given several times"),
    ("file[]", "File of rules; may be given several times"),
    ("exclude_alerts", "true: rules without their alerts"),
    ("group_limit", "The most groups that are answered"),
    ("group_next_token", "groupNextToken of the answer before; with group_limit"),
    MATCHES,
)
_KINDS = frozenset({"", "alert", "record"})
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False", ""})

_Conditions = list[tuple[str, Predicate]]


class RuleSelection:
    """The parameters of a request, read at once. Raises ``InvalidParameter``."""

    def __init__(self, arguments: Arguments) -> None:
        self._kind = arguments.text("type").lower()
        if self._kind not in _KINDS:
            raise InvalidParameter("type", f'not supported value "{self._kind}"')
        self._names = arguments.all("rule_name[]")
        self._files = (arguments.all("rule_group[]"), arguments.all("file[]"))
        self._selectors = [_conditions(text) for text in arguments.all("match[]")]
        text = arguments.text("exclude_alerts")
        if text not in _TRUE | _FALSE:
            raise InvalidParameter("exclude_alerts", f'parsing "{text}": invalid syntax')
        self.with_alerts = text not in _TRUE
        self._token = arguments.text("group_next_token")
        self._limit = _group_limit(arguments)

    def takes(self, rule: AlarmRule) -> bool:
        """Whether a rule is asked for."""
        if self._kind == "record" or (self._names and rule.name not in self._names):
            return False
        if any(files and rule_file(rule) not in files for files in self._files):
            return False
        labels = rule_labels(rule)
        return not self._selectors or any(
            all(predicate(labels.get(name, "")) for name, predicate in conditions)
            for conditions in self._selectors
        )

    def page(self, files: Sequence[str]) -> tuple[Sequence[str], str]:
        """The part of the sorted groups that is asked for, and the token of the next one."""
        if self._token:
            tokens = [_token(file) for file in files]
            if self._token not in tokens:
                raise InvalidParameter(
                    "group_next_token",
                    f"invalid group_next_token '{self._token}'. were rule groups changed?",
                )
            files = files[tokens.index(self._token) :]
        if not self._limit or len(files) <= self._limit:
            return files, ""
        return files[: self._limit], _token(files[self._limit])


def rule_labels(rule: AlarmRule) -> dict[str, str]:
    """The labels of a rule itself, which its alerts have besides their own."""
    return {**dict(rule.labels), "severity": rule.severity.value}


def rule_file(rule: AlarmRule) -> str:
    """The file that a rule stands in, which is its group too."""
    return rule.place.rpartition(":")[0]


def _conditions(selector: str) -> _Conditions:
    try:
        tree = parse(selector)
    except QuerySyntaxError as error:
        raise InvalidParameter("match[]", error.message) from error
    if not isinstance(tree, VectorSelector):
        raise InvalidParameter("match[]", f"{selector!r} is not a selector of labels")
    return [
        (matcher.name, compile_matcher(matcher))
        for matcher in tree.matchers
        if matcher.name != METRIC_NAME
    ]


def _group_limit(arguments: Arguments) -> int:
    """The most groups of an answer; 0 without a limit."""
    text = arguments.text("group_limit")
    if not text and arguments.text("group_next_token"):
        raise InvalidParameter(
            "group_limit", "group_limit needs to be present in order to paginate over the groups"
        )
    limit = arguments.limit("group_limit")
    if text and not limit:
        raise InvalidParameter("group_limit", "group_limit needs to be greater than 0")
    return limit


def _token(file: str) -> str:
    """What stands for a group in ``groupNextToken``."""
    return sha1(file.encode(), usedforsecurity=False).hexdigest()
