"""``GET /alarms/rules/{name}``: an alarm rule as it is in force, and its entities."""

from fastapi import APIRouter, Request, Response

from app.alarms.conditions import MissingData
from app.alarms.rules import QuarantineSource
from app.api.alarms.standing import standing_alarms
from app.api.prometheus.rule_query import rule_query
from app.storage import read_alarm_rules
from app.web.alarms.content import alarm_content, condition_words, rank, source_words
from app.web.alarms.selecting import Selection
from app.web.overview.alarms import state_of
from app.web.web import Web

MOST_SHOWN = 500
_ORDER = {"ALARM": 0, "INSUFFICIENT_DATA": 1, "OK": 2}
_MISSING = {
    MissingData.MISSING: "are passed over; INSUFFICIENT_DATA when none is left",
    MissingData.IGNORE: "leave the state as it is",
    MissingData.BREACHING: "count as breaching",
    MissingData.NOT_BREACHING: "count as within the threshold",
}


def add_rule(router: APIRouter, web: Web) -> None:
    """Add the page."""

    @router.get("/alarms/rules/{name}")
    def show_rule(request: Request, name: str) -> Response:
        rule = web.context.alarm_rules().named(name)
        found = standing_alarms(web.context, Selection(rule=name).filter)
        with web.context.store.read() as connection:
            evaluation = read_alarm_rules(connection).get(name)
        alarms = sorted(
            found.alarms,
            key=lambda each: (_ORDER[each.row.state], rank(each.severity), -each.row.since_ms),
        )
        return web.page(
            request,
            "alarms/rule.html",
            rule=rule,
            severity_state=state_of(rule.severity.value),
            watched=source_words(rule),
            condition=condition_words(rule),
            missing=_MISSING[rule.condition.missing_data],
            query=None if isinstance(rule.source, QuarantineSource) else rule_query(rule),
            evaluation=evaluation,
            include=[(label, list(patterns)) for label, patterns in rule.include.patterns],
            exclude=[(label, list(patterns)) for label, patterns in rule.exclude.patterns],
            counts=[(state, sum(each.row.state == state for each in alarms)) for state in _ORDER],
            alarms=[alarm_content(each) for each in alarms[:MOST_SHOWN]],
            total=len(alarms),
        )
