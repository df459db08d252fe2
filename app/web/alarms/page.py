"""``GET /alarms``: what fires now, and how every rule stands."""

from fastapi import APIRouter, Request, Response

from app.alarms.states import AlarmState
from app.api.alarms.standing import standing_alarms
from app.storage import read_alarm_rules
from app.web.alarms.changing import add_changes
from app.web.alarms.content import alarm_content, rule_rows, worst_first
from app.web.alarms.history import add_history
from app.web.alarms.incident import add_incident
from app.web.alarms.rule import add_rule
from app.web.alarms.selecting import SEVERITIES, STATES, selection_of
from app.web.alarms.silences import add_silences
from app.web.web import Web

MOST_SHOWN = 200


def add_alarms(router: APIRouter, web: Web) -> None:
    """Add the pages of alarms."""
    add_history(router, web)
    add_silences(router, web)
    add_incident(router, web)
    add_rule(router, web)
    add_changes(router, web)

    @router.get("/alarms")
    def show_alarms(request: Request) -> Response:
        asked = selection_of(request.query_params)
        context = web.context
        found = standing_alarms(context, asked.filter)
        with context.store.read() as connection:
            evaluations = read_alarm_rules(connection)
        rules = [
            rule
            for rule in context.alarm_rules().rules
            if asked.severity in {"", rule.severity.value} and asked.rule in {"", rule.name}
        ]
        firing = [each for each in found.alarms if each.row.state == AlarmState.ALARM.name]
        others = [
            each
            for each in found.alarms
            if each.row.state == asked.state and asked.state != AlarmState.ALARM.name
        ]
        rows = rule_rows(rules, evaluations, found.alarms)
        if asked.state:
            in_state = {each.row.rule for each in found.alarms if each.row.state == asked.state}
            rows = [row for row in rows if row["name"] in in_state]
        is_part = "part" in request.query_params
        return web.page(
            request,
            "alarms/now.html" if is_part else "alarms/page.html",
            asked=asked,
            faults=context.alarm_faults(),
            frontier_ms=found.frontier_ms,
            behind_ms=None
            if found.frontier_ms is None
            else context.clock.now_ms() - found.frontier_ms,
            firing=[alarm_content(each) for each in worst_first(firing)[:MOST_SHOWN]],
            firing_total=len(firing),
            others=[alarm_content(each) for each in worst_first(others)[:MOST_SHOWN]],
            others_total=len(others),
            insufficient=sum(
                each.row.state == AlarmState.INSUFFICIENT_DATA.name for each in found.alarms
            ),
            rules=rows,
            rules_total=len(context.alarm_rules().rules),
            severities=SEVERITIES,
            states=STATES,
        )
