"""Alarm rules in force, with their effective settings and how their evaluation stands."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.alarms.conditions import Condition
from app.alarms.patterns import LabelPatterns
from app.alarms.rules import AlarmRule, Override, overridden
from app.alarms.states import AlarmState
from app.api.alarms.content import source_content
from app.api.context import ApiContext
from app.api.json import json_response
from app.storage import (
    AlarmRuleRow,
    read_alarm_frontier,
    read_alarm_rules,
    read_alarm_states,
)

_MILLISECONDS = 1000


def add_rules_route(router: APIRouter, context: ApiContext) -> None:
    """``GET /api/v1/alarms/rules``."""

    @router.get("/rules", summary="Alarm rules, their settings and how they stand")
    def list_rules(
        rule: Annotated[str | None, Query(description="Name of an alarm rule")] = None,
    ) -> Response:
        rules = context.alarm_rules()
        chosen = rules.rules if rule is None else (rules.named(rule),)
        with context.store.read() as connection:
            frontier = read_alarm_frontier(connection)
            evaluations = read_alarm_rules(connection)
            states = read_alarm_states(connection, rule=rule)
        counts: dict[str, Counter[str]] = {}
        for row in states:
            counts.setdefault(row.rule, Counter())[row.state] += 1
        items = [
            _content(each, evaluations.get(each.name), counts.get(each.name, Counter()))
            for each in chosen
        ]
        return json_response(
            {"evaluated": frontier, "rules": items, "faults": list(context.alarm_faults())}
        )


def _content(
    rule: AlarmRule, evaluation: AlarmRuleRow | None, counts: Counter[str]
) -> dict[str, object]:
    return {
        "name": rule.name,
        "description": rule.description,
        "severity": rule.severity.value,
        "runbook": rule.runbook,
        "place": rule.place,
        **source_content(rule.source),
        "for_each": rule.for_each,
        "include": _patterns(rule.include),
        "exclude": _patterns(rule.exclude),
        **_condition(rule.condition),
        "enabled": rule.enabled,
        "labels": dict(rule.labels),
        "message": rule.message.text,
        "channels": rule.channels,
        "overrides": [_override(rule, each) for each in rule.overrides],
        "entities": {state.name: counts[state.name] for state in AlarmState},
        "evaluated": evaluation.evaluated_ms if evaluation else None,
        "error": (evaluation.error or None) if evaluation else None,
    }


def _condition(condition: Condition) -> dict[str, object]:
    """Periods and durations in seconds."""
    stale = condition.stale_periods
    return {
        "comparison": condition.comparison.value,
        "threshold": condition.threshold,
        "recovery_threshold": condition.recovery_threshold,
        "period": condition.period_ms // _MILLISECONDS,
        "evaluation_periods": condition.evaluation_periods,
        "datapoints_to_alarm": condition.datapoints_to_alarm,
        "missing_data": condition.missing_data.value,
        "stale_after": None if stale is None else stale * condition.period_ms // _MILLISECONDS,
    }


def _override(rule: AlarmRule, override: Override) -> dict[str, object]:
    """An override with all settings that hold for its entities."""
    return {
        "match": _patterns(override.match),
        "enabled": rule.enabled if override.enabled is None else override.enabled,
        "severity": (override.severity or rule.severity).value,
        **_condition(overridden(rule.condition, override)),
    }


def _patterns(patterns: LabelPatterns) -> dict[str, tuple[str, ...]]:
    return dict(patterns.patterns)
