"""What a rule watches, and the labels by which its entities are told apart."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.alarms import rule_values as read
from app.alarms.expressions import possible_labels, read_expression
from app.alarms.rule_values import Members
from app.alarms.rules import ExpressionSource, MetricSource, QuarantineSource, Source
from app.errors import InvalidParameter, RuleError, similar
from app.labels import label_set
from app.query.prometheus.naming import ACCOUNT, REGION, classic_labels
from app.query.statistics import STANDARD_STATISTICS, check_statistics
from app.rules.documents import Item

SOURCES = ("metric", "expression", "quarantined")
_METRIC_KEYS = ("namespace", "name", "statistic", "dimensions")
_QUARANTINED = "records"


@dataclass(frozen=True, slots=True)
class Subject:
    """A source and ``for_each``; ``labels`` are those of its entities, None if any may come."""

    source: Source
    for_each: tuple[str, ...]
    labels: tuple[str, ...] | None


def read_subject(members: Members, errors: list[RuleError]) -> Subject:
    """Read the one source of a rule. Raises ``RuleError``."""
    given = [key for key in SOURCES if key in members]
    if not given:
        raise members.item.fault("metric, expression or quarantined is missing: what to watch")
    if len(given) > 1:
        raise members[given[1]].fault(f"a rule watches one thing: {' or '.join(given)}, not both")
    for_each = _for_each(members)
    if given[0] == "metric":
        return _metric(Members(members["metric"], _METRIC_KEYS, errors), members, for_each)
    if given[0] == "expression":
        return _expression(members, for_each)
    item = members["quarantined"]
    if item.text() != _QUARANTINED:
        raise item.fault(f"{_QUARANTINED} is all that can be counted of the quarantine")
    if for_each:
        raise members["for_each"].fault("the quarantine is counted by account and region alone")
    return Subject(QuarantineSource(_QUARANTINED), (), (ACCOUNT, REGION))


def _for_each(members: Members) -> tuple[str, ...]:
    item = members.get("for_each")
    if item is None:
        return ()
    for entry in item.items():
        if entry.text() in {ACCOUNT, REGION}:
            raise entry.fault(f"{entry.text()} always tells entities apart; leave it out")
    return read.texts(item, "dimension")


def _metric(metric: Members, members: Members, for_each: Sequence[str]) -> Subject:
    statistic = _statistic(metric["statistic"])
    item = metric.get("dimensions")
    dimensions = dict(read.pairs(item)) if item else {}
    for name in for_each:
        if name in dimensions:
            raise members["for_each"].fault(f"the dimension {name} has one value in metric")
    source = MetricSource(
        _filled(metric["namespace"], "namespace"),
        _filled(metric["name"], "name of the metric"),
        statistic,
        label_set(dimensions),
    )
    # The labels of a series depend on the names of its dimensions, not on their values.
    named = classic_labels((name, "any") for name in (*for_each, *dimensions))
    return Subject(source, tuple(for_each), (ACCOUNT, REGION, *named))


def _statistic(item: Item) -> str:
    text = item.text()
    try:
        check_statistics([text])
    except InvalidParameter as error:
        exact = {each.lower(): each for each in STANDARD_STATISTICS}
        hint = similar(exact.get(text.lower(), text), STANDARD_STATISTICS, 1)
        raise item.fault(f"{error.reason}{hint}") from None
    return text


def _filled(item: Item, what: str) -> str:
    if not item.text():
        raise item.fault(f"the {what} is empty")
    return item.text()


def _expression(members: Members, for_each: Sequence[str]) -> Subject:
    item = members["expression"]
    possible = possible_labels(read_expression(item))
    source = ExpressionSource(item.text())
    if "for_each" not in members:
        return Subject(source, (), None if possible is None else tuple(sorted(possible)))
    labels = (ACCOUNT, REGION, *for_each)
    if possible is not None and possible != set(labels):
        raise members["for_each"].fault(
            f"the labels of the expression are {', '.join(sorted(possible)) or 'none'}, and those"
            f" of for_each are {', '.join(labels)}"
        )
    return Subject(source, tuple(for_each), labels)
