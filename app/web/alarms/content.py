"""Alarms as pages show them, in plain values."""

from collections import Counter
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from app.alarms.numbers import number_text
from app.alarms.reasons import duration_text
from app.alarms.rules import AlarmRule, EntityRule, ExpressionSource, MetricSource, Severity
from app.alarms.states import AlarmState
from app.api.alarms.standing import StandingAlarm
from app.labels import LabelSet
from app.storage import AcknowledgementRow, AlarmRuleRow, TransitionRow
from app.web.overview.alarms import state_of

_STATES = {"OK": "good", "ALARM": "critical", "INSUFFICIENT_DATA": "unknown"}
_WORST_FIRST = [each.value for each in reversed(Severity)]
_TABLE, _ACCOUNT, _REGION = "TableName", "account", "region"


def class_of(state: str) -> str:
    """The class of states that a state of an alarm is shown as."""
    return _STATES.get(state, "unknown")


def worst_first(alarms: Sequence[StandingAlarm]) -> list[StandingAlarm]:
    """In the order of severities, and then what began last."""
    newest = sorted(alarms, key=lambda each: -each.row.since_ms)
    return sorted(newest, key=lambda each: rank(each.severity))


def rank(severity: str | None) -> int:
    """0 for the worst severity; one that is not known comes last."""
    return _WORST_FIRST.index(severity) if severity in _WORST_FIRST else len(_WORST_FIRST)


def alarm_content(alarm: StandingAlarm) -> Mapping[str, object]:
    """The state of an entity in a list."""
    row, rule, incident = alarm.row, alarm.rule, alarm.incident
    effective = rule.for_entity(row.entity) if rule else None
    return {
        "rule": row.rule,
        "has_rule": rule is not None,
        "severity": alarm.severity or "unknown",
        "severity_state": state_of(alarm.severity or ""),
        "state": row.state,
        "state_class": class_of(row.state),
        "since_ms": row.since_ms,
        "value": row.value,
        "limit": None if effective is None else limit_words(effective),
        "reason": row.reason,
        "summary": (incident.summary if incident else "") or row.reason,
        "incident": incident.incident_id if incident else None,
        "entity": entity_content(row.entity),
        "acknowledged": acknowledgement_content(alarm.acknowledgement),
        "silences": [each.silence_id for each in alarm.silences],
        "silenced_until_ms": max((each.ends_ms for each in alarm.silences), default=None),
    }


def transition_content(row: TransitionRow) -> Mapping[str, object]:
    """A transition as it is listed and told."""
    return {
        "rule": row.rule,
        "at_ms": row.at_ms,
        "from": row.from_state,
        "to": row.to_state,
        "to_class": class_of(row.to_state),
        "reason": row.reason,
        "datapoints": list(row.datapoints),
        "late": row.late,
        "evaluated_ms": row.evaluated_ms,
        "withdrawn_ms": row.withdrawn_ms,
        "withdrawn_reason": row.withdrawn_reason,
        "entity": entity_content(row.entity),
    }


def acknowledgement_content(row: AcknowledgementRow | None) -> Mapping[str, object] | None:
    """Who sees to an incident."""
    if row is None:
        return None
    return {"by": row.acknowledged_by, "at_ms": row.acknowledged_ms, "comment": row.comment}


def entity_content(entity: LabelSet) -> Mapping[str, object]:
    """An entity in words, and the page of its table where it has one."""
    labels = dict(entity)
    table, account, region = (labels.get(each, "") for each in (_TABLE, _ACCOUNT, _REGION))
    rest = [f"{name} {value}" for name, value in entity if name not in {_TABLE, _ACCOUNT, _REGION}]
    return {
        "name": table or ", ".join(value for _, value in entity) or "everything together",
        "table": f"/tables/{quote(table, safe='')}" if table and account and region else None,
        "account": account,
        "region": region,
        "more": ", ".join(rest) if table else "",
        "labels": list(entity),
    }


def limit_words(effective: EntityRule) -> str:
    """The threshold with what is compared: ``>= 80``."""
    condition = effective.condition
    return f"{condition.comparison} {number_text(condition.threshold)}"


def condition_words(rule: AlarmRule) -> str:
    """When a rule fires, in a sentence without a full stop."""
    condition = rule.condition
    period = duration_text(condition.period_ms)
    count = (
        f"{condition.datapoints_to_alarm} or more of {condition.evaluation_periods} datapoints"
        if condition.evaluation_periods > 1
        else "a datapoint"
    )
    verb = "are" if condition.evaluation_periods > 1 else "is"
    words = (
        f"{count} of {period} each {verb} {condition.comparison.words}"
        f" {number_text(condition.threshold)}"
    )
    if condition.recovery_threshold is not None:
        recovery = number_text(condition.recovery_threshold)
        words += f"; it lasts until that no longer holds for {recovery}"
    return words


def source_words(rule: AlarmRule) -> str:
    """What a rule watches."""
    match rule.source:
        case MetricSource(namespace, name, statistic, dimensions):
            fixed = "".join(f", {label} {value}" for label, value in dimensions)
            return f"{statistic} of {namespace} {name}{fixed}"
        case ExpressionSource(expression):
            return expression.strip()
        case _:
            return "records and points that could not be read"


def rule_rows(
    rules: Sequence[AlarmRule],
    evaluations: Mapping[str, AlarmRuleRow],
    alarms: Sequence[StandingAlarm],
) -> list[Mapping[str, object]]:
    """The rules with how many entities are in each state; those that fire first."""
    counts: dict[str, Counter[str]] = {}
    for alarm in alarms:
        counts.setdefault(alarm.row.rule, Counter())[alarm.row.state] += 1
    rows: list[tuple[tuple[object, ...], Mapping[str, object]]] = []
    for rule in rules:
        of_rule = counts.get(rule.name, Counter())
        evaluation = evaluations.get(rule.name)
        firing = of_rule[AlarmState.ALARM.name]
        rows.append(
            (
                (not firing, rank(rule.severity.value), rule.name),
                {
                    "name": rule.name,
                    "description": rule.description,
                    "severity": rule.severity.value,
                    "severity_state": state_of(rule.severity.value),
                    "enabled": rule.enabled,
                    "counts": [
                        (state.name, class_of(state.name), of_rule[state.name])
                        for state in (
                            AlarmState.ALARM,
                            AlarmState.INSUFFICIENT_DATA,
                            AlarmState.OK,
                        )
                    ],
                    "error": evaluation.error if evaluation else "",
                    "place": rule.place,
                },
            )
        )
    rows.sort(key=lambda item: item[0])
    return [row for _, row in rows]
