"""``rules`` and ``alerts``: alarms as Prometheus tells of alerting rules; Grafana lists them.

Sources: "Rules" and "Alerts" of Prometheus' HTTP API. A group is a file of alarm rules, and an
alarm is firing or inactive: M of N datapoints have no state in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from app.alarms.rules import AlarmRule
from app.alarms.states import AlarmState
from app.api.context import ApiContext
from app.api.json import json_response
from app.api.prometheus.arguments import read_arguments
from app.api.prometheus.described import add_route
from app.api.prometheus.rule_query import rule_query
from app.api.prometheus.rule_selection import PARAMETERS, RuleSelection, rule_file, rule_labels
from app.api.prometheus.running import QueryRunner
from app.clock import time_text
from app.storage import AlarmRuleRow, AlarmStateRow, read_alarm_rules, read_alarm_states

_NEVER = "0001-01-01T00:00:00Z"
_MOST_DIGITS = 17
_FIRING, _INACTIVE = "firing", "inactive"


@dataclass(frozen=True, slots=True)
class _Known:
    """The rules in force, and what is stored of them."""

    rules: Sequence[AlarmRule]
    firing: dict[str, list[AlarmStateRow]]
    evaluations: dict[str, AlarmRuleRow]


def add_alerting_routes(router: APIRouter, context: ApiContext, runner: QueryRunner) -> None:
    """The routes of alerting rules and of alerts."""

    def known() -> _Known:
        with context.store.read() as connection:
            rows = read_alarm_states(connection, state=AlarmState.ALARM.name)
            evaluations = read_alarm_rules(connection)
        firing: dict[str, list[AlarmStateRow]] = {}
        for row in rows:
            firing.setdefault(row.rule, []).append(row)
        return _Known(context.alarm_rules().rules, firing, evaluations)

    async def rules(request: Request) -> Response:
        async with runner.counted("rules"):
            wanted = RuleSelection(await read_arguments(request))
            return await to_thread.run_sync(lambda: _success(_rules(wanted, known())))

    async def alerts(_: Request) -> Response:
        async with runner.counted("alerts"):
            return await to_thread.run_sync(lambda: _success({"alerts": _all_alerts(known())}))

    add_route(router, "/rules", rules, "Alarm rules as alerting rules", PARAMETERS)
    add_route(router, "/alerts", alerts, "Alarms that fire")


def _rules(wanted: RuleSelection, known: _Known) -> dict[str, object]:
    by_file: dict[str, list[AlarmRule]] = {}
    for rule in filter(wanted.takes, known.rules):
        by_file.setdefault(rule_file(rule), []).append(rule)
    shown, token = wanted.page(sorted(by_file))
    data: dict[str, object] = {
        "groups": [
            _group(file, by_file[file], known, with_alerts=wanted.with_alerts) for file in shown
        ]
    }
    return {**data, "groupNextToken": token} if token else data


def _group(
    file: str, rules: Sequence[AlarmRule], known: _Known, *, with_alerts: bool
) -> dict[str, object]:
    times = [
        known.evaluations[rule.name].evaluated_ms
        for rule in rules
        if rule.name in known.evaluations
    ]
    return {
        "name": file,
        "file": file,
        "rules": [_rule(rule, known, with_alerts=with_alerts) for rule in rules],
        "interval": min(rule.condition.period_ms for rule in rules) // 1000,
        "limit": 0,
        "evaluationTime": 0,
        "lastEvaluation": time_text(max(times)) if times else _NEVER,
    }


def _rule(rule: AlarmRule, known: _Known, *, with_alerts: bool) -> dict[str, object]:
    condition = rule.condition
    evaluation = known.evaluations.get(rule.name)
    firing = known.firing.get(rule.name, [])
    annotations = {"description": rule.description, "runbook_url": rule.runbook}
    content: dict[str, object] = {
        "state": _FIRING if firing else _INACTIVE,
        "name": rule.name,
        "query": rule_query(rule),
        "duration": (condition.datapoints_to_alarm - 1) * condition.period_ms // 1000,
        "keepFiringFor": 0,
        "labels": rule_labels(rule),
        "annotations": {
            "summary": rule.message.text,
            **{name: text for name, text in annotations.items() if text},
        },
        "alerts": [_alert(rule, row) for row in firing] if with_alerts else [],
        "health": "unknown" if evaluation is None else "err" if evaluation.error else "ok",
        "evaluationTime": 0,
        "lastEvaluation": time_text(evaluation.evaluated_ms) if evaluation else _NEVER,
        "type": "alerting",
    }
    if evaluation is not None and evaluation.error:
        content["lastError"] = evaluation.error
    return content


def _all_alerts(known: _Known) -> list[dict[str, object]]:
    return [_alert(rule, row) for rule in known.rules for row in known.firing.get(rule.name, [])]


def _alert(rule: AlarmRule, row: AlarmStateRow) -> dict[str, object]:
    effective = rule.for_entity(row.entity)
    severity = (effective.severity if effective else rule.severity).value
    annotations = {
        "summary": rule.render(row.entity, row.value, AlarmState.ALARM),
        "description": rule.description,
        "reason": row.reason,
        "runbook_url": rule.runbook,
    }
    return {
        "labels": {
            **dict(rule.labels),
            **dict(row.entity),
            "alertname": rule.name,
            "severity": severity,
        },
        "annotations": {name: text for name, text in annotations.items() if text},
        "state": _FIRING,
        "activeAt": time_text(row.since_ms),
        "value": _exponent(row.value),
    }


def _exponent(value: float | None) -> str:
    """A value as Go writes it with an exponent: ``1.25e+01``; ``NaN`` without one."""
    if value is None:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    texts = (f"{value:.{precision}e}" for precision in range(_MOST_DIGITS))
    # Seventeen digits always read back.
    return next(text for text in texts if float(text) == value)


def _success(data: object) -> Response:
    return json_response({"status": "success", "data": data})
