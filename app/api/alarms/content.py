"""Alarms as JSON: what the routes have in common."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from app.alarms.rules import (
    AlarmRule,
    AlarmRules,
    ExpressionSource,
    MetricSource,
    QuarantineSource,
    Source,
)
from app.labels import LabelSet
from app.query.prometheus.naming import ACCOUNT, REGION, classic_labels
from app.storage import AcknowledgementRow, IncidentRow, SilenceRow

_PERIODS_AROUND = 30
"""Periods before and after a transition that its link to the data shows."""


def rules_by_name(rules: AlarmRules) -> Mapping[str, AlarmRule]:
    """The rules in force by name."""
    return {rule.name: rule for rule in rules.rules}


def severity_of(rule: AlarmRule | None, entity: LabelSet) -> str | None:
    """The severity of an entity; None when the rule is gone."""
    if rule is None:
        return None
    effective = rule.for_entity(entity)
    return (effective.severity if effective else rule.severity).value


def datapoints_content(
    datapoints: Iterable[tuple[int, float | None]],
) -> list[list[int | float | None]]:
    """Pairs of the end of a period, in milliseconds, and its value."""
    return [[at_ms, value] for at_ms, value in datapoints]


def source_content(source: Source) -> dict[str, object]:
    """What a rule watches, under the key that it has in a rule file."""
    match source:
        case MetricSource(namespace, name, statistic, dimensions):
            metric = {
                "namespace": namespace,
                "name": name,
                "statistic": statistic,
                "dimensions": dict(dimensions),
            }
            return {"metric": metric}
        case ExpressionSource(expression):
            return {"expression": expression}
        case QuarantineSource(counted):
            return {"quarantined": counted}


def data_link(rule: AlarmRule, entity: LabelSet, since_ms: int) -> str:
    """Where the data around a transition are read, relative to the server."""
    period_ms = rule.condition.period_ms
    around = (_PERIODS_AROUND + rule.condition.evaluation_periods) * period_ms
    start, end = since_ms - around, since_ms + _PERIODS_AROUND * period_ms
    match rule.source:
        case MetricSource(namespace, name, statistic, dimensions):
            labels = dict(entity)
            names = [*rule.for_each, *(each for each, _ in dimensions)]
            # The labels of a series are named after its dimensions, whatever their values are.
            shown = classic_labels((each, each) for each in names)
            query = [
                ("namespace", namespace),
                ("metric", name),
                ("statistic", statistic),
                ("account", labels.get(ACCOUNT, "")),
                ("region", labels.get(REGION, "")),
                *(
                    ("dimension", f"{each}:{labels.get(label, '')}")
                    for label, each in shown.items()
                ),
                ("period", str(period_ms // 1000)),
                ("start", str(start)),
                ("end", str(end)),
            ]
            return f"/api/v1/statistics?{urlencode([pair for pair in query if pair[1]])}"
        case ExpressionSource(expression):
            query = [
                ("query", expression),
                ("start", str(start // 1000)),
                ("end", str(end // 1000)),
                ("step", str(period_ms // 1000)),
            ]
            return f"/prometheus/api/v1/query_range?{urlencode(query)}"
        case QuarantineSource():
            return "/api/v1/quarantine"


def history_link(rule: str, entity: LabelSet) -> str:
    """Where the transitions of an entity are read."""
    labels = [("label", f"{name}:{value}") for name, value in entity]
    return f"/api/v1/alarms/history?{urlencode([('rule', rule), *labels])}"


def incident_link(incident_id: int) -> str:
    """Where an incident is read."""
    return f"/api/v1/alarms/incidents/{incident_id}"


def incident_content(
    incident: IncidentRow, acknowledgement: AcknowledgementRow | None
) -> dict[str, object]:
    """An incident; its times are those of the data."""
    return {
        "id": incident.incident_id,
        "rule": incident.rule,
        "severity": incident.severity,
        "state": incident_state(incident),
        "started": incident.started_ms,
        "ended": incident.ended_ms,
        "withdrawn": incident.withdrawn,
        "entity": dict(incident.entity),
        "labels": dict(incident.labels),
        "summary": incident.summary,
        "reason": incident.reason,
        "value": incident.value,
        "acknowledgement": acknowledgement_content(acknowledgement),
        "history": history_link(incident.rule, incident.entity),
    }


def incident_state(incident: IncidentRow) -> str:
    """``open`` or ``ended``."""
    return "open" if incident.ended_ms is None else "ended"


def acknowledgement_content(row: AcknowledgementRow | None) -> dict[str, object] | None:
    """Who has seen to an incident, and when."""
    if row is None:
        return None
    return {"at": row.acknowledged_ms, "by": row.acknowledged_by, "comment": row.comment}


def silence_content(silence: SilenceRow, now_ms: int) -> dict[str, object]:
    """A silence; its times are those of our clock."""
    state = "active"
    if silence.ends_ms <= now_ms:
        state = "expired"
    elif silence.starts_ms > now_ms:
        state = "pending"
    matchers = [
        {"name": name, "operator": operator, "value": value}
        for name, operator, value in silence.matchers
    ]
    return {
        "id": silence.silence_id,
        "state": state,
        "matchers": matchers,
        "starts": silence.starts_ms,
        "ends": silence.ends_ms,
        "comment": silence.comment,
        "created_by": silence.created_by,
        "created": silence.created_ms,
    }
