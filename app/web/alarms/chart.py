"""The chart of what an alarm rule watches, for one of its entities."""

from collections.abc import Mapping

from app.alarms.numbers import number_text
from app.alarms.rules import AlarmRule, MetricSource
from app.api.prometheus.rule_query import entity_query
from app.labels import LabelSet
from app.web.alarms.content import source_words


def rule_chart(rule: AlarmRule, entity: LabelSet) -> Mapping[str, object] | None:
    """The chart with the threshold of the entity; None where PromQL cannot ask for it."""
    expression = entity_query(rule, entity)
    if expression is None:
        return None
    effective = rule.for_entity(entity)
    condition = effective.condition if effective else rule.condition
    severity = (effective.severity if effective else rule.severity).value
    thresholds = [
        {
            "value": condition.threshold,
            "severity": "critical" if severity == "critical" else "warning",
            "label": f"{condition.comparison} {number_text(condition.threshold)}",
            "below": str(condition.comparison).startswith("<"),
        }
    ]
    is_metric = isinstance(rule.source, MetricSource)
    return {
        "title": source_words(rule) if is_metric else rule.name,
        "description": rule.description,
        "unit": "none",
        "type": "line",
        "stacked": False,
        "queries": [{"expression": expression, "legend": rule.name, "instant": False}],
        "thresholds": thresholds,
        "minimum": 0 if condition.threshold >= 0 else None,
        "maximum": None,
        "empty": "There are no values in this time.",
    }
